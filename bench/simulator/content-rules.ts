/** Contents: there are some, their roles are known, each part holds one thing, media are what they say they are. */
import { deniedReply, invalidArgumentReply } from './error-bodies.ts';
import type { Content, Part } from './gemini-request.ts';
import { mediaProblem } from './inline-media.ts';
import { partDataFields } from './request-fields.ts';
import type { Refusal, Rule, RuleContext } from './rule.ts';

const place = 'GenerateContentRequest';

const contentsGiven: Rule = ({ contents = [] }) =>
  contents.length > 0 ? null : invalidArgumentReply(`* ${place}.contents: contents is not specified\n`);

const rolesKnown: Rule = ({ contents = [] }) =>
  contents.every(({ role = '' }) => role === '' || role === 'user' || role === 'model')
    ? null
    : invalidArgumentReply('Please use a valid role: user, model.');

const partsHold: Rule = ({ contents = [] }, context) => {
  for (const [index, content] of contents.entries()) {
    const refusal = checkParts(content, `${place}.contents[${index}]`, context);
    if (refusal !== null) return refusal;
  }
  return null;
};

const systemIsText: Rule = ({ systemInstruction }, { model, id }) => {
  if (systemInstruction === undefined) return null;
  if (model.kind !== 'chat') return invalidArgumentReply(`Developer instruction is not enabled for models/${id}`);
  const { parts = [] } = systemInstruction;
  if (parts.length === 0)
    return invalidArgumentReply(`* ${place}.system_instruction.parts: contents.parts must not be empty.\n`);
  const other = parts.findIndex(({ text }) => text === undefined);
  return other < 0
    ? null
    : invalidArgumentReply(
        `* ${place}.system_instruction.parts[${other}].data: only text is supported in system instructions\n`,
      );
};

export const contentRules: readonly Rule[] = [contentsGiven, rolesKnown, partsHold, systemIsText];

function checkParts({ parts = [] }: Content, at: string, context: RuleContext): Refusal {
  // An empty text stands for something only beside a signature.
  const isEmpty = parts.every(({ text, thoughtSignature }) => text === '' && thoughtSignature === undefined);
  if (isEmpty) return invalidArgumentReply(`* ${at}.parts: contents.parts must not be empty.\n`);
  for (const [index, part] of parts.entries()) {
    const refusal = checkPart(part, `${at}.parts[${index}]`, context);
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkPart(part: Part, at: string, { model, files }: RuleContext): Refusal {
  if (!partDataFields.some((name) => Object.hasOwn(part, name)))
    return invalidArgumentReply(`* ${at}.data: required oneof field 'data' must have one initialized field\n`);
  const { inlineData, fileData, functionCall, functionResponse } = part;
  if (inlineData !== undefined) {
    const problem = mediaProblem(inlineData);
    if (problem !== null) return invalidArgumentReply(problem);
  }
  if (fileData !== undefined) return checkUri(fileData.fileUri ?? '', model.generation, files);
  if (functionCall !== undefined && (functionCall.name ?? '') === '')
    return invalidArgumentReply(`* ${at}.function_call.name: Name cannot be empty.\n`);
  if (functionResponse !== undefined) {
    if ((functionResponse.name ?? '') === '')
      return invalidArgumentReply(`* ${at}.function_response.name: Name cannot be empty.\n`);
    return checkResponse(functionResponse.response, functionResponse.parts, model.generation);
  }
  return null;
}

/** A `$ref` in a tool's result names one of its media parts. */
function checkResponse(response: unknown, parts: unknown[] | undefined, generation: number): Refusal {
  if (parts !== undefined && parts.length > 0 && generation < 3)
    return invalidArgumentReply('Multimodal function responses are not supported by this model.');
  const refs = [...JSON.stringify(response ?? {}).matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1] ?? '');
  const names = JSON.stringify(parts ?? []);
  const unknown = refs.find((name) => !names.includes(`"displayName":${JSON.stringify(name)}`));
  return unknown === undefined
    ? null
    : invalidArgumentReply(
        'Request contains an invalid argument.',
        `no part of the function response is called ${unknown}`,
      );
}

function checkUri(uri: string, generation: number, files: readonly string[] = []): Refusal {
  const file = /^https:\/\/generativelanguage\.googleapis\.com\/.*?(files\/.*)$/.exec(uri)?.[1];
  if (file !== undefined && files.includes(file)) return null;
  if (file !== undefined)
    return deniedReply(
      `You do not have permission to access the File ${uri.split('/').at(-1) ?? ''} or it may not exist.`,
    );
  const isVideo = /^https:\/\/(www\.)?(youtube\.com|youtu\.be)\//.test(uri);
  const isPublic = uri.startsWith('https://') && generation >= 3;
  return isVideo || isPublic ? null : invalidArgumentReply(`Unsupported file uri: ${uri}`);
}
