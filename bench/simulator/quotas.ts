/** Quotas of scripted projects: fixed windows of a minute and of a day in California, counted for project and model. */
import { type ErrorReply, quotaReply } from './error-bodies.ts';
import type { QuotaViolation } from './error-presets.ts';
import type { Project, Quota } from './scenario.ts';

interface Window {
  startedAt: number;
  count: number;
}

interface Spent {
  requests: Window;
  tokens: Window;
  day: { name: string; count: number };
}

const minuteMs = 60_000;
const dayFormat = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Los_Angeles' });

export class Quotas {
  readonly #clock: () => number;
  readonly #projectByKey = new Map<string, Project>();
  readonly #spent = new Map<string, Spent>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  set(projects: readonly Project[], append: boolean): void {
    if (!append) this.reset();
    for (const project of projects) for (const key of project.keys) this.#projectByKey.set(key, project);
  }

  reset(): void {
    this.#projectByKey.clear();
    this.#spent.clear();
  }

  /** Whether the key's project was opened after old models were closed. */
  isNewProject(key: string): boolean {
    return this.#projectByKey.size > 0 && this.#projectByKey.get(key)?.isNew === true;
  }

  /** The files that a key may read. */
  filesOf(key: string): readonly string[] {
    return this.#projectByKey.get(key)?.files ?? [];
  }

  /** Charges `requests` and `tokens` for a key and model; the 429 when that is over a limit, and then nothing is charged. */
  charge(key: string, model: string, requests: number, tokens: number): ErrorReply | null {
    if (this.#projectByKey.size === 0) return null;
    const project = this.#projectByKey.get(key);
    const quota = project?.models?.[model] ?? project?.quota;
    if (project === undefined || quota === undefined) return null;
    const now = this.#clock();
    const spent = this.#spentOf(`${project.name} ${model}`, now);
    const violations = violationsOf(quota, spent, requests, tokens, project.tier ?? 'FreeTier', model);
    if (violations.length > 0) {
      const leftMs = minuteMs - (now - spent.requests.startedAt);
      return quotaReply(violations, model, `${(leftMs / 1_000).toFixed(9)}s`);
    }
    spent.requests.count += requests;
    spent.tokens.count += tokens;
    spent.day.count += requests;
    return null;
  }

  #spentOf(name: string, now: number): Spent {
    const startedAt = now - (now % minuteMs);
    const today = dayFormat.format(now);
    let spent = this.#spent.get(name);
    if (spent === undefined) {
      spent = { requests: { startedAt, count: 0 }, tokens: { startedAt, count: 0 }, day: { name: today, count: 0 } };
      this.#spent.set(name, spent);
    }
    if (spent.requests.startedAt !== startedAt) spent.requests = { startedAt, count: 0 };
    if (spent.tokens.startedAt !== startedAt) spent.tokens = { startedAt, count: 0 };
    if (spent.day.name !== today) spent.day = { name: today, count: 0 };
    return spent;
  }
}

function violationsOf(
  { rpm, rpd, tpm }: Quota,
  spent: Spent,
  requests: number,
  tokens: number,
  tier: string,
  model: string,
): QuotaViolation[] {
  const isEmbedding = model.includes('embedding');
  const tierName = tier === 'FreeTier' ? 'free_tier' : 'paid_tier';
  const metric = `${isEmbedding ? 'embed_content' : 'generate_content'}_${tierName}_requests`;
  const requestsPer = (span: string): string =>
    isEmbedding
      ? `EmbedContentRequestsPer${span}PerUserPerProjectPerModel-${tier}`
      : `GenerateRequestsPer${span}PerProjectPerModel-${tier}`;
  const violations: QuotaViolation[] = [];
  if (rpd !== undefined && spent.day.count + requests > rpd)
    violations.push({ metric, id: requestsPer('Day'), limit: rpd });
  if (rpm !== undefined && spent.requests.count + requests > rpm)
    violations.push({ metric, id: requestsPer('Minute'), limit: rpm });
  if (tpm !== undefined && spent.tokens.count + tokens > tpm)
    violations.push({
      metric: `generate_content_${tierName}_input_token_count`,
      id: `GenerateContentInputTokensPerModelPerMinute-${tier}`,
      limit: tpm,
    });
  return violations;
}
