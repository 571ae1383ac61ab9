/** Whose word on the client's address counts: nobody's but a trusted proxy's (S-19). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddressBehind } from './client-address.ts';

const full = (last: string) => `2001:0db8:0000:0000:0000:0000:0000:${last}`;

const cases: [what: string, trusted: string[], peer: string, header: string, address: string][] = [
  ['nobody is trusted', [], '127.0.0.1', '203.0.113.9', '127.0.0.1'],
  ['no header', ['127.0.0.1'], '127.0.0.1', '', '127.0.0.1'],
  ['a trusted proxy', ['127.0.0.1'], '127.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['a peer that is no proxy', ['127.0.0.1'], '198.51.100.7', '203.0.113.9', '198.51.100.7'],
  ['what the client wrote itself stands left', ['127.0.0.1'], '127.0.0.1', '1.2.3.4, 203.0.113.9', '203.0.113.9'],
  ['two proxies', ['127.0.0.1', '10.0.0.0/8'], '127.0.0.1', '1.2.3.4, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
  ['all are proxies', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['an entry that is no address', ['127.0.0.1'], '127.0.0.1', '203.0.113.9, unknown', '127.0.0.1'],
  ['an address with a port', ['127.0.0.1'], '127.0.0.1', '203.0.113.9:4711', '127.0.0.1'],
  ['IPv6, as the server writes it', ['2001:db8::/32'], full('0001'), '2a00::1', '2a00::1'],
  ['IPv4 in IPv6, as the server writes it', ['127.0.0.1'], '0000:0000:0000:0000:0000:ffff:7f00:0001', '::1', '::1'],
  ['a peer that has left', ['127.0.0.1'], '', '203.0.113.9', ''],
];

for (const [what, trusted, peer, header, address] of cases)
  test(what, () => {
    assert.equal(clientAddressBehind(trusted)(peer, header), address);
  });
