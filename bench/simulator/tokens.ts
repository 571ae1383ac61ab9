/** Token counts, the same for counting and for usage: four characters make a token, media have a price each. */
import type { Content, GenerateContentRequest, Part } from './gemini-request.ts';

const charsPerToken = 4;
const imageTokens = 258;
const mediaCharsPerToken = 1_000;
const drawnImageTokens = 1_290;
const spokenTokens = 32;

export function tokensOfText(text: string): number {
  return Math.ceil(text.length / charsPerToken);
}

export function tokensOfContents(contents: readonly Content[]): number {
  return contents.reduce(
    (sum, { parts = [] }) => sum + parts.reduce((tokens, part) => tokens + tokensOfPart(part), 0),
    0,
  );
}

/** What a request costs before an answer is begun. */
export function tokensOfRequest({ contents = [], systemInstruction, tools }: GenerateContentRequest): number {
  const system = systemInstruction === undefined ? 0 : tokensOfContents([systemInstruction]);
  const declared = tools === undefined ? 0 : tokensOfText(JSON.stringify(tools));
  return Math.max(1, tokensOfContents(contents) + system + declared);
}

function tokensOfPart(part: Part): number {
  if (part.text !== undefined) return tokensOfText(part.text);
  if (part.inlineData !== undefined) {
    const { mimeType = '', data = '' } = part.inlineData;
    return mimeType.startsWith('image/') ? imageTokens : Math.ceil(data.length / mediaCharsPerToken);
  }
  if (part.fileData !== undefined) return imageTokens;
  return tokensOfText(JSON.stringify(part.functionCall ?? part.functionResponse ?? {}));
}

/** Counts the tokens of an answer that the user sees, event by event; thoughts are counted apart. */
export class VisibleTokens {
  #chars = 0;
  #media = 0;

  add(parts: readonly Part[]): void {
    for (const { text, thought, functionCall, inlineData } of parts) {
      if (text !== undefined && thought !== true) this.#chars += text.length;
      if (functionCall !== undefined) this.#chars += JSON.stringify(functionCall).length;
      if (inlineData !== undefined)
        this.#media += inlineData.mimeType?.startsWith('image/') ? drawnImageTokens : spokenTokens;
    }
  }

  get count(): number {
    return Math.ceil(this.#chars / charsPerToken) + this.#media;
  }
}
