/** Routes and how a path finds its own: exact paths, and paths that end in one free segment, written `{id}`. */
import type { Call, Method } from './call.ts';

export type Handler = (call: Call) => void | Promise<void>;

export interface Route {
  /** As `/v1/models` or `/v1/models/{id}`. */
  path: string;
  methods: Readonly<Partial<Record<Method, Handler>>>;
}

const freeSegment = '{id}';

export interface FoundRoute {
  route: Route;
  id: string;
}

/** The route of a path; null when there is none, or when its free segment is not valid percent-encoding. */
export function findRoute(routes: readonly Route[], path: string): FoundRoute | null {
  for (const route of routes) {
    if (route.path === path) return { route, id: '' };
    if (!route.path.endsWith(freeSegment)) continue;
    const prefix = route.path.slice(0, -freeSegment.length);
    if (!path.startsWith(prefix) || path.length === prefix.length) continue;
    const id = decodeSegment(path.slice(prefix.length));
    if (id !== null) return { route, id };
  }
  return null;
}

function decodeSegment(segment: string): string | null {
  if (segment.includes('/')) return null;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** What to tell a client that asked for nothing we have: mostly a base URL with `/v1` missing or doubled. */
export function unknownUrlHint(routes: readonly Route[], method: string, path: string): string {
  const candidates = [`/v1${path}`, path.replace(/^\/v1\/v1\//, '/v1/'), path.replace(/\/+$/, '')];
  const meant = candidates.find((candidate) => candidate !== path && findRoute(routes, candidate) !== null);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}? The base URL of a client ends in /v1.`;
  return `Unknown request URL: ${method} ${path.slice(0, 200)}.${hint}`;
}
