/** A network in memory with faults on request, on a clock that tests move. Same seed, same faults. */
import type { PeerId, Transport } from '../../../adapters/lwm2m/coap/transport.ts';
import type { ManualClock } from '../../../src/support/clock.ts';

export interface Faults {
  /** 0..1 */
  loss: number;
  duplication: number;
  /** Longest delay in ms; datagrams overtake one another within it. */
  delay: number;
}

export interface MemoryNetwork {
  faults: Faults;
  /** Every datagram that was handed to the network. */
  readonly sent: { from: PeerId; to: PeerId; bytes: Buffer }[];
  open(id: PeerId): Transport;
  /** A peer made by hand: `receive` sees what arrives, `send` speaks for it. */
  raw(id: PeerId, receive?: (bytes: Buffer, from: PeerId) => void): RawPeer;
}

export interface RawPeer {
  readonly received: Buffer[];
  send(to: PeerId, bytes: Buffer | string): void;
}

export function createNetwork(clock: ManualClock, seed = 1): MemoryNetwork {
  const receivers = new Map<PeerId, (from: PeerId, bytes: Buffer) => void>();
  const random = seededRandom(seed);
  const network: MemoryNetwork = {
    faults: { loss: 0, duplication: 0, delay: 0 },
    sent: [],
    open(id) {
      receivers.set(id, () => {});
      return {
        scheme: 'memory',
        send: (peer, bytes) => carry(id, peer, Buffer.from(bytes)),
        onMessage: (receive) => void receivers.set(id, receive),
        onSendFailed: () => {},
        address: () => ({ address: id, port: 0 }),
        describe: (peer) => peer,
        close: () => {
          receivers.delete(id);
          return Promise.resolve();
        },
      };
    },
    raw(id, receive) {
      const received: Buffer[] = [];
      receivers.set(id, (from, bytes) => {
        received.push(bytes);
        receive?.(bytes, from);
      });
      return {
        received,
        send: (to, bytes) => carry(id, to, typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes),
      };
    },
  };

  function carry(from: PeerId, to: PeerId, bytes: Buffer): void {
    const { loss, duplication, delay } = network.faults;
    network.sent.push({ from, to, bytes });
    const copies = random() < loss ? 0 : random() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      clock.after(delay === 0 ? 0 : Math.floor(random() * delay), () => receivers.get(to)?.(from, Buffer.from(bytes)));
    }
  }
  return network;
}

export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

/** Moves the clock in small steps and lets everything that waits for promises go on between them. */
export async function pass(clock: ManualClock, ms: number, step = 50): Promise<void> {
  await settle();
  for (let left = ms; left > 0; left -= step) {
    clock.advance(Math.min(step, left));
    await settle();
  }
  clock.advance(0); // what was sent in the last step arrives
  await settle();
}

/** Moves the clock until the promise is settled, at most `limit` ms. */
export async function passUntil<Result>(
  clock: ManualClock,
  promise: Promise<Result>,
  limit = 600_000,
): Promise<Result> {
  const state = { over: false };
  const watched = promise.finally(() => (state.over = true));
  watched.catch(() => {});
  for (let passed = 0; !state.over && passed < limit; passed += 50) await pass(clock, 50);
  if (!state.over) throw new Error(`nothing came within ${limit} ms`);
  return watched;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
