/** The models of November 2026: what they are asked for, their limits, and what became of the old ones. */

export type ModelKind = 'chat' | 'gemma' | 'image' | 'speech' | 'transcription' | 'embedding';

export interface Model {
  id: string;
  kind: ModelKind;
  /** 2.5, 3.8, 4…; Gemma and the embedding models are outside the sequence. */
  generation: number;
  /** Levels of thinking that may be asked for; empty where thinking is steered by a budget or not at all. */
  thinkingLevels: readonly string[];
  thinkingBudget: { least: number; most: number; mayBeZero: boolean } | null;
  /** Whether the last turn may be the model's. */
  allowsModelTurnLast: boolean;
  /** No longer offered to projects opened after it was closed. */
  isClosed: boolean;
  inputTokensMax: number;
  outputTokensMax: number;
  methods: readonly string[];
  displayName: string;
}

const lowToHigh = ['LOW', 'MEDIUM', 'HIGH'];
const minimalToHigh = ['MINIMAL', ...lowToHigh];
const million = 1_048_576;

function generative(id: string, generation: number, changes: Partial<Model> = {}): Model {
  return {
    id,
    kind: 'chat',
    generation,
    thinkingLevels: [],
    thinkingBudget: null,
    allowsModelTurnLast: generation < 3.6,
    isClosed: false,
    inputTokensMax: million,
    outputTokensMax: 65_536,
    methods: ['generateContent', 'countTokens', 'createCachedContent', 'batchGenerateContent'],
    displayName: id.replace(/(^|-)[a-z]/g, (letters) => letters.replace('-', ' ').toUpperCase()),
    ...changes,
  };
}

function image(id: string, generation: number, thinkingLevels: readonly string[] = []): Model {
  return generative(id, generation, {
    kind: 'image',
    thinkingLevels,
    inputTokensMax: 131_072,
    outputTokensMax: 32_768,
    methods: ['generateContent', 'countTokens', 'batchGenerateContent'],
  });
}

function speech(id: string, generation: number): Model {
  return generative(id, generation, {
    kind: 'speech',
    inputTokensMax: 8_192,
    outputTokensMax: 16_384,
    methods: ['generateContent', 'countTokens', 'batchGenerateContent'],
  });
}

function embedding(id: string, inputTokensMax: number): Model {
  return generative(id, 0, {
    kind: 'embedding',
    inputTokensMax,
    outputTokensMax: 1,
    methods: ['embedContent', 'countTextTokens', 'countTokens', 'asyncBatchEmbedContent'],
  });
}

function gemma(id: string): Model {
  return generative(id, 0, {
    kind: 'gemma',
    thinkingLevels: ['MINIMAL', 'HIGH'],
    inputTokensMax: 262_144,
    outputTokensMax: 32_768,
    methods: ['generateContent', 'countTokens'],
  });
}

const budget = (least: number, most: number, mayBeZero: boolean): Partial<Model> => ({
  thinkingBudget: { least, most, mayBeZero },
  isClosed: true,
});

