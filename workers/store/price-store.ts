/** The operator's prices in the database. Commands are to be called inside a transaction. */
import { type AuditValue, differences } from '../../shared/audit.ts';
import type { PriceCommand } from '../../shared/messages.ts';
import type { Price, Rates } from '../../shared/price.ts';
import type { Applied } from './audit-store.ts';
import type { Connection, Statement } from './database.ts';

interface PriceRow {
  id: string;
  model: string;
  effective_from_ms: number;
  input: number;
  output: number;
  cached_input: number | null;
  long_prompt_tokens: number | null;
  long_input: number | null;
  long_output: number | null;
  long_cached_input: number | null;
  version: number;
}

const columns = [
  'model',
  'effective_from_ms',
  'input',
  'output',
  'cached_input',
  'long_prompt_tokens',
  'long_input',
  'long_output',
  'long_cached_input',
  'version',
  'id',
] as const;

export class PriceStore {
  readonly #all: Statement<[], PriceRow>;
  readonly #one: Statement<[string], PriceRow>;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;

  constructor(connection: Connection) {
    const select = `SELECT ${columns.join(', ')} FROM prices`;
    this.#all = connection.prepare(`${select} ORDER BY model, effective_from_ms`);
    this.#one = connection.prepare(`${select} WHERE id = ?`);
    this.#insert = connection.prepare(
      `INSERT INTO prices (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
    );
    const settable = columns.filter((column) => column !== 'id').map((column) => `${column} = ?`);
    this.#update = connection.prepare(`UPDATE OR IGNORE prices SET ${settable.join(', ')} WHERE id = ?`);
    this.#delete = connection.prepare('DELETE FROM prices WHERE id = ?');
  }

  load(): Price[] {
    return this.#all.all().map(fromRow);
  }

  apply(command: PriceCommand): Applied {
    switch (command.op) {
      case 'create_price': {
        const { changes } = this.#insert.run(...valuesOf(command.price));
        return changes === 1 ? done(command, command.price.id, null, command.price) : refused('exists');
      }
      case 'update_price': {
        const { price, expectedVersion } = command;
        const before = this.#find(price.id);
        if (before === null) return refused('missing');
        if (expectedVersion !== null && expectedVersion !== before.version) return refused('stale');
        // Nothing changes when another entry of the model holds from the same time on.
        const { changes } = this.#update.run(...valuesOf(price));
        return changes === 1 ? done(command, price.id, before, price) : refused('exists');
      }
      case 'delete_price': {
        const before = this.#find(command.id);
        if (before === null) return refused('missing');
        this.#delete.run(command.id);
        return done(command, command.id, before, null);
      }
      default:
        return command satisfies never;
    }
  }

  #find(id: string): Price | null {
    const row = this.#one.get(id);
    return row === undefined ? null : fromRow(row);
  }
}

function refused(result: 'exists' | 'missing' | 'stale'): Applied {
  return { result, change: null };
}

function done({ op }: PriceCommand, subjectId: string, before: Price | null, after: Price | null): Applied {
  const changes = differences(before && auditedFields(before), after && auditedFields(after));
  return { result: 'ok', change: { action: op, subject: 'price', subjectId, changes } };
}

/** In the order of `columns`. */
function valuesOf({ id, model, effectiveFromMs, rates, long, version }: Price): unknown[] {
  return [
    model,
    effectiveFromMs,
    rates.input,
    rates.output,
    rates.cachedInput,
    long?.promptTokens ?? null,
    long?.rates.input ?? null,
    long?.rates.output ?? null,
    long?.rates.cachedInput ?? null,
    version,
    id,
  ];
}

function fromRow(row: PriceRow): Price {
  const { long_prompt_tokens: promptTokens, long_input: input, long_output: output } = row;
  const isLong = promptTokens !== null && input !== null && output !== null;
  return {
    id: row.id,
    model: row.model,
    effectiveFromMs: row.effective_from_ms,
    rates: { input: row.input, output: row.output, cachedInput: row.cached_input },
    long: isLong ? { promptTokens, rates: { input, output, cachedInput: row.long_cached_input } } : null,
    source: 'operator',
    version: row.version,
  };
}

/** In the words of the admin API, in dollars per million tokens. */
function auditedFields({ model, effectiveFromMs, rates, long }: Price): Record<string, AuditValue> {
  return {
    model,
    effective_from: new Date(effectiveFromMs).toISOString(),
    ...auditedRates('', rates),
    long_prompt_tokens: long?.promptTokens ?? null,
    ...auditedRates('long_', long?.rates ?? null),
  };
}

function auditedRates(prefix: string, rates: Rates | null): Record<string, AuditValue> {
  const dollars = (micro: number | null | undefined): number | null => (micro == null ? null : micro / 1_000_000);
  return {
    [`${prefix}input`]: dollars(rates?.input),
    [`${prefix}output`]: dollars(rates?.output),
    [`${prefix}cached_input`]: dollars(rates?.cachedInput),
  };
}
