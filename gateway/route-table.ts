/** Routes and how a path finds its own: exact paths first, then paths with one free segment, written `{id}`. */
import type { Call, Method } from './call.ts';

export type Handler = (call: Call) => void | Promise<void>;

export interface Route {
  /** As `/v1/models` or `/v1/models/{id}`. */
  path: string;
  /**
   * Of the admin API: what users of the role viewer may do. `read`, the default: what GET answers; `all`: every method,
   * since it is about their own session; `none`: nothing.
   */
  viewers?: 'read' | 'all' | 'none';
  methods: Readonly<Partial<Record<Method, Handler>>>;
}

const freeSegment = '{id}';

export interface FoundRoute {
  route: Route;
  id: string;
}

/** The route of a path; null when there is none, or when its free segment is not valid percent-encoding. */
export function findRoute(routes: readonly Route[], path: string): FoundRoute | null {
  for (const route of routes) if (route.path === path) return { route, id: '' };
  for (const route of routes) {
    const id = freeSegmentOf(route.path, path);
    if (id !== null) return { route, id };
  }
  return null;
}

/** What stands in a path where its pattern has the free segment; null when the two don't match. */
function freeSegmentOf(pattern: string, path: string): string | null {
  const at = pattern.indexOf(freeSegment);
  if (at === -1) return null;
  const after = pattern.slice(at + freeSegment.length);
  if (path.length <= at + after.length || !path.startsWith(pattern.slice(0, at)) || !path.endsWith(after)) return null;
  return decodeSegment(path.slice(at, path.length - after.length));
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
