/** What grounds an answer, as OpenAI's url_citations: Gemini counts UTF-8 bytes, OpenAI UTF-16 code units. */
import { isRecord, type JsonRecord, listOf } from '../../shared/gemini-wire.ts';
import type { UrlCitation } from '../../shared/openai-wire.ts';

/** One annotation for each source of each supported passage. `texts` are the answer's parts; together they are its content. */
export function toCitations(grounding: JsonRecord, texts: readonly string[], isStream: boolean): UrlCitation[] {
  const sources = listOf(grounding['groundingChunks']).map(readSource);
  const content = texts.join('');
  const offsets = new ByteOffsets(content);
  const citations: UrlCitation[] = [];
  for (const support of listOf(grounding['groundingSupports'])) {
    if (!isRecord(support) || !isRecord(support['segment'])) continue;
    const { segment } = support;
    // The parts of a stream are pieces of one.
    const before = isStream ? 0 : bytesBefore(texts, numberOf(segment['partIndex']));
    const place = locate(segment, before, content, offsets);
    if (place === undefined) continue;
    for (const index of listOf(support['groundingChunkIndices'])) {
      const source = typeof index === 'number' ? sources[index] : undefined;
      if (source !== undefined)
        citations.push({
          type: 'url_citation',
          url_citation: { start_index: place.start, end_index: place.end, ...source },
        });
    }
  }
  return citations;
}

function readSource(chunk: unknown): { title: string; url: string } | undefined {
  if (!isRecord(chunk)) return undefined;
  for (const kind of ['web', 'retrievedContext', 'maps']) {
    const source = chunk[kind];
    if (!isRecord(source) || typeof source['uri'] !== 'string') continue;
    const { title, uri } = source;
    return { title: typeof title === 'string' && title !== '' ? title : uri, url: uri };
  }
  return undefined;
}

/** Where a segment lies. Its own text is the check: where that is not at the bytes that are named, it is searched. */
function locate(
  segment: JsonRecord,
  before: number,
  content: string,
  offsets: ByteOffsets,
): { start: number; end: number } | undefined {
  const start = offsets.toIndex(before + numberOf(segment['startIndex']));
  const end = offsets.toIndex(before + numberOf(segment['endIndex']));
  const { text } = segment;
  if (typeof text !== 'string' || text === '') return end > start ? { start, end } : undefined;
  if (content.startsWith(text, start)) return { start, end: start + text.length };
  const found = content.indexOf(text);
  return found === -1 ? undefined : { start: found, end: found + text.length };
}

function bytesBefore(texts: readonly string[], partIndex: number): number {
  let bytes = 0;
  for (let index = 0; index < partIndex && index < texts.length; index++)
    bytes += Buffer.byteLength(texts[index] ?? '');
  return bytes;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : 0;
}

/** Positions in UTF-8 to positions in a string. Walks on from the last one, since segments come in order. */
class ByteOffsets {
  readonly #text: string;
  readonly #isAscii: boolean;
  #index = 0;
  #bytes = 0;

  constructor(text: string) {
    this.#text = text;
    this.#isAscii = Buffer.byteLength(text) === text.length;
  }

  toIndex(byteOffset: number): number {
    if (this.#isAscii) return Math.min(byteOffset, this.#text.length);
    if (byteOffset < this.#bytes) {
      this.#index = 0;
      this.#bytes = 0;
    }
    while (this.#bytes < byteOffset && this.#index < this.#text.length) {
      const code = this.#text.codePointAt(this.#index) ?? 0;
      this.#bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      this.#index += code < 0x10000 ? 1 : 2;
    }
    return this.#index;
  }
}
