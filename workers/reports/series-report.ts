/** Usage over time: a point a span, by group, with points of nothing where there was nothing. */
import type { UsagePoint } from '../../shared/admin-usage.ts';
import type { SeriesReport, UsageAnswer } from '../../shared/usage-reports.ts';
import type { Connection } from '../store/database.ts';
import { cover, edgeBefore, readHorizons } from './range-cover.ts';
import { cutIntoSpans } from './time-spans.ts';
import { type SumsQuery, SumsReader, SumsTotal } from './usage-sums.ts';

/** Groups with a series of their own; what is left of a range with more is one series together. */
const groupsMax = 20;

type Answer = Extract<UsageAnswer, { report: 'series' }>;

export function readSeries(connection: Connection, query: SeriesReport): Answer {
  const { groupBy } = query;
  const sums = sumsQueryOf(query);
  const reader = new SumsReader(connection, sums);
  const horizons = readHorizons(connection);
  const edges = cutIntoSpans(query.fromMs, query.toMs, query.span, query.timeZone);
  const starts = edges.slice(0, -1);
  const groups = new Map<string | null, Map<number, SumsTotal>>();
  for (const [index, start] of starts.entries()) {
    const end = edges[index + 1] ?? start;
    for (const segment of cover(edgeBefore(start, horizons), edgeBefore(end, horizons)))
      for (const row of reader.rows(segment)) {
        const group = groupBy === 'none' ? null : groupBy === 'model' ? row.groupModel : row.owner;
        totalAt(groups, group, index).add(row);
      }
  }
  if (groupBy === 'none' && groups.size === 0) groups.set(null, new Map());
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

function sumsQueryOf({ groupBy, clientKeyId, model }: SeriesReport): SumsQuery {
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

function totalAt(groups: Map<string | null, Map<number, SumsTotal>>, group: string | null, index: number): SumsTotal {
  const totals = groups.get(group) ?? new Map<number, SumsTotal>();
  groups.set(group, totals);
  const total = totals.get(index) ?? new SumsTotal();
  totals.set(index, total);
  return total;
}

/** The groups with the most requests first; from the bound on they are added up under null. */
function largest(groups: Map<string | null, Map<number, SumsTotal>>): [string | null, Map<number, SumsTotal>][] {
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
