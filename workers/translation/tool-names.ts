/**
 * Names of tools: clients may call a tool what they like, Gemini takes only a narrow alphabet. The names that it knows
 * are mapped back on answers, and so is what it calls by a prefix of its own invention.
 */

/** Longest function name that every version of Gemini's API takes. */
const nameCharsMax = 64;

export interface DeclaredTool {
  /** As the client calls it. */
  name: string;
  kind: 'function' | 'custom';
}

export class ToolNames {
  readonly #byGeminiName = new Map<string, DeclaredTool>();
  readonly #geminiNames = new Map<string, string>();

  /** Declares a tool and gives the name that Gemini shall know it by; undefined when it is declared already. */
  declare(name: string, kind: DeclaredTool['kind']): string | undefined {
    if (this.#geminiNames.has(name)) return undefined;
    const geminiName = this.#unused(toGeminiName(name));
    this.#byGeminiName.set(geminiName, { name, kind });
    this.#geminiNames.set(name, geminiName);
    return geminiName;
  }

  /** The name that Gemini knows a declared tool by. */
  geminiName(name: string): string | undefined {
    return this.#geminiNames.get(name);
  }

  /** The tool that Gemini means; a name that nobody declared is passed on as it is. */
  resolve(calledName: string): DeclaredTool {
    const declared = this.#byGeminiName.get(calledName);
    if (declared !== undefined) return declared;
    const bare = calledName.replace(/^default_api[.:]/, '');
    return this.#byGeminiName.get(bare) ?? { name: calledName, kind: 'function' };
  }

  #unused(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#byGeminiName.has(name); n++) {
      const suffix = `_${n}`;
      name = wanted.slice(0, nameCharsMax - suffix.length) + suffix;
    }
    return name;
  }
}

/** A name in Gemini's alphabet: what is not in it becomes `_`. */
export function toGeminiName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/.test(name)) return name;
  const mapped = name.replace(/[^A-Za-z0-9_.:-]/gu, '_');
  return (/^[A-Za-z_]/.test(mapped) ? mapped : `_${mapped}`).slice(0, nameCharsMax);
}
