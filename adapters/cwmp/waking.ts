/**
 * How a CPE is called: HTTP where it has an URL, else UDP, behind a NAT UDP alone, else it is waited for. One that is busy is called
 * again by itself; so is one that does not answer, as long as something waits for it.
 */
import { isIP } from 'node:net';
import type { ManagedDevice, WakeResult } from '../../src/management/adapter.ts';
import type { DeviceId } from '../../src/management/operation.ts';
import {
  readUdpAddress,
  requestConnection,
  requestConnectionByUdp,
  type ConnectionResult,
  type ConnectionSettings,
} from './connection-request.ts';
import { readFacts, type CpeFacts } from './facts.ts';
import type { Leg } from './leg.ts';
import type { DatagramSender } from './stun-server.ts';

/** A CPE that answered 503 (quirk 40), or nothing. */
interface Call {
  why: string;
  cancel: () => void;
}

const maximumCalls = 10_000;
/** Devices of which the last call is remembered. */
const maximumCalled = 100_000;

export class Waker {
  readonly #leg: Leg;
  readonly #again = new Map<DeviceId, Call>();
  /** When those were called last that have not come since, ms since 1970. */
  readonly #called = new Map<DeviceId, number>();

  constructor(leg: Leg) {
    this.#leg = leg;
  }

  /** @param device the one that holds the session: a proxied device is woken through its proxy */
  async wake(device: ManagedDevice): Promise<WakeResult> {
    const { context, settings, sessions } = this.#leg;
    if (sessions.get(device.id)?.isOpen) return { state: 'awake' };
    const facts = readFacts(device.facts);
    if (!facts) return { state: 'impossible', why: `${device.identity} has never sent an Inform` };
    const nextContact =
      facts.periodicInterval === undefined ? undefined : device.presence.lastSeen + facts.periodicInterval * 1000;
    const again = this.#again.get(device.id);
    if (again) return { state: 'waiting', why: `${again.why}; it is called again soon`, nextContact };
    const result = await this.#call(device, facts);
    if (result.result === 'accepted') {
      return { state: 'asked', by: result.by, expectedBefore: context.now() + settings.connectionPatience };
    }
    const then = this.#callAgain(device, facts, result, 1)
      ? 'it is called again soon'
      : 'it is served at its next Inform';
    return { state: 'waiting', why: `${result.why}; ${then}`, nextContact };
  }

  /** For what has time: not while an earlier call may still bring it. */
  async wakeOnce(device: ManagedDevice): Promise<void> {
    const { context, settings } = this.#leg;
    const calledAt = this.#called.get(device.id) ?? -Infinity;
    if (context.now() - calledAt >= settings.connectionPatience) await this.wake(device);
  }

  /** The device is there. */
  came(id: DeviceId): void {
    this.#called.delete(id);
    this.#again.get(id)?.cancel();
    this.#again.delete(id);
  }

  /** It is called again by itself. */
  isCalling(id: DeviceId): boolean {
    return this.#again.has(id);
  }

  close(): void {
    for (const { cancel } of this.#again.values()) cancel();
    this.#again.clear();
  }

  /** False: there is no use in it, or it was called often enough. */
  #callAgain(device: ManagedDevice, facts: CpeFacts, result: ConnectionResult, attempts: number): boolean {
    const { context, settings } = this.#leg;
    const { id } = device;
    this.#again.get(id)?.cancel();
    this.#again.delete(id);
    if (result.result === 'accepted' || !this.#isWorthwhile(id, result)) return false;
    if (attempts > settings.connectionRetries || this.#again.size >= maximumCalls) return false;
    const { why } = result;
    const cancel = context.clock.after(settings.connectionBackoff * 2 ** (attempts - 1), () => {
      // What waited for it may have been withdrawn meanwhile.
      if (!this.#isWorthwhile(id, result)) return void this.#again.delete(id);
      this.#call(device, facts).then(
        (next) => {
          // It came in the meantime, or the leg has stopped.
          if (this.#again.get(id)?.cancel === cancel) this.#callAgain(device, facts, next, attempts + 1);
        },
        (error: unknown) => {
          this.#again.delete(id);
          context.log.warn({ err: error, device: id }, 'a CPE could not be called again');
        },
      );
    });
    this.#again.set(id, { why, cancel });
    return true;
  }

  /** One that is busy is there; one that is silent is called for those who wait. */
  #isWorthwhile(id: DeviceId, result: ConnectionResult): boolean {
    if (result.result === 'busy') return true;
    if (result.result !== 'unreachable' || !result.isSilent) return false;
    return this.#leg.context.hasWork(id) || this.#leg.cancellations.has(id);
  }

  #noteCall(id: DeviceId): void {
    // The one that was called longest ago is the first.
    this.#called.delete(id);
    if (this.#called.size >= maximumCalled) this.#called.delete(this.#called.keys().next().value!);
    this.#called.set(id, this.#leg.context.now());
  }

  async #call({ id, presence }: ManagedDevice, facts: CpeFacts): Promise<ConnectionResult> {
    const { context, settings } = this.#leg;
    const { connectionTimeout: timeout, connectionNetworks: networks } = settings;
    this.#noteCall(id);
    const shared = this.#leg.stun?.sender;
    const result = await call(facts, presence.address, { clock: context.clock, timeout, networks }, shared);
    context.metrics.count('trivet_connection_requests_total', { result: result.result });
    // Some lose them when they restart.
    if (result.result === 'unauthorized') this.#leg.estranged.add(id);
    const summary = `connection request: ${'by' in result ? result.by : result.why}`;
    context.trace.record(id, { direction: 'out', summary });
    return result;
  }
}

async function call(
  { connectionRequestUrl: url, connectionRequest: credentials, udpAddress }: CpeFacts,
  seenAt: string | undefined,
  settings: ConnectionSettings,
  shared: DatagramSender | undefined,
): Promise<ConnectionResult> {
  const byUdp = async (): Promise<ConnectionResult | undefined> =>
    udpAddress && credentials
      ? requestConnectionByUdp({ address: udpAddress, credentials, seenAt }, settings, shared)
      : undefined;
  const isNat = isBehindNat(url, udpAddress, seenAt);
  // Its URL is of a network that is not ours: nobody would answer, and the requester would wait for that.
  const first = isNat ? await byUdp() : undefined;
  if (first?.result === 'accepted') return first;
  let result: ConnectionResult = { result: 'unreachable', why: 'it has told no address for connection requests' };
  if (url !== undefined && url !== '') result = await requestConnection({ url, credentials, seenAt }, settings);
  if (isNat || result.result === 'accepted' || result.result === 'busy') return result;
  return (await byUdp()) ?? result;
}

/** Its Informs and its datagrams come from one address, and its ConnectionRequestURL names another one. */
function isBehindNat(url: string | undefined, udpAddress: string | undefined, seenAt: string | undefined): boolean {
  if (!url || !udpAddress || seenAt === undefined || !URL.canParse(url)) return false;
  const outside = readUdpAddress(udpAddress)?.host;
  const inside = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const seen = seenAt.replace(/^::ffff:(?=\d+\.)/i, '');
  return outside === seen && isIP(inside) !== 0 && inside !== seen;
}
