import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resumedBody } from './resumed-answer.ts';

const request = {
  contents: [{ role: 'user', parts: [{ text: 'Tell me a story.' }] }],
  generationConfig: { maxOutputTokens: 100, temperature: 0.5 },
};

describe('the request for the rest of an answer', () => {
  test('a model that continues its own turn gets it as it is', () => {
    const body = JSON.parse(resumedBody('gemini-2.5-flash', JSON.stringify(request), 'Once upon a ti') ?? '');
    assert.deepEqual(body.contents.slice(1), [{ role: 'model', parts: [{ text: 'Once upon a ti' }] }]);
    assert.equal(body.generationConfig.maxOutputTokens, 96, 'less what is there already');
  });

  test('a newer model is asked to go on', () => {
    const { contents } = JSON.parse(resumedBody('gemini-3.8-flash', JSON.stringify(request), 'Once') ?? '');
    assert.deepEqual(
      contents.map(({ role }: { role: string }) => role),
      ['user', 'model', 'user'],
    );
  });

  test('structured output has no rest that could be asked for', () => {
    const structured = { ...request, generationConfig: { responseMimeType: 'application/json' } };
    assert.equal(resumedBody('gemini-3.8-flash', JSON.stringify(structured), '{"a":'), null);
  });
});
