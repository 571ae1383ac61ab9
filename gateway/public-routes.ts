/** The routes of OpenAI clients, and those by which machines watch the gateway. */

import type { ClientKey } from '../shared/client-key.ts';
import { GatewayError } from '../shared/errors.ts';
import type { ListedModel } from '../shared/messages.ts';
import { bearerToken, type Call } from './call.ts';
import { isModelAllowed } from './client-limits/allowed-models.ts';
import { complete } from './completions.ts';
import type { Gateway } from './gateway.ts';
import { healthOf } from './health.ts';
import { replyJson } from './reply.ts';
import type { Route } from './route-table.ts';
import { isSameSecret } from './secret-compare.ts';

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
  const { allowedModels } = authenticate(call, gateway);
  const models = await gateway.models.list();
  const data = [...models.values()]
    .filter((model) => isServed(model) && isModelAllowed(allowedModels, [model.id]))
    .map(toOpenAiModel);
  for (const [alias, target] of gateway.config.modelAliases) {
    const model = models.get(target);
    if (model !== undefined && isServed(model) && isModelAllowed(allowedModels, [alias, target]))
      data.push({ ...toOpenAiModel(model), id: alias });
  }
  replyJson(call.down, 200, { object: 'list', data });
}

async function getModel(call: Call, gateway: Gateway): Promise<void> {
  const { allowedModels } = authenticate(call, gateway);
  const models = await gateway.models.list();
  const asked = call.id.replace(/^models\//, '');
  const target = gateway.config.modelAliases.get(asked) ?? asked;
  const model = models.get(target);
  // A model that the key may not use is none for it, here as in the list.
  if (model === undefined || !isServed(model) || !isModelAllowed(allowedModels, [asked, target]))
    throw new GatewayError('model_not_found', {
      message: `The model '${call.id.slice(0, 200)}' does not exist.`,
      param: 'model',
    });
  replyJson(call.down, 200, { ...toOpenAiModel(model), id: asked });
}

/** The key of a call, whose answer will show its limits. */
function authenticate(call: Call, { clientKeys, clientLimits }: Gateway): ClientKey {
  const clientKey = clientKeys.authenticate(call.authorization);
  call.down.addHeaders(clientLimits.headers(clientKey));
  return clientKey;
}

/** Models that are called like chat models and are none: speech, music, video, robots, agents. */
const noChat = /(^|-)(tts|transcribe|live|audio|aqa|lyria|veo|omni|robotics|decision|deep-research)(-|$)/;

/** Models that one of our endpoints can call. */
function isServed(model: ListedModel): boolean {
  return endpointsOf(model).length > 0;
}

function endpointsOf({ id, methods }: ListedModel): string[] {
  const endpoints: string[] = [];
  if (methods.includes('generateContent') && !noChat.test(id)) endpoints.push('/v1/chat/completions');
  if (methods.includes('embedContent')) endpoints.push('/v1/embeddings');
  return endpoints;
}

/** OpenAI's model object. Gemini gives no date of a model, and clients want a number. */
interface OpenAiModel {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
  /** Beyond OpenAI: which endpoints take the model, and its limits in tokens. */
  endpoints: string[];
  context_window: number | null;
  max_output_tokens: number | null;
}

function toOpenAiModel(model: ListedModel): OpenAiModel {
  return {
    id: model.id,
    object: 'model',
    created: 0,
    owned_by: 'google',
    endpoints: endpointsOf(model),
    context_window: model.inputTokenLimit,
    max_output_tokens: model.outputTokenLimit,
  };
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
      ? !call.isForwarded && isLoopback(call.remoteAddress())
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
