/** The guard of S-16 and S-17: only public unicast addresses pass, whatever they are written like or resolve from. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DownloadFault, isLocalName, isPublicAddress, pinnedLookup, resolveHost } from './address-guard.ts';

const refused: Record<string, readonly string[]> = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  'link-local and metadata': ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fd00:ec2::254'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  CGNAT: ['100.64.0.1', '100.127.255.255', '100.100.100.200'],
  ULA: ['fc00::1', 'fdff::1'],
  'v4-mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:169.254.169.254'],
  'v4-compatible and -translated': ['::127.0.0.1', '::ffff:0:127.0.0.1'],
  NAT64: ['64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::10.0.0.1'],
  '6to4 and Teredo': ['2002:7f00:1::1', '2002:808:808::1', '2001::1', '192.88.99.1'],
  multicast: ['224.0.0.1', '239.255.255.250', 'ff02::1'],
  broadcast: ['255.255.255.255'],
  reserved: [
    '240.0.0.1',
    '192.0.0.8',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '2001:db8::1',
    '100::1',
  ],
  'beyond 2000::/3': ['4000::1', 'e000::1', '1::1'],
  'no address': ['', 'localhost', '127.1', '0x7f.0.0.1', '2130706433', '0177.0.0.1', '8.8.8.8 ', '8.8.8.8:80', '[::1]'],
};

describe('addresses', () => {
  for (const [kind, addresses] of Object.entries(refused))
    test(`${kind} are refused`, () => {
      for (const address of addresses) assert.equal(isPublicAddress(address), false, address);
    });

  test('public ones pass', () => {
    for (const address of ['8.8.8.8', '93.184.216.34', '172.32.0.1', '100.128.0.1', '2606:4700::1', '2a00:1450::1'])
      assert.equal(isPublicAddress(address), true, address);
  });
});

test('names of private networks are known as such', () => {
  for (const name of [
    'localhost',
    'localhost.',
    'LOCALHOST',
    'redis',
    'a.localhost',
    'printer.local.',
    'metadata.google.internal',
  ])
    assert.equal(isLocalName(name), true, name);
  for (const name of ['example.com', 'example.com.', 'local.example.com']) assert.equal(isLocalName(name), false, name);
});

describe('hosts', () => {
  const resolve = (hostname: string, ...answer: string[]) =>
    resolveHost(hostname, { allowPrivate: false, lookup: () => Promise.resolve(answer) });

  test('a name gives all its addresses', async () => {
    assert.deepEqual(await resolve('example.com', '8.8.8.8', '2606:4700::1'), [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1', family: 6 },
    ]);
  });

  for (const [kind, addresses] of Object.entries(refused))
    test(`names that resolve to ${kind} are refused, also behind a public address`, async () => {
      for (const address of addresses) {
        await assert.rejects(resolve('example.com', address), DownloadFault, address);
        await assert.rejects(resolve('example.com', '8.8.8.8', address), DownloadFault, address);
      }
    });

  test('literals are checked without a lookup', async () => {
    const lookup = () => Promise.reject(new Error('looked up'));
    const literal = (hostname: string) => resolveHost(hostname, { allowPrivate: false, lookup });
    await assert.rejects(literal('[::1]'), /not at a public address/);
    await assert.rejects(literal('127.0.0.1'), /not at a public address/);
    assert.deepEqual(await literal('[2606:4700::1]'), [{ address: '2606:4700::1', family: 6 }]);
  });

  test('a name without addresses, or whose lookup fails, is said to be that', async () => {
    await assert.rejects(resolve('example.com'), /could not be resolved/);
    const lookup = () => Promise.reject(new Error('ENOTFOUND'));
    await assert.rejects(resolveHost('example.com', { allowPrivate: false, lookup }), /could not be resolved/);
  });
});

test('a pinned lookup answers in both forms that sockets ask for', () => {
  const addresses = [
    { address: '8.8.8.8', family: 4 },
    { address: '2606:4700::1', family: 6 },
  ];
  const seen: unknown[] = [];
  const lookup = pinnedLookup(addresses);
  lookup('rebound.example', { all: true }, (error, answer) => seen.push([error, answer]));
  lookup('rebound.example', {}, (error, answer, family) => seen.push([error, answer, family]));
  pinnedLookup([])('rebound.example', {}, (error) => seen.push(error instanceof Error));
  assert.deepEqual(seen, [[null, addresses], [null, '8.8.8.8', 4], true]);
});
