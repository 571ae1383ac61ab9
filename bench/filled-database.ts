/** A database as a busy gateway leaves it after three months, filled through the writer's own store. */
import type { UsageRow } from '../shared/rows.ts';
import { openSqliteStore } from '../workers/store/sqlite-store.ts';

const clientKeys = 20;
const geminiKeys = 12;
const models = ['gemini-3.8-flash', 'gemini-3.5-flash-lite', 'gemini-3.1-pro-preview'] as const;
export const filledDays = 90;
const dayMs = 86_400_000;
/** Rows of one commit: about an hour's, so that rollups are touched seldom and the filling is quick. */
const rowsAtOnce = 5_000;

export function clientKeyId(index: number): string {
  return `bench-client-key-${String(index).padStart(15, '0')}`;
}

/** Fills a new database with rows evenly over the days before `nowMs`; tells how far it is, in rows. */
export async function fillDatabase(
  databasePath: string,
  rows: number,
  nowMs: number,
  onProgress: (done: number) => void,
): Promise<void> {
  const { store } = openSqliteStore({ databasePath, synchronous: 'normal', encryptionKey: null });
  const chance = randomFrom(7);
  const startMs = nowMs - filledDays * dayMs;
  for (let done = 0; done < rows; done += rowsAtOnce) {
    const batch = Array.from({ length: Math.min(rowsAtOnce, rows - done) }, (_, i) => {
      const number = done + i;
      return makeRow(number, startMs + Math.floor(((nowMs - startMs) * number) / rows), chance);
    });
    await store.commit(batch, []);
    onProgress(done + batch.length);
  }
  await store.close();
}

function makeRow(number: number, atMs: number, chance: () => number): UsageRow {
  // Few keys and models have most of the traffic.
  const model = models[Math.floor(models.length * chance() ** 2)] ?? models[0];
  const geminiKeyId = `env-${String(Math.floor(geminiKeys * chance())).padStart(16, '0')}`;
  const roll = chance();
  const failed = roll < 0.02;
  const gone = roll > 0.99;
  const firstTokenMs = Math.floor(150 * Math.exp(chance() * 2));
  const durationMs = Math.floor(firstTokenMs + 300 * Math.exp(chance() * 3));
  const output = failed ? 0 : Math.floor(chance() * 800);
  return {
    id: atMs.toString(16).padStart(12, '0') + number.toString(16).padStart(20, '0'),
    atMs,
    clientKeyId: clientKeyId(Math.floor(clientKeys * chance() ** 3)),
    geminiKeyId,
    endpoint: 'chat.completions',
    modelAsked: model,
    modelServed: model,
    stream: chance() < 0.7,
    status: failed ? 429 : gone ? 499 : 200,
    termination: failed ? 'error' : gone ? 'client_gone' : 'complete',
    endedBy: failed ? 'gateway' : gone ? 'client' : 'upstream',
    phase: 'streaming',
    errorCode: failed ? 'keys_resting' : null,
    errorMessage: failed ? 'All Gemini keys are resting after rate limits. Try again later.' : null,
    errorParam: null,
    warnings: '',
    finishReason: failed || gone ? null : chance() < 0.9 ? 'stop' : 'length',
    usage: {
      prompt: Math.floor(chance() * 4_000),
      cached: 0,
      toolPrompt: 0,
      thoughts: output,
      output,
      estimated: gone,
    },
    costNano: output * 7_500,
    firstTokenMs: failed ? null : firstTokenMs,
    durationMs,
    attempts: [{ geminiKeyId, model, startedMs: 1, waitMs: 1, durationMs: durationMs - 1, status: 200, reason: 'ok' }],
  };
}

/** Numbers in [0, 1), the same in every run: a linear congruential generator is random enough for loads. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
