/**
 * Sealing of the Gemini keys that are stored: AES-256-GCM, each under a nonce of its own and bound to its row's id. The
 * sealing key comes from the configuration, or from a file that is made once beside the database.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { secretBytes } from '../../shared/ids.ts';
import { DatabaseRefused } from './database.ts';

/** First byte of what is sealed, so that another way of sealing can follow. */
const format = 1;
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const overheadBytes = 1 + nonceBytes + tagBytes;

/** What is sealed does not open: it was sealed with another key, or changed. */
export class UnsealError extends Error {}

export class Sealer {
  readonly #key: KeyObject;

  /** `key` has 32 bytes. */
  constructor(key: Buffer) {
    this.#key = createSecretKey(key);
  }

  /** Seals a secret; it opens only together with the same `context`. */
  seal(secret: string, context: string): Buffer {
    const nonce = secretBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([Buffer.of(format), nonce, cipher.getAuthTag(), sealed]);
  }

  /** Opens what `seal` made. Throws an UnsealError. */
  unseal(sealed: Uint8Array, context: string): string {
    if (sealed.length < overheadBytes || sealed[0] !== format) throw new UnsealError('not sealed in a known format');
    const nonce = sealed.subarray(1, 1 + nonceBytes);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(sealed.subarray(1 + nonceBytes, overheadBytes));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(overheadBytes)), decipher.final()]).toString('utf8');
    } catch {
      throw new UnsealError('sealed with another key, or changed');
    }
  }
}

/** The sealer of a database: by the configured key (64 hex digits), else by the file `<database>.key`. */
export function openSealer(databasePath: string, encryptionKey: string | null): Sealer {
  if (encryptionKey === null) return new Sealer(readOrMakeKeyFile(`${databasePath}.key`));
  const key = Buffer.from(encryptionKey, 'hex');
  if (key.length !== keyBytes) throw new DatabaseRefused('ENCRYPTION_KEY must be 32 bytes.');
  return new Sealer(key);
}

function readOrMakeKeyFile(path: string): Buffer {
  try {
    return readKeyFile(path) ?? makeKeyFile(path);
  } catch (error) {
    if (error instanceof DatabaseRefused) throw error;
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new DatabaseRefused(`The key file ${path} cannot be used: ${reason}.`, error);
  }
}

function readKeyFile(path: string): Buffer | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  try {
    // Windows has no such modes.
    if (process.platform !== 'win32' && (fstatSync(file).mode & 0o077) !== 0)
      throw new DatabaseRefused(`The key file ${path} can be read by others. Run: chmod 600 ${path}`);
    const text = readFileSync(file, 'utf8').trim();
    if (!/^[0-9a-f]{64}$/.test(text))
      throw new DatabaseRefused(
        `The key file ${path} does not hold a key of 64 hex digits. Restore it from a backup; if no Gemini keys were added in the panel, delete it.`,
      );
    return Buffer.from(text, 'hex');
  } finally {
    closeSync(file);
  }
}

/** Made whole under another name and then renamed: a key file that is there is never half a key. */
function makeKeyFile(path: string): Buffer {
  const key = secretBytes(keyBytes);
  const unfinished = `${path}.new`;
  // Left by a process that was killed here; the writer's lock keeps others away.
  rmSync(unfinished, { force: true });
  const file = openSync(unfinished, 'wx', 0o600);
  try {
    writeSync(file, `${key.toString('hex')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, path);
  syncFolder(dirname(path));
  return key;
}

/** So that a power cut can't take the key file away from under keys that were sealed with it. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
