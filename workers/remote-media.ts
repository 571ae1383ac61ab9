/**
 * Media that a message names by URL, downloaded so that they can be sent to Gemini inline. The URL is the client's: it
 * leads to public addresses only, no redirect is followed, nothing is inflated, and size, time and type are bounded.
 */
import { isUtf8 } from 'node:buffer';
import { Client, type Dispatcher, errors } from 'undici';
import { GatewayError } from '../shared/errors.ts';
import { limits } from '../shared/limits.ts';
import { DnsLookup, DownloadFault, type HostLookup, pinnedLookup, resolveHost } from './address-guard.ts';
import { readBase64, readDataUri } from './translation/media.ts';

export interface RemoteMediaOptions {
  /** Lifts the guard on addresses. For tests on loopback; nothing in the configuration may set it. */
  allowPrivate: boolean;
  connectTimeoutMs: number;
  /** Takes http URLs too. */
  allowHttp?: boolean;
  /** Takes any port instead of 443, and 80 for http. */
  allowAnyPort?: boolean;
  /** From the call to the last byte, lookup included. */
  deadlineMs?: number;
  bytesMax?: number;
  /** All addresses of a name; DNS unless a test has its own. */
  lookup?: HostLookup;
  /** Certificates to trust instead of the usual ones, in PEM. */
  ca?: string;
}

/** A downloaded file, as it goes into a part of a message. */
export interface RemoteFile {
  mimeType: string;
  base64: string;
}

/** Enough for every signature, and a whole number of base64 groups. */
const headBytes = 24;

export class RemoteMedia {
  readonly #options: RemoteMediaOptions;
  readonly #deadlineMs: number;
  readonly #bytesMax: number;
  readonly #dns = new DnsLookup();
  readonly #running = new Set<AbortController>();
  #isClosed = false;

  constructor(options: RemoteMediaOptions) {
    this.#options = options;
    this.#deadlineMs = options.deadlineMs ?? limits.remoteMediaMsMax;
    this.#bytesMax = options.bytesMax ?? limits.remoteMediaBytesMax;
  }

  /**
   * Downloads what `param`, a path like `messages[0].content[1].image_url.url`, names by `url`. Throws `invalid_value`
   * in the client's terms. Once `signal` is aborted it throws as well; nobody is there then to read why.
   */
  async fetch(url: string, param: string, signal?: AbortSignal): Promise<RemoteFile> {
    if (this.#isClosed) throw new GatewayError('shutting_down');
    const abort = new AbortController();
    const stop = (): void => abort.abort(new DownloadFault('the request was given up'));
    const timer = setTimeout(
      () => abort.abort(new DownloadFault(`it took longer than ${this.#deadlineMs / 1000} seconds`)),
      this.#deadlineMs,
    );
    this.#running.add(abort);
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted === true) stop();
    try {
      return await this.#download(this.#checkUrl(url), abort.signal);
    } catch (error) {
      // What aborted the download is the cause, whatever then broke first.
      throw toGatewayError(abort.signal.aborted ? abort.signal.reason : error, param);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      this.#running.delete(abort);
    }
  }

  /** Ends all downloads under way with `shutting_down`. */
  close(): Promise<void> {
    this.#isClosed = true;
    for (const abort of this.#running) abort.abort(new GatewayError('shutting_down'));
    this.#dns.close();
    return Promise.resolve();
  }

  #checkUrl(text: string): URL {
    if (text.length > limits.remoteMediaUrlCharsMax)
      throw new DownloadFault(`its URL is longer than ${limits.remoteMediaUrlCharsMax} characters`);
    if (!URL.canParse(text)) throw new DownloadFault('its URL is not valid');
    const url = new URL(text);
    const { allowHttp = false, allowAnyPort = false } = this.#options;
    if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
      throw new DownloadFault(`only ${allowHttp ? 'http and https' : 'https'} URLs are downloaded`);
    if (url.username !== '' || url.password !== '') throw new DownloadFault('its URL holds a user name or a password');
    // `URL` leaves the port empty where it is the usual one of the scheme.
    if (url.port !== '' && !allowAnyPort) throw new DownloadFault('its URL names a port');
    return url;
  }

