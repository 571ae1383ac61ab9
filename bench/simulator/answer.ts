/**
 * What the simulated model says, always the same for the same request: scripted text, calls of declared functions, an
 * instance of the wanted schema, media, or a sentence that echoes the prompt.
 */
import { type Hop, hopOf } from './continuation.ts';
import { callsFor, type FunctionCall } from './function-answer.ts';
import type { Content, GenerateContentRequest, GenerationConfig, Part } from './gemini-request.ts';
import { groundingOf } from './grounding.ts';
import { mediaAnswer } from './media-answer.ts';
import type { Model } from './model-catalogue.ts';
import type { Scenario, Usage } from './scenario.ts';
import { instanceOf } from './schema-instance.ts';
import { signatureFor } from './signatures.ts';
import { piecesOf } from './text-pieces.ts';
import { thoughtsTokensOf } from './thinking.ts';
import { tokensOfText, VisibleTokens } from './tokens.ts';

export interface Question {
  request: GenerateContentRequest;
  /** What it costs before an answer is begun. */
  tokens: number;
  model: Model;
  scenario: Scenario | null;
  isStream: boolean;
}

export interface Answer {
  /** The parts of each event of a stream; a whole answer joins them. */
  events: Part[][];
  finishReason: string | null;
  /** Goes into the candidate of the last event. */
  lastCandidate: Record<string, unknown>;
  candidateCount: number;
  usage: Usage;
}

interface Spoken {
  thoughts: string[];
  text: string;
  calls: FunctionCall[];
  lastCandidate: Record<string, unknown>;
}

const charsPerToken = 4;
const pieceBytes = 24;
const piecesMax = 48;

export function answerTo(question: Question): Answer {
  const { request, model, scenario } = question;
  const { generationConfig = {}, contents = [] } = request;
  const isScripted = scenario?.text !== undefined || scenario?.chunks !== undefined;
  const media = isScripted ? null : mediaAnswer(model, generationConfig, lastUserText(contents));
  if (media !== null) return mediaReply(question, media);
  const spoken: Spoken = isScripted
    ? { thoughts: [], text: scenario?.text ?? '', calls: [], lastCandidate: {} }
    : spokenAnswer(request, model);
  const thoughts = scenario?.thoughts ?? spoken.thoughts;
  const thoughtTokens = Math.max(
    isScripted ? 0 : thoughtsTokensOf(model, generationConfig),
    tokensOfText(thoughts.join('')),
  );
  const cut = cutText(spoken.text, generationConfig, thoughtTokens);
  const hop =
    model.generation >= 4 ? hopOf(request, cut.text, question.isStream, thoughtTokens, scenario?.hopTokens) : null;
  const events: Part[][] = (hop?.offset ?? 0) > 0 ? [] : thoughts.map((text) => [{ text, thought: true }]);
  events.push(...textEvents(hop?.text ?? cut.text, question, isScripted));
  if (!isScripted && !cut.isEmpty) events.push(...signedEvents(spoken.calls, model));
  return {
    events,
    finishReason: finishReasonOf(scenario, cut.isCut, hop),
    lastCandidate: { ...spoken.lastCandidate, ...continuationOf(hop) },
    candidateCount: generationConfig.candidateCount ?? 1,
    usage: usageOf(question, events, thoughtTokens, hop),
  };
}

/** The text of the last user turn that has one. */
function lastUserText(contents: readonly Content[]): string {
  for (let index = contents.length - 1; index >= 0; index--) {
    const { role = 'user', parts = [] } = contents[index] ?? {};
    if (role === 'model') continue;
    const text = parts.map((part) => part.text ?? '').join('');
    if (text !== '') return text;
  }
  return '';
}

function mediaReply(question: Question, events: Part[][]): Answer {
  const candidateCount = 1;
  return { events, finishReason: 'STOP', lastCandidate: {}, candidateCount, usage: usageOf(question, events, 0, null) };
}

function spokenAnswer(request: GenerateContentRequest, model: Model): Spoken {
  const { contents = [], generationConfig = {}, tools = [] } = request;
  const said = lastUserText(contents);
  const isThinking =
    generationConfig.thinkingConfig?.includeThoughts === true && thoughtsTokensOf(model, generationConfig) > 0;
  const thoughts = isThinking
    ? [`**Reading the prompt**\n\nThe prompt has ${said.length} characters. `, 'An echo will do.\n']
    : [];
  const calls = callsFor(request, said);
  if (calls.length > 0) return { thoughts, text: '', calls, lastCandidate: {} };
  const json = jsonAnswer(generationConfig, said);
  if (json !== null) return { thoughts, text: json, calls, lastCandidate: {} };
  const text = textAnswer(contents, said);
  return { thoughts, text, calls, lastCandidate: groundingOf(tools, text, said) };
}

