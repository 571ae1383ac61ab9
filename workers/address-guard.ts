/**
 * Which addresses a download may connect to: public unicast ones only, so that no client reaches this machine, its
 * network or a cloud's metadata through the gateway. What was checked is what is connected to: names are looked up once.
 */
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All addresses of a host name; rejects when there are none. */
export type HostLookup = (hostname: string) => Promise<readonly string[]>;

/** Why a download is refused or failed, as the end of a sentence that begins with what was asked for. */
export class DownloadFault extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'DownloadFault';
  }
}

const notPublic = 'its host is not at a public address';

/**
 * Looks names up over DNS alone: the hosts file names private things, and getaddrinfo holds one of the few threads of
 * the process for as long as a slow name server likes.
 */
export class DnsLookup {
  readonly #resolver = new Resolver({ timeout: 2_000, tries: 2 });

  readonly lookup: HostLookup = async (hostname) => {
    const answers = await Promise.allSettled([this.#resolver.resolve4(hostname), this.#resolver.resolve6(hostname)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  };

  /** Ends all lookups under way. */
  close(): void {
    this.#resolver.cancel();
  }
}

/** Whether everybody would reach the same host at an address. */
export function isPublicAddress(address: string): boolean {
  // The library also reads short and octal forms, which no resolver gives.
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  // Beyond 2000::/3 nothing is assigned to the public; ::/96 holds IPv4 addresses in disguise.
  return parsed instanceof ipaddr.IPv4 || parsed.match(globalUnicast, 3);
}

const globalUnicast = ipaddr.IPv6.parse('2000::');

/** Whether a name can only be meant for somebody's own network. */
export function isLocalName(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.+$/, '');
  return !name.includes('.') || /\.(localhost|local|internal|localdomain|home\.arpa)$/.test(name);
}

/**
 * The addresses to connect to for the host of a parsed URL, literal or looked up, all of them checked: one bad address
 * among them refuses the host.
 */
export async function resolveHost(
  urlHostname: string,
  { allowPrivate, lookup }: { allowPrivate: boolean; lookup: HostLookup },
): Promise<LookupAddress[]> {
  const hostname = urlHostname.replace(/^\[|\]$/g, '');
  const isLiteral = isIP(hostname) !== 0;
  if (!isLiteral && !allowPrivate && isLocalName(hostname)) throw new DownloadFault(notPublic);
  const found = isLiteral ? [hostname] : await lookup(hostname).catch(() => []);
  const addresses: LookupAddress[] = [];
  for (const address of found) {
    const family = isIP(address);
    if (family === 0 || (!allowPrivate && !isPublicAddress(address))) throw new DownloadFault(notPublic);
    addresses.push({ address, family });
  }
  if (addresses.length === 0) throw new DownloadFault('the name of its host could not be resolved');
  return addresses;
}

/**
 * A lookup for sockets that answers with checked addresses whatever the name. A socket doesn't call it for a literal
 * address, so that must have been checked as well.
 */
export function pinnedLookup(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else if (first === undefined) callback(new Error('no address'), '');
    else callback(null, first.address, first.family);
  };
}
