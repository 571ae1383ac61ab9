/** The client keys in memory, by fingerprint: what authenticates every request. It follows the database. */
import { type ClientKey, withChanges } from '../shared/client-key.ts';
import type { Clock } from '../shared/clock.ts';
import { GatewayError } from '../shared/errors.ts';
import { fingerprint } from '../shared/ids.ts';
import type { StoreCommand } from '../shared/messages.ts';
import { bearerToken } from './call.ts';

export class ClientKeys {
  readonly #byHash = new Map<string, ClientKey>();
  readonly #byId = new Map<string, ClientKey>();
  readonly #clock: Pick<Clock, 'wallMs'>;

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
  }

  /** Replaces all keys by what the database holds. */
  load(clientKeys: readonly ClientKey[]): void {
    this.#byHash.clear();
    this.#byId.clear();
    for (const clientKey of clientKeys) this.#put(clientKey);
  }

  /** Follows a command that was committed. */
  apply(command: StoreCommand): void {
    switch (command.op) {
      case 'create_client_key':
        this.#put(command.clientKey);
        return;
      case 'update_client_key': {
        const known = this.#byId.get(command.id);
        if (known !== undefined) this.#put(withChanges(known, command.changes));
        return;
      }
      case 'delete_client_key': {
        const known = this.#byId.get(command.id);
        if (known === undefined) return;
        this.#byId.delete(known.id);
        this.#byHash.delete(known.hash);
        return;
      }
      default:
    }
  }

  all(): ClientKey[] {
    return [...this.#byId.values()];
  }

  get(id: string): ClientKey | null {
    return this.#byId.get(id) ?? null;
  }

  /** Whether a key's time is over. */
  isExpired({ expiresAtMs }: ClientKey): boolean {
    return expiresAtMs !== null && expiresAtMs <= this.#clock.wallMs();
  }

  /**
   * The key of an `Authorization` header. Throws `missing_api_key`, `invalid_api_key`, `api_key_disabled` or
   * `api_key_expired`. The look-up is by digest, so its time tells nothing about how much of a guess was right.
   */
  authenticate(authorization: string): ClientKey {
    const token = bearerToken(authorization);
    if (token === null) throw new GatewayError('missing_api_key');
    const clientKey = this.#byHash.get(fingerprint(token));
    if (clientKey === undefined) throw new GatewayError('invalid_api_key');
    if (!clientKey.isActive) throw new GatewayError('api_key_disabled');
    if (this.isExpired(clientKey)) throw new GatewayError('api_key_expired');
    return clientKey;
  }

  #put(clientKey: ClientKey): void {
    this.#byId.set(clientKey.id, clientKey);
    this.#byHash.set(clientKey.hash, clientKey);
  }
}
