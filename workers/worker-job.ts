/** What the gateway can tell a job while it runs. */
import type { PlainError } from '../shared/errors.ts';

export interface WorkerJob {
  lease(leaseId: number, key: string): void;
  noLease(error: PlainError): void;
  /** The client does not keep up. */
  pause(): void;
  resume(): void;
  /** Ends the job; `cancelled` is its last word. */
  cancel(): void;
}
