/** Which models a client key may use, by the names that clients and Gemini give them. */

/**
 * Whether one of a model's names is allowed: the name a client uses, or the one it stands for. A pattern that ends in
 * `*` allows every name that begins so. Null allows all.
 */
export function isModelAllowed(allowed: readonly string[] | null, names: readonly string[]): boolean {
  if (allowed === null) return true;
  return names.map(withoutPrefix).some((name) => allowed.some((pattern) => matches(withoutPrefix(pattern), name)));
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function withoutPrefix(name: string): string {
  return name.startsWith('models/') ? name.slice('models/'.length) : name;
}
