/** What the roles of an endpoint share: the way out, timers, peers, duplicates, counters. */
import { randomFillSync } from 'node:crypto';
import type { Clock } from '../../../src/support/clock.ts';
import type { Log } from '../../../src/support/log.ts';
import type { Metrics } from '../../../src/support/metrics.ts';
import { Counters } from './counters.ts';
import { Duplicates, type Seen } from './duplicates.ts';
import { encodeEmpty } from './message.ts';
import { Peers, type Peer } from './peers.ts';
import type { EndpointSettings } from './settings.ts';
import { TimerWheel } from './timer-wheel.ts';
import type { Transport } from './transport.ts';

const tokenLength = 8;
const tokenPool = Buffer.alloc(tokenLength * 512);

export class Core {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: EndpointSettings;
  readonly wheel: TimerWheel;
  readonly peers: Peers;
  readonly duplicates: Duplicates;
  readonly counters: Counters;
  closed = false;
  #tokenAt = tokenPool.length;

  constructor(transport: Transport, clock: Clock, log: Log, metrics: Metrics, settings: EndpointSettings) {
    this.transport = transport;
    this.clock = clock;
    this.log = log;
    this.settings = settings;
    this.wheel = new TimerWheel(clock);
    this.peers = new Peers(settings.maximumPeers);
    this.duplicates = new Duplicates(
      clock,
      settings.maximumDuplicates,
      Math.max(settings.exchangeLifetime, settings.nonLifetime),
    );
    this.counters = new Counters(clock, metrics, 'lwm2m');
  }

  send(peer: Peer | string, bytes: Buffer): void {
    if (this.closed) return;
    this.counters.countSent();
    this.transport.send(typeof peer === 'string' ? peer : peer.id, bytes);
  }

  /** Answers a CON, and keeps the answer for its repeats. */
  reply(peer: Peer, seen: Seen, bytes: Buffer): void {
    seen.answer = bytes.toString('latin1');
    this.send(peer, bytes);
  }

  acknowledge(peer: Peer, seen: Seen, messageId: number): void {
    this.reply(peer, seen, encodeEmpty('ACK', messageId));
  }

  reset(peer: Peer | string, messageId: number): void {
    this.send(peer, encodeEmpty('RST', messageId));
  }

  /** Eight random octets: hard to guess for who does not see the traffic (RFC 7252 5.3.1). */
  newToken(): Buffer {
    if (this.#tokenAt >= tokenPool.length) {
      randomFillSync(tokenPool);
      this.#tokenAt = 0;
    }
    // A copy, for the pool is filled anew.
    const token = Buffer.allocUnsafe(tokenLength);
    for (let at = 0; at < tokenLength; at++) token[at] = tokenPool[this.#tokenAt + at]!;
    this.#tokenAt += tokenLength;
    return token;
  }
}
