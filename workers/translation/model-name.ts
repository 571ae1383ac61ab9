/** The model that a request names: what the client calls it, and the id that stands in Gemini's path. */
import { GatewayError } from '../../shared/errors.ts';
import { limits } from '../../shared/limits.ts';
import { missing, wrongType, wrongValue } from './field-readers.ts';

/** Names that clients use, by the models that answer for them. */
export type ModelAliases = ReadonlyMap<string, string>;

/** The model's name, which must be able to stand in a path and nothing else. */
export function readModelName(
  value: unknown,
  aliases: ModelAliases | undefined,
): { model: string; modelAsked: string } {
  if (value === undefined || value === null) throw missing('model');
  if (typeof value !== 'string') throw wrongType('model', 'a string', value);
  if (value === '') throw wrongValue('model', 'empty string.');
  const named = aliases?.get(value) ?? value;
  const model = named.startsWith('models/') ? named.slice('models/'.length) : named;
  if (model.length > limits.modelNameCharsMax || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(model) || model.includes('..'))
    throw new GatewayError('model_not_found', { message: 'There is no model of this name.', param: 'model' });
  return { model, modelAsked: value };
}
