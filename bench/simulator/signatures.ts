/**
 * Thought signatures: the simulator's own, bound to a model's generation and to the function called, so that a signature
 * that was moved, altered or taken to another family is found out. Google's documented dummies always pass.
 */
import type { Model } from './model-catalogue.ts';

const dummies = new Set(
  ['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go'].flatMap((dummy) => [
    dummy,
    Buffer.from(dummy).toString('base64'),
    Buffer.from(dummy).toString('base64').replace(/=+$/, ''),
  ]),
);
const prefix = 'gemini-simulator signature';

/** Signatures that a scripted event gave out; they come back and must pass. */
const scripted = new Set<string>();

export function signatureFor(model: Model, functionName: string): string {
  return Buffer.from(`${prefix} ${Math.floor(model.generation)} ${functionName}`).toString('base64');
}

/** Whether a signature may stand beside this part in a request to this model. */
export function isSignatureFor(signature: string, model: Model, functionName: string): boolean {
  if (dummies.has(signature) || scripted.has(signature)) return true;
  return Buffer.from(signature, 'base64').toString() === `${prefix} ${Math.floor(model.generation)} ${functionName}`;
}

/** Remembers every signature inside of a scripted event. */
export function learnSignatures(event: unknown): void {
  if (typeof event !== 'object' || event === null) return;
  for (const [name, value] of Object.entries(event)) {
    if (name === 'thoughtSignature' && typeof value === 'string') scripted.add(value);
    else learnSignatures(value);
  }
}
