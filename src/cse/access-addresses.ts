/** The address contexts of an access control rule (TS-0001 9.6.2.3). */
import { BlockList, isIP } from 'node:net';

/** Tells of a requester's address whether one of the addresses or CIDR ranges covers it. Entries that are none match nothing. */
export function compileAddresses(entries: string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry);
  return (address) => {
    if (address === undefined) return false;
    const plain = withoutMapping(address);
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  };
}

function addEntry(list: BlockList, entry: string): void {
  const [address = '', prefix] = entry.split('/');
  const version = isIP(address);
  if (version === 0) return;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (prefix === undefined) {
    list.addAddress(address, family);
    return;
  }
  if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)) {
    list.addSubnet(address, Number(prefix), family);
  }
}

/** A dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1`. */
function withoutMapping(address: string): string {
  const match = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  return match?.[1] ?? address.replace(/%.*$/, '');
}
