/**
 * Commands in the database: each goes to the store of what it is about, and what it changed goes into the audit log
 * together with it. To be called inside a transaction.
 */
import type { AuditedChange } from '../../shared/audit.ts';
import { maskSecret } from '../../shared/ids.ts';
import type { GeminiKeyCommand, StoreCommand, StoredState, StoreResult } from '../../shared/messages.ts';
import { type Applied, AuditStore } from './audit-store.ts';
import { ClientKeyStore } from './client-key-store.ts';
import { readClientKeyUsage } from './client-key-usage.ts';
import type { Connection } from './database.ts';
import { KeyStore } from './key-store.ts';
import { PoolStore } from './pool-store.ts';
import { PriceStore } from './price-store.ts';
import type { Sealer } from './sealing.ts';
import { UserStore } from './user-store.ts';

export class CommandStore {
  readonly #connection: Connection;
  readonly #audit: AuditStore;
  readonly #clientKeys: ClientKeyStore;
  readonly #keys: KeyStore;
  readonly #pool: PoolStore;
  readonly #prices: PriceStore;
  readonly #users: UserStore;

  constructor(connection: Connection, sealer: Sealer) {
    this.#connection = connection;
    this.#audit = new AuditStore(connection);
    this.#clientKeys = new ClientKeyStore(connection);
    this.#keys = new KeyStore(connection, sealer);
    this.#pool = new PoolStore(connection);
    this.#prices = new PriceStore(connection);
    this.#users = new UserStore(connection);
  }

  /** What the gateway needs in memory. Throws DatabaseRefused when the Gemini keys were sealed with another sealing key. */
  load(nowMs: number): StoredState {
    return {
      clientKeys: this.#clientKeys.load(),
      clientKeyUsage: readClientKeyUsage(this.#connection, nowMs),
      ...this.#users.load(),
      ...this.#keys.load(),
      prices: this.#prices.load(),
      poolState: this.#pool.load(),
    };
  }

  apply(command: StoreCommand): StoreResult {
    const { result, change } = this.#apply(command);
    if (result === 'ok' && change !== null && command.by !== undefined) this.#audit.record(command.by, change);
    return result;
  }

  #apply(command: StoreCommand): Applied {
    switch (command.op) {
      case 'create_client_key':
      case 'update_client_key':
      case 'delete_client_key':
        return this.#clientKeys.apply(command);
      case 'create_user':
      case 'update_user':
      case 'delete_user':
      case 'end_sessions':
      case 'revoke_session':
      case 'note_login':
        return this.#users.apply(command);
      case 'save_pool_state':
        this.#pool.save(command.entries);
        return { result: 'ok', change: command.change };
      case 'create_price':
      case 'update_price':
      case 'delete_price':
        return this.#prices.apply(command);
      case 'note_in_audit':
        return { result: 'ok', change: command.change };
      default:
        return { result: this.#keys.apply(command), change: geminiKeyChange(command) };
    }
  }
}

function geminiKeyChange(command: GeminiKeyCommand): AuditedChange {
  const isNew = command.op === 'add_gemini_key';
  return {
    action: command.op,
    subject: 'gemini_key',
    subjectId: isNew ? command.geminiKey.id : command.id,
    changes: isNew ? [{ field: 'api_key', from: null, to: maskSecret(command.geminiKey.key) }] : [],
  };
}
