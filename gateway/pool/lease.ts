/** Leases of Gemini keys: what they are asked for with, what is granted, and what is kept of those that are out. */
import type { LeaseCost } from '../../shared/messages.ts';
import type { PoolKey } from './pool-key.ts';
import type { Reservation } from './quota-ledger.ts';
import type { NoLease } from './soonest-return.ts';

/** What a lease is asked for with. */
export interface LeaseRequest {
  model: string;
  cost: LeaseCost;
  /** Keys that are passed over, for they were tried. */
  tried: ReadonlySet<string> | null;
  /** Requests with the same token go to the same key as long as it may serve; null leaves it to the rotation. */
  affinity: string | null;
}

/** A lease that is out. */
export interface Lease {
  readonly key: PoolKey;
  /** The model's name as it was asked for. */
  readonly asked: string;
  /** The model whose quota is charged. */
  readonly model: string;
  readonly leasedMs: number;
  readonly reservation: Reservation;
  readonly affinity: string | null;
}

export type LeaseResult = { ok: true; leaseId: number; keyId: string; key: string } | ({ ok: false } & NoLease);
