/**
 * The life of a request to the simulated API: who asks, what for, is it well-formed, may it be, what does the script
 * say, is there quota; then the answer. A request that Google would refuse is refused here, whatever the script says.
 */
import { gzipSync } from 'node:zlib';
import type { RequestRecord } from './books.ts';
import { Delivery, type DeliveryTools, deliverWhole, type Headers, type ReplySocket } from './delivery.ts';
import { compactPreset, type ErrorReply, presetReply, scriptedReply } from './error-bodies.ts';
import type { ErrorContext } from './error-presets.ts';
import { generatedTexts } from './generated-texts.ts';
import { isRetired, type Model, resolveModel } from './model-catalogue.ts';
import type { Quotas } from './quotas.ts';
import { type Target, targetOf } from './request-target.ts';
import { embeddingsText, type Work, workOf } from './request-work.ts';
import type { Scenario } from './scenario.ts';
import type { ScriptStore } from './script-store.ts';
import { planStream, planWhole } from './stream-plan.ts';

/** What the server read of a request's head. */
export interface Incoming {
  /** Lower case. */
  httpMethod: string;
  path: string;
  /** Without the question mark. */
  query: string;
  key: string;
  hasAuthorization: boolean;
}

export interface GeminiApiTools extends DeliveryTools {
  script: ScriptStore;
  quotas: Quotas;
}

/** An answer that passed all checks and waits for its scenario's delay or barrier. */
interface Ready {
  target: Target;
  model: Model | null;
  scenario: Scenario | null;
  record: RequestRecord;
  socket: ReplySocket;
  context: ErrorContext;
}

const validKey = /^(AIza|AQ\.)/;
const jsonHeaders: Headers = [
  ['content-type', 'application/json; charset=UTF-8'],
  ['vary', 'Origin, X-Origin, Referer'],
];
const answerHeaders: Headers = [...jsonHeaders, ['x-gemini-service-tier', 'standard']];
const streamHeaders: Headers = [
  ['content-type', 'text/event-stream'],
  ['content-disposition', 'attachment'],
  ['vary', 'Origin, X-Origin, Referer'],
  ['x-gemini-service-tier', 'standard'],
];
const htmlHeaders: Headers = [['content-type', 'text/html; charset=UTF-8']];
const notFoundPage =
  '<!DOCTYPE html>\n<html lang=en>\n  <title>Error 404 (Not Found)!!1</title>\n  <p><b>404.</b> <ins>That’s an error.</ins>\n';

export class GeminiApi {
  readonly #tools: GeminiApiTools;
  #responses = 0;

  constructor(tools: GeminiApiTools) {
    this.#tools = tools;
  }

