/** The gateway of this configuration, if it runs: what it says of itself. */
import type { Config } from '../../shared/config.ts';
import { localUrl } from '../local-url.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const area = 'gateway';
const answerMsMax = 4_000;

export async function checkGateway({ listen }: Pick<Config, 'listen'>): Promise<Finding[]> {
  const url = localUrl(listen);
  let text: string;
  try {
    text = await (await fetch(`${url}/health`, { signal: AbortSignal.timeout(answerMsMax) })).text();
  } catch {
    return [ok(area, `No gateway answers at ${url}.`)];
  }
  const health = readHealth(text);
  if (health === null)
    return [
      problem(area, `Something else than a gateway answers at ${url}.`, 'Stop it, or set LISTEN_ADDR to another port.'),
    ];
  if (health.status === 'ok') return [ok(area, `The gateway at ${url} is well.`)];
  return health.reasons.map((reason) =>
    warning(area, `The gateway at ${url} says: ${reason}.`, 'See the log for details.'),
  );
}

function readHealth(text: string): { status: string; reasons: string[] } | null {
  try {
    const { status, reasons }: { status?: unknown; reasons?: unknown } = JSON.parse(text);
    if ((status !== 'ok' && status !== 'degraded') || !Array.isArray(reasons)) return null;
    return { status, reasons: reasons.map(String) };
  } catch {
    return null;
  }
}
