/** Data URIs put right and types told: gemini-wire.md §5.1, §10.30 and §10.31. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  isDataUri,
  normaliseBase64,
  readBase64,
  readDataUri,
  readRemoteUrl,
  typeOfAudioFormat,
  typeOfName,
} from './media.ts';

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB';
const bytes = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

describe('§10.30: base64', () => {
  const cases: [string, string, string | undefined][] = [
    ['clean', 'AAAA', 'AAAA'],
    ['with padding', 'AAA=', 'AAA='],
    ['with two of it', 'AA==', 'AA=='],
    ['without padding', 'AAA', 'AAA='],
    ['without two of it', 'AA', 'AA=='],
    ['with spaces and newlines', ' AA\r\nAA\t\n', 'AAAA'],
    ['url-safe', '_-_-', '/+/+'],
    ['url-safe, unpadded, wrapped', '_-\n_', '/+8='.replace('8', '/')],
    ['percent-encoded', 'AA%2B%2FAA%3D%3D', 'AA+/AA=='],
    ['empty', '', undefined],
    ['one letter too many', 'AAAAA', undefined],
    ['not base64', 'A@AA', undefined],
    ['padding in the middle', 'AA==AAAA', undefined],
    ['too much padding', 'A===', undefined],
    ['only padding', '====', undefined],
    ['a broken percent sign', 'AA%', undefined],
  ];
  for (const [what, given, expected] of cases) test(what, () => assert.equal(normaliseBase64(given), expected));

  test('whatever the bytes, in any alphabet, with any breaks', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 80 }),
        (data, isUrl, width) => {
          const text = Buffer.from(data).toString(isUrl ? 'base64url' : 'base64');
          const wrapped = text.replace(new RegExp(`.{${width}}`, 'g'), '$&\r\n');
          assert.equal(normaliseBase64(wrapped), Buffer.from(data).toString('base64'));
        },
      ),
    );
  });
});

describe('data URIs', () => {
  const cases: [string, string, unknown][] = [
    ['as it should be', `data:image/png;base64,${png}`, { mimeType: 'image/png', data: png }],
    ['§10.30: in capitals', `DATA:IMAGE/PNG;BASE64,${png}`, { mimeType: 'image/png', data: png }],
    ['with parameters', `data:image/png;name=x;base64,${png}`, { mimeType: 'image/png', data: png }],
    ['without type', `data:;base64,${png}`, { mimeType: 'image/png', data: png }],
    [
      'with a type that says nothing',
      `data:application/octet-stream;base64,${png}`,
      { mimeType: 'image/png', data: png },
    ],
    ['a PNG that claims to be a JPEG', `data:image/jpeg;base64,${png}`, { mimeType: 'image/png', data: png }],
    [
      'a PDF that claims to be an image',
      `data:image/jpeg;base64,${bytes('%PDF-1.7')}`,
      { mimeType: 'application/pdf', data: bytes('%PDF-1.7') },
    ],
    ['image/jpg', 'data:image/jpg;base64,AAAA', { mimeType: 'image/jpeg', data: 'AAAA' }],
    [
      'a GIF stays one: Gemini says what it thinks of it',
      `data:image/gif;base64,${bytes('GIF89a')}`,
      { mimeType: 'image/gif', data: bytes('GIF89a') },
    ],
    [
      'text in base64',
      `data:text/plain;charset=utf-8;base64,${bytes('hi')}`,
      { mimeType: 'text/plain', data: bytes('hi') },
    ],
    ['text with percent signs', 'data:text/plain,hi%20there', { mimeType: 'text/plain', data: bytes('hi there') }],
    ['bytes of no known type', 'data:;base64,AAAA', undefined],
    ['no comma', 'data:image/png;base64', undefined],
    ['nothing', 'data:image/png;base64,', undefined],
    ['a broken percent sign', 'data:text/plain,%zz', undefined],
  ];
  for (const [what, uri, expected] of cases)
    test(what, () => {
      assert.ok(isDataUri(uri));
      assert.deepEqual(readDataUri(uri), expected);
    });

  test('types by their first bytes', () => {
    const heads: [string, string][] = [
      ['\xff\xd8\xff\xe0', 'image/jpeg'],
      ['RIFF\x10\0\0\0WEBPVP8 ', 'image/webp'],
      ['\0\0\0\x18ftypheic\0\0\0\0', 'image/heic'],
      ['RIFF\x10\0\0\0WAVEfmt ', 'audio/wav'],
      ['ID3\x03\0\0', 'audio/mpeg'],
      ['OggS\0\x02', 'audio/ogg'],
      ['fLaC\0\0', 'audio/flac'],
      ['\0\0\0\x18ftypmp42\0\0\0\0', 'video/mp4'],
    ];
    for (const [head, type] of heads) assert.equal(readBase64(bytes(head))?.mimeType, type);
  });

  test('a type from elsewhere fills the gap only', () => {
    assert.equal(readDataUri('data:;base64,AAAA', 'text/plain')?.mimeType, 'text/plain');
    assert.equal(readDataUri('data:text/csv;base64,AAAA', 'text/plain')?.mimeType, 'text/csv');
  });

  test('a hundred megabytes of header are no header', () => {
    assert.equal(readDataUri(`data:${'x'.repeat(10_000)},AAAA`), undefined);
  });
});

describe('names and formats', () => {
  for (const [name, type] of [
    ['a.PDF', 'application/pdf'],
    ['a.b.txt', 'text/plain'],
    ['a', undefined],
    ['a.xyz', undefined],
  ] as const)
    test(name, () => assert.equal(typeOfName(name), type));
  for (const [format, type] of [
    ['wav', 'audio/wav'],
    ['MP3', 'audio/mpeg'],
    ['m4a', 'audio/mp4'],
    ['opus', 'audio/ogg'],
    ['webm', 'audio/webm'],
    ['pcm16', 'audio/pcm16'],
  ] as const)
    test(`audio ${format}`, () => assert.equal(typeOfAudioFormat(format), type));
});

describe('§10.31: URLs that Gemini shall fetch', () => {
  const taken: [string, unknown][] = [
    ['https://example.com/cat.png?x=1', { fileUri: 'https://example.com/cat.png?x=1', mimeType: 'image/png' }],
    ['http://example.com/cat', { fileUri: 'http://example.com/cat' }],
    ['gs://bucket/clip.mp4', { fileUri: 'gs://bucket/clip.mp4', mimeType: 'video/mp4' }],
    ['https://www.youtube.com/watch?v=abc', { fileUri: 'https://www.youtube.com/watch?v=abc' }],
    ['https://8.8.8.8/x.jpg', { fileUri: 'https://8.8.8.8/x.jpg', mimeType: 'image/jpeg' }],
  ];
  for (const [url, expected] of taken) test(url, () => assert.deepEqual(readRemoteUrl(url), expected));

  const refused = [
    'http://127.0.0.1/x',
    'http://127.1/x',
    'http://0x7f000001/x',
    'http://2130706433/x',
    'http://[::1]/x',
    'http://[::ffff:10.0.0.1]/x',
    'http://[fd00::1]/x',
    'http://[fe80::1]/x',
    'http://169.254.169.254/latest/meta-data',
    'http://10.1.2.3/x',
    'http://192.168.0.1/x',
    'http://172.20.0.1/x',
    'http://100.64.0.1/x',
    'http://0.0.0.0/x',
    'http://localhost:8080/x',
    'http://LOCALHOST./x',
    'http://a.internal/x',
    'ftp://example.com/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'cat.png',
    '',
  ];
  for (const url of refused) test(`${url} is refused`, () => assert.equal(readRemoteUrl(url), undefined));
});
