/** What undici's and the system's codes mean, of a call that got no answer or lost it. */
import type { ErrorCode } from '../../shared/error-catalogue.ts';
import { GatewayError } from '../../shared/errors.ts';
import { isRecord } from '../../shared/gemini-wire.ts';
import { aboutNobody, type UpstreamVerdict } from './upstream-verdict.ts';

/** Undici's and the system's codes by what they say of the connection. */
const transportCodes: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['UND_ERR_HEADERS_TIMEOUT', 'upstream_timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'upstream_timeout'],
  ['ETIMEDOUT', 'upstream_timeout'],
  ['UND_ERR_SOCKET', 'upstream_cut'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'upstream_cut'],
  ['ECONNRESET', 'upstream_cut'],
  ['ECONNABORTED', 'upstream_cut'],
  ['EPIPE', 'upstream_cut'],
  ['UND_ERR_HEADERS_OVERFLOW', 'upstream_protocol'],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'upstream_protocol'],
  ['UND_ERR_CONNECT_TIMEOUT', 'upstream_unreachable'],
  ['ENOTFOUND', 'upstream_unreachable'],
  ['EAI_AGAIN', 'upstream_unreachable'],
  ['ECONNREFUSED', 'upstream_unreachable'],
  ['EHOSTUNREACH', 'upstream_unreachable'],
  ['ENETUNREACH', 'upstream_unreachable'],
  ['EADDRNOTAVAIL', 'upstream_unreachable'],
  // This machine's own limits: too many files, or no memory for sockets.
  ['EMFILE', 'upstream_unreachable'],
  ['ENFILE', 'upstream_unreachable'],
  ['ENOBUFS', 'upstream_unreachable'],
]);

/** What a failure below HTTP means. Unknown ones are bugs of ours and aren't tried again. */
export function classifyTransport(error: unknown): UpstreamVerdict {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = transportCodes.get(code) ?? byPrefix(code) ?? byName(error);
  if (known === undefined)
    return { error: new GatewayError('internal_error', {}, error), outcome: aboutNobody('bug'), retry: false };
  return {
    error: new GatewayError(known, {}, error),
    outcome: aboutNobody(code, known === 'upstream_unreachable'),
    retry: known === 'upstream_timeout' ? 'once' : true,
  };
}

/**
 * Whether a connection that had served before was closed before it answered: Google closes what is idle, and a request
 * may just be on its way then. Undici tells what went over the socket.
 */
export function isStaleConnection(error: unknown): boolean {
  if (!(error instanceof Error) || !('socket' in error) || !isRecord(error.socket)) return false;
  const { bytesRead } = error.socket;
  return typeof bytesRead === 'number' && bytesRead > 0;
}

function byPrefix(code: string): ErrorCode | undefined {
  if (code.startsWith('HPE_')) return 'upstream_protocol';
  if (code.startsWith('ERR_TLS_') || code.startsWith('ERR_SSL_') || /CERT|UNABLE_TO_/.test(code))
    return 'upstream_unreachable';
  return undefined;
}

/** Where undici's parser has no code for what it met, the name of its error is all there is. */
function byName(error: unknown): ErrorCode | undefined {
  return error instanceof Error && error.name === 'HTTPParserError' ? 'upstream_protocol' : undefined;
}
