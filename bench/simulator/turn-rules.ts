/** The order of turns: calls follow a user, results follow calls one for one, signatures come back where they were. */
import { invalidArgumentReply } from './error-bodies.ts';
import type { Content, Part } from './gemini-request.ts';
import type { Refusal, Rule, RuleContext } from './rule.ts';
import { isSignatureFor } from './signatures.ts';

const countText =
  'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.';
const callOrderText =
  'Please ensure that function call turn comes immediately after a user turn or after a function response turn.';
const responseOrderText = 'Please ensure that function response turn comes immediately after a function call turn.';

interface Turn {
  isModel: boolean;
  calls: NonNullable<Part['functionCall']>[];
  responses: NonNullable<Part['functionResponse']>[];
  parts: Part[];
}

function turnOf({ role, parts = [] }: Content): Turn {
  return {
    isModel: role === 'model',
    calls: parts.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall])),
    responses: parts.flatMap(({ functionResponse }) => (functionResponse === undefined ? [] : [functionResponse])),
    parts,
  };
}

const callsAndResults: Rule = ({ contents = [] }) => {
  const turns = contents.map(turnOf);
  for (const [index, turn] of turns.entries()) {
    const refusal = checkTurn(turn, turns[index - 1], turns[index + 1]);
    if (refusal !== null) return refusal;
  }
  return null;
};

function checkTurn(
  { isModel, calls, responses, parts }: Turn,
  before: Turn | undefined,
  after: Turn | undefined,
): Refusal {
  if (calls.length > 0) {
    if (!isModel || before === undefined || before.isModel) return invalidArgumentReply(callOrderText);
    if (after?.responses.length !== calls.length) return invalidArgumentReply(countText);
    return checkPairs(calls, after.responses);
  }
  if (responses.length === 0) return null;
  if (isModel || before === undefined || before.calls.length === 0) return invalidArgumentReply(responseOrderText);
  return responses.length === parts.length ? null : invalidArgumentReply(countText);
}

/** Every result names its call: by id where both have one, and by name. */
function checkPairs(calls: Turn['calls'], responses: Turn['responses']): Refusal {
  const sorted = (names: (string | undefined)[]): string =>
    names
      .map((name) => name ?? '')
      .sort()
      .join('\n');
  const haveIds = [...calls, ...responses].every(({ id }) => (id ?? '') !== '');
  const idsDiffer = haveIds && sorted(calls.map(({ id }) => id)) !== sorted(responses.map(({ id }) => id));
  const namesDiffer = sorted(calls.map(({ name }) => name)) !== sorted(responses.map(({ name }) => name));
  return idsDiffer || namesDiffer
    ? invalidArgumentReply(
        'Request contains an invalid argument.',
        'function responses do not name the function calls before them',
      )
    : null;
}

/** From Gemini 3 on, each step of the current turn must show the signature of its first call. */
const signaturesPresent: Rule = ({ contents = [] }, { model }) => {
  if (model.generation < 3) return null;
  for (let index = currentTurnStart(contents); index < contents.length; index++) {
    const { role, parts = [] } = contents[index] ?? {};
    const first = role === 'model' ? parts.find(({ functionCall }) => functionCall !== undefined) : undefined;
    if (first === undefined || (first.thoughtSignature ?? '') !== '') continue;
    return invalidArgumentReply(
      `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${first.functionCall?.name ?? ''}\` , position ${index + 1}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.`,
    );
  }
  return null;
};

/** Just after the last content in which the user, and not a tool, speaks. */
function currentTurnStart(contents: readonly Content[]): number {
  return contents.findLastIndex((content) => content.role !== 'model' && turnOf(content).responses.length === 0) + 1;
}

const signaturesGenuine: Rule = ({ contents = [] }, context) => {
  for (const part of contents.flatMap(({ parts = [] }) => parts)) {
    const refusal = checkSignature(part, context);
    if (refusal !== null) return refusal;
  }
  return null;
};

function checkSignature(
  { thoughtSignature = '', functionCall, functionResponse }: Part,
  { model }: RuleContext,
): Refusal {
  if (thoughtSignature === '' || model.kind === 'gemma') return null;
  if (functionResponse !== undefined)
    return invalidArgumentReply(
      'Request contains an invalid argument.',
      'a function response carries a thought signature',
    );
  return isSignatureFor(thoughtSignature, model, functionCall?.name ?? '')
    ? null
    : invalidArgumentReply('Corrupted thought signature.');
}

const lastTurnIsUsers: Rule = ({ contents = [] }, { model }) =>
  model.allowsModelTurnLast || contents.at(-1)?.role !== 'model'
    ? null
    : invalidArgumentReply('Requests ending with a model turn are not supported.');

export const turnRules: readonly Rule[] = [lastTurnIsUsers, callsAndResults, signaturesPresent, signaturesGenuine];
