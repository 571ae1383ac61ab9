/** What the gateway needs of the machine: a version of Node, and files, which connections are too. */
import { readFileSync } from 'node:fs';
import type { Config } from '../../shared/config.ts';
import { type Finding, ok, problem, warning } from './finding.ts';

const oldestNode = [20, 19] as const;
/** A request in flight holds a connection of the client and one to Gemini. */
const filesPerRequest = 2;
/** For the database, the log, the panel's readers. */
const otherFiles = 200;

export function checkHost(config: Pick<Config, 'maxConcurrentRequests'>): Finding[] {
  return [checkNode(process.versions.node), checkFiles(config.maxConcurrentRequests, readOpenFilesMax())];
}

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]))
    return ok('host', `Node ${version}`);
  return problem(
    'host',
    `Node ${version} is too old.`,
    `Install Node ${oldestNode.join('.')} or newer; 24 is tested too.`,
  );
}

export function checkFiles(requestsMax: number, filesMax: number | null): Finding {
  if (filesMax === null) return ok('host', 'This system has no limit of open files that can be read here.');
  const needed = requestsMax * filesPerRequest + otherFiles;
  if (filesMax >= needed) return ok('host', `${filesMax} open files are allowed, ${needed} are needed at most.`);
  return warning(
    'host',
    `${filesMax} open files are allowed; MAX_CONCURRENT_REQUESTS=${requestsMax} may need ${needed}.`,
    `Allow more (ulimit -n ${needed}; LimitNOFILE= of the systemd unit; --ulimit nofile= of docker), or lower MAX_CONCURRENT_REQUESTS to ${Math.max(1, Math.floor((filesMax - otherFiles) / filesPerRequest))}.`,
  );
}

/** Node raises its own limit to the hard one as it starts, so this is what a gateway started the same way gets. */
function readOpenFilesMax(): number | null {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? null : soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return null;
  }
}
