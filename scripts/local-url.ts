/** Where the gateway of a configuration answers on its own host. */
import type { Config } from '../shared/config.ts';

/** Without a slash at its end. An address that stands for all of a host's is one to listen on, not to ask. */
export function localUrl({ host, port }: Config['listen']): string {
  const asked = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${asked}:${port}`;
}
