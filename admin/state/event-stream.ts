/** Reading an event stream that was fetched: the browser's own EventSource can't send a token. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** Calls `onEvent` for each event until the stream ends; rejects when it breaks or is aborted. */
export async function readEvents(answer: Response, onEvent: (event: EventSourceMessage) => void): Promise<void> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  const parser = createParser({ onEvent });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.feed(value);
  }
}
