/** One embeddings request in a worker: its batches go to Gemini a few at a time, each with attempts of its own. */
import type { PlainError } from '../shared/errors.ts';
import { answered } from '../shared/key-outcome.ts';
import { limits } from '../shared/limits.ts';
import type { Job, LeaseWish } from '../shared/messages.ts';
import { noUsage, type TokenUsage } from '../shared/usage.ts';
import { type AnswerReader, AttemptLoop, type AttemptOwner } from './attempt-loop.ts';
import type { UpstreamRequest } from './gemini-client.ts';
import { textOfBody } from './job-body.ts';
import { failToStart, type JobContext } from './job-context.ts';
import { type EmbeddingsPlan, planEmbeddings } from './translation/embeddings-request.ts';
import { type EmbeddedVector, readEmbeddedBatch, toEmbeddingList } from './translation/embeddings-response.ts';
import type { ModelAliases } from './translation/model-name.ts';
import { addUsage } from './translation/usage-mapping.ts';
import { WholeBody } from './whole-body.ts';
import type { WorkerJob } from './worker-job.ts';

export type EmbeddingsJobSpec = Extract<Job, { kind: 'embeddings' }>;

/** Plans an embeddings request and starts it. Null when it could not be planned: its error was posted. */
export function startEmbeddingsJob(
  id: number,
  job: EmbeddingsJobSpec,
  aliases: ModelAliases,
  context: JobContext,
): WorkerJob | null {
  try {
    const embeddings = new EmbeddingsJob(id, job, planEmbeddings(textOfBody(job.body), aliases), context);
    embeddings.start();
    return embeddings;
  } catch (error) {
    failToStart(error, id, job.requestId, context);
    return null;
  }
}

class EmbeddingsJob implements WorkerJob {
  readonly #id: number;
  readonly #plan: EmbeddingsPlan;
  readonly #context: JobContext;
  readonly #batches: Batch[];
  #begun = 0;
  #answered = 0;
  #isOver = false;

  constructor(id: number, { requestId }: EmbeddingsJobSpec, plan: EmbeddingsPlan, context: JobContext) {
    this.#id = id;
    this.#plan = plan;
    this.#context = context;
    this.#batches = plan.batches.map(
      (batch, number) =>
        new Batch(id, number, requestId, plan, batch, context, {
          onAnswered: (leaseId, promptTokens) => this.#onAnswered(leaseId, promptTokens),
          onGaveUp: (error) => this.#onGaveUp(error),
        }),
    );
  }

  start(): void {
    while (this.#begun < Math.min(this.#batches.length, limits.embeddingBatchesAtOnce)) this.#beginNext();
  }

  lease(call: number, leaseId: number, key: string): void {
    this.#batches[call]?.attempts.lease(leaseId, key);
  }

  noLease(call: number, error: PlainError): void {
    this.#batches[call]?.attempts.noLease(error);
  }

  /** Nothing is sent before all is there, so there is nothing to hold back. */
  pause(): void {}

  resume(): void {}

  cancel(): void {
    const usage = this.#usage();
    this.#cancelBatches();
    this.#context.outbox.post({ t: 'cancelled', id: this.#id, usage });
  }

  #beginNext(): void {
    this.#batches[this.#begun++]?.attempts.start();
  }

  #onAnswered(leaseId: number, promptTokens: number | null): void {
    this.#answered++;
    if (this.#answered < this.#batches.length) {
      this.#context.outbox.post({ t: 'outcome', id: this.#id, leaseId, outcome: answered(promptTokens) });
      if (this.#begun < this.#batches.length) this.#beginNext();
      return;
    }
    const { encoding, modelAsked, model } = this.#plan;
    const usage = this.#usage();
    const vectors = this.#batches.flatMap((batch) => batch.vectors);
    const tail = toEmbeddingList(vectors, encoding, modelAsked, usage.prompt);
    this.#over();
    this.#context.outbox.post({
      t: 'done',
      id: this.#id,
      leaseId,
      promptTokens,
      tail,
      usage,
      finishReason: 'stop',
      modelServed: model,
    });
  }

  /** One batch without an answer is a request without one. */
  #onGaveUp(error: PlainError): void {
    if (this.#isOver) return;
    const usage = this.#usage();
    this.#cancelBatches();
    this.#context.outbox.post({ t: 'failed', id: this.#id, error, usage });
  }

  #cancelBatches(): void {
    this.#over();
    for (const { attempts } of this.#batches) attempts.cancel();
  }

  #over(): void {
    this.#isOver = true;
    this.#context.onOver(this.#id);
  }

  /** What the batches took that were answered, or are being. */
  #usage(): TokenUsage {
    return this.#batches.reduce<TokenUsage>((sum, { usage }) => (usage === null ? sum : addUsage(sum, usage)), noUsage);
  }
}

/** Whose batch it is. */
interface BatchOwner {
  onAnswered(leaseId: number, promptTokens: number | null): void;
  onGaveUp(error: PlainError): void;
}

/** One batch: what is asked, and its vectors once they are there. */
class Batch implements AttemptOwner {
  readonly requestId: string;
  readonly wish: LeaseWish;
  readonly started = false;
  readonly attempts: AttemptLoop;
  readonly #owner: BatchOwner;
  readonly #model: string;
  readonly #batch: EmbeddingsPlan['batches'][number];
  vectors: EmbeddedVector[] = [];
  #told: TokenUsage | null = null;

  constructor(
    id: number,
    number: number,
    requestId: string,
    { model, modelAsked }: EmbeddingsPlan,
    batch: EmbeddingsPlan['batches'][number],
    context: JobContext,
    owner: BatchOwner,
  ) {
    this.requestId = requestId;
    this.wish = {
      model,
      modelAsked,
      stream: false,
      warnings: '',
      cost: { requests: batch.inputs, tokens: batch.tokensGuess },
      affinity: null,
      ownedBy: null,
      mayWait: true,
    };
    this.#owner = owner;
    this.#model = model;
    this.#batch = batch;
    this.attempts = new AttemptLoop(id, number, this, context);
  }

  /** What it took; of a call without an answer yet it is guessed, and null without a call. */
  get usage(): TokenUsage | null {
    if (this.#told !== null || !this.attempts.isCalling) return this.#told;
    return { ...noUsage, prompt: this.#batch.tokensGuess, estimated: true };
  }

  toRequest(): Omit<UpstreamRequest, 'key'> {
    const path = `/models/${encodeURIComponent(this.#model)}:batchEmbedContents`;
    return { method: 'POST', path, body: this.#batch.body };
  }

  /** There is no history. */
  replaceSignatures(): boolean {
    return false;
  }

  /** Nothing is with the client before all is there. */
  resume(): 'none' {
    return 'none';
  }

  onAnswered(leaseId: number): void {
    const told = this.#told;
    this.#owner.onAnswered(leaseId, told === null || told.estimated ? null : told.prompt);
  }

  onGaveUp(error: PlainError): void {
    this.#owner.onGaveUp(error);
  }

  toReader(): AnswerReader {
    return new WholeBody((text) => {
      const { vectors, promptTokens } = readEmbeddedBatch(text, this.#batch.inputs);
      this.vectors = vectors;
      const prompt = promptTokens ?? this.#batch.tokensGuess;
      this.#told = { ...noUsage, prompt, estimated: promptTokens === null };
    });
  }
}
