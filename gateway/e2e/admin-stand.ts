/** The admin API on a real server and a real database, without processes: what the tests of its routes stand on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { ClientKeyEntry, ClientKeyList } from '../../shared/admin-client-keys.ts';
import type {
  GeminiKeyEntry,
  GeminiKeyList,
  GeminiKeysAdded,
  GeminiKeyTested,
} from '../../shared/admin-gemini-keys.ts';
import type { AuditAnswer, LoginAnswer, UserEntry, UserList } from '../../shared/admin-people.ts';
import { FakeClock } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { makeIdSource } from '../../shared/ids.ts';
import type { ReportAnswer, StoreCommand, StoreResult } from '../../shared/messages.ts';
import type { UsageRow } from '../../shared/rows.ts';
import { openSqliteStore } from '../../workers/store/sqlite-store.ts';
import type { Store } from '../../workers/store/store.ts';
import { adminRoutes } from '../admin-routes.ts';
import { AdminSessions } from '../admin-session.ts';
import { ClientKeys } from '../client-keys.ts';
import { ClientLimits } from '../client-limits/client-limits.ts';
import { FrontServer } from '../front-server.ts';
import { Passwords } from '../people/passwords.ts';
import { Users } from '../people/users.ts';
import { KeyPool } from '../pool/key-pool.ts';
import type { ModelsResult } from '../pool/models-jobs.ts';
import { applyToPool } from '../pool/pool-loading.ts';
import { Prices } from '../prices.ts';
import { replyJson } from '../reply.ts';
import { Reports } from '../reports.ts';
import type { Route } from '../route-table.ts';

export const environmentKey = 'AIzaKeyOfTheEnvironment0001';

/** The writer without its process: the real store, and memory that follows what is committed. */
class StandWriter {
  readonly #store: Store;
  readonly #onApplied: (command: StoreCommand) => void;
  isDown = false;
  readonly commands: StoreCommand[] = [];

  constructor(store: Store, onApplied: (command: StoreCommand) => void) {
    this.#store = store;
    this.#onApplied = onApplied;
  }

  async command(command: StoreCommand): Promise<StoreResult> {
    if (this.isDown) throw new GatewayError('store_unavailable');
    if (command.op !== 'note_login' && command.op !== 'revoke_session' && command.by === undefined)
      throw new Error(`${command.op} would leave no entry in the audit log`);
    // When somebody last logged in is noted beside the answer: tests look at what was asked for.
    if (command.op !== 'note_login') this.commands.push(command);
    return this.apply(command);
  }

  /** Without a trace in what tests look at. */
  async apply(command: StoreCommand): Promise<StoreResult> {
    const [result = 'unavailable'] = await this.#store.commit([], [command]);
    if (result === 'ok') this.#onApplied(command);
    return result;
  }
}

/** All shapes at once: a field that is not there fails the test that looks at it. */
type AnswerBody = LoginAnswer &
  ClientKeyEntry &
  ClientKeyList &
  Omit<UserEntry, 'created_at'> &
  UserList &
  AuditAnswer &
  GeminiKeyEntry &
  GeminiKeyList &
  GeminiKeysAdded &
  GeminiKeyTested & { current: ClientKeyEntry } & { error: { message: string; code: string; param: string | null } };

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

type Reported = { [K in 'totals' | 'client_keys']: Extract<ReportAnswer, { report: K }> };

/** One admin API with its server; begins with the environment's key and no client keys. */
export class AdminStand {
  readonly clock = new FakeClock(Date.UTC(2026, 10, 25, 8, 0, 0));
  readonly folder = mkdtempSync(join(tmpdir(), 'gemini-pool-admin-'));
  readonly clientKeys = new ClientKeys(this.clock);
  readonly clientLimits = new ClientLimits(this.clock);
  readonly users = new Users();
  readonly prices = new Prices();
  readonly pool = new KeyPool(this.clock);
  readonly writer: StandWriter;
  readonly reported: Reported = {
    totals: { report: 'totals', totals: { requests: 7, inputTokens: 100, outputTokens: 23, costNano: 0, unpriced: 0 } },
    client_keys: { report: 'client_keys', byClientKey: {} },
  };
  /** What Google says of a key that is probed. */
  probed: (id: string) => ModelsResult | null = () => ({ models: [] });
  /** What was logged about changes. */
  readonly changes: object[] = [];
  readonly routes: Route[];
  readonly sessions: AdminSessions;
  readonly #server: FrontServer;
  readonly #store: Store;
  readonly #reports: Reports;
  base = '';
  token = '';

  constructor() {
    const log = pino({ level: 'silent' });
    const nextId = makeIdSource(this.clock);
    const config = { adminUsername: 'admin', adminPassword: 'correct horse', jwtSecret: 'a long secret of the tests' };
    const databasePath = join(this.folder, 'pool.db');
    this.#store = openSqliteStore({ databasePath, synchronous: 'normal', encryptionKey: null }).store;
    this.#reports = new Reports(databasePath, log);
    this.writer = new StandWriter(this.#store, (command) => {
      this.clientKeys.apply(command);
      this.clientLimits.apply(command);
      this.users.apply(command);
      this.prices.apply(command);
      applyToPool(command, this.pool, { forget: () => {} });
    });
    const { clock, users } = this;
    // Quick hashes: how slow they are is tested where they are made.
    const passwords = new Passwords({ N: 2, r: 1, p: 1 });
    this.sessions = new AdminSessions(config, { clock, users, log, passwords });
    this.pool.add({ id: 'env-1', key: environmentKey, source: 'environment' });
    this.routes = adminRoutes(
      {
        clock: this.clock,
        nextId,
        clientKeys: this.clientKeys,
        clientLimits: this.clientLimits,
        users,
        pool: this.pool,
        prices: this.prices,
        writer: this.writer,
        relay: { inFlight: 3 },
        poolParts: { probes: { probe: async (id) => this.probed(id) } },
        reports: {
          ask: async (report) => this.reported[report],
          query: (query) => this.#reports.query(query),
        },
        log: { info: (fields) => void this.changes.push(fields) },
      },
      this.sessions,
    );
    this.#server = new FrontServer({
      routes: [...this.routes, this.#clientRoute()],
      corsOrigins: ['*'],
      nextId,
      closesConnections: () => false,
      log,
    });
  }

  /** Puts rows into the database, as the writer does. */
  async record(rows: readonly UsageRow[]): Promise<void> {
    await this.#store.commit(rows, []);
  }

  async start(): Promise<void> {
    this.base = `http://127.0.0.1:${await this.#server.listen('127.0.0.1', 0)}`;
    this.token = (await this.login('correct horse')).body.token;
  }

  async stop(): Promise<void> {
    this.#server.close();
    await this.#reports.stop();
    await this.#store.close();
    rmSync(this.folder, { recursive: true });
  }

  /** Deletes client keys and users, and forgets commands and logged changes. */
  async clear(): Promise<void> {
    for (const { id } of this.clientKeys.all()) await this.writer.apply({ op: 'delete_client_key', id });
    for (const { id } of this.users.all()) await this.writer.apply({ op: 'delete_user', id });
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
