/** The body of a request as the gateway hands it on: text, or bytes in memory that both threads see. */

/** The body as text. The gateway has checked that it is UTF-8. */
export function textOfBody(body: string | Uint8Array): string {
  return typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
}
