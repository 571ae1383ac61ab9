/** Where the panel is: the hash of the address, as `#/client-keys/abc?search=x`. */
import { computed, signal } from '@preact/signals';

export interface Place {
  page: string;
  /** The second segment; empty when there is none. */
  id: string;
  query: URLSearchParams;
}

export const pages = [
  'dashboard',
  'client-keys',
  'gemini-keys',
  'requests',
  'playground',
  'settings',
  'users',
  'account',
] as const;
export type Page = (typeof pages)[number];

// An address such as /admin/requests is the same as /admin#/requests.
if (location.hash === '' && location.pathname.startsWith('/admin/') && location.pathname.length > 7)
  window.history.replaceState(null, '', `/admin#${location.pathname.slice(6)}`);

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const place = computed<Place>(() => {
  const [path = '', query = ''] = hash.value.replace(/^#\/?/, '').split('?', 2);
  const [page = '', id = ''] = path.split('/').map(decode);
  return { page: page === '' ? 'dashboard' : page, id, query: new URLSearchParams(query) };
});

/** The address of a page, for links. */
export function href(page: Page, id = '', query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  return `#/${page}${id === '' ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`;
}

export function go(page: Page, id = '', query: Record<string, string> = {}): void {
  location.hash = href(page, id, query);
}

/** Changes parts of the query without a step in the browser's history; empty values are left out. */
export function setQuery(changes: Record<string, string>): void {
  const { page, id, query } = place.value;
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) value === '' ? next.delete(name) : next.set(name, value);
  const search = next.toString();
  window.history.replaceState(
    null,
    '',
    `#/${page}${id === '' ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`,
  );
  hash.value = location.hash;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
