/** S-16 and S-17: where a client's URL can't lead to, however it is written and whatever its name resolves to. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { listen, local, media, param, png, refuses } from './e2e/remote-media-stand.ts';

describe('S-16: names that resolve to where nobody may go', () => {
  const addresses = {
    loopback: '127.0.0.1',
    'IPv6 loopback': '::1',
    unspecified: '0.0.0.0',
    metadata: '169.254.169.254',
    'IPv6 link-local': 'fe80::1',
    private: '10.1.2.3',
    CGNAT: '100.64.0.1',
    ULA: 'fd00::1',
    'v4-mapped': '::ffff:127.0.0.1',
    NAT64: '64:ff9b::7f00:1',
    '6to4': '2002:7f00:1::1',
    multicast: '224.0.0.1',
  };
  for (const [kind, address] of Object.entries(addresses))
    test(kind, async () => {
      for (const answer of [[address], ['8.8.8.8', address], [address, '8.8.8.8']])
        await refuses(
          media({ lookup: () => Promise.resolve(answer) }).fetch('https://pictures.example/a.png', param),
          /not at a public address/,
        );
    });

  test('a name that does not resolve', () =>
    refuses(media({ lookup: () => Promise.reject(new Error('no')) }).fetch('https://a.example/', param), /resolved/));

  test('rebinding: the connection goes to the address that was checked, with one lookup', async () => {
    const inside = createServer((_request, response) => response.end('inside'));
    const port = await listen(inside, '127.0.0.2');
    await listen(
      createServer((_request, response) => response.end(png)),
      '127.0.0.1',
      port,
    );
    let lookups = 0;
    const lookup = () => Promise.resolve([++lookups === 1 ? '127.0.0.1' : '127.0.0.2']);
    inside.on('connection', () => assert.fail('connected to the second answer'));
    const file = await media({ ...local, lookup }).fetch(`http://rebind.example:${port}/`, param);
    assert.equal(file.mimeType, 'image/png');
    assert.equal(lookups, 1);
  });

  test('rebinding from public to private reaches nothing here', async () => {
    const inside = createServer((_request, response) => response.end(png));
    const port = await listen(inside);
    let connections = 0;
    inside.on('connection', () => connections++);
    let lookups = 0;
    // Of a network that was given back to IANA: public by its form, and nobody is there.
    const lookup = () => Promise.resolve([++lookups === 1 ? '3ffe::1' : '127.0.0.1']);
    const guarded = media({ allowHttp: true, allowAnyPort: true, lookup, deadlineMs: 300, allowPrivate: false });
    await refuses(guarded.fetch(`http://rebind.example:${port}/`, param), /failed|longer than|in time/);
    assert.deepEqual([lookups, connections], [1, 0]);
    await refuses(guarded.fetch(`http://rebind.example:${port}/`, param), /not at a public address/);
    assert.equal(connections, 0);
  });
});

describe('S-17: hosts and URLs as clients may write them', () => {
  const hosts = [
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '0177.0.0.1',
    '2130706433',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:7f00:1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[fd00:ec2::254]',
    '127.0.0.1',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '127.0.0.1.',
    'localhost',
    'localhost.',
    'LOCALHOST',
    'app.localhost',
    'metadata.google.internal',
    '169.254.169.254',
    '224.0.0.1',
  ];
  for (const host of hosts)
    test(host, () =>
      refuses(
        media({ lookup: () => assert.fail('looked up') }).fetch(`https://${host}/a.png`, param),
        /not at a public address/,
      ),
    );

  const urls: [string, RegExp][] = [
    ['http://pictures.example/', /only https URLs/],
    ['ftp://pictures.example/', /only https URLs/],
    ['file:///etc/passwd', /only https URLs/],
    ['gs://bucket/a.png', /only https URLs/],
    ['https://user:secret@pictures.example/', /user name or a password/],
    ['https://pictures.example@127.0.0.1/', /user name or a password/],
    ['https://:secret@pictures.example/', /user name or a password/],
    ['https://pictures.example:8443/', /names a port/],
    ['https://pictures.example:80/', /names a port/],
    ['https://', /not valid/],
    ['https://[fe80::1%25eth0]/', /not valid/],
    ['pictures.example/a.png', /not valid/],
    [`https://pictures.example/${'a'.repeat(9_000)}`, /longer than 8192 characters/],
  ];
  for (const [url, pattern] of urls)
    test(url.slice(0, 60), () => refuses(media({ lookup: () => assert.fail('looked up') }).fetch(url, param), pattern));

  test('http on port 80 is an option, and no other port comes with it', async () => {
    const lookup = () => Promise.resolve(['10.0.0.1']);
    await refuses(media({ allowHttp: true, lookup }).fetch('http://pictures.example:80/', param), /public address/);
    await refuses(media({ allowHttp: true, lookup }).fetch('http://pictures.example:443/', param), /names a port/);
  });
});
