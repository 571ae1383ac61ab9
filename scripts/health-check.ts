/** The container's health check: exit code 0 when the gateway of this configuration says that it is ready. */
import { parseConfig, readEnvironment } from '../shared/config.ts';
import { localUrl } from './local-url.ts';

const answerMsMax = 4_000;

try {
  const { listen } = parseConfig(readEnvironment());
  const { ok } = await fetch(`${localUrl(listen)}/ready`, { signal: AbortSignal.timeout(answerMsMax) });
  process.exitCode = ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}
