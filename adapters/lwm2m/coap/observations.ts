/** Observations (RFC 7641): which notifications we asked for, their order, and their end. */
import type { Core } from './core.ts';
import type { Seen } from './duplicates.ts';
import type { CoapMessage } from './message.ts';
import type { Peer } from './peers.ts';

export interface ObservationListener {
  /**
   * A new value. A confirmable notification is acknowledged when the answer resolves; when it rejects, it is not, and the device
   * sends it again.
   */
  changed(message: CoapMessage): Promise<void> | void;
  /** The device ended it, with the code of its last word. */
  ended(code: string): void;
  /** A new value came and was not taken, for whatever reason: what is known is old. */
  lost?(): void;
}

/** Fetches the rest of a notification that came as a first block. */
export type Complete = (message: CoapMessage) => Promise<CoapMessage>;

const orderLifetime = 128_000; // ms, RFC 7641 3.4

export class Observation {
  readonly #owner: Observations;
  readonly listener: ObservationListener;
  readonly complete: Complete;
  peer: Peer | undefined;
  token: Buffer | undefined;
  /** Observe number of the newest notification. */
  number = 0;
  at = 0;
  active = false;

  constructor(owner: Observations, listener: ObservationListener, complete: Complete) {
    this.#owner = owner;
    this.listener = listener;
    this.complete = complete;
  }

  /** The device answered the observe request with a notification. */
  begin(peer: Peer, token: Buffer, message: CoapMessage): void {
    this.#owner.add(this, peer, token, message);
  }
}

export class Observations {
  readonly #core: Core;
  #size = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get size(): number {
    return this.#size;
  }

  add(observation: Observation, peer: Peer, token: Buffer, message: CoapMessage): void {
    const ofPeer = (peer.observations ??= new Map<string, Observation>());
    if (ofPeer.size >= this.#core.settings.maximumObservationsPerPeer) return; // its notifications will be reset
    observation.peer = peer;
    observation.token = token;
    observation.number = message.options.observe ?? 0;
    observation.at = this.#core.clock.monotonic();
    observation.active = true;
    ofPeer.set(token.toString('latin1'), observation);
    this.#size++;
  }

  remove(observation: Observation): void {
    if (!observation.active) return;
    observation.active = false;
    const token = observation.token!;
    if (observation.peer?.observations?.delete(token.toString('latin1'))) this.#size--;
  }

  /** Forgets all of a peer: its next notifications are reset. */
  removeAll(peer: Peer): void {
    for (const observation of peer.observations?.values() ?? []) {
      observation.active = false;
      this.#size--;
    }
    peer.observations = undefined;
  }

  /** Takes a response with the token of an observation. False: there is none with that token. */
  take(peer: Peer, message: CoapMessage, seen: Seen): boolean {
    const observation = peer.observations?.get(message.token.toString('latin1'));
    if (!observation) return false;
    const number = message.options.observe;
    if (number === undefined || !message.code.startsWith('2.') || message.problem) {
      this.remove(observation);
      this.#acknowledge(peer, message, seen);
      observation.listener.ended(message.code);
      return true;
    }
    if (!this.#isNewer(observation, number)) {
      this.#core.counters.drop('stale-notification');
      this.#acknowledge(peer, message, seen);
      return true;
    }
    if (peer.unanswered >= this.#core.settings.maximumUnansweredPerPeer) {
      this.#refuse(peer, message, 'too-many-unanswered');
      observation.listener.lost?.();
      return true;
    }
    observation.number = number;
    observation.at = this.#core.clock.monotonic();
    this.#hand(observation, peer, message, seen);
    return true;
  }

  #isNewer(observation: Observation, number: number): boolean {
    const before = observation.number;
    const half = 1 << 23;
    return (
      (before < number && number - before < half) ||
      (before > number && before - number > half) ||
      this.#core.clock.monotonic() > observation.at + orderLifetime
    );
  }

  #hand(observation: Observation, peer: Peer, message: CoapMessage, seen: Seen): void {
    let done: Promise<void> | void;
    if (message.options.block2?.more) {
      // The device has sent only a first block, and some clients answer nothing while a notification is not acknowledged.
      this.#acknowledge(peer, message, seen);
      const number = observation.number;
      done = observation.complete(message).then((whole) => {
        if (observation.active && observation.number === number) return observation.listener.changed(whole);
        return undefined;
      });
    } else {
      try {
        done = observation.listener.changed(message);
      } catch (error) {
        done = Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
    }
    if (!done) return this.#acknowledge(peer, message, seen);
    const before = observation.number;
    peer.unanswered++;
    done.then(
      () => {
        peer.unanswered--;
        if (seen.answer === undefined) this.#acknowledge(peer, message, seen);
      },
      (error: unknown) => {
        peer.unanswered--;
        this.#core.log.warn({ err: error, peer: peer.id }, 'a notification could not be taken over');
        // Sent again, it must count as new.
        if (observation.number === before) observation.number = (before - 1) & 0xffffff;
        this.#refuse(peer, message, 'report-failed');
        if (observation.active) observation.listener.lost?.();
      },
    );
  }

  #acknowledge(peer: Peer, message: CoapMessage, seen: Seen): void {
    if (message.type === 'CON') this.#core.acknowledge(peer, seen, message.messageId);
  }

  #refuse(peer: Peer, message: CoapMessage, reason: 'too-many-unanswered' | 'report-failed'): void {
    this.#core.counters.drop(reason);
    this.#core.duplicates.forget(peer.index, message.messageId);
  }
}
