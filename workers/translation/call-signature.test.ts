/** Signatures on their way through clients: gemini-wire.md §5.6. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readExtraContent, signId, splitId, toExtraContent, withPlaceholderSignatures } from './call-signature.ts';

const base64 = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64'));

describe('signatures', () => {
  test('what goes into an id comes out of it', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9_-]{1,40}$/), base64, (id, signature) => {
        fc.pre(!`${id}__`.includes('__thought'));
        const signed = signId(id, signature);
        assert.match(signed, /^[A-Za-z0-9_-]+$/);
        assert.deepEqual(splitId(signed), { id, signature });
      }),
    );
  });

  test('an id without signature is left alone', () => {
    assert.equal(signId('call_1', undefined), 'call_1');
    assert.deepEqual(splitId('call_1'), { id: 'call_1', signature: undefined });
  });

  test('a signature that would make a monster of an id stays out of it', () => {
    assert.equal(signId('call_1', 'A'.repeat(8193)), 'call_1');
  });

  test('the standard alphabet in an id, as another gateway writes it', () => {
    assert.deepEqual(splitId('x__thought__a+/b=='), { id: 'x', signature: 'a+/b' });
  });

  test('a signature that a client has damaged is none', () => {
    assert.deepEqual(splitId('x__thought__'), { id: 'x', signature: undefined });
    assert.deepEqual(splitId('x__thought__A A'), { id: 'x', signature: undefined });
  });

  test('extra_content is read back, and anything else in its place is nothing', () => {
    assert.equal(readExtraContent(toExtraContent('AAAA')), 'AAAA');
    for (const other of [
      undefined,
      null,
      'x',
      [],
      {},
      { google: 'x' },
      { google: { thought_signature: 7 } },
      { google: { thought_signature: '' } },
    ])
      assert.equal(readExtraContent(other), undefined);
  });

  test('§10.98: signatures are replaced in a request, texts that look like them are not', () => {
    const request = {
      contents: [
        { role: 'user', parts: [{ text: '"thoughtSignature":"keep"' }] },
        {
          role: 'model',
          parts: [
            { functionCall: { name: 'f', args: {} }, thoughtSignature: 'AAAA' },
            { text: 'x', thoughtSignature: 'B+/=' },
          ],
        },
      ],
    };
    const replaced: unknown = JSON.parse(withPlaceholderSignatures(JSON.stringify(request)));
    const dummy = 'skip_thought_signature_validator';
    assert.deepEqual(replaced, {
      contents: [
        request.contents[0],
        {
          role: 'model',
          parts: [
            { functionCall: { name: 'f', args: {} }, thoughtSignature: dummy },
            { text: 'x', thoughtSignature: dummy },
          ],
        },
      ],
    });
  });
});