  /** Answers a request; returns its record, for the server to close when the client goes. */
  handle(incoming: Incoming, body: string, socket: ReplySocket): RequestRecord {
    const { books, script, quotas } = this.#tools;
    const { httpMethod, path, query, hasAuthorization } = incoming;
    const target = targetOf(httpMethod, path);
    const key =
      incoming.key !== '' || !query.includes('key=') ? incoming.key : (new URLSearchParams(query).get('key') ?? '');
    const record = books.open(key, target?.methodName ?? '', target?.model ?? '', path, body);
    if (target === null) {
      deliverWhole(socket, record, books, { status: 404, headers: htmlHeaders, body: notFoundPage });
      return record;
    }
    const model = target.model === '' ? null : (resolveModel(target.model) ?? null);
    const context = contextOf(target, key, model);
    const refusal = refuseCaller(key, hasAuthorization, context) ?? this.#refuseModel(target, model, context);
    const work =
      refusal === null ? workOf(target, model, body, query, this.#tools.quotas.filesOf(context.key)) : refusal;
    if ('status' in work) {
      this.#fail(socket, record, work);
      return record;
    }
    const scenario = script.take(key, target.model, target.method);
    const ready: Ready = { target, model, scenario, record, socket, context };
    const requests = work.kind === 'embed' ? work.requests.length : 1;
    const isCharged = model !== null && target.method !== 'countTokens' && target.method !== 'getModel';
    const overQuota =
      isCharged && scenario?.error === undefined ? quotas.charge(key, model.id, requests, work.tokens) : null;
    this.#afterWaiting(ready, () => {
      if (scenario?.error !== undefined) this.#failAsScripted(ready, scriptedReply(scenario.error, context));
      else if (overQuota !== null) this.#fail(socket, record, overQuota);
      else if (work.kind === 'generate') this.#generate(ready, work, query);
      else this.#sendWhole(ready, work.kind === 'page' ? work.body : embeddingsText(work, model));
    });
    return record;
  }

  #refuseModel({ method, model: id }: Target, model: Model | null, context: ErrorContext): ErrorReply | null {
    if (method === 'listModels') return null;
    if (isRetired(id)) return presetReply('model_retired', context);
    if (model === null || method === 'unknown') return presetReply('not_found', context);
    if (method === 'getModel') return null;
    if (model.isClosed && this.#tools.quotas.isNewProject(context.key)) return presetReply('model_closed', context);
    const isEmbedding = method === 'embedContent' || method === 'batchEmbedContents';
    return isEmbedding === (model.kind === 'embedding') || method === 'countTokens'
      ? null
      : presetReply('not_found', context);
  }

  #afterWaiting({ scenario, record }: Ready, answer: () => void): void {
    const { pacer, barriers } = this.#tools;
    const { delayMs, holdUntilReleased, holdAfterEvents } = scenario ?? {};
    const answerIfOpen = (): void => {
      if (record.outcome === 'open') answer();
    };
    const held =
      holdUntilReleased === undefined || holdAfterEvents !== undefined
        ? answerIfOpen
        : (): void => barriers.wait(holdUntilReleased, answerIfOpen);
    if (delayMs === undefined) held();
    else pacer.after(delayMs, held);
  }

  #generate(ready: Ready, { request, tokens }: Extract<Work, { kind: 'generate' }>, query: string): void {
    const { target, model, scenario, record, socket, context } = ready;
    if (model === null) return;
    const isStream = target.method === 'streamGenerateContent';
    const { events, usage } = generatedTexts({ request, tokens, model, scenario, isStream }, this.#nextResponseId());
    record.usage = usage;
    if (!isStream) {
      this.#sendWhole(ready, events[0] ?? '{}');
      return;
    }
    const isSse = query === 'alt=sse' || new URLSearchParams(query).get('alt') === 'sse';
    const headers = withScripted(isSse ? streamHeaders : answerHeaders, scenario);
    const error = scenario === null ? '' : compactPreset(scenario.streamError ?? 'overloaded', context);
    const plan = planStream({ events, error }, isSse ? 'sse' : 'array', headers, scenario);
    new Delivery(socket, record, plan, this.#tools).start();
  }

  #sendWhole({ socket, record, scenario }: Ready, text: string): void {
    let headers = withScripted(answerHeaders, scenario);
    if (scenario?.gzip) headers = [...headers, ['content-encoding', 'gzip']];
    const body = scenario?.gzip ? gzipSync(text) : text;
    const plan = scenario === null ? null : planWhole(body, headers, scenario);
    if (plan === null) deliverWhole(socket, record, this.#tools.books, { status: 200, headers, body });
    else new Delivery(socket, record, plan, this.#tools).start();
  }

  #failAsScripted({ socket, record, scenario }: Ready, reply: ErrorReply): void {
    this.#fail(socket, record, reply, withScripted(headersOf(reply), scenario));
  }

  #fail(socket: ReplySocket, record: RequestRecord, reply: ErrorReply, headers: Headers = headersOf(reply)): void {
    if (reply.status >= 400) record.error = reply.message;
    deliverWhole(socket, record, this.#tools.books, { status: reply.status, headers, body: reply.body });
  }

  #nextResponseId(): string {
    return `sim${(++this.#responses).toString(36).padStart(12, '0')}`;
  }
}

function contextOf(target: Target, key: string, model: Model | null): ErrorContext {
  const { apiVersion, methodName } = target;
  return { key, model: target.model, resolvedModel: model?.id ?? target.model, apiVersion, method: methodName };
}

function refuseCaller(key: string, hasAuthorization: boolean, context: ErrorContext): ErrorReply | null {
  if (hasAuthorization) return presetReply('bad_credentials', context);
  if (key === '') return presetReply('unregistered', context);
  return validKey.test(key) ? null : presetReply('invalid_key', context);
}

function headersOf({ body }: ErrorReply): Headers {
  return body.startsWith('<') ? htmlHeaders : jsonHeaders;
}

function withScripted(headers: Headers, scenario: Scenario | null): Headers {
  if (scenario === null || (scenario.headers === undefined && scenario.contentType === undefined)) return headers;
  const replaced = new Map(headers);
  if (scenario.contentType !== undefined) replaced.set('content-type', scenario.contentType);
  for (const [name, value] of Object.entries(scenario.headers ?? {})) replaced.set(name.toLowerCase(), value);
  return [...replaced];
}
