/**
 * Where a request comes from when proxies stand before the gateway: each proxy adds to `X-Forwarded-For` the address that
 * it was called from. Only what a trusted one wrote is believed, for everybody can send the header.
 */
import { BlockList, isIP } from 'node:net';

/** The client's address, from that of the peer and the header; entries of several header lines joined by commas. */
export type ClientAddress = (peer: string, forwardedFor: string) => string;

/** `trusted`: addresses and networks (`10.0.0.0/8`) of proxies; with none the peer is the client. */
export function clientAddressBehind(trusted: readonly string[]): ClientAddress {
  const proxies = new BlockList();
  for (const entry of trusted) {
    const [address = '', prefix] = entry.split('/');
    const family = familyOf(address);
    if (prefix === undefined) proxies.addAddress(address, family);
    else proxies.addSubnet(address, Number(prefix), family);
  }
  return (peer, forwardedFor) => {
    if (trusted.length === 0 || forwardedFor === '') return peer;
    let address = peer;
    // From the right: the last entry is that of the nearest proxy.
    for (const entry of forwardedFor.split(',').reverse()) {
      if (!proxies.check(address, familyOf(address))) break;
      const before = entry.trim();
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
