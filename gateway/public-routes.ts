/** The routes of OpenAI clients, and those by which machines watch the gateway. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../shared/errors.ts';
import type { ListedModel } from '../shared/messages.ts';
import { bearerToken, type Call } from './call.ts';
import { complete } from './completions.ts';
import type { Gateway } from './gateway.ts';
import { healthOf } from './health.ts';
import { replyJson } from './reply.ts';
import type { Route } from './route-table.ts';

export function publicRoutes(gateway: Gateway): Route[] {
  return [
    { path: '/v1/chat/completions', methods: { POST: (call) => complete('chat.completions', call, gateway) } },
    { path: '/v1/embeddings', methods: { POST: (call) => complete('embeddings', call, gateway) } },
    { path: '/v1/models', methods: { GET: (call) => listModels(call, gateway) } },
    { path: '/v1/models/{id}', methods: { GET: (call) => getModel(call, gateway) } },
    { path: '/health', methods: { GET: (call) => health(call, gateway) } },
    { path: '/ready', methods: { GET: (call) => ready(call, gateway) } },
    { path: '/metrics', methods: { GET: (call) => metrics(call, gateway) } },
  ];
}

async function listModels(call: Call, gateway: Gateway): Promise<void> {
  gateway.clientKeys.authenticate(call.authorization);
  const models = await gateway.models.list();
  const data = [...models.values()].filter(isServed).map(toOpenAiModel);
  replyJson(call.down, 200, { object: 'list', data });
}

async function getModel(call: Call, gateway: Gateway): Promise<void> {
  gateway.clientKeys.authenticate(call.authorization);
  const models = await gateway.models.list();
  const model = models.get(call.id.replace(/^models\//, ''));
  if (model === undefined || !isServed(model))
    throw new GatewayError('model_not_found', {
      message: `The model '${call.id.slice(0, 200)}' does not exist.`,
      param: 'model',
    });
  replyJson(call.down, 200, toOpenAiModel(model));
}

/** Models that one of our endpoints can call. */
function isServed({ methods }: ListedModel): boolean {
  return methods.includes('generateContent') || methods.includes('embedContent');
}

/** Gemini gives no date of a model, and clients want a number. */
function toOpenAiModel({ id }: ListedModel): { id: string; object: 'model'; created: number; owned_by: string } {
  return { id, object: 'model', created: 0, owned_by: 'google' };
}

/** Alive, and what is not as it should be. Answers 200 as long as the process does: a restart mends none of it. */
function health(call: Call, gateway: Gateway): void {
  replyJson(call.down, 200, healthOf(gateway));
}

function ready(call: Call, gateway: Gateway): void {
  const isReady = gateway.dispatch.isReady && gateway.writer.isReady && !gateway.isDraining;
  replyJson(call.down, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not_ready' });
}

async function metrics(call: Call, gateway: Gateway): Promise<void> {
  const { metricsToken } = gateway.config;
  const allowed =
    metricsToken === null
      ? isLoopback(call.remoteAddress())
      : isSameSecret(bearerToken(call.authorization) ?? '', metricsToken);
  if (!allowed) throw new GatewayError('session_invalid', { message: 'Metrics need METRICS_TOKEN as a bearer token.' });
  const text = await gateway.metrics.text();
  call.down.reply(200, [['content-type', gateway.metrics.contentType]], text);
}

function isLoopback(address: string): boolean {
  return (
    address.startsWith('127.') ||
    address === '::1' ||
    address === '0000:0000:0000:0000:0000:0000:0000:0001' ||
    /^(::ffff:|0000:0000:0000:0000:0000:ffff:)7f/i.test(address) ||
    address.startsWith('::ffff:127.')
  );
}

/** Compares by digest, so that neither length nor content shows in the time taken. */
function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
