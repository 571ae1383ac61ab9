/** What differs between Gemini models, read off their names, so that a model of tomorrow is treated like its elders. */

export type ThinkingLevel = 'minimal' | 'low' | 'medium' | 'high' | 'xhigh';

/** How a model's thinking is steered; null where it isn't. */
export type ThinkingControl =
  | { readonly by: 'level'; readonly levels: readonly ThinkingLevel[] }
  | { readonly by: 'budget'; readonly tokensMin: number; readonly tokensMax: number; readonly canBeOff: boolean }
  | null;

export interface ModelFamily {
  /** 205 for 2.5, 308 for 3.8; a name that says nothing counts as current. */
  readonly generation: number;
  readonly thinking: ThinkingControl;
  /** Temperature, topP and topK have an effect, or are taken at all. */
  readonly takesSampling: boolean;
  /** Stops at a cap of tokens and goes on when called again. */
  readonly continues: boolean;
  /** The last turn may be the model's. */
  readonly takesPrefill: boolean;
  /** There is a system instruction; else its text opens the first user turn. */
  readonly takesSystem: boolean;
  /** Schemas may be JSON Schema; else they must be OpenAPI's subset. */
  readonly takesJsonSchema: boolean;
  /** Functions go together with built-in tools and with JSON output, and their results may hold images. */
  readonly mixesTools: boolean;
  /** A function call in the history needs the signature that it came with, or a placeholder. */
  readonly needsSignatures: boolean;
}

/** Google's names for whatever is newest, and names outside the sequence. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['gemini-flash-latest', 'gemini-3.8-flash'],
  ['gemini-flash-lite-latest', 'gemini-3.5-flash-lite'],
  ['gemini-pro-latest', 'gemini-3.1-pro-preview'],
  ['gemini-nano-banana-2.1', 'gemini-3.1-flash-lite-image'],
  ['nano-banana-pro-preview', 'gemini-3-pro-image'],
]);

const lowToHigh: ThinkingControl = { by: 'level', levels: ['low', 'medium', 'high'] };
const minimalToHigh: ThinkingControl = { by: 'level', levels: ['minimal', 'low', 'medium', 'high'] };

/** The first pattern that matches a name decides. */
const thinkingByName: readonly [RegExp, ThinkingControl][] = [
  [/^gemini-3\.1-flash-image/, { by: 'level', levels: ['minimal', 'high'] }],
  [/^gemini-3-pro/, { by: 'level', levels: ['low', 'high'] }],
  [/-(image|tts|transcribe)(-|$)/, null],
  [/^gemini-2\.5-pro/, { by: 'budget', tokensMin: 128, tokensMax: 32_768, canBeOff: false }],
  [/^gemini-2\.5-flash-lite/, { by: 'budget', tokensMin: 512, tokensMax: 24_576, canBeOff: true }],
  [/^gemini-2\.5-flash/, { by: 'budget', tokensMin: 1, tokensMax: 24_576, canBeOff: true }],
  [/^gemini-[12](\.\d+)?-/, null],
  [/^gemini-3(\.[0-6])?-flash/, minimalToHigh],
  [/^gemini-4-hydrogen/, { by: 'level', levels: ['low', 'medium', 'high', 'xhigh'] }],
  [/^gemma-4/, { by: 'level', levels: ['minimal', 'high'] }],
  [/^gemma-/, null],
];

const currentGeneration = 308;
/** Names come from clients, so the number of those remembered is bounded. */
const rememberedMax = 1000;
const remembered = new Map<string, ModelFamily>();

/** The family of a model, by its id without `models/`. */
export function familyOf(model: string): ModelFamily {
  const known = remembered.get(model);
  if (known !== undefined) return known;
  const family = readFamily(aliases.get(model) ?? model);
  if (remembered.size < rememberedMax) remembered.set(model, family);
  return family;
}

function readFamily(model: string): ModelFamily {
  const isGemma = model.startsWith('gemma-');
  const [, major, minor] = /^gemini-(\d+)(?:\.(\d+))?(?:-|$)/.exec(model) ?? [];
  const generation = major === undefined ? currentGeneration : Number(major) * 100 + Number(minor ?? 0);
  const isThird = !isGemma && generation >= 300;
  const thinking = thinkingByName.find(([pattern]) => pattern.test(model));
  return {
    generation,
    thinking: thinking === undefined ? lowToHigh : thinking[1],
    takesSampling: major === undefined || generation < 306,
    continues: !isGemma && generation >= 400,
    // Google answers for 3.5 Flash with 3.6.
    takesPrefill: isGemma || (generation < 306 && !model.startsWith('gemini-3.5-flash')),
    takesSystem: !isGemma,
    takesJsonSchema: !isGemma && generation >= 205,
    mixesTools: isThird,
    needsSignatures: isThird,
  };
}
