/** What a run found, in one form for every case: figures by name, each with its spread over the rounds. */
import { type Spread, spreadOf } from './samples.ts';

/** One round's figures. Names end in their unit; the CPU of a thread is `cpu_us <process> <thread>`. */
export type Figures = Readonly<Record<string, number>>;

/** Something that was measured: nginx, the gateway, a peer, a way of doing a thing. */
export interface Subject {
  name: string;
  figures: Readonly<Record<string, Spread>>;
}

export interface CaseResult {
  name: string;
  about: string;
  /** What CPU figures are a share of. */
  unit: string;
  rounds: number;
  subjects: readonly Subject[];
  /** By what is compared: the quotient of the medians, and the smallest and largest quotient of one round. */
  ratios: Readonly<Record<string, Spread>>;
}

/** Median and range of every figure that occurs in a round. */
export function toSubject(name: string, rounds: readonly Figures[]): Subject {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  const figures = [...names].map((figure) => [figure, spreadOf(rounds.map((round) => round[figure] ?? 0))] as const);
  return { name, figures: Object.fromEntries(figures) };
}

/** How many times as much of a figure `of` has as `to`, whose rounds alternated. */
export function ratioOf(figure: string, of: readonly Figures[], to: readonly Figures[]): Spread {
  const median = (rounds: readonly Figures[]): number => spreadOf(rounds.map((round) => round[figure] ?? 0)).median;
  const byRound = spreadOf(of.map((round, index) => (round[figure] ?? 0) / (to[index]?.[figure] ?? Number.NaN)));
  return { median: median(of) / median(to), min: byRound.min, max: byRound.max };
}
