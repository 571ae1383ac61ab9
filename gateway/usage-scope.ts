/** What a query of the admin API asks for, as the report reader takes it: times, spans and filters, with their bounds. */
import type { Static, TObject } from 'typebox';
import { exportQuery, requestsQuery, seriesQuery, summaryQuery } from '../shared/admin-usage.ts';
import { GatewayError } from '../shared/errors.ts';
import type {
  ExportReport,
  RequestFilter,
  RequestsReport,
  SeriesReport,
  SummaryReport,
} from '../shared/usage-reports.ts';
import { wrongField } from './admin-body.ts';
import { queryReader } from './admin-query.ts';
import { readTime } from './admin-time.ts';
import type { Call } from './call.ts';

const dayMs = 86_400_000;
const spanMs = { minute: 60_000, hour: 3_600_000, day: dayMs } as const;
/** How far back a series goes when nothing is said. */
const defaultMs = { minute: 3 * spanMs.hour, hour: 2 * dayMs, day: 30 * dayMs } as const;
/** A day of minutes, two months of hours, four years of days. */
const pointsMax = 1_500;
const latestMs = Date.UTC(9999, 11, 31);
const pageDefault = 50;

const readSeriesQuery = queryReader(seriesQuery);
const readSummaryQuery = queryReader(summaryQuery);
const readRequestsQuery = queryReader(requestsQuery);
const readExportQuery = queryReader(exportQuery);

/** Throws `invalid_type` or `invalid_value` with the parameter at fault; so do the others. */
export function seriesScope(call: Call, nowMs: number): SeriesReport {
  const query = readSeriesQuery(call);
  const span = query.span ?? 'hour';
  const groupBy = query.group_by ?? 'none';
  const range = rangeOf(seriesQuery, query, nowMs, defaultMs[span]);
  if ((range.toMs - range.fromMs) / spanMs[span] > pointsMax)
    throw new GatewayError('invalid_value', {
      message: `This range has more than ${pointsMax} points. Choose a larger span, or a later 'from'.`,
      param: 'span',
    });
  if (groupBy === 'gemini_key' && query.client_key !== undefined)
    throw new GatewayError('invalid_value', {
      message: 'Sums by Gemini key are kept over all client keys: leave out client_key.',
      param: 'client_key',
    });
  return {
    report: 'series',
    span,
    groupBy,
    ...range,
    clientKeyId: query.client_key ?? null,
    model: query.model ?? null,
    timeZone: timeZoneOf(seriesQuery, query.time_zone),
  };
}

export function summaryScope(call: Call, nowMs: number): { scope: SummaryReport; timeZone: string } {
  const query = readSummaryQuery(call);
  const scope: SummaryReport = {
    report: 'summary',
    ...rangeOf(summaryQuery, query, nowMs, dayMs),
    clientKeyId: query.client_key ?? null,
    model: query.model ?? null,
  };
  return { scope, timeZone: timeZoneOf(summaryQuery, query.time_zone) };
}

export function requestsScope(call: Call): RequestsReport {
  const { limit, cursor, ...query } = readRequestsQuery(call);
  if (cursor !== undefined && !/^\d{1,15}-[0-9a-f]{0,64}$/.test(cursor))
    throw wrongField('invalid_value', requestsQuery, 'cursor');
  return {
    report: 'requests',
    filter: filterOf(requestsQuery, query),
    limit: limit ?? pageDefault,
    cursor: cursor ?? null,
  };
}

export function exportScope(call: Call): ExportReport {
  const { of, format, span, ...query } = readExportQuery(call);
  return {
    report: 'export_page',
    of,
    format: format ?? 'csv',
    span: span ?? 'day',
    filter: filterOf(exportQuery, query),
    cursor: null,
  };
}

function filterOf(schema: TObject, query: Omit<Static<typeof requestsQuery>, 'limit' | 'cursor'>): RequestFilter {
  return {
    fromMs: timeOf(schema, 'from', query.from) ?? null,
    toMs: timeOf(schema, 'to', query.to) ?? null,
    clientKeyId: query.client_key ?? null,
    geminiKeyId: query.gemini_key ?? null,
    model: query.model ?? null,
    status: query.status ?? null,
    outcome: query.outcome ?? null,
    errorCode: query.error_code ?? null,
    endpoint: query.endpoint ?? null,
    stream: query.stream ?? null,
    text: query.query ?? null,
  };
}

function rangeOf(
  schema: TObject,
  { from, to }: { from?: string; to?: string },
  nowMs: number,
  lengthMs: number,
): { fromMs: number; toMs: number } {
  const toMs = timeOf(schema, 'to', to) ?? nowMs;
  const fromMs = timeOf(schema, 'from', from) ?? Math.max(0, toMs - lengthMs);
  if (fromMs >= toMs)
    throw new GatewayError('invalid_value', {
      message: "Invalid value for 'from': it is not before 'to'.",
      param: 'from',
    });
  return { fromMs, toMs };
}

function timeOf(schema: TObject, param: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : readTime(text);
  if (ms === null || ms > latestMs) throw wrongField('invalid_value', schema, param);
  return ms;
}

/** The zone's name; throws for one that is not known. */
function timeZoneOf(schema: TObject, name = 'UTC'): string {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return name;
  } catch {
    throw wrongField('invalid_value', schema, 'time_zone');
  }
}
