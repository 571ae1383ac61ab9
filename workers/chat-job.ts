/**
 * One chat completion in a worker: planned, then answered by a call of Gemini for each choice. When a model is overloaded
 * or has no key left, the models that the operator named for that are asked instead.
 */
import type { PlainError } from '../shared/errors.ts';
import { answered } from '../shared/key-outcome.ts';
import type { TokenUsage } from '../shared/usage.ts';
import { ChatChoice, type ChoiceOwner } from './chat-choice.ts';
import type { JobContext } from './job-context.ts';
import type { AnswerIds } from './translation/answer-context.ts';
import { type ChatBody, type ChatPlan, planParsedChat, type TranslateOptions } from './translation/chat-request.ts';
import { type EndedChoice, endCompletion } from './translation/chat-response.ts';
import { endStream, type StreamedChoice } from './translation/chat-stream.ts';
import type { ChatEnding } from './translation/choice.ts';
import type { ToolLists } from './translation/tool-lists.ts';
import { addUsage } from './translation/usage-mapping.ts';
import type { WorkerJob } from './worker-job.ts';

/** How chats are translated, and what stands in for a model. */
export interface ChatOptions {
  translate: TranslateOptions;
  /** By model, the others in the order in which they are asked. */
  fallbacks: ReadonlyMap<string, readonly string[]>;
  /** Lists of tools that were seen before. */
  toolLists: ToolLists;
}

/** What a chat job is made of, apart from its body. */
export interface ChatParts {
  id: number;
  ids: AnswerIds;
  options: ChatOptions;
  context: JobContext;
}

/** Errors after which another model may do better. */
const othersMayServe: ReadonlySet<string> = new Set(['upstream_overloaded', 'keys_resting']);

/** Up to this size, a stream that was whole at once goes to the client in one piece. */
const onePieceCharsMax = 16_384;

/** Constructing it plans the chat, and throws what makes that impossible. */
export class ChatJob implements WorkerJob, ChoiceOwner {
  readonly #id: number;
  readonly #ids: AnswerIds;
  readonly #options: ChatOptions;
  readonly #context: JobContext;
  /** Kept only while another model may have to be asked the same. */
  #body: ChatBody | null;
  #plan: ChatPlan;
  /** Models still to be asked. */
  #fallbacks: readonly string[];
  /** The first call's number of the choices at hand: calls of a model given up keep theirs. */
  #firstCall = 0;
  #choices: ChatChoice[] = [];
  #answered = 0;
  /** Chars of all chunks posted. */
  #framesChars = 0;
  #isOver = false;

  constructor(body: ChatBody, { id, ids, options, context }: ChatParts) {
    this.#id = id;
    this.#ids = ids;
    this.#options = options;
    this.#context = context;
    this.#plan = planParsedChat(body, options.translate);
    this.#fallbacks = options.fallbacks.get(this.#plan.model) ?? [];
    this.#body = this.#fallbacks.length > 0 ? body : null;
  }

  start(): void {
    this.#answered = 0;
    // Another model is better than a wait.
    const mayWait = this.#fallbacks.length === 0;
    this.#choices = Array.from(
      { length: this.#plan.choices },
      (_, index) =>
        new ChatChoice(this.#id, this.#firstCall + index, index, this.#plan, this.#ids, mayWait, this.#context, this),
    );
    for (const { attempts } of this.#choices) attempts.start();
  }

  lease(call: number, leaseId: number, key: string): void {
    const choice = this.#choices[call - this.#firstCall];
    if (choice !== undefined) choice.attempts.lease(leaseId, key);
    else this.#context.outbox.post({ t: 'outcome', id: this.#id, leaseId, outcome: unused });
  }

  noLease(call: number, error: PlainError): void {
    this.#choices[call - this.#firstCall]?.attempts.noLease(error);
  }

  pause(): void {
    for (const { attempts } of this.#choices) attempts.pause();
  }

  resume(): void {
    for (const { attempts } of this.#choices) attempts.resume();
  }

  cancel(): void {
    const usage = this.#usage();
    this.#end();
    this.#context.outbox.post({ t: 'cancelled', id: this.#id, usage });
  }

  onFrames(text: string): void {
    this.#framesChars += text.length;
    this.#context.outbox.postFrames(this.#id, text);
  }

  onAnswered(leaseId: number, promptTokens: number | null): void {
    this.#answered++;
    if (this.#answered < this.#choices.length) {
      this.#context.outbox.post({ t: 'outcome', id: this.#id, leaseId, outcome: answered(promptTokens) });
      return;
    }
    const { tail, ...ending } = this.#ending();
    this.#end();
    const head =
      this.#framesChars > onePieceCharsMax ? '' : this.#context.outbox.takeBackFrames(this.#id, this.#framesChars);
    const whole = head + tail;
    this.#context.outbox.post({ t: 'done', id: this.#id, leaseId, promptTokens, tail: whole, ...ending });
  }

  /** One choice without an answer is a request without one. */
  onGaveUp(error: PlainError): void {
    if (this.#isOver) return;
    const usage = this.#usage();
    const mayFallBack = othersMayServe.has(error.code) && !this.#choices.some(({ started }) => started);
    if (mayFallBack && this.#fallBack()) return;
    this.#end();
    this.#context.outbox.post({ t: 'failed', id: this.#id, error, usage });
  }

  /** Asks the next model that stands in, if there is one that can be asked the same. */
  #fallBack(): boolean {
    const [model, ...others] = this.#fallbacks;
    if (model === undefined || this.#body === null) return false;
    this.#fallbacks = others;
    const { modelAsked } = this.#plan;
    try {
      const aliases = new Map([[modelAsked, model]]);
      const plan = planParsedChat(this.#body, { ...this.#options.translate, aliases });
      this.#plan = { ...plan, warnings: [...plan.warnings, `model=${model}`] };
    } catch {
      // What this model can't be asked, the next perhaps can.
      return this.#fallBack();
    }
    for (const { attempts } of this.#choices) attempts.cancel();
    this.#firstCall += this.#choices.length;
    this.start();
    return true;
  }

  #ending(): ChatEnding {
    if (this.#plan.stream) return endStream(atLeastOne(this.#choices.map(({ streamed }) => streamed)));
    const ended = atLeastOne<EndedChoice>(this.#choices.map(({ whole }) => whole));
    return endCompletion(ended, this.#plan.answer, this.#ids);
  }

  #end(): void {
    this.#isOver = true;
    for (const { attempts } of this.#choices) attempts.cancel();
    this.#context.onOver(this.#id);
  }

  /** What had been used by then, over all choices. */
  #usage(): TokenUsage | null {
    return this.#choices.reduce<TokenUsage | null>((sum, { usage }) => {
      if (usage === null) return sum;
      return sum === null ? usage : addUsage(sum, usage);
    }, null);
  }
}

/** Nothing was sent with it. */
const unused = { kind: 'neutral', reason: 'unused', isFree: true } as const;

function atLeastOne<T extends StreamedChoice | EndedChoice>(choices: readonly (T | null)[]): [T, ...T[]] {
  const [first, ...others] = choices.filter((choice) => choice !== null);
  if (first === undefined) throw new Error('an answer has at least one choice');
  return [first, ...others];
}
