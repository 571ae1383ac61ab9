/** nginx as a plain proxy in front of the simulator: what the same bytes cost when nobody looks at them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinnedTo } from './pinning.ts';

export interface RunningNginx {
  port: number;
  /** Process ids of the master and its workers. */
  pid: number;
  stop(): Promise<void>;
}

/**
 * Starts nginx with one worker on a free port, on the CPUs named. Rejects when it is not installed (Debian's package
 * `nginx-light`).
 */
export async function startNginx(upstreamPort: number, cpus: string | undefined): Promise<RunningNginx> {
  const folder = mkdtempSync(join(tmpdir(), 'gemini-pool-nginx-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), nginxConf(folder, port, upstreamPort));
  const pinned = pinnedTo(cpus, ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')]);
  const child = spawn(pinned.command, pinned.commandArguments, {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', () => reject(new Error('nginx is not installed; on Debian: apt-get install nginx-light')));
    child.once('spawn', resolve);
  });
  await accepting(port, child);
  return {
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function nginxConf(folder: string, port: number, upstreamPort: number): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 20000; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream simulator { server 127.0.0.1:${upstreamPort}; keepalive 1024; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 100m;
    client_body_buffer_size 16m;
    location / {
      proxy_pass http://simulator;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** Resolves when the port accepts connections; rejects when the process is gone first. */
export function accepting(port: number, child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const attempt = (): void => {
      if (child.exitCode !== null) {
        reject(new Error(`${child.spawnfile} ended with code ${child.exitCode}`));
        return;
      }
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => {
        socket.destroy();
        resolve();
      });
      socket.once('error', () => setTimeout(attempt, 50));
    };
    attempt();
  });
}
