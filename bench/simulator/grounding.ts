/** What built-in tools leave behind in a candidate: sources with UTF-8 byte offsets, fetched pages. */
import type { Tool } from './gemini-request.ts';

/** Fields of the last candidate for the built-in tools of a request. */
export function groundingOf(tools: readonly Tool[], text: string, said: string): Record<string, unknown> {
  const searches = tools.some(
    ({ googleSearch, googleSearchRetrieval }) => (googleSearch ?? googleSearchRetrieval) !== undefined,
  );
  const urls = tools.some(({ urlContext }) => urlContext !== undefined)
    ? (said.match(/https?:\/\/[^\s"”]+/g) ?? [])
    : [];
  return {
    ...(searches ? { groundingMetadata: searchGrounding(text, said) } : {}),
    ...(urls.length > 0
      ? {
          urlContextMetadata: {
            urlMetadata: urls.map((retrievedUrl) => ({
              retrievedUrl,
              urlRetrievalStatus: 'URL_RETRIEVAL_STATUS_SUCCESS',
            })),
          },
        }
      : {}),
  };
}

/** The first sentence and the rest of the text, each backed by a source. */
function searchGrounding(text: string, said: string): Record<string, unknown> {
  const firstEnd = text.indexOf('. ') + 1 || text.length;
  const split = Buffer.byteLength(text.slice(0, firstEnd));
  const end = Buffer.byteLength(text);
  return {
    webSearchQueries: [said.slice(0, 100)],
    searchEntryPoint: { renderedContent: '<div class="container">simulated search</div>' },
    groundingChunks: [
      { web: { uri: 'https://example.com/first', title: 'example.com' } },
      { web: { uri: 'https://example.org/second', title: 'example.org' } },
    ],
    groundingSupports: [
      {
        segment: { endIndex: split, text: text.slice(0, firstEnd) },
        groundingChunkIndices: [0],
        confidenceScores: [0.9],
      },
      ...(end > split
        ? [{ segment: { startIndex: split, endIndex: end, text: text.slice(firstEnd) }, groundingChunkIndices: [0, 1] }]
        : []),
    ],
  };
}
