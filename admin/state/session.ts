/** Who is logged in: the session's token, kept by the browser until it ends, and what its bearer may do. */
import { computed, signal } from '@preact/signals';

export interface Session {
  token: string;
  username: string;
  role: 'admin' | 'viewer';
  /** Of stored users the panel can change the password, of the environment's it can't. */
  source: 'environment' | 'stored';
  /** ISO 8601, UTC; null when the gateway did not say. */
  expiresAt: string | null;
}

const storageKey = 'gemini-pool.session';

export const session = signal<Session | null>(read());
/** Why there is no session: shown on the login page. */
export const loginNotice = signal<'expired' | 'logged_out' | null>(null);
/** A viewer sees all and changes nothing; the gateway enforces it, the panel only doesn't offer it. */
export const mayChange = computed(() => session.value?.role === 'admin');

export function begin(next: Session): void {
  session.value = next;
  loginNotice.value = null;
  store(JSON.stringify(next));
}

/** Ends the session here; the page stays where it is, so that the next login comes back to it. */
export function end(why: 'expired' | 'logged_out'): void {
  if (session.value === null) return;
  session.value = null;
  loginNotice.value = why;
  store(null);
}

// Another tab logged in or out.
addEventListener('storage', (event) => {
  if (event.key !== storageKey) return;
  const next = read();
  if (next?.token === session.value?.token) return;
  if (next === null) end('logged_out');
  else session.value = next;
});

function read(): Session | null {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? 'null');
    return isSession(value) ? value : null;
  } catch {
    return null;
  }
}

function isSession(value: unknown): value is Session {
  return typeof value === 'object' && value !== null && 'token' in value && 'username' in value && 'role' in value;
}

function store(value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, value);
  } catch {
    // Storage is forbidden: the session lasts as long as the page.
  }
}
