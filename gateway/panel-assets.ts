/**
 * The panel's files, built into `dist/admin` and served from memory: one page under all its addresses, and the assets that
 * it loads, whose names change with their content. Each is there compressed already, in the forms that browsers ask for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { GatewayError } from '../shared/errors.ts';
import type { Call } from './call.ts';
import type { Headers } from './downstream.ts';
import type { Route } from './route-table.ts';

/** What the build wrote down about its files. */
const manifest = Type.Object({
  page: Type.String(),
  assets: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
});
type Manifest = Static<typeof manifest>;

/** Nothing but what the gateway itself serves is loaded, run or called; no page elsewhere may frame the panel. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const safety: Headers = [
  ['content-security-policy', policy],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=()'],
];

/** Addresses of the page: those of the original, and those that the panel's pages have themselves. */
const pagePaths = [
  '/',
  '/login.html',
  '/management.html',
  '/admin',
  '/admin/',
  '/admin/{id}',
  '/admin/client-keys/{id}',
  '/admin/requests/{id}',
];

interface Asset {
  etag: string;
  plain: Buffer;
  gzip: Buffer;
  brotli: Buffer;
  headers: Headers;
}

/** The routes of the page and its assets. Without a build the page says how to make one, and `log` gets a warning. */
export function panelPages(log: { warn(text: string): void }): Route[] {
  const folder = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? '../dist/admin/' : '../admin/', import.meta.url),
  );
  const built = readManifest(folder);
  if (built === null) log.warn('the panel is not built (npm run build): its addresses answer 503');
  const page = built === null ? null : load(folder, built.page, 'text/html; charset=utf-8', 'no-cache', safety);
  const assets = new Map(
    (built?.assets ?? []).map(({ name, type }) => [
      name,
      load(folder, name, type, 'public, max-age=31536000, immutable', [['x-content-type-options', 'nosniff']]),
    ]),
  );
  return [
    {
      path: '/admin/assets/{id}',
      methods: {
        GET: (call) => {
          const asset = assets.get(call.id);
          if (asset === undefined) throw new GatewayError('unknown_url', { message: 'There is no such asset.' });
          send(call, asset);
        },
      },
    },
    ...pagePaths.map((path): Route => ({ path, methods: { GET: (call) => showPage(call, page) } })),
  ];
}

function readManifest(folder: string): Manifest | null {
  try {
    const read: unknown = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    return Compile(manifest).Parse(read);
  } catch {
    return null;
  }
}

function load(folder: string, name: string, type: string, caching: string, more: Headers): Asset {
  const path = join(folder, name);
  const plain = readFileSync(path);
  return {
    // Names of assets carry the hash of their content; the page's own stands in the names that it loads.
    etag: readFileSync(`${path}.etag`, 'utf8'),
    plain,
    gzip: readFileSync(`${path}.gz`),
    brotli: readFileSync(`${path}.br`),
    headers: [['content-type', type], ['cache-control', caching], ['vary', 'accept-encoding'], ...more],
  };
}

function showPage(call: Call, page: Asset | null): void {
  // Machines that mistype an address of the API should not get a page for it.
  if (call.id === 'api') throw new GatewayError('unknown_url');
  if (page === null)
    call.down.reply(503, [['content-type', 'text/plain']], 'The panel is not built. Run: npm run build\n');
  else send(call, page);
}

function send({ down, acceptEncoding, ifNoneMatch }: Call, { etag, plain, gzip, brotli, headers }: Asset): void {
  const coding = takes(acceptEncoding, 'br') ? 'br' : takes(acceptEncoding, 'gzip') ? 'gzip' : null;
  const tag = `"${etag}${coding === null ? '' : `-${coding}`}"`;
  const all: Headers = [...headers, ['etag', tag]];
  if (ifNoneMatch.split(',').some((given) => given.trim().replace(/^W\//, '') === tag)) down.reply(304, all, '');
  else if (coding === null) down.reply(200, all, plain);
  else down.reply(200, [...all, ['content-encoding', coding]], coding === 'br' ? brotli : gzip);
}

/** Whether an `Accept-Encoding` names the coding, other than to refuse it. */
function takes(acceptEncoding: string, coding: string): boolean {
  return acceptEncoding
    .toLowerCase()
    .split(',')
    .map((part) => part.split(';').map((piece) => piece.trim()))
    .some(([name, quality]) => name === coding && !/^q=0(\.0*)?$/.test(quality ?? ''));
}
