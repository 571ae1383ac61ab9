/**
 * `POST /v1/chat/completions`: the life of a completion, phase by phase. The body goes to a worker as it came; what
 * follows (lease, frames, row, release) is driven by the worker's messages in `exchange.ts`.
 */
import { admit } from './admission.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { readJsonBody } from './request-body.ts';

export async function chatCompletions(call: Call, gateway: Gateway): Promise<void> {
  const { clock, clientKeys, config, nextId, relay } = gateway;
  const arrivedMs = clock.monotonicMs();
  const arrivedWallMs = clock.wallMs();
  const clientKey = clientKeys.authenticate(call.authorization);
  admit(gateway);
  const body = await readJsonBody(call, config.maxBodyBytes);
  const requestId = nextId();
  relay.begin(
    { requestId, clientKeyId: clientKey.id, endpoint: 'chat.completions', arrivedMs, arrivedWallMs },
    { kind: 'chat', requestId, createdSeconds: Math.floor(arrivedWallMs / 1000), body },
    call.down,
  );
}
