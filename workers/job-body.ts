/** The body of a request as the gateway hands it on: text, or bytes in memory that both threads see. */
import { type LiftedBody, liftData, toText } from './translation/lifted-data.ts';

/** The body as text. The gateway has checked that it is UTF-8. */
export function textOfBody(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : toText(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
}

/** The body as text without its large data. */
export function liftedBody(body: string | Uint8Array): LiftedBody {
  return typeof body === 'string' ? { text: body, data: null } : liftData(body);
}
