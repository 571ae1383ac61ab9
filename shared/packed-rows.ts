/**
 * Usage rows as they cross to the writer: lists without names, half as many bytes and half the time to write and read as
 * objects. Both ends run the same build, so the order of a list is nobody else's business.
 */
import type { Attempt, EndedBy, Termination, UsageRow } from './rows.ts';
import type { TokenUsage } from './usage.ts';

type PackedUsage = [
  prompt: number,
  cached: number,
  toolPrompt: number,
  thoughts: number,
  output: number,
  estimated: boolean,
  tier: TokenUsage['tier'] | null,
];

type PackedAttempt = [
  geminiKeyId: string,
  model: string,
  startedMs: number,
  waitMs: number,
  durationMs: number,
  status: number | null,
  reason: string,
];

export type PackedRow = [
  id: string,
  atMs: number,
  clientKeyId: string,
  geminiKeyId: string | null,
  endpoint: string,
  modelAsked: string | null,
  modelServed: string | null,
  stream: boolean,
  status: number,
  termination: Termination,
  endedBy: EndedBy,
  phase: string,
  errorCode: string | null,
  errorMessage: string | null,
  errorParam: string | null,
  warnings: string,
  finishReason: string | null,
  usage: PackedUsage,
  costNano: number | null,
  firstTokenMs: number | null,
  durationMs: number,
  attempts: PackedAttempt[],
];

export function packRow(row: UsageRow): PackedRow {
  return [
    row.id,
    row.atMs,
    row.clientKeyId,
    row.geminiKeyId,
    row.endpoint,
    row.modelAsked,
    row.modelServed,
    row.stream,
    row.status,
    row.termination,
    row.endedBy,
    row.phase,
    row.errorCode,
    row.errorMessage,
    row.errorParam,
    row.warnings,
    row.finishReason,
    packUsage(row.usage),
    row.costNano,
    row.firstTokenMs,
    row.durationMs,
    row.attempts.map(packAttempt),
  ];
}

/** The row that `packRow` was given. */
export function unpackRow(packed: PackedRow): UsageRow {
  return {
    id: packed[0],
    atMs: packed[1],
    clientKeyId: packed[2],
    geminiKeyId: packed[3],
    endpoint: packed[4],
    modelAsked: packed[5],
    modelServed: packed[6],
    stream: packed[7],
    status: packed[8],
    termination: packed[9],
    endedBy: packed[10],
    phase: packed[11],
    errorCode: packed[12],
    errorMessage: packed[13],
    errorParam: packed[14],
    warnings: packed[15],
    finishReason: packed[16],
    usage: unpackUsage(packed[17]),
    costNano: packed[18],
    firstTokenMs: packed[19],
    durationMs: packed[20],
    attempts: packed[21].map(unpackAttempt),
  };
}

function packUsage({ prompt, cached, toolPrompt, thoughts, output, estimated, tier }: TokenUsage): PackedUsage {
  return [prompt, cached, toolPrompt, thoughts, output, estimated, tier ?? null];
}

function unpackUsage([prompt, cached, toolPrompt, thoughts, output, estimated, tier]: PackedUsage): TokenUsage {
  const usage: TokenUsage = { prompt, cached, toolPrompt, thoughts, output, estimated };
  if (tier != null) usage.tier = tier;
  return usage;
}

function packAttempt(attempt: Attempt): PackedAttempt {
  const { geminiKeyId, model, startedMs, waitMs, durationMs, status, reason } = attempt;
  return [geminiKeyId, model, startedMs, waitMs, durationMs, status, reason];
}

function unpackAttempt(packed: PackedAttempt): Attempt {
  const [geminiKeyId, model, startedMs, waitMs, durationMs, status, reason] = packed;
  return { geminiKeyId, model, startedMs, waitMs, durationMs, status, reason };
}
