/** The admin API on a real server, with memory that follows a fake database: what the tests of its routes stand on. */
import pino from 'pino';
import type { ClientKeyEntry, ClientKeyList, GeminiKeyList, LoginAnswer } from '../../shared/admin-wire.ts';
import { FakeClock } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { makeIdSource } from '../../shared/ids.ts';
import type { ReportAnswer, ReportQuery, StoreCommand, StoreResult } from '../../shared/messages.ts';
import { adminRoutes } from '../admin-routes.ts';
import { AdminSessions } from '../admin-session.ts';
import { ClientKeys } from '../client-keys.ts';
import { FrontServer } from '../front-server.ts';
import { applyToPool } from '../gemini-keys.ts';
import { KeyPool } from '../key-pool.ts';
import { replyJson } from '../reply.ts';
import type { Route } from '../route-table.ts';

export const environmentKey = 'AIzaKeyOfTheEnvironment0001';

/** The database as the gateway sees it: unique hashes and keys, and memory that follows what is committed. */
class FakeWriter {
  readonly #clientKeys: ClientKeys;
  readonly #pool: KeyPool;
  isDown = false;
  readonly commands: StoreCommand[] = [];

  constructor(clientKeys: ClientKeys, pool: KeyPool) {
    this.#clientKeys = clientKeys;
    this.#pool = pool;
  }

  async command(command: StoreCommand): Promise<StoreResult> {
    if (this.isDown) throw new GatewayError('store_unavailable');
    this.commands.push(command);
    const result = this.#resultOf(command);
    if (result === 'ok') {
      this.#clientKeys.apply(command);
      applyToPool(command, this.#pool, { forget: () => {} });
    }
    return result;
  }

  #resultOf(command: StoreCommand): StoreResult {
    switch (command.op) {
      case 'create_client_key':
        return this.#clientKeys.all().some(({ hash }) => hash === command.clientKey.hash) ? 'exists' : 'ok';
      case 'add_gemini_key':
        return this.#pool.holds(command.geminiKey.key) ? 'exists' : 'ok';
      case 'delete_gemini_key':
        return this.#pool.status().some(({ id }) => id === command.id) ? 'ok' : 'missing';
      default:
        return this.#clientKeys.get(command.id) === null ? 'missing' : 'ok';
    }
  }
}

/** All shapes at once: a field that is not there fails the test that looks at it. */
type AnswerBody = LoginAnswer &
  ClientKeyEntry &
  ClientKeyList &
  GeminiKeyList & { error: { message: string; code: string; param: string | null } };

export interface Answer {
  status: number;
  headers: Headers;
  body: AnswerBody;
}

/** What an error answer says: status, code and parameter. */
export type Refusal = [status: number, code: string, param: string | null];

export function refusal({ status, body }: Answer): Refusal {
  return [status, body.error.code, body.error.param];
}

type Reported = { [K in ReportQuery['report']]: Extract<ReportAnswer, { report: K }> };

/** One admin API with its server; begins with the environment's key and no client keys. */
export class AdminStand {
  readonly clock = new FakeClock(Date.UTC(2026, 10, 25, 8, 0, 0));
  readonly clientKeys = new ClientKeys();
  readonly pool = new KeyPool(this.clock);
  readonly writer = new FakeWriter(this.clientKeys, this.pool);
  readonly reported: Reported = {
    totals: { report: 'totals', totals: { requests: 7, inputTokens: 100, outputTokens: 23 } },
    client_keys: { report: 'client_keys', byClientKey: {} },
  };
  /** What was logged about changes. */
  readonly changes: object[] = [];
  readonly routes: Route[];
  readonly #server: FrontServer;
  base = '';
  token = '';

  constructor() {
    const log = pino({ level: 'silent' });
    const nextId = makeIdSource(this.clock);
    const config = { adminUsername: 'admin', adminPassword: 'correct horse', jwtSecret: 'a long secret of the tests' };
    this.pool.add({ id: 'env-1', key: environmentKey, source: 'environment' });
    this.routes = adminRoutes(
      {
        clock: this.clock,
        nextId,
        clientKeys: this.clientKeys,
        pool: this.pool,
        writer: this.writer,
        relay: { inFlight: 3 },
        reports: { ask: async (report) => this.reported[report] },
        log: { info: (fields) => void this.changes.push(fields) },
      },
      new AdminSessions(config, this.clock, log),
    );
    this.#server = new FrontServer({
      routes: [...this.routes, this.#clientRoute()],
      corsOrigins: ['*'],
      nextId,
      closesConnections: () => false,
      log,
    });
  }

  async start(): Promise<void> {
    this.base = `http://127.0.0.1:${await this.#server.listen('127.0.0.1', 0)}`;
    this.token = (await this.login('correct horse')).body.token;
  }

  stop(): void {
    this.#server.close();
  }

  /** Forgets client keys, commands and logged changes. */
  clear(): void {
    this.clientKeys.load([]);
    this.writer.commands.length = 0;
    this.changes.length = 0;
  }

  login(password: string): Promise<Answer> {
    return this.ask('POST', '/admin/api/auth/login', { username: 'admin', password });
  }

  /** Makes a client key. */
  async create(name = 'a key'): Promise<{ id: string; api_key: string }> {
    return (await this.ask('POST', '/admin/api/api-keys', { key_name: name })).body;
  }

  /** Sends a request with the session's token; a string body goes as it is, any other as JSON. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  }

  /** Stands for all that client keys open. */
  #clientRoute(): Route {
    return {
      path: '/v1/models',
      methods: {
        GET: (call) => {
          this.clientKeys.authenticate(call.authorization);
          replyJson(call.down, 200, {});
        },
      },
    };
  }
}