/** An instance of the wanted schema as text; null when plain text is wanted. */
function jsonAnswer(config: GenerationConfig, said: string): string | null {
  const format = config.responseFormat?.text;
  const mimeType = config.responseMimeType ?? format?.mimeType;
  const schema = config.responseSchema ?? config.responseJsonSchema ?? config._responseJsonSchema ?? format?.schema;
  if (mimeType === 'text/x.enum') return String(instanceOf(schema));
  if (mimeType !== 'application/json') return null;
  return JSON.stringify(schema === undefined ? { answer: `The Gemini simulator read: ${said}` } : instanceOf(schema));
}

function textAnswer(contents: readonly Content[], said: string): string {
  const results = (contents.at(-1)?.parts ?? []).flatMap(({ functionResponse }) =>
    functionResponse === undefined
      ? []
      : [`${functionResponse.name ?? ''} said ${JSON.stringify(functionResponse.response ?? {})}`],
  );
  if (results.length > 0) return `The Gemini simulator has the results: ${results.join('; ')}.`;
  if (said === '') return 'Hello! This is the Gemini simulator, not Google. It saw no text in your last message.';
  return `Hello! This is the Gemini simulator, not Google. You said: “${said}”`;
}

/** The calls, of which Gemini 3 and later sign the first, or else an empty part for the signature of a text. */
function signedEvents(calls: readonly FunctionCall[], model: Model): Part[][] {
  const isSigned = model.generation >= 3;
  if (calls.length === 0) return isSigned ? [[{ text: '', thoughtSignature: signatureFor(model, '') }]] : [];
  return [
    calls.map((functionCall, index) =>
      index === 0 && isSigned
        ? { functionCall, thoughtSignature: signatureFor(model, functionCall.name) }
        : { functionCall },
    ),
  ];
}

interface CutText {
  text: string;
  isCut: boolean;
  /** Nothing is left for an answer: thinking took it all. */
  isEmpty: boolean;
}

/** Applies stop sequences and the output limit, of which thinking takes its part first. */
function cutText(whole: string, { stopSequences = [], maxOutputTokens }: GenerationConfig, thoughts: number): CutText {
  const stops = stopSequences.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
  const text = stops.length === 0 ? whole : whole.slice(0, Math.min(...stops));
  if (maxOutputTokens === undefined) return { text, isCut: false, isEmpty: false };
  const visible = (maxOutputTokens - thoughts) * charsPerToken;
  if (visible <= 0) return { text: '', isCut: true, isEmpty: true };
  return { text: text.slice(0, visible), isCut: text.length > visible, isEmpty: false };
}

function textEvents(text: string, { scenario, isStream }: Question, isScripted: boolean): Part[][] {
  if (text === '' && scenario?.chunks === undefined) return [];
  if (!isStream && scenario?.chunks === undefined) return [[{ text }]];
  const defaultBytes = Math.max(pieceBytes, Math.ceil(Buffer.byteLength(text) / piecesMax));
  const pieces = piecesOf(text, scenario?.chunks, scenario?.chunkSize ?? (isScripted ? undefined : defaultBytes));
  return pieces.map((piece) => [{ text: piece }]);
}

function finishReasonOf(scenario: Scenario | null, isCut: boolean, hop: Hop | null): string | null {
  if (scenario?.endWithoutFinish) return null;
  if (hop?.continuationToken) return 'CONTINUATION';
  return scenario?.finishReason ?? (isCut ? 'MAX_TOKENS' : 'STOP');
}

function continuationOf(hop: Hop | null): Record<string, unknown> {
  return hop?.continuationToken ? { continuationToken: hop.continuationToken } : {};
}

/** Later calls of a long answer are billed for the prompt and for what was said before. */
function usageOf({ request, tokens }: Question, events: Part[][], thoughtTokens: number, hop: Hop | null): Usage {
  const saidTokens = Math.ceil((hop?.offset ?? 0) / charsPerToken);
  const thought = saidTokens > 0 ? 0 : thoughtTokens;
  const visible = new VisibleTokens();
  for (const parts of events) visible.add(parts);
  const candidates = visible.count * (request.generationConfig?.candidateCount ?? 1);
  const usage = countsOf(tokens + saidTokens, candidates, thought);
  return saidTokens > 0 ? { ...usage, initialPromptTokenCount: tokens } : usage;
}

/** Counts that are zero are left out, as Google does. */
export function countsOf(prompt: number, candidates: number, thoughts: number): Usage {
  return {
    promptTokenCount: prompt,
    ...(candidates > 0 ? { candidatesTokenCount: candidates } : {}),
    ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    totalTokenCount: prompt + candidates + thoughts,
  };
}