  async #download(url: URL, signal: AbortSignal): Promise<RemoteFile> {
    const { allowPrivate, lookup = this.#dns.lookup, connectTimeoutMs, ca } = this.#options;
    const addresses = await abortable(resolveHost(url.hostname, { allowPrivate, lookup }), signal);
    // A client for one call: no connection is ever shared between what different callers have asked for.
    const client = new Client(url.origin, {
      connect: { timeout: connectTimeoutMs, lookup: pinnedLookup(addresses), ...(ca === undefined ? {} : { ca }) },
      // The deadline is for everything.
      headersTimeout: 0,
      bodyTimeout: 0,
      pipelining: 1,
      maxHeaderSize: limits.upstreamHeadersBytesMax,
      allowH2: false,
    });
    try {
      const answer = await client.request({
        method: 'GET',
        path: url.pathname + url.search,
        headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'gemini-pool' },
        reset: true,
        signal,
      });
      // The error that a body ends with when its client is destroyed is no news.
      answer.body.on('error', () => {});
      const declared = checkHead(answer, this.#bytesMax);
      const bytes = await readBody(answer.body, this.#bytesMax);
      return { mimeType: decideType(declared, bytes), base64: bytes.toString('base64') };
    } finally {
      await client.destroy();
    }
  }
}

/** Rejects as soon as the signal is aborted; what comes of the promise later is dropped. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The type that the head declares, '' where the bytes have to tell it; throws for an answer whose body need not be read. */
function checkHead({ statusCode, headers }: Dispatcher.ResponseData, bytesMax: number): string {
  if (statusCode >= 300 && statusCode < 400)
    throw new DownloadFault(`it answered ${statusCode}, and redirects are not followed. Send the URL that it leads to`);
  if (statusCode !== 200) throw new DownloadFault(`it answered ${statusCode}`);
  const encoding = firstOf(headers['content-encoding']);
  if (encoding !== '' && encoding !== 'identity')
    throw new DownloadFault('it answered with a compressed body, which was not asked for');
  if (Number(firstOf(headers['content-length'])) > bytesMax) throw tooLarge(bytesMax);
  const named = firstOf(headers['content-type']).split(';', 1).join('').trim();
  if (isVague(named)) return '';
  const declared = usualName(named);
  if (!isTaken(declared)) throw notTaken(declared);
  return declared;
}

function firstOf(header: string | string[] | undefined): string {
  return (Array.isArray(header) ? (header[0] ?? '') : (header ?? '')).trim().toLowerCase();
}

async function readBody(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  if (length === 0) throw new DownloadFault('it answered with an empty body');
  return Buffer.concat(chunks, length);
}

function tooLarge(bytesMax: number): DownloadFault {
  return new DownloadFault(`it is larger than ${bytesMax} bytes. Send it as a data: URI, or a smaller one`);
}

function notTaken(type: string): DownloadFault {
  // The type is the server's text: what doesn't look like one isn't repeated.
  const shown = /^[\w.+-]{1,40}\/[\w.+-]{1,60}$/.test(type) ? type : 'of an unknown type';
  return new DownloadFault(`it is ${shown}, which Gemini does not take`);
}

/** The types that Gemini takes inline, besides every kind of audio. */
const takenTypes: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/webp',
  'image/heic',
  'image/heif',
  'application/pdf',
  'video/mp4',
  'video/mpeg',
  'video/mpg',
  'video/mov',
  'video/quicktime',
  'video/avi',
  'video/x-flv',
  'video/webm',
  'video/wmv',
  'video/3gpp',
  'text/plain',
  'text/markdown',
  'text/csv',
]);

function isTaken(type: string): boolean {
  return takenTypes.has(type) || /^audio\/[\w.+-]+$/.test(type);
}

/** Whether a declared type says nothing. */
function isVague(type: string): boolean {
  return type === '' || type === 'application/octet-stream' || type === 'binary/octet-stream';
}

/** A declared type under the name that Gemini knows it by. */
function usualName(type: string): string {
  return readDataUri(`data:${type};base64,AAAA`)?.mimeType ?? type;
}

/** The type by the declared one and the bytes; throws where they contradict each other, or tell none that is taken. */
function decideType(declared: string, bytes: Buffer): string {
  const head = bytes.subarray(0, headBytes);
  const sniffed = readBase64(head.toString('base64'))?.mimeType;
  if (sniffed !== undefined && !isTaken(sniffed)) throw notTaken(sniffed);
  if (declared === '') {
    if (sniffed === undefined) throw new DownloadFault('its type is neither declared nor known by its first bytes');
    return sniffed;
  }
  const kind = kindOf(declared);
  // Servers declare what they don't know as plain text.
  if (kind === 'text' && sniffed !== undefined) return sniffed;
  if (kind === 'text' ? !isUtf8(bytes) || bytes.includes(0) : !agrees(kind, sniffed, head))
    throw new DownloadFault(`it is declared as ${declared}, but its bytes are something else`);
  // PNG for JPEG and the like is a common mistake; of sounds and films the declaration says more than the container.
  return kind === 'image' && sniffed !== undefined ? sniffed : declared;
}

/** Sounds and films come in the same containers. */
function kindOf(type: string): string {
  return type.startsWith('video/') ? 'audio' : type.slice(0, type.indexOf('/'));
}

/** Whether bytes can be of a kind. Not every sound has a signature, but none begins like markup or JSON. */
function agrees(kind: string, sniffed: string | undefined, head: Buffer): boolean {
  if (sniffed !== undefined) return kindOf(sniffed) === kind;
  return kind === 'audio' && !/^(\xef\xbb\xbf)?\s*[<{[]/.test(head.toString('latin1'));
}

/** Every failure in the client's terms. No text of undici gets through: it names the address that was resolved. */
function toGatewayError(error: unknown, param: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const reason = error instanceof DownloadFault ? error.message : reasonOf(error);
  return new GatewayError('invalid_value', {
    message: `The ${nounOf(param)} at '${param}' could not be downloaded: ${reason}.`,
    param,
  });
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'its host could not be reached in time';
  if (/CERT|SELF_SIGNED|ALTNAME|ERR_TLS|ERR_SSL|EPROTO/.test(code)) return 'no trusted TLS connection could be made';
  if (error instanceof errors.HTTPParserError || code === 'UND_ERR_HEADERS_OVERFLOW')
    return 'its answer is not valid HTTP';
  return 'the connection failed';
}

function nounOf(param: string): string {
  return ['image', 'audio', 'video'].find((noun) => param.includes(noun)) ?? 'file';
}
