/** Whether a port can be had, asked before uWebSockets.js takes it. */
import { createServer } from 'node:net';

/**
 * Rejects when something else listens on the port: uWebSockets.js would share it without either noticing. Its own flag
 * against that is none for a restart, since it also refuses a port whose last connections have just been closed.
 */
export function requireFreePort(host: string, port: number): Promise<void> {
  if (port === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () => reject(cannotListen(host, port)));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

export function cannotListen(host: string, port: number): Error {
  return new Error(`cannot listen on ${host}:${port}: the port is taken or not permitted`);
}
