/** What the STUN server knows of devices: their user names, and the addresses that they prove (TR-069 annex G). */
import type { ManagedDevice } from '../../src/management/adapter.ts';
import type { DeviceId } from '../../src/management/operation.ts';
import { readFacts, writeFacts, type CpeFacts } from './facts.ts';
import type { Leg } from './leg.ts';
import type { StunDevices } from './stun-server.ts';

const prefix = 'trivet-';
/** Ids as management makes them; nothing else is looked for in the store. */
const name = /^trivet-([\w-]{1,64})$/;
const maximumRemembered = 10_000;
/** Of one device at one address; one that cannot prove itself any more shall still learn its address. */
const maximumChallenges = 3;

/** Holds the id of the device, so that no list of names is needed. */
export function stunUsername(id: DeviceId): string {
  return `${prefix}${id}`;
}

function deviceIn(username: string): DeviceId | undefined {
  return name.exec(username)?.[1];
}

export function createStunDevices(leg: Leg): StunDevices {
  const { context } = leg;
  /** Transaction → address from which it came first. */
  const proofs = new Map<string, string>();
  /** Name and address → times that it was asked for a proof there. */
  const challenges = new Map<string, number>();

  async function find(username: string): Promise<ManagedDevice | undefined> {
    const id = deviceIn(username);
    return id === undefined ? undefined : context.device(id);
  }

  async function factsOf(username: string): Promise<CpeFacts | undefined> {
    const device = await find(username);
    return device && readFacts(device.facts);
  }

  function isReplay(proof: string, address: string): boolean {
    const before = proofs.get(proof);
    if (before !== undefined) return before !== address;
    putBounded(proofs, proof, address);
    return false;
  }

  return {
    isName: (username) => deviceIn(username) !== undefined,

    async passwordOf(username) {
      return (await factsOf(username))?.stun?.password;
    },

    async owesProof(username, address) {
      const facts = await factsOf(username);
      if (!facts?.stun?.proves || facts.udpAddress === address) return false;
      const key = `${username} ${address}`;
      const times = (challenges.get(key) ?? 0) + 1;
      putBounded(challenges, key, times);
      return times <= maximumChallenges;
    },

    async bound(username, address, transaction) {
      if (isReplay(`${username} ${transaction}`, address)) return 'replayed';
      const device = await find(username);
      const facts = device && readFacts(device.facts);
      if (!device || !facts?.stun || (facts.stun.proves && facts.udpAddress === address)) return 'bound';
      // A session keeps the facts until it ends, and would write the old address over this one.
      const session = leg.sessions.get(device.id);
      if (session) await session.bound(address);
      else
        await context.remember(
          device.id,
          writeFacts({ ...facts, udpAddress: address, stun: { ...facts.stun, proves: true } }),
        );
      context.trace.record(device.id, { direction: 'in', summary: `STUN: it is reached by UDP at ${address}` });
      return 'bound';
    },
  };
}

/** The oldest goes when there are too many. */
function putBounded<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (!map.has(key) && map.size >= maximumRemembered) map.delete(map.keys().next().value!);
  map.set(key, value);
}
