/** The clients of the soak: every kind of caller that a gateway meets, good and bad, each for one request. */
import { connect, type Socket } from 'node:net';
import type { RunningGateway } from '../../../bench/running-gateway.ts';
import type { Chance } from '../chance.ts';

/** One request as its client saw it. */
export interface Seen {
  kind: string;
  how: 'whole' | 'error' | 'left' | 'cut';
  status: number;
  /** Of the answer; '' when there was none. */
  id: string;
  /** What no client should ever see; null when all was in order. */
  wrong: string | null;
}

/** Longer than anything in the soak may take: a request that is not over by then hangs. */
const hangMs = 40_000;
/** The one failure that is never Google's, a client's or a kill's: a bug. */
const bug = '"code":"internal_error"';

export interface Asker {
  gateway: RunningGateway;
  clientKey: string;
  chance: Chance;
}

type Client = (asker: Asker) => Promise<Seen>;

export const soakModels = ['gemini-3.8-flash', 'gemini-3.5-flash-lite', 'gemini-3.6-flash'] as const;
const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }];

/** By weight: most callers are ordinary. */
const kinds: readonly [weight: number, kind: string, client: Client][] = [
  [24, 'whole', (asker) => post(asker, 'whole', chat(asker, {}))],
  [24, 'stream', (asker) => post(asker, 'stream', chat(asker, { stream: true }))],
  [8, 'tools', (asker) => post(asker, 'tools', chat(asker, { stream: asker.chance() < 0.5, tools }))],
  [6, 'choices', (asker) => post(asker, 'choices', chat(asker, { stream: asker.chance() < 0.5, n: 3 }))],
  [6, 'large', (asker) => post(asker, 'large', chat(asker, {}, 300_000))],
  [8, 'embeddings', (asker) => post(asker, 'embeddings', embeddings(asker), '/v1/embeddings')],
  [8, 'leaving', leaving],
  [4, 'slow reader', slowReader],
  [4, 'bad input', badInput],
  [3, 'half a request', halfRequest],
  [2, 'slow request', slowRequest],
  [1, 'killer of threads', (asker) => post(asker, 'killer of threads', chat(asker, {}, 0, deadly(asker)))],
];
const weights = kinds.reduce((sum, [weight]) => sum + weight, 0);

export function askOnce(asker: Asker): Promise<Seen> {
  let at = asker.chance() * weights;
  for (const [weight, , client] of kinds) {
    at -= weight;
    if (at < 0) return client(asker);
  }
  return post(asker, 'whole', chat(asker, {}));
}

function chat({ chance }: Asker, more: object, chars = 0, word = 'soak'): object {
  const model = soakModels[Math.floor(chance() * soakModels.length)];
  // An answer that repeats another request's number has gone astray.
  const content = `number-${Math.floor(chance() * 1e12)}; ${word} ${'lorem '.repeat(Math.floor(chance() * 40) + chars / 6)}`;
  return { model, messages: [{ role: 'user', content }], ...more };
}

function embeddings({ chance }: Asker): object {
  const input = Array.from({ length: 1 + Math.floor(chance() * 150) }, (_, index) => `text ${index}`);
  return { model: 'gemini-embedding-001', input };
}

/** Met by the preload: the first worker thread to read it ends. */
function deadly({ chance }: Asker): string {
  return `die-once-${Math.floor(chance() * 1e9)}`;
}

