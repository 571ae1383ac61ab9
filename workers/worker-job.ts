/** What the gateway can tell a job while it runs. */
import type { PlainError } from '../shared/errors.ts';

export interface WorkerJob {
  /** The lease that one of its calls asked for. */
  lease(call: number, leaseId: number, key: string): void;
  noLease(call: number, error: PlainError): void;
  /** The client does not keep up. */
  pause(): void;
  resume(): void;
  /** Ends the job; `cancelled` is its last word. */
  cancel(): void;
}
