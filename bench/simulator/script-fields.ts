/** The fields of a script, in the same form as Google's messages, so that a test's typing error is a 400 with its place. */
import { isErrorPreset, isScriptedError } from './error-bodies.ts';
import { isRecord } from './gemini-request.ts';
import { compileMessages } from './message-table.ts';
import { findViolations, type Violation } from './message-walker.ts';
import type { Script } from './scenario.ts';

const scenario: Readonly<Record<string, string>> = {
  match: 'Match',
  times: 'int32',
  delayMs: 'double',
  error: 'value',
  events: 'value[]',
  text: 'string',
  chunks: 'int32',
  chunkSize: 'int32',
  thoughts: 'string[]',
  finishReason: 'string',
  intervalMs: 'double',
  cutAfterEvents: 'int32',
  endWithoutFinish: 'bool',
  hangAfterEvents: 'int32',
  errorEventAfter: 'int32',
  rawTail: 'value',
  streamError: 'string',
  garbageEvent: 'Garbage',
  splitBytes: 'int32',
  holdUntilReleased: 'string',
  holdAfterEvents: 'int32',
  usage: 'struct',
  withoutUsage: 'bool',
  hopTokens: 'int32',
  headers: 'struct',
  contentType: 'string',
  lineEnd: 'string',
  gzip: 'bool',
};

const scriptMessage = compileMessages({
  messages: {
    Script: { scenarios: 'Scenario[]', projects: 'Project[]', append: 'bool' },
    Scenario: scenario,
    Match: { key: 'string', model: 'string', method: 'Method' },
    Garbage: { after: 'int32', line: 'string' },
    Project: {
      name: 'string',
      keys: 'string[]',
      quota: 'Quota',
      models: 'Quota{}',
      tier: 'string',
      isNew: 'bool',
      files: 'string[]',
    },
    Quota: { rpm: 'int32', rpd: 'int32', tpm: 'int32' },
  },
  enums: {
    Method: [
      'generateContent',
      'streamGenerateContent',
      'countTokens',
      'embedContent',
      'batchEmbedContents',
      'listModels',
      'getModel',
    ],
  },
  caselessEnums: new Set<string>(),
  oneofs: {},
}).get('Script');

/** The script in a JSON value: an object, or a list of scenarios alone. Throws with all that is wrong with it. */
export function readScript(value: unknown): Script {
  const script = Array.isArray(value) ? { scenarios: value } : value;
  const violations = scriptMessage === undefined ? [] : findViolations(script, scriptMessage);
  const faults = [...violations.map(({ description }) => description), ...errorFaults(script)];
  if (faults.length > 0 || !isChecked(script, violations)) throw new Error(faults.join('\n'));
  return script;
}

function isChecked(_value: unknown, violations: readonly Violation[]): _value is Script {
  return violations.length === 0;
}

function errorFaults(script: unknown): string[] {
  const scenarios = isRecord(script) && Array.isArray(script['scenarios']) ? script['scenarios'] : [];
  return scenarios
    .filter(isRecord)
    .flatMap(({ error, streamError }, index) => [
      ...(error === undefined || isScriptedError(error)
        ? []
        : [`scenarios[${index}].error is neither a preset nor {status, body}`]),
      ...(streamError === undefined || isErrorPreset(streamError)
        ? []
        : [`scenarios[${index}].streamError is no preset`]),
    ]);
}
