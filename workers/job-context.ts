/** What all jobs of a worker share, and how one ends that could not begin. */
import { toPlainError } from '../shared/errors.ts';
import type { GeminiClient } from './gemini-client.ts';
import type { Outbox } from './outbox.ts';

export interface JobContext {
  readonly client: GeminiClient;
  readonly outbox: Outbox;
  /** The job has said its last word. */
  readonly onOver: (id: number) => void;
  /** Logs what is neither in the catalogue nor Gemini's doing: a bug, whose text no client sees. */
  readonly reportBug: (error: unknown, requestId: string) => void;
}

/** Ends a job that could not begin: its error is its last word. */
export function failToStart(error: unknown, id: number, requestId: string, { outbox, reportBug }: JobContext): void {
  outbox.post({ t: 'failed', id, error: toPlainError(error), usage: null });
  reportBug(error, requestId);
}