async function post(
  { gateway, clientKey }: Asker,
  kind: string,
  body: object,
  path = '/v1/chat/completions',
  leave: AbortSignal | null = null,
): Promise<Seen> {
  const seen: Seen = { kind, how: 'cut', status: 0, id: '', wrong: null };
  const hang = AbortSignal.timeout(hangMs);
  const sent = JSON.stringify(body);
  try {
    const answer = await fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${clientKey}` },
      body: sent,
      signal: leave === null ? hang : AbortSignal.any([hang, leave]),
    });
    seen.status = answer.status;
    seen.id = answer.headers.get('x-request-id') ?? '';
    const text = await answer.text();
    if (answer.status !== 200) seen.how = 'error';
    else if (text.endsWith('data: [DONE]\n\n') || text.endsWith('}')) seen.how = 'whole';
    seen.wrong = wrongIn(seen.how, text, sent);
  } catch {
    if (hang.aborted) seen.wrong = 'no end came';
    else if (leave?.aborted) seen.how = 'left';
  }
  return seen;
}

/** What is wrong with an answer whose connection ended cleanly; null when nothing is. */
function wrongIn(how: Seen['how'], text: string, sent: string): string | null {
  if (text.includes(bug)) return 'a bug of the gateway';
  if (how === 'cut') return `a clean end without the end of the answer: …${text.slice(-200)}`;
  if (how === 'error') return isEnvelope(text) ? null : `an error in no envelope: ${text.slice(0, 200)}`;
  const said = [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, content]) => content).join('');
  const number = /number-\d+;/.exec(said)?.[0];
  return number === undefined || sent.includes(number) ? null : 'the answer to another request';
}

function isEnvelope(text: string): boolean {
  return /^\{"error":\{"message":".+","type":"\w+","param":(null|".*"),"code":(null|"\w+")\}\}$/s.test(text);
}

async function leaving(asker: Asker): Promise<Seen> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), asker.chance() * 80);
  const seen = await post(asker, 'leaving', chat(asker, { stream: true }), '/v1/chat/completions', abort.signal);
  clearTimeout(timer);
  return seen;
}

const nonsense: readonly ((asker: Asker) => object)[] = [
  () => ({}),
  () => ({ model: 'gemini-3.8-flash', messages: [] }),
  (asker) => chat(asker, { temperature: 99 }),
  (asker) => chat(asker, { stream: 'yes' }),
  (asker) => chat(asker, { model: `no-such-model-${Math.floor(asker.chance() * 1e6)}` }),
  (asker) => chat(asker, { tools: [{ type: 'function' }] }),
];

async function badInput(asker: Asker): Promise<Seen> {
  const make = nonsense[Math.floor(asker.chance() * nonsense.length)] ?? nonsense[0];
  return post(asker, 'bad input', make?.(asker) ?? {});
}

function rawPost({ clientKey }: Asker, body: string, announced = body.length): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: soak\r\nauthorization: Bearer ${clientKey}\r\ncontent-type: application/json\r\ncontent-length: ${announced}\r\n\r\n${body}`;
}

/** A socket that is given `bytes`; resolves when it is over, whoever ends it. */
function onSocket({ gateway }: Asker, use: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: gateway.port });
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    socket.on('close', () => resolve(text));
    use(socket);
  });
}

/** Reads a little, waits, and reads on. */
async function slowReader(asker: Asker): Promise<Seen> {
  const body = JSON.stringify(chat(asker, { stream: true }));
  const text = await onSocket(asker, (socket) => {
    socket.write(rawPost(asker, body));
    socket.once('data', () => {
      socket.pause();
      setTimeout(() => socket.resume(), 300 + asker.chance() * 700);
    });
    // The connection is kept after the answer: the client closes it.
    socket.on('data', (bytes) => {
      if (bytes.toString('latin1').endsWith('\r\n0\r\n\r\n') || bytes.includes('"error"')) socket.end();
    });
    setTimeout(() => socket.destroy(), 15_000).unref();
  });
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const id = /x-request-id: (\w+)/i.exec(text)?.[1] ?? '';
  const isWhole = status === 200 && text.includes('data: [DONE]') && text.endsWith('\r\n0\r\n\r\n');
  const wrong = text.includes(bug) ? 'a bug of the gateway' : null;
  return { kind: 'slow reader', how: isWhole ? 'whole' : status >= 400 ? 'error' : 'cut', status, id, wrong };
}

/** Announces more than it sends, and leaves. */
async function halfRequest(asker: Asker): Promise<Seen> {
  const body = JSON.stringify(chat(asker, {}));
  await onSocket(asker, (socket) => {
    socket.write(rawPost(asker, body.slice(0, body.length / 2), body.length));
    setTimeout(() => socket.destroy(), 20 + asker.chance() * 100);
  });
  return { kind: 'half a request', how: 'left', status: 0, id: '', wrong: null };
}

/** Sends its head a few bytes at a time, and gives up. */
async function slowRequest(asker: Asker): Promise<Seen> {
  const head = rawPost(asker, '').slice(0, 60);
  await onSocket(asker, (socket) => {
    let sent = 0;
    const timer = setInterval(() => {
      if (sent >= head.length || socket.destroyed) socket.destroy();
      else socket.write(head.slice(sent, sent + 6));
      sent += 6;
    }, 60);
    socket.on('close', () => clearInterval(timer));
  });
  return { kind: 'slow request', how: 'left', status: 0, id: '', wrong: null };
}
