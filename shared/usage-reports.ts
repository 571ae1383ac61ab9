/** Questions about usage to the report reader, and its answers: in the words of the admin API, names of keys left open. */
import type { RequestEntry, SeriesAnswer, SummaryAnswer, UsagePoint } from './admin-usage.ts';

/** Which requests are summed up; null where it does not matter. */
export interface UsageScope {
  /** Wall milliseconds; `toMs` is left out of the range. */
  fromMs: number;
  toMs: number;
  clientKeyId: string | null;
  model: string | null;
}

export interface RequestFilter {
  fromMs: number | null;
  toMs: number | null;
  clientKeyId: string | null;
  geminiKeyId: string | null;
  model: string | null;
  status: number | null;
  outcome: RequestEntry['outcome'] | null;
  errorCode: string | null;
  endpoint: string | null;
  stream: boolean | null;
  /** Looked for in ids, models, errors and names of client keys. */
  text: string | null;
}

export interface SeriesReport extends UsageScope {
  report: 'series';
  span: SeriesAnswer['span'];
  groupBy: 'none' | 'model' | 'client_key' | 'gemini_key';
  timeZone: string;
}

export interface SummaryReport extends UsageScope {
  report: 'summary';
}

export interface RequestsReport {
  report: 'requests';
  filter: RequestFilter;
  limit: number;
  cursor: string | null;
}

/** One page of a file: asked for again with the cursor of the page before, until there is none. */
export interface ExportReport {
  report: 'export_page';
  of: 'requests' | 'rollups';
  format: 'csv' | 'json';
  filter: RequestFilter;
  /** Of rollups. */
  span: SeriesAnswer['span'];
  cursor: string | null;
}

export type UsageQuery =
  | SeriesReport
  | SummaryReport
  | RequestsReport
  | { report: 'request'; id: string }
  | ExportReport
  | { report: 'spent'; nowMs: number };

export type UsageAnswer =
  | { report: 'series'; fromMs: number; toMs: number; series: { group: string | null; points: UsagePoint[] }[] }
  | {
      report: 'summary';
      fromMs: number;
      toMs: number;
      summary: Omit<SummaryAnswer, 'from' | 'to' | 'time_zone' | 'client_keys'> & {
        client_keys: Omit<SummaryAnswer['client_keys'][number], 'key_name'>[];
      };
    }
  | { report: 'requests'; requests: RequestEntry[]; nextCursor: string | null }
  | { report: 'request'; request: RequestEntry | null }
  /** The text goes into the file as it is. `nextCursor` is null with the last page. */
  | { report: 'export_page'; text: string; nextCursor: string | null }
  /** Nano-dollars of the present day and month, UTC. */
  | { report: 'spent'; todayNano: number; thisMonthNano: number; requestsToday: number };
