/**
 * Google as this machine sees it: whether it answers, whether the clocks agree, and what it says of each key. Keys are
 * asked for a list of models, which costs no quota; what is printed of a key is its mask.
 */
import type { Clock } from '../../shared/clock.ts';
import type { Config } from '../../shared/config.ts';
import { maskSecret } from '../../shared/ids.ts';
import type { DisableReason } from '../../shared/key-outcome.ts';
import { classifyStatus } from '../../workers/translation/upstream-error.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const area = 'gemini';
const keysAtOnce = 4;
/** The header counts in seconds, and the answer took a moment. */
const skewMsWarned = 30_000;
/** Certificates, sessions and the day of a quota are wrong by then. */
const skewMsMax = 300_000;

/** Why a key is out of use, as `classifyStatus` names it, and what its owner can do. */
const cures: Readonly<Record<string, string>> = {
  invalid_key: 'Remove it from GEMINI_API_KEYS or from the stored keys; Google does not know it.',
  expired_key: 'Renew it in AI Studio, or remove it.',
  leaked: 'Remove it: Google has seen it in public. Make a new one.',
  suspended: 'Look at the project in the Google Cloud console, or remove the key.',
  project_denied: 'Look at the project in the Google Cloud console, or remove the key.',
  project_invalid: 'Remove it: its project is gone.',
  service_disabled: 'Enable the Generative Language API in the project of the key.',
  restricted: 'Lift the restriction of the key (API, referrer or address) in the Google Cloud console.',
  billing: 'See to the billing of its project.',
  unauthenticated: 'Remove it; it is no API key.',
} satisfies Record<DisableReason, string>;

export interface Upstream {
  baseUrl: string;
  timeoutMs: number;
  clock: Pick<Clock, 'wallMs'>;
}

export function upstreamOf(config: Config, clock: Pick<Clock, 'wallMs'>): Upstream {
  return { baseUrl: config.geminiBaseUrl, timeoutMs: config.connectTimeoutMs, clock };
}

export async function checkGemini(keys: readonly string[], upstream: Upstream): Promise<Finding[]> {
  let first: Response;
  try {
    first = await listModels(upstream, null);
  } catch (error) {
    return [
      problem(
        area,
        `${upstream.baseUrl} cannot be reached: ${causeOf(error)}.`,
        'Look at DNS, firewall and proxy of this machine, and at GEMINI_BASE_URL.',
      ),
    ];
  }
  const findings = [
    ok(area, `${upstream.baseUrl} answers.`),
    checkClock(first.headers.get('date'), upstream.clock.wallMs()),
  ];
  if (keys.length === 0)
    return [
      ...findings,
      problem(
        area,
        'There is no Gemini key.',
        'Set GEMINI_API_KEYS, or add keys in the panel. Keys: https://aistudio.google.com/apikey',
      ),
    ];
  for (let at = 0; at < keys.length; at += keysAtOnce)
    findings.push(...(await Promise.all(keys.slice(at, at + keysAtOnce).map((key) => checkKey(key, upstream)))));
  return findings;
}

export function checkClock(date: string | null, nowMs: number): Finding {
  const theirMs = Date.parse(date ?? '');
  if (Number.isNaN(theirMs)) return ok(area, 'It does not say what time it is, so the clock was not compared.');
  const skewMs = nowMs - theirMs;
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  const text = `The clock of this machine is ${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} that of the upstream.`;
  const cure = 'Let it be set by time synchronisation: timedatectl set-ntp true';
  if (Math.abs(skewMs) > skewMsMax) return problem(area, text, cure);
  if (Math.abs(skewMs) > skewMsWarned) return warning(area, text, cure);
  return ok(area, 'The clock of this machine is right.');
}

async function checkKey(key: string, upstream: Upstream): Promise<Finding> {
  const name = `Key ${maskSecret(key)}`;
  try {
    const answer = await listModels(upstream, key);
    const text = await answer.text();
    if (answer.ok) return ok(area, `${name} works.`);
    const { error, outcome } = classifyStatus(answer.status, text, answer.headers.get('content-type') ?? '');
    if (error.code === 'upstream_region')
      return problem(
        area,
        `${name}: Gemini is not offered at the place of this machine.`,
        'Run the gateway in a supported region.',
      );
    if (outcome.kind === 'disable')
      return problem(area, `${name} is refused by Google: ${outcome.reason}.`, cures[outcome.reason] ?? 'Replace it.');
    return warning(
      area,
      `${name} was answered with status ${answer.status}.`,
      'Try again later; if it stays, look at the key in AI Studio.',
    );
  } catch (error) {
    return warning(area, `${name} could not be asked about: ${causeOf(error)}.`, 'Try again.');
  }
}

function listModels({ baseUrl, timeoutMs }: Upstream, key: string | null): Promise<Response> {
  const headers: Record<string, string> = key === null ? {} : { 'x-goog-api-key': key };
  return fetch(`${baseUrl}/v1beta/models?pageSize=1`, {
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
}

/** The code of what lies below a failed fetch, ENOTFOUND for example. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.message : 'unknown error';
}
