/**
 * A file of requests or rollups of any size: page after page of the report reader goes out as the client takes it, and
 * no more than one page is held.
 */
import type { ExportReport } from '../shared/usage-reports.ts';
import type { AdminParts } from './admin-plane.ts';
import type { Call } from './call.ts';
import type { Downstream, Headers } from './downstream.ts';
import { exportScope } from './usage-scope.ts';

export async function exportUsage(call: Call, { clock, reports }: AdminParts): Promise<void> {
  const { down } = call;
  const scope = exportScope(call);
  const headers = fileHeaders(scope, new Date(clock.wallMs()));
  // The first page before the head: what fails until then is answered with an error.
  let page = await reports.query(scope);
  const gate = new WriteGate(down);
  while (page.nextCursor !== null) {
    await gate.write(headers, page.text);
    if (down.isOver) return;
    try {
      page = await reports.query({ ...scope, cursor: page.nextCursor });
      // A client that takes its time must not outlast its session.
      call.actor?.recheck();
    } catch {
      // A file that ends too early must not look whole.
      down.cut('');
      return;
    }
  }
  down.end(headers, page.text);
}

function fileHeaders({ of, format }: ExportReport, now: Date): Headers {
  const name = `gemini-pool-${of}-${now.toISOString().slice(0, 10)}.${format}`;
  return [
    ['content-type', format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json'],
    ['content-disposition', `attachment; filename="${name}"`],
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
  ];
}

/** Writes that wait until the client has taken what was written, or has left. */
class WriteGate {
  readonly #down: Downstream;
  #open: (() => void) | null = null;

  constructor(down: Downstream) {
    this.#down = down;
    down.whenUnblocked(() => this.#open?.());
    down.whenGone(() => this.#open?.());
  }

  async write(headers: Headers, text: string): Promise<void> {
    if (this.#down.write(headers, text)) return;
    await new Promise<void>((resolve) => {
      this.#open = resolve;
    });
    this.#open = null;
  }
}
