/** What a dialect of Gemini can't say of a place in a schema, in words for its description. */
import type { JsonRecord } from '../../shared/gemini-wire.ts';

const noteCharsMax = 200;
const notesCharsMax = 600;

/** Keywords that no dialect has and that say something about values. What is in neither list says nothing to a model. */
const wordsOnly: ReadonlySet<string> = new Set([
  'multipleOf',
  'uniqueItems',
  'not',
  'contains',
  'minContains',
  'maxContains',
  'patternProperties',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'if',
  'then',
  'else',
  'unevaluatedProperties',
  'unevaluatedItems',
  'contentEncoding',
  'contentMediaType',
]);

export class SchemaNotes {
  #text = '';

  get isEmpty(): boolean {
    return this.#text === '';
  }

  /** Notes what a keyword said. */
  add(keyword: string, value: unknown): void {
    const said = typeof value === 'string' ? value : JSON.stringify(value);
    // A cut may go through a character.
    const short = said.length > noteCharsMax ? `${said.slice(0, noteCharsMax).toWellFormed()}…` : said;
    this.say(`${keyword}: ${short}`);
  }

  say(note: string): void {
    if (this.#text.length > notesCharsMax) return;
    this.#text += this.#text === '' ? note : `, ${note}`;
  }

  /** Notes all keywords of a schema that can only be said in words. */
  addWordsOnly(schema: JsonRecord): void {
    for (const name in schema) {
      if (!wordsOnly.has(name)) continue;
      const value = schema[name];
      if (value !== false && value !== null) this.add(name, value);
    }
  }

  /** A description with the notes behind it; undefined when there is nothing to say. */
  describe(description: unknown): string | undefined {
    const said = typeof description === 'string' ? description : '';
    if (this.#text === '') return said === '' ? undefined : said;
    return said === '' ? `(${this.#text})` : `${said} (${this.#text})`;
  }
}
