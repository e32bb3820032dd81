/** What the STUN server knows of devices: their user names, and the addresses that they prove (TR-069 annex G). */
import type { ManagedDevice } from '../../src/management/adapter.ts';
import type { DeviceId } from '../../src/management/operation.ts';
import { readFacts, writeFacts } from './facts.ts';
import type { Leg } from './leg.ts';
import type { StunDevices } from './stun-server.ts';

const prefix = 'trivet-';
/** Ids as management makes them; nothing else is looked for in the store. */
const name = /^trivet-([\w-]{1,64})$/;
const maximumProofs = 10_000;

/** Holds the id of the device, so that no list of names is needed. */
export function stunUsername(id: DeviceId): string {
  return `${prefix}${id}`;
}

function deviceIn(username: string): DeviceId | undefined {
  return name.exec(username)?.[1];
}

export function createStunDevices(leg: Leg): StunDevices {
  const { context } = leg;
  /** Transaction → address from which it came first; the oldest are forgotten. */
  const proofs = new Map<string, string>();

  async function find(username: string): Promise<ManagedDevice | undefined> {
    const id = deviceIn(username);
    return id === undefined ? undefined : context.device(id);
  }

  function isReplay(proof: string, address: string): boolean {
    const before = proofs.get(proof);
    if (before !== undefined) return before !== address;
    if (proofs.size >= maximumProofs) proofs.delete(proofs.keys().next().value!);
    proofs.set(proof, address);
    return false;
  }

  return {
    isName: (username) => deviceIn(username) !== undefined,

    async passwordOf(username) {
      const device = await find(username);
      return device && readFacts(device.facts)?.stun?.password;
    },

    async bound(username, address, transaction) {
      if (isReplay(`${username} ${transaction}`, address)) return 'replayed';
      const device = await find(username);
      const facts = device && readFacts(device.facts);
      if (!device || !facts || facts.udpAddress === address) return 'bound';
      // A session keeps the facts until it ends, and would write the old address over this one.
      const session = leg.sessions.get(device.id);
      if (session) await session.bound(address);
      else await context.remember(device.id, writeFacts({ ...facts, udpAddress: address }));
      context.trace.record(device.id, { direction: 'in', summary: `STUN: it is reached by UDP at ${address}` });
      return 'bound';
    },
  };
}
