/** Which addresses the gateway goes to when a device, or somebody else, has named them. */
import { BlockList, isIP } from 'node:net';

const local = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
] as const) {
  local.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  local.addSubnet(network, prefix, 'ipv6');
}

export interface AddressLimits {
  /** Where the device comes from: an address that is always plausible. */
  seenAt: string | undefined;
  /** CIDR; empty = any address that is not local to this machine. */
  networks: readonly string[];
  /** Of the networks, for the sentence. */
  setting: string;
}

/** Undefined: the address may be gone to. */
export function problemWithAddress(address: string, { seenAt, networks, setting }: AddressLimits): string | undefined {
  const plain = withoutMapping(address);
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(plain) === 0) return `${address} is no address`;
  if (seenAt !== undefined && withoutMapping(seenAt) === plain) return undefined;
  if (networks.length > 0) {
    return blockListOf(networks).check(plain, family) ? undefined : `${plain} is in none of ${setting}`;
  }
  return local.check(plain, family)
    ? `${plain} is an address of this machine or link, and the device came from elsewhere`
    : undefined;
}

export function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/^\[|\]$/g, '');
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(address) !== 0) list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return list;
}
