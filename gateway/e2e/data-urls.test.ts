/**
 * S-15: media in data: URLs. What is no base64 or of no kind that Gemini takes is refused with its place in the request;
 * what is well formed goes on byte by byte, since nothing here decodes a picture.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { complete, expectQuiet, metric, type Seen, type Stack, startStack } from './harness.ts';

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
/** A header that speaks of 2,147,483,647 pixels each way. */
const hugePng = ((): string => {
  const bytes = Buffer.from(png, 'base64');
  for (const at of [16, 20]) bytes.writeUInt32BE(0x7fff_ffff, at);
  return bytes.toString('base64');
})();

/** Refused here, before Gemini is asked. */
const refused: [what: string, url: unknown][] = [
  ['characters that base64 has not', 'data:image/png;base64,!!!!'],
  ['one such character at the end', `data:image/png;base64,${png.slice(0, -3)}*==`],
  ['no data', 'data:image/png;base64,'],
  ['a quarter of a group', 'data:image/png;base64,A'],
  ['nothing at all', 'data:,'],
  ['another scheme', 'file:///etc/passwd'],
  ['a script', 'javascript:alert(1)'],
  ['no text', 7],
];

/** Refused by Gemini, with the reason in its words, for the cost of one call. */
const refusedByGemini: [what: string, url: string, message: RegExp][] = [
  ['a program', 'data:application/x-msdownload;base64,TVqQAAMAAAAEAAAA', /Unsupported MIME type/],
  ['a type that is none', `data:nonsense;base64,${png}`, /Unsupported MIME type/],
  ['bytes that are no picture', 'data:image/png;base64,////', /Unable to process input image/],
];

const taken: [what: string, url: string, data: string, type: string][] = [
  ['a picture', `data:image/png;base64,${png}`, png, 'image/png'],
  ['a picture that claims another type', `data:image/jpeg;base64,${png}`, png, 'image/png'],
  ['a picture with parameters', `data:image/png;charset=x;base64,${png}`, png, 'image/png'],
  ['a line break in the data', `data:image/png;base64,${png.slice(0, 20)}\n${png.slice(20)}`, png, 'image/png'],
  ['a header of billions of pixels', `data:image/png;base64,${hugePng}`, hugePng, 'image/png'],
];

describe('S-15 data: URLs', () => {
  let stack: Stack;

  before(async () => {
    stack = await startStack();
  });
  after(async () => {
    assert.equal(await metric(stack.gateway, 'gemini_pool_worker_restarts_total'), 0);
    await expectQuiet(stack.gateway);
    await stack.stop();
  });
  beforeEach(() => stack.simulator.reset());

  const ask = (...urls: unknown[]): Promise<Seen> =>
    complete(stack.gateway, stack.clientKey, {
      messages: [{ role: 'user', content: urls.map((url) => ({ type: 'image_url', image_url: { url } })) }],
    });

  const bodies = async (): Promise<string[]> => (await stack.simulator.log()).map(({ body }) => JSON.stringify(body));

  for (const [what, url] of refused)
    test(`S-15 ${what}: 400 with its place, and Gemini is not asked`, async () => {
      const { status, text } = await ask(`data:image/png;base64,${png}`, url);
      assert.equal(status, 400, text);
      const { error } = JSON.parse(text);
      assert.equal(error.type, 'invalid_request_error');
      assert.equal(error.param, 'messages[0].content[1].image_url.url');
      assert.deepEqual(await bodies(), []);
    });

  for (const [what, url, message] of refusedByGemini)
    test(`S-15 ${what}: 400 in Gemini's words, after one call`, async () => {
      const { status, text } = await ask(url);
      assert.equal(status, 400, text);
      const { error } = JSON.parse(text);
      assert.deepEqual([error.type, error.code], ['invalid_request_error', 'upstream_rejected']);
      assert.match(error.message, message);
      assert.equal((await bodies()).length, 1);
    });

  for (const [what, url, data, type] of taken)
    test(`S-15 ${what}: its bytes reach Gemini as they are, under their own type`, async () => {
      const { status, text } = await ask(url);
      assert.equal(status, 200, text);
      const [body = ''] = await bodies();
      assert.ok(body.includes(JSON.stringify(data)), 'the data');
      assert.ok(body.includes(JSON.stringify(type)), 'the type');
    });

  test('S-15 a hundred pictures are a hundred pictures; one bad one among them is named', async () => {
    const pictures = Array<string>(100).fill(`data:image/png;base64,${png}`);
    assert.equal((await ask(...pictures)).status, 200);
    const [body = ''] = await bodies();
    assert.equal(body.split(JSON.stringify(png)).length - 1, pictures.length);
    const bad = await ask(...pictures.with(73, 'data:image/png;base64,!'));
    assert.equal(bad.status, 400);
    assert.equal(JSON.parse(bad.text).error.param, 'messages[0].content[73].image_url.url');
  });
});
