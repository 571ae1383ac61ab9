/**
 * `POST /v1/chat/completions` and `/v1/embeddings`: the life of a request, phase by phase. The body goes to a worker as it
 * came; what follows (lease, frames, row, release) is driven by the worker's messages in `exchange.ts`.
 */
import { GatewayError } from '../shared/errors.ts';
import type { Job } from '../shared/messages.ts';
import { admit, admitClient } from './admission.ts';
import type { BodyHold } from './body-memory.ts';
import type { Call } from './call.ts';
import type { Admission } from './client-limits/client-limits.ts';
import type { Gateway } from './gateway.ts';
import { readJsonBody } from './request-body.ts';

/** The endpoints that workers answer, as rows and figures name them. */
export type Endpoint = 'chat.completions' | 'embeddings';

export async function complete(endpoint: Endpoint, call: Call, gateway: Gateway): Promise<void> {
  const { clock, clientKeys, nextId, relay } = gateway;
  const arrivedMs = clock.monotonicMs();
  const arrivedWallMs = clock.wallMs();
  const clientKey = clientKeys.authenticate(call.authorization);
  admit(gateway, call.contentLength);
  const admission = admitClient(clientKey, call, gateway);
  const hold = gateway.bodies.hold();
  const body = await readAdmittedBody(call, gateway, admission, hold);
  const requestId = nextId();
  relay.begin(
    { requestId, clientKeyId: clientKey.id, endpoint, arrivedMs, arrivedWallMs, admission, hold },
    toJob(endpoint, call, { requestId, arrivedWallMs, body }),
    call.down,
  );
}

/** What was taken for the request is given back when its body is refused, and when the client leaves while it comes. */
async function readAdmittedBody(
  call: Call,
  gateway: Gateway,
  admission: Admission,
  hold: BodyHold,
): Promise<string | Uint8Array> {
  const release = (): void => {
    admission.release();
    hold.release();
  };
  call.down.whenGone(release);
  try {
    const body = await readJsonBody(call, gateway.config.maxBodyBytes, hold);
    // Its body came too late for the end of the gateway, which waits for nobody any more.
    if (gateway.relay.isEnded) throw new GatewayError('shutting_down');
    admission.sized(body.length);
    return body;
  } catch (error) {
    release();
    throw error;
  }
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
