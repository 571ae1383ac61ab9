/** The form of the answer: MIME type, schema and modalities that go together and that the model can give. */
import { invalidArgumentReply } from './error-bodies.ts';
import { jsonSchemaProblem } from './json-schema-rules.ts';
import type { Model } from './model-catalogue.ts';
import { isOldGeneration, type Rule } from './rule.ts';
import { schemaProblem } from './schema-rules.ts';

const place = '* GenerateContentRequest.generation_config';
const mimeTypes = new Set(['text/plain', 'application/json', 'application/xml', 'application/yaml', 'text/x.enum']);

const modalitiesByKind: Readonly<Record<Model['kind'], readonly string[]>> = {
  chat: ['TEXT'],
  gemma: ['TEXT'],
  transcription: ['TEXT'],
  image: ['TEXT,IMAGE', 'IMAGE'],
  speech: ['AUDIO'],
  embedding: [],
};
const imageSizes = new Set(['512', '1K', '2K', '4K']);
const aspectRatio = /^(1:1|2:3|3:2|3:4|4:3|4:5|5:4|9:16|16:9|21:9|1:4|4:1|1:8|8:1)$/;
const voices = new Set(
  'Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat'
    .toLowerCase()
    .split(' '),
);

const mimeTypeKnown: Rule = ({ generationConfig = {} }, { model, id }) => {
  const { responseMimeType } = generationConfig;
  if (responseMimeType === undefined || responseMimeType === '') return null;
  if (!mimeTypes.has(responseMimeType))
    return invalidArgumentReply(
      `${place}.response_mime_type: allowed mimetypes are \`text/plain\`, \`application/json\`, \`application/xml\`, \`application/yaml\` and \`text/x.enum\`.\n`,
    );
  const givesText = model.kind === 'chat' || model.kind === 'gemma' || model.kind === 'transcription';
  return responseMimeType === 'text/plain' || givesText
    ? null
    : invalidArgumentReply(`JSON mode is not enabled for models/${id}`);
};

const schemaFits: Rule = ({ generationConfig = {} }, { model }) => {
  const { responseMimeType = 'text/plain', responseSchema, responseFormat } = generationConfig;
  const jsonSchema = generationConfig.responseJsonSchema ?? generationConfig._responseJsonSchema;
  if (responseSchema !== undefined && jsonSchema !== undefined)
    return invalidArgumentReply(`${place}: only one of response_schema and response_json_schema may be set\n`);
  if (responseSchema !== undefined) {
    if (responseMimeType !== 'application/json' && responseMimeType !== 'text/x.enum')
      return invalidArgumentReply(`${place}.response_schema: only allowed with a response_mime_type of JSON or enum\n`);
    const problem = schemaProblem(responseSchema, `${place.slice(2)}.response_schema`, isOldGeneration(model));
    if (problem !== null) return invalidArgumentReply(`* ${problem}\n`);
  }
  if (jsonSchema !== undefined && responseMimeType !== 'application/json')
    return invalidArgumentReply(
      `${place}.response_json_schema: only allowed with the response_mime_type application/json\n`,
    );
  if (responseMimeType === 'text/x.enum' && responseSchema?.enum === undefined)
    return invalidArgumentReply(`${place}.response_schema: text/x.enum needs a schema of type STRING with an enum\n`);
  const free = jsonSchema ?? responseFormat?.text?.schema;
  const problem = free === undefined ? null : jsonSchemaProblem(free, false);
  return problem === null
    ? null
    : invalidArgumentReply('Request contains an invalid argument.', `response_json_schema: ${problem}`);
};

const modalitiesFit: Rule = ({ generationConfig = {} }, { model, id }) => {
  const { responseModalities } = generationConfig;
  const combinations = modalitiesByKind[model.kind];
  if (responseModalities === undefined && model.kind !== 'speech') return null;
  const wanted = responseModalities ?? ['TEXT'];
  const fits = combinations.some((allowed) => allowed.split(',').sort().join() === [...new Set(wanted)].sort().join());
  return fits
    ? null
    : invalidArgumentReply(
        `The requested combination of response modalities (${wanted.join(', ')}) is not supported by the model. models/${id} accepts the following combination of response modalities:\n${combinations.map((allowed) => `* ${allowed.replace(',', ', ')}\n`).join('')}`,
      );
};

const imageFits: Rule = ({ generationConfig }, { model }) => {
  const { aspectRatio: ratio, imageSize } = generationConfig?.imageConfig ?? {};
  if (ratio !== undefined && !aspectRatio.test(ratio))
    return invalidArgumentReply(
      `${place}.image_config.aspect_ratio: aspect_ratio must be one of the supported ratios\n`,
    );
  return imageSize === undefined || (imageSizes.has(imageSize) && model.generation >= 3)
    ? null
    : invalidArgumentReply(`${place}.image_config.image_size: image_size must be one of '512', '1K', '2K', '4K'\n`);
};

const speechFits: Rule = ({ generationConfig }, { model }) => {
  const speech = generationConfig?.speechConfig;
  if (speech === undefined) return null;
  if (model.kind !== 'speech') return invalidArgumentReply('Speech config is not supported for this model.');
  const voice = speech.voiceConfig?.prebuiltVoiceConfig?.voiceName;
  if (voice !== undefined && !voices.has(voice.toLowerCase()))
    return invalidArgumentReply(
      `Voice name ${voice} is not supported. Allowed voice names are: ${[...voices].sort().join(', ')}`,
    );
  const speakers = speech.multiSpeakerVoiceConfig?.speakerVoiceConfigs;
  return speakers === undefined || speakers.length === 2
    ? null
    : invalidArgumentReply('The number of enabled_voices must equal 2.');
};

export const outputRules: readonly Rule[] = [mimeTypeKnown, schemaFits, modalitiesFit, imageFits, speechFits];
