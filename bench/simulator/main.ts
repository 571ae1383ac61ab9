/**
 * The simulator of the Gemini API, a process of its own: `main.ts [--port 0] [--host 127.0.0.1] [--script FILE]
 * [--log on|off] [--exit-with-parent]`. Says on its output when it is ready, and ends on SIGTERM.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Barriers } from './barriers.ts';
import { Books } from './books.ts';
import { applyScript, type ControlTools } from './control.ts';
import { GeminiApi } from './gemini-api.ts';
import { Pacer } from './pacer.ts';
import { Quotas } from './quotas.ts';
import { readScript } from './script-fields.ts';
import { ScriptStore } from './script-store.ts';
import { startServer } from './server.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    script: { type: 'string' },
    log: { type: 'string', default: 'on' },
    'exit-with-parent': { type: 'boolean', default: false },
  },
});

process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
if (flags['exit-with-parent']) process.stdin.resume().once('end', () => process.exit(0));

let clockOffsetMs = 0;
const clock = (): number => Date.now() + clockOffsetMs;
const books = new Books(clock);
const tools: ControlTools = {
  books,
  barriers: new Barriers(),
  script: new ScriptStore(),
  quotas: new Quotas(clock),
  setClockOffset: (offsetMs) => {
    clockOffsetMs = offsetMs;
  },
};
books.isLogging = flags.log !== 'off';
if (flags.script !== undefined) applyScript(readScript(JSON.parse(readFileSync(flags.script, 'utf8'))), tools);

const api = new GeminiApi({ ...tools, pacer: new Pacer() });
const port = await startServer({ host: flags.host, port: Number(flags.port), api, controlTools: tools });
process.stdout.write(`${JSON.stringify({ ready: true, port })}\n`);
