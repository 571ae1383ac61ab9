/** The command line of the bench. */
import { parseArgs } from 'node:util';

export interface RunOptions {
  /** Case names; empty for all. */
  cases: readonly string[];
  rounds: number | null;
  isShort: boolean;
  isJson: boolean;
  isSaved: boolean;
  peers: boolean;
  threads: number | null;
  /** CPUs of what is measured, and of load generator and simulator. */
  cpus: string | undefined;
  loadCpus: string | undefined;
  profileFolder: string | undefined;
  /** What is different about a second gateway in the same rounds; null without one. */
  variant: Variant | null;
}

/** A gateway that differs from the usual one. */
export interface Variant {
  /** A folder with another build, as `dist/`. */
  dist?: string;
  nodeArguments: readonly string[];
  env: Readonly<Record<string, string>>;
}

export const usage = `npm run bench [-- OPTION … CASE …]     measures; without a case, all of them (some minutes)
npm run bench -- table                 the README's table, from the results kept in bench/results.jsonl

  --rounds N       rounds of each case, after a warm-up (default 3; some cases have fewer)
  --short          one small round of a few cases, to see that the bench works and where things stand; not kept
  --json           prints the results as one JSON document instead of text
  --no-save        does not append the results to bench/results.jsonl
  --peers          also measures other gateways of npm, installed into bench/peers/node_modules on first use
  --threads N      worker threads of the gateway (WORKER_THREADS)
  --cpus LIST      CPUs that the gateway, nginx and peers may use, as taskset takes them: 0 or 0,1 or 0-3
  --load-cpus LIST CPUs of the load generator and the simulator
  --profile DIR    writes CPU profiles of the gateway's threads and its writer there; slows it down, so nothing is kept
  --variant K=V    puts a second gateway beside the first, which differs in this: dist=DIR (another build),
                   node=FLAGS (flags of node), NAME=VALUE (a setting); can be given several times; not kept
  --help           this text
`;

/** Parses arguments; throws an Error with one line that says what is wrong. */
export function parseOptions(commandArguments: readonly string[]): RunOptions | 'help' | 'table' {
  const { values, positionals } = parseArgs({
    args: [...commandArguments],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'no-save': { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      threads: { type: 'string' },
      cpus: { type: 'string' },
      'load-cpus': { type: 'string' },
      profile: { type: 'string' },
      variant: { type: 'string', multiple: true },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  if (positionals.length === 1 && positionals[0] === 'table') return 'table';
  return {
    cases: positionals,
    rounds: values.rounds === undefined ? null : wholeNumber('rounds', values.rounds),
    isShort: values.short,
    isJson: values.json,
    isSaved: ![values['no-save'], values.short, values.profile, values.variant].some(Boolean),
    peers: values.peers,
    threads: values.threads === undefined ? null : wholeNumber('threads', values.threads),
    cpus: values.cpus,
    loadCpus: values['load-cpus'],
    profileFolder: values.profile,
    variant: values.variant === undefined ? null : parseVariant(values.variant),
  };
}

function parseVariant(differences: readonly string[]): Variant {
  const env: Record<string, string> = {};
  const nodeArguments: string[] = [];
  let dist: string | undefined;
  for (const difference of differences) {
    const [, name, value] = /^(dist|node|[A-Z][A-Z0-9_]*)=(.*)$/s.exec(difference) ?? [];
    if (name === undefined || value === undefined)
      throw new Error(`--variant takes dist=DIR, node=FLAGS or NAME=VALUE, not ${difference}`);
    if (name === 'dist') dist = value;
    else if (name === 'node') nodeArguments.push(...value.split(' ').filter(Boolean));
    else env[name] = value;
  }
  return { ...(dist === undefined ? {} : { dist }), nodeArguments, env };
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${option} takes a whole number above 0, not ${text}`);
  return Number(text);
}
