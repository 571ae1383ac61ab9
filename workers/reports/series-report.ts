/** Usage over time: a point a span, by group, with points of nothing where there was nothing. */
import type { UsagePoint } from '../../shared/admin-usage.ts';
import type { SeriesReport, UsageAnswer } from '../../shared/usage-reports.ts';
import type { Connection } from '../store/database.ts';
import { spanMs } from '../store/rollup.ts';
import { cover, edgeBefore, readHorizons, type Segment } from './range-cover.ts';
import { cutIntoSpans } from './time-spans.ts';
import { type SumsQuery, SumsReader, type SumsRow, SumsTotal } from './usage-sums.ts';

/** Groups with a series of their own; what is left of a range with more is one series together. */
const groupsMax = 20;

type Groups = Map<string | null, Map<number, SumsTotal>>;
type Answer = Extract<UsageAnswer, { report: 'series' }>;

export function readSeries(connection: Connection, query: SeriesReport): Answer {
  const horizons = readHorizons(connection);
  const edges = cutIntoSpans(query.fromMs, query.toMs, query.span, query.timeZone);
  const starts = edges.slice(0, -1);
  const covers = starts.map((start, index) =>
    cover(edgeBefore(start, horizons), edgeBefore(edges[index + 1] ?? start, horizons)),
  );
  const groups: Groups = new Map();
  const whole = wholeRange(covers);
  const reader = new SumsReader(connection, { ...sumsQueryOf(query), groupByStart: whole !== null });
  if (whole !== null) {
    const places = new Map(starts.map((start, index) => [start, index]));
    for (const row of reader.rows(whole))
      totalAt(groups, groupOf(row, query.groupBy), places.get(row.startMs) ?? 0).add(row);
  } else
    for (const [index, segments] of covers.entries())
      for (const segment of segments)
        for (const row of reader.rows(segment)) totalAt(groups, groupOf(row, query.groupBy), index).add(row);
  if (query.groupBy === 'none' && groups.size === 0) groups.set(null, new Map());
  return {
    report: 'series',
    fromMs: edges[0] ?? query.fromMs,
    toMs: edges.at(-1) ?? query.toMs,
    series: largest(groups).map(([group, totals]) => ({
      group,
      points: starts.map((start, index) => pointOf(start, totals.get(index))),
    })),
  };
}

/** The range as one segment, when each of its points is one span as it is kept; null when points are sums of smaller ones. */
function wholeRange(covers: readonly (readonly Segment[])[]): Segment | null {
  const [first] = covers[0] ?? [];
  const last = covers.at(-1)?.[0];
  if (first === undefined || last === undefined) return null;
  const { span, fromMs } = first;
  const isWhole = covers.every((segments, index) => {
    const [only, ...others] = segments;
    return others.length === 0 && only?.span === span && only.fromMs === fromMs + index * spanMs[span];
  });
  return isWhole && last.toMs === last.fromMs + spanMs[span] ? { span, fromMs, toMs: last.toMs } : null;
}

function groupOf({ owner, groupModel }: SumsRow, groupBy: SeriesReport['groupBy']): string | null {
  if (groupBy === 'none') return null;
  return groupBy === 'model' ? groupModel : owner;
}

function sumsQueryOf({ groupBy, clientKeyId, model }: SeriesReport): Omit<SumsQuery, 'groupByStart'> {
  if (groupBy === 'gemini_key')
    return {
      table: 'gemini_key_rollups',
      owner: 'gemini_key_id',
      groupByOwner: true,
      groupByModel: false,
      ownerId: null,
      model,
    };
  if (groupBy === 'none' && clientKeyId === null && model === null)
    return {
      table: 'overall_rollups',
      owner: null,
      groupByOwner: false,
      groupByModel: false,
      ownerId: null,
      model: null,
    };
  return {
    table: 'rollups',
    owner: 'client_key_id',
    groupByOwner: groupBy === 'client_key',
    groupByModel: groupBy === 'model',
    ownerId: clientKeyId,
    model,
  };
}

function totalAt(groups: Groups, group: string | null, index: number): SumsTotal {
  const totals = groups.get(group) ?? new Map<number, SumsTotal>();
  groups.set(group, totals);
  const total = totals.get(index) ?? new SumsTotal();
  totals.set(index, total);
  return total;
}

/** The groups with the most requests first; from the bound on they are added up under null. */
function largest(groups: Groups): [string | null, Map<number, SumsTotal>][] {
  const bySize = [...groups]
    .map(([group, totals]) => ({ group, totals, requests: requestsOf(totals) }))
    .filter(({ group, requests }) => group === null || requests > 0)
    .sort((a, b) => b.requests - a.requests);
  const kept = bySize
    .slice(0, groupsMax)
    .map(({ group, totals }): [string | null, Map<number, SumsTotal>] => [group, totals]);
  const others = bySize.slice(groupsMax);
  if (others.length === 0) return kept;
  const rest = new Map<number, SumsTotal>();
  for (const { totals } of others)
    for (const [index, total] of totals) {
      const sum = rest.get(index) ?? new SumsTotal();
      sum.addTotal(total);
      rest.set(index, sum);
    }
  return [...kept, [null, rest]];
}

function requestsOf(totals: Map<number, SumsTotal>): number {
  let requests = 0;
  for (const total of totals.values()) requests += total.of('requests');
  return requests;
}

function pointOf(start: number, total: SumsTotal | undefined): UsagePoint {
  return { start: new Date(start).toISOString(), ...(total ?? nothing).toSums() };
}

const nothing = new SumsTotal();
