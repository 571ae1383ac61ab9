/** The case `admin`: what an operator's clicks cost the completions, and how long they take, under full load. */
import { benchCases } from './cases.ts';
import { type CaseResult, type Figures, ratioOf, toSubject } from './figures.ts';
import { alternate, measureLoad, metered, roundsOf } from './load-rounds.ts';
import { quantile, Samples } from './samples.ts';
import { type GatewayTarget, openGateway, type Stand } from './stand.ts';

const paths = ['/admin/api/dashboard', '/admin/api/api-keys', '/admin/api/gemini-keys', '/metrics'];
/** Between two calls: some panels open at once. */
const pauseMs = 25;
const shortShare = 0.1;

export const adminAbout = `completions at full load, while panels ask for ${paths.length} pages in turn, one every ${pauseMs} ms`;

export async function runAdminLoad(stand: Stand): Promise<CaseResult> {
  const benchCase = benchCases['request'];
  if (benchCase?.scenario == null) throw new Error('the case request is gone');
  await stand.simulator.reset();
  await stand.simulator.script([benchCase.scenario]);
  const gateway = await openGateway(stand);
  try {
    const { connections, rampMs } = benchCase;
    const requests = Math.ceil(benchCase.requests * (stand.options.isShort ? shortShare : 1));
    const subject = metered(gateway);
    const run = (): Promise<Figures> => measureLoad(subject, { requests, connections, rampMs }, benchCase, stand);
    await run();
    const modes = [
      { target: { name: 'panel closed' }, run },
      { target: { name: 'panels open' }, run: () => withPanels(gateway, run) },
    ];
    const rounds = roundsOf(stand);
    const found = await alternate(modes, rounds, (mode) => mode.run());
    const [closed = [], open = []] = [...found.values()];
    return {
      name: 'admin',
      about: adminAbout,
      unit: benchCase.unit,
      rounds,
      subjects: [...found].map(([name, figures]) => toSubject(name, figures)),
      ratios: {
        'requests a second, panels open to closed': ratioOf('per_second', open, closed),
        'p99, panels open to closed': ratioOf('p99_ms', open, closed),
      },
    };
  } finally {
    await gateway.stop();
  }
}

/** Asks for pages until the load is over. */
async function withPanels(target: GatewayTarget, run: () => Promise<Figures>): Promise<Figures> {
  const times = new Samples();
  let isOver = false;
  const headers = { authorization: `Bearer ${target.adminToken}` };
  const ask = async (): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      const startedMs = performance.now();
      const path = paths[turn % paths.length] ?? '';
      // The figures answer to this machine; a bearer token of another kind would be refused.
      const answer = await fetch(target.gateway.url + path, path === '/metrics' ? {} : { headers });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
      times.add(performance.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const asking = ask();
  const figures = await run();
  isOver = true;
  await asking;
  const sorted = times.sorted();
  return { ...figures, admin_p50_ms: quantile(sorted, 0.5), admin_p99_ms: quantile(sorted, 0.99) };
}
