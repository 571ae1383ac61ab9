/** A sample of everything that a chat request may hold, for the compatibility page: each is put to the translation. */

/** A request as OpenAI documents it: fields on top of a model and one message. */
export type Sample = Record<string, unknown>;

const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const weather = { name: 'get_weather', description: 'The weather of a city.', parameters: schema };
const tools = [{ type: 'function', function: weather }];
const call = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Rome"}' } };

const say = (content: unknown): Sample => ({ messages: [{ role: 'user', content }] });
const part = (value: unknown): Sample => say([{ type: 'text', text: 'What is this?' }, value]);

/** Parameters, in the order of OpenAI's reference. */
export const parameterSamples: Readonly<Record<string, Sample>> = {
  audio: { audio: { voice: 'alloy', format: 'wav' } },
  frequency_penalty: { frequency_penalty: 0.5 },
  function_call: { functions: [weather], function_call: { name: 'get_weather' } },
  functions: { functions: [weather] },
  logit_bias: { logit_bias: { '50256': -100 } },
  logprobs: { logprobs: true },
  max_completion_tokens: { max_completion_tokens: 100 },
  max_tokens: { max_tokens: 100 },
  metadata: { metadata: { purpose: 'test' } },
  'modalities: ["text"]': { modalities: ['text'] },
  'modalities: ["text", "audio"]': { modalities: ['text', 'audio'] },
  n: { n: 2 },
  parallel_tool_calls: { tools, parallel_tool_calls: false },
  prediction: { prediction: { type: 'content', content: 'Hello' } },
  presence_penalty: { presence_penalty: 0.5 },
  prompt_cache_key: { prompt_cache_key: 'a' },
  reasoning_effort: { reasoning_effort: 'low' },
  'response_format: json_object': { response_format: { type: 'json_object' } },
  'response_format: json_schema': { response_format: { type: 'json_schema', json_schema: { name: 'city', schema } } },
  safety_identifier: { safety_identifier: 'a' },
  seed: { seed: 7 },
  'service_tier: flex': { service_tier: 'flex' },
  stop: { stop: ['END'] },
  store: { store: true },
  stream: { stream: true },
  'stream_options.include_usage': { stream: true, stream_options: { include_usage: true } },
  temperature: { temperature: 0.2 },
  'tool_choice: none': { tools, tool_choice: 'none' },
  'tool_choice: required': { tools, tool_choice: 'required' },
  'tool_choice: a function': { tools, tool_choice: { type: 'function', function: { name: 'get_weather' } } },
  'tools: functions': { tools },
  'tools: custom, free text': { tools: [{ type: 'custom', custom: { name: 'note', description: 'Takes a note.' } }] },
  'tools: custom, with a grammar': {
    tools: [
      {
        type: 'custom',
        custom: {
          name: 'note',
          format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "a"' } },
        },
      },
    ],
  },
  top_logprobs: { logprobs: true, top_logprobs: 2 },
  top_p: { top_p: 0.5 },
  user: { user: 'a' },
  verbosity: { verbosity: 'low' },
  web_search_options: { web_search_options: {} },
};

/** Messages and their parts. */
export const messageSamples: Readonly<Record<string, Sample>> = {
  'role system': {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ],
  },
  'role developer': {
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ],
  },
  'role assistant': {
    messages: [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi' },
      { role: 'user', content: 'And?' },
    ],
  },
  'tool calls and role tool': {
    tools,
    messages: [
      { role: 'user', content: 'The weather in Rome?' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'Sunny.' },
    ],
  },
  'function call and role function': {
    functions: [weather],
    messages: [
      { role: 'user', content: 'The weather in Rome?' },
      { role: 'assistant', content: null, function_call: call.function },
      { role: 'function', name: 'get_weather', content: 'Sunny.' },
    ],
  },
  'text parts': say([
    { type: 'text', text: 'Hello' },
    { type: 'text', text: ' there' },
  ]),
  'image as data': part({ type: 'image_url', image_url: { url: pixel } }),
  'image by URL (see REMOTE_MEDIA)': part({ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }),
  'audio as data': part({ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }),
  'file as data': part({
    type: 'file',
    file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
  }),
  'file by id': part({ type: 'file', file: { file_id: 'file-1' } }),
};
