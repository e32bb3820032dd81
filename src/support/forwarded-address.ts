/** Where an HTTP request comes from: the peer, or what a trusted proxy in front says of it. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

export type ForwardedAddressOf = (request: IncomingMessage) => string | undefined;

/** IPv4 in an IPv6 socket comes as ::ffff:192.0.2.1; people and policies know it as 192.0.2.1. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/**
 * `trustedProxies`: addresses or blocks (`10.0.0.0/8`). Of X-Forwarded-For the last address counts that is no proxy of ours: what
 * stands before it is the client's own claim. Undefined: nobody whom we trust says otherwise, the peer counts. Throws on an entry
 * that is no address or block.
 */
export function createForwardedAddressOf(trustedProxies: readonly string[]): ForwardedAddressOf {
  const trusted = blockListOf(trustedProxies);
  return ({ socket, headers }) => {
    const forwarded = trustedProxies.length > 0 ? headers['x-forwarded-for'] : undefined;
    if (forwarded === undefined) return undefined;
    const peer = plainAddress(socket.remoteAddress);
    if (peer === undefined || !isTrusted(trusted, peer)) return undefined;
    return lastForeign(String(forwarded), trusted);
  };
}

function lastForeign(header: string, trusted: BlockList): string | undefined {
  const addresses = header.split(',').map((part) => plainAddress(part.trim()) as string);
  for (const address of addresses.reverse()) {
    if (isIP(address) === 0) return undefined;
    if (!isTrusted(trusted, address)) return address;
  }
  return undefined;
}

function isTrusted(trusted: BlockList, address: string): boolean {
  return trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function blockListOf(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address);
    const bits = family === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : Number(prefix);
    if (family === 0 || !Number.isInteger(length) || length < 0 || length > bits || prefix === '') {
      throw new Error(`trusted proxy '${entry}' is neither an IP address nor a block such as 10.0.0.0/8`);
    }
    list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