const all: readonly Model[] = [
  generative('gemini-4-argon', 4, { thinkingLevels: lowToHigh, outputTokensMax: million }),
  generative('gemini-4-carbon', 4, { thinkingLevels: lowToHigh, outputTokensMax: million }),
  generative('gemini-4-hydrogen', 4, { thinkingLevels: [...lowToHigh, 'XHIGH'], outputTokensMax: million }),
  generative('gemini-3.8-flash', 3.8, { thinkingLevels: lowToHigh }),
  generative('gemini-3.7-flash', 3.7, { thinkingLevels: lowToHigh }),
  generative('gemini-3.6-flash', 3.6, { thinkingLevels: minimalToHigh }),
  generative('gemini-3.5-flash', 3.5, { thinkingLevels: minimalToHigh }),
  generative('gemini-3.5-flash-lite', 3.5, { thinkingLevels: minimalToHigh, allowsModelTurnLast: false }),
  generative('gemini-3.1-pro-preview', 3.1, { thinkingLevels: lowToHigh }),
  generative('gemini-3.1-pro-preview-customtools', 3.1, { thinkingLevels: lowToHigh }),
  generative('gemini-3.1-flash-lite', 3.1, { thinkingLevels: minimalToHigh }),
  generative('gemini-3-flash-preview', 3, { thinkingLevels: minimalToHigh }),
  generative('gemini-2.5-pro', 2.5, budget(128, 32_768, false)),
  generative('gemini-2.5-flash', 2.5, budget(1, 24_576, true)),
  generative('gemini-2.5-flash-lite', 2.5, budget(512, 24_576, true)),
  gemma('gemma-4-26b-a4b-it'),
  gemma('gemma-4-31b-it'),
  image('gemini-nano-banana-2.1', 3.8),
  image('gemini-3.1-flash-image', 3.1, ['MINIMAL', 'HIGH']),
  image('gemini-3.1-flash-lite-image', 3.1),
  image('gemini-3-pro-image', 3, ['LOW', 'HIGH']),
  speech('gemini-3.8-flash-tts', 3.8),
  speech('gemini-3.8-flash-lite-tts', 3.8),
  speech('gemini-3.1-flash-tts-preview', 3.1),
  speech('gemini-2.5-flash-preview-tts', 2.5),
  speech('gemini-2.5-pro-preview-tts', 2.5),
  generative('gemini-3.5-transcribe', 3.5, { kind: 'transcription', methods: ['generateContent', 'countTokens'] }),
  embedding('gemini-embedding-001', 2_048),
  embedding('gemini-embedding-2', 8_192),
  embedding('gemini-embedding-2-preview', 8_192),
];

/** Names that another model answers to; its id is then the `modelVersion`. */
const aliases: Readonly<Record<string, string>> = {
  'gemini-flash-latest': 'gemini-3.8-flash',
  'gemini-flash-lite-latest': 'gemini-3.5-flash-lite',
  'gemini-pro-latest': 'gemini-3.1-pro-preview',
  'gemini-3.7-flash': 'gemini-3.8-flash',
  'gemini-3.5-flash': 'gemini-3.6-flash',
  'nano-banana-pro-preview': 'gemini-3-pro-image',
};

const retiredPattern =
  /^(gemini-(1\.|2\.0-|pro$|3-pro-preview$|2\.5-flash-image)|imagen-|text-embedding-004$|embedding-001$)/;

const byId: ReadonlyMap<string, Model> = new Map(all.map((model) => [model.id, model]));

/** Every model that the list shows, aliases included. */
export const listedModels: readonly { id: string; model: Model }[] = [
  ...all.map((model) => ({ id: model.id, model })),
  ...Object.entries(aliases).flatMap(([id, target]) => {
    const model = byId.get(target);
    return byId.has(id) || model === undefined ? [] : [{ id, model }];
  }),
];

/** The model that answers for `id`, or undefined when there is none. */
export function resolveModel(id: string): Model | undefined {
  return byId.get(aliases[id] ?? id);
}

/** Whether `id` was a model once. */
export function isRetired(id: string): boolean {
  return retiredPattern.test(id);
}

/** A model as `GET /models` describes it. */
export function describeModel(id: string, model: Model): Record<string, unknown> {
  const { displayName, inputTokensMax, outputTokensMax, methods, kind, thinkingLevels, thinkingBudget } = model;
  const takesSampling = kind !== 'embedding';
  return {
    name: `models/${id}`,
    version: model.generation === 0 ? '001' : String(model.generation),
    displayName,
    description: `${displayName}, as the simulator plays it.`,
    inputTokenLimit: inputTokensMax,
    outputTokenLimit: outputTokensMax,
    supportedGenerationMethods: methods,
    ...(takesSampling ? { temperature: 1, topP: 0.95, topK: 64, maxTemperature: 2 } : {}),
    ...(thinkingLevels.length > 0 || thinkingBudget !== null ? { thinking: true } : {}),
  };
}
