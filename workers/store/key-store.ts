/**
 * Gemini keys in the database: what changes them, and all of them as the gateway holds them in memory. Commands are to
 * be called inside a transaction. No key is in the database in the clear.
 */
import { fingerprint } from '../../shared/ids.ts';
import type { GeminiKeyCommand, StoredState, StoreResult } from '../../shared/messages.ts';
import type { GeminiKey } from '../../shared/rows.ts';
import { type Connection, DatabaseRefused, type Statement } from './database.ts';
import { type Sealer, UnsealError } from './sealing.ts';

interface GeminiKeyRow {
  id: string;
  sealed: Buffer;
}

export class KeyStore {
  readonly #sealer: Sealer;
  readonly #geminiKeys: Statement<[], GeminiKeyRow>;
  readonly #insertGeminiKey: Statement;
  readonly #deleteGeminiKey: Statement;

  constructor(connection: Connection, sealer: Sealer) {
    this.#sealer = sealer;
    this.#geminiKeys = connection.prepare('SELECT id, sealed FROM gemini_keys ORDER BY created_at_ms, id');
    this.#insertGeminiKey = connection.prepare(
      'INSERT INTO gemini_keys (id, fingerprint, sealed, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#deleteGeminiKey = connection.prepare('DELETE FROM gemini_keys WHERE id = ?');
  }

  /** All keys. Throws DatabaseRefused when the Gemini keys were sealed with another sealing key. */
  load(): Pick<StoredState, 'geminiKeys'> {
    return { geminiKeys: this.#geminiKeys.all().map((row) => this.#open(row)) };
  }

  apply(command: GeminiKeyCommand): StoreResult {
    switch (command.op) {
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
