/**
 * `POST /v1/chat/completions` and `/v1/embeddings`: the life of a request, phase by phase. The body goes to a worker as it
 * came; what follows (lease, frames, row, release) is driven by the worker's messages in `exchange.ts`.
 */
import type { Job } from '../shared/messages.ts';
import { admit } from './admission.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { readJsonBody } from './request-body.ts';

/** The endpoints that workers answer, as rows and figures name them. */
export type Endpoint = 'chat.completions' | 'embeddings';

export async function complete(endpoint: Endpoint, call: Call, gateway: Gateway): Promise<void> {
  const { clock, clientKeys, config, nextId, relay } = gateway;
  const arrivedMs = clock.monotonicMs();
  const arrivedWallMs = clock.wallMs();
  const clientKey = clientKeys.authenticate(call.authorization);
  admit(gateway);
  const body = await readJsonBody(call, config.maxBodyBytes);
  const requestId = nextId();
  relay.begin(
    { requestId, clientKeyId: clientKey.id, endpoint, arrivedMs, arrivedWallMs },
    toJob(endpoint, call, { requestId, arrivedWallMs, body }),
    call.down,
  );
}

interface Received {
  requestId: string;
  arrivedWallMs: number;
  body: string | Uint8Array;
}

function toJob(endpoint: Endpoint, { isStrict }: Call, { requestId, arrivedWallMs, body }: Received): Job {
  switch (endpoint) {
    case 'chat.completions':
      return { kind: 'chat', requestId, createdSeconds: Math.floor(arrivedWallMs / 1000), isStrict, body };
    case 'embeddings':
      return { kind: 'embeddings', requestId, body };
    default:
      return endpoint satisfies never;
  }
}
