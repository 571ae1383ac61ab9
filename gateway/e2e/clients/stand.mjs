// @ts-nocheck
/**
 * What the scripts of this folder share: where the gateway and the simulator behind it are (three arguments, or
 * GATEWAY_URL, GATEWAY_KEY and SIMULATOR_URL), and a conversation with tools whose steps the simulator has by heart.
 */
import assert from 'node:assert/strict';

const [, , urlArgument, keyArgument, simulatorArgument] = process.argv;

function setting(argument, variable) {
  const value = argument ?? process.env[variable];
  if (!value) throw new Error(`${variable} is missing: give it in the environment or as an argument`);
  return value;
}

/** Ends in `/v1`, as applications write it. */
export const baseURL = setting(urlArgument, 'GATEWAY_URL');
export const apiKey = setting(keyArgument, 'GATEWAY_KEY');
const simulatorUrl = setting(simulatorArgument, 'SIMULATOR_URL');

export const model = 'gemini-3.8-flash';

/** One pixel, and a real PNG. */
export const pngBase64 =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

async function control(path, body) {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(`${simulatorUrl}/__simulator/${path}`, init);
  const text = await answer.text();
  assert.ok(answer.ok, `the simulator refused ${path}: ${text}`);
  return JSON.parse(text);
}

export const reset = () => control('reset', {});
export const script = (scenarios) => control('script', { scenarios });
export const openStreams = async () => (await control('stats')).openStreams;

/** The bodies that Gemini was asked with since the last reset. */
export async function geminiRequests() {
  const { entries } = await control('log?since=0');
  return entries.filter(({ method }) => method.endsWith('enerateContent')).map(({ body }) => body);
}

export async function lastGeminiRequest() {
  return (await geminiRequests()).at(-1);
}

const usageMetadata = { promptTokenCount: 20, candidatesTokenCount: 10, totalTokenCount: 30 };

/** A response of Gemini. */
export function response(parts, finishReason) {
  const candidate = { index: 0, content: { role: 'model', parts } };
  return { candidates: [finishReason === undefined ? candidate : { ...candidate, finishReason }], usageMetadata };
}

export function call(id, name, args, thoughtSignature) {
  const part = { functionCall: { id, name, args } };
  return thoughtSignature === undefined ? part : { ...part, thoughtSignature };
}

const signatures = [Buffer.from('signature one?>').toString('base64'), Buffer.from('signature two').toString('base64')];

/** Two calls at once, in two events; then one more; then the simulator says what it got, in its own words. */
export const twoSteps = [
  {
    times: 1,
    events: [
      response([{ text: 'Two questions at once. ' }]),
      response([call('w1', 'get_weather', { city: 'Paris' }, signatures[0])]),
      response([call('t1', 'get_time', { city: 'Paris' })]),
      response([], 'STOP'),
    ],
  },
  { times: 1, events: [response([call('w2', 'get_weather', { city: 'Rome' }, signatures[1])], 'STOP')] },
];

export const toolPrompt = 'How is Paris, and Rome?';

export const descriptions = { get_weather: 'Weather of a city', get_time: 'Time in a city' };
export const getWeather = ({ city }) => ({ weather: `rain in ${city}` });
export const getTime = ({ city }) => `noon in ${city}`;

/** After `twoSteps`: each step came back to Gemini as it was made, with results in its order and its signature. */
export async function assertTwoStepsCameBack() {
  const requests = await geminiRequests();
  assert.equal(requests.length, 3);
  const contents = requests[2].contents.map(({ role, parts }) => ({
    role,
    parts: parts.filter(({ text }) => text === undefined),
  }));
  assert.deepEqual(contents, [
    { role: 'user', parts: [] },
    {
      role: 'model',
      parts: [call('w1', 'get_weather', { city: 'Paris' }, signatures[0]), call('t1', 'get_time', { city: 'Paris' })],
    },
    {
      role: 'user',
      parts: [
        result('w1', 'get_weather', { weather: 'rain in Paris' }),
        result('t1', 'get_time', { output: 'noon in Paris' }),
      ],
    },
    { role: 'model', parts: [call('w2', 'get_weather', { city: 'Rome' }, signatures[1])] },
    { role: 'user', parts: [result('w2', 'get_weather', { weather: 'rain in Rome' })] },
  ]);
}

function result(id, name, answer) {
  return { functionResponse: { id, name, response: answer } };
}

/** What the simulator says once it has the result of the last step. */
export const saidAtTheEnd = /get_weather said .*rain in Rome/;

export async function eventually(what, check) {
  const deadline = performance.now() + 5_000;
  while (!(await check())) {
    assert.ok(performance.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
