/**
 * Client keys and Gemini keys in the database: what changes them, and all of them as the gateway holds them in memory.
 * Commands are to be called inside a transaction. No key is in the database in the clear.
 */
import { fingerprint } from '../../shared/ids.ts';
import type { StoreCommand, StoredState, StoreResult } from '../../shared/messages.ts';
import type { GeminiKey } from '../../shared/rows.ts';
import { type Connection, DatabaseRefused, type Statement } from './database.ts';
import { type Sealer, UnsealError } from './sealing.ts';

interface ClientKeyRow {
  id: string;
  name: string;
  hash: string;
  masked: string;
  is_active: number;
  created_at_ms: number;
}

interface GeminiKeyRow {
  id: string;
  sealed: Buffer;
}

export class KeyStore {
  readonly #sealer: Sealer;
  readonly #clientKeys: Statement<[], ClientKeyRow>;
  readonly #insertClientKey: Statement;
  readonly #updateClientKey: Statement;
  readonly #deleteClientKey: Statement;
  readonly #geminiKeys: Statement<[], GeminiKeyRow>;
  readonly #insertGeminiKey: Statement;
  readonly #deleteGeminiKey: Statement;

  constructor(connection: Connection, sealer: Sealer) {
    this.#sealer = sealer;
    this.#clientKeys = connection.prepare(
      'SELECT id, name, hash, masked, is_active, created_at_ms FROM client_keys ORDER BY created_at_ms, id',
    );
    this.#insertClientKey = connection.prepare(
      `INSERT INTO client_keys (id, name, hash, masked, is_active, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#updateClientKey = connection.prepare(
      'UPDATE client_keys SET name = coalesce(?, name), is_active = coalesce(?, is_active) WHERE id = ?',
    );
    this.#deleteClientKey = connection.prepare('DELETE FROM client_keys WHERE id = ?');
    this.#geminiKeys = connection.prepare('SELECT id, sealed FROM gemini_keys ORDER BY created_at_ms, id');
    this.#insertGeminiKey = connection.prepare(
      'INSERT INTO gemini_keys (id, fingerprint, sealed, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#deleteGeminiKey = connection.prepare('DELETE FROM gemini_keys WHERE id = ?');
  }

  /** All keys. Throws DatabaseRefused when the Gemini keys were sealed with another sealing key. */
  load(): StoredState {
    const clientKeys = this.#clientKeys.all().map(({ id, name, hash, masked, is_active, created_at_ms }) => ({
      id,
      name,
      hash,
      masked,
      isActive: is_active === 1,
      createdAtMs: created_at_ms,
    }));
    return { clientKeys, geminiKeys: this.#geminiKeys.all().map((row) => this.#open(row)) };
  }

  apply(command: StoreCommand): StoreResult {
    switch (command.op) {
      case 'create_client_key': {
        const { id, name, hash, masked, isActive, createdAtMs } = command.clientKey;
        const { changes } = this.#insertClientKey.run(id, name, hash, masked, isActive ? 1 : 0, createdAtMs);
        return changes === 1 ? 'ok' : 'exists';
      }
      case 'update_client_key': {
        const { id, name, isActive } = command;
        const active = isActive === undefined ? null : Number(isActive);
        return this.#updateClientKey.run(name ?? null, active, id).changes === 1 ? 'ok' : 'missing';
      }
      case 'delete_client_key':
        return this.#deleteClientKey.run(command.id).changes === 1 ? 'ok' : 'missing';
      case 'add_gemini_key': {
        const { id, key } = command.geminiKey;
        const sealed = this.#sealer.seal(key, id);
        const { changes } = this.#insertGeminiKey.run(id, fingerprint(key), sealed, command.createdAtMs);
        return changes === 1 ? 'ok' : 'exists';
      }
      case 'delete_gemini_key':
        return this.#deleteGeminiKey.run(command.id).changes === 1 ? 'ok' : 'missing';
      default:
        return command satisfies never;
    }
  }

  #open({ id, sealed }: GeminiKeyRow): GeminiKey {
    try {
      return { id, key: this.#sealer.unseal(sealed, id), source: 'stored' };
    } catch (error) {
      if (!(error instanceof UnsealError)) throw error;
      throw new DatabaseRefused(
        `The Gemini keys in the database were sealed with another key (${error.message}). Set ENCRYPTION_KEY to the former value, or restore the .key file beside the database.`,
        error,
      );
    }
  }
}
