/** Usage of a range of time as a whole: by model, by client key, by error and by finish reason. */
import type { UsageSums } from '../../shared/admin-usage.ts';
import type { SummaryReport, UsageAnswer, UsageScope } from '../../shared/usage-reports.ts';
import type { Connection } from '../store/database.ts';
import { cover, edgeAfter, edgeBefore, readHorizons, type Segment } from './range-cover.ts';
import { SumsReader, SumsTotal } from './usage-sums.ts';

type Answer = Extract<UsageAnswer, { report: 'summary' }>;

interface ErrorRow {
  errorCode: string;
  status: number;
  requests: number;
}

export function readSummary(connection: Connection, query: SummaryReport): Answer {
  const horizons = readHorizons(connection);
  const fromMs = edgeBefore(query.fromMs, horizons);
  const toMs = edgeAfter(query.toMs, horizons);
  const segments = cover(fromMs, toMs);
  const reader = new SumsReader(connection, {
    table: 'rollups',
    owner: 'client_key_id',
    groupByOwner: true,
    groupByModel: true,
    groupByStart: false,
    ownerId: query.clientKeyId,
    model: query.model,
  });
  const totals = new SumsTotal();
  const models = new Map<string, SumsTotal>();
  const clientKeys = new Map<string, SumsTotal>();
  for (const segment of segments)
    for (const row of reader.rows(segment)) {
      totals.add(row);
      at(models, row.groupModel).add(row);
      at(clientKeys, row.owner).add(row);
    }
  return {
    report: 'summary',
    fromMs,
    toMs,
    summary: {
      totals: totals.toSums(),
      models: bySize(models).map(([model, sums]) => ({ model, ...sums })),
      client_keys: bySize(clientKeys).map(([id, sums]) => ({ id, ...sums })),
      errors: readErrors(connection, segments, query),
      finish_reasons: finishReasonsOf(totals),
    },
  };
}

function at(sums: Map<string, SumsTotal>, name: string): SumsTotal {
  const known = sums.get(name);
  if (known !== undefined) return known;
  const total = new SumsTotal();
  sums.set(name, total);
  return total;
}

function bySize(sums: ReadonlyMap<string, SumsTotal>): [string, UsageSums][] {
  return [...sums]
    .map(([name, total]): [string, UsageSums] => [name, total.toSums()])
    .sort(([, a], [, b]) => b.requests - a.requests);
}

function readErrors(
  connection: Connection,
  segments: readonly Segment[],
  { clientKeyId, model }: UsageScope,
): Answer['summary']['errors'] {
  const scope = [...(clientKeyId === null ? [] : [clientKeyId]), ...(model === null ? [] : [model])];
  const statement = connection.prepare<(string | number)[], ErrorRow>(
    `SELECT error_code AS errorCode, status, sum(requests) AS requests FROM error_rollups
     WHERE span = ? AND start_ms >= ? AND start_ms < ?
     ${clientKeyId === null ? '' : 'AND client_key_id = ?'} ${model === null ? '' : 'AND model = ?'} GROUP BY 1, 2`,
  );
  const sums = new Map<string, Answer['summary']['errors'][number]>();
  for (const { span, fromMs, toMs } of segments)
    for (const { errorCode, status, requests } of statement.all(span, fromMs, toMs, ...scope)) {
      const key = `${status} ${errorCode}`;
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, { error_code: errorCode, status, requests });
      else sum.requests += requests;
    }
  return [...sums.values()].sort((a, b) => b.requests - a.requests);
}

function finishReasonsOf(totals: SumsTotal): Answer['summary']['finish_reasons'] {
  return [
    { finish_reason: 'stop', requests: totals.of('finish_stop') },
    { finish_reason: 'length', requests: totals.of('finish_length') },
    { finish_reason: 'tool_calls', requests: totals.of('finish_tool_calls') },
    { finish_reason: 'content_filter', requests: totals.of('finish_content_filter') },
  ].filter(({ requests }) => requests > 0);
}
