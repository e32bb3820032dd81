/** The registered devices in memory, found by device, by location and by peer; and who of them listens at present. */
import type { Clock } from '../../src/support/clock.ts';
import type { DeviceId } from '../../src/management/operation.ts';
import type { PeerId } from './coap/transport.ts';
import type { DeviceSession } from './device-session.ts';
import type { DeviceFacts } from './facts.ts';

/** ms between two looks at awake windows. */
const windowPeriod = 1_000;
/** ms between two looks for registrations that management has ended. */
const gonePeriod = 30_000;

export class Fleet {
  readonly #clock: Clock;
  readonly #byId = new Map<DeviceId, DeviceSession>();
  readonly #byIdentity = new Map<string, DeviceSession>();
  readonly #byLocation = new Map<string, DeviceSession>();
  /** Who registered there last. */
  readonly #byPeer = new Map<PeerId, DeviceSession>();
  /** Where several devices share an address, told apart by their roots: all of them. */
  readonly #sharing = new Map<PeerId, Map<string, DeviceSession>>();
  /** Devices in queue mode that listen, in the order in which their windows were looked at. */
  readonly #awake = new Set<DeviceSession>();
  #cancelWindows: (() => void) | undefined;
  #cancelGone: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#byId.size;
  }

  byId(id: DeviceId): DeviceSession | undefined {
    return this.#byId.get(id);
  }

  /** By endpoint name. */
  byIdentity(identity: string): DeviceSession | undefined {
    return this.#byIdentity.get(identity);
  }

  byLocation(location: string): DeviceSession | undefined {
    return this.#byLocation.get(location);
  }

  byPeer(peer: PeerId): DeviceSession | undefined {
    return this.#byPeer.get(peer);
  }

  all(): IterableIterator<DeviceSession> {
    return this.#byId.values();
  }

  /**
   * A new registration. The registration that it replaces is removed.
   * @returns another device whose address it takes
   */
  add(session: DeviceSession): DeviceSession | undefined {
    const before = this.#byId.get(session.device.id);
    if (before) this.remove(before);
    this.#byId.set(session.device.id, session);
    this.#byIdentity.set(session.device.identity, session);
    this.#byLocation.set(session.facts.location, session);
    return this.#enter(session);
  }

  remove(session: DeviceSession): void {
    if (this.#byId.get(session.device.id) === session) this.#byId.delete(session.device.id);
    if (this.#byIdentity.get(session.device.identity) === session) this.#byIdentity.delete(session.device.identity);
    if (this.#byLocation.get(session.facts.location) === session) this.#byLocation.delete(session.facts.location);
    this.#quit(session);
    this.#awake.delete(session);
  }

  /** The same device at the same address has another location from now on. */
  rename(session: DeviceSession, facts: DeviceFacts): DeviceSession | undefined {
    this.#byLocation.delete(session.facts.location);
    if (facts.root !== session.facts.root) this.#quit(session);
    session.facts = facts;
    this.#byLocation.set(facts.location, session);
    return this.#enter(session);
  }

  /**
   * The device speaks from another address, or has another root, from now on.
   * @returns another device whose address it takes
   */
  move(session: DeviceSession, peer: PeerId, root: string): DeviceSession | undefined {
    this.#quit(session);
    session.facts.peer = peer;
    session.facts.root = root;
    return this.#enter(session);
  }

  /** A device that had lost its address is there. @returns the one that loses it */
  claim(session: DeviceSession): DeviceSession | undefined {
    return this.#enter(session);
  }

  /** No other device has its address: what is under way there is its own. */
  isAlone(session: DeviceSession): boolean {
    const { peer } = session.facts;
    return this.#byPeer.get(peer) === session && !this.#sharing.has(peer);
  }

  isShared(peer: PeerId): boolean {
    return this.#sharing.has(peer);
  }

  #enter(session: DeviceSession): DeviceSession | undefined {
    const { peer, root } = session.facts;
    const last = this.#byPeer.get(peer);
    this.#byPeer.set(peer, session);
    session.isDisplaced = false;
    if (!last || last === session) return undefined;
    let sharing = this.#sharing.get(peer);
    const rival = sharing ? sharing.get(root) : last.facts.root === root ? last : undefined;
    if (rival) rival.isDisplaced = rival !== session;
    if (!sharing && rival) return rival;
    if (!sharing) this.#sharing.set(peer, (sharing = new Map([[last.facts.root, last]])));
    sharing.set(root, session);
    return rival === session ? undefined : rival;
  }

  #quit(session: DeviceSession): void {
    const { peer, root } = session.facts;
    const sharing = this.#sharing.get(peer);
    if (sharing?.get(root) === session) sharing.delete(root);
    if (this.#byPeer.get(peer) === session) {
      const [other] = sharing?.values() ?? [];
      if (other) this.#byPeer.set(peer, other);
      else this.#byPeer.delete(peer);
    }
    if (sharing && sharing.size < 2) this.#sharing.delete(peer);
  }

  /** Calls `fallAsleep` when the window of a device in queue mode is over. */
  watchWindow(session: DeviceSession): void {
    if (this.#awake.has(session)) return;
    session.lookedAt = session.awakeUntil;
    this.#awake.add(session);
    this.#cancelWindows ??= this.#clock.after(windowPeriod, this.#lookAtWindows);
  }

  /** Looks for registrations that ended without a word of the device: expired, or removed by the operator. */
  watchGone(ended: (session: DeviceSession) => void): void {
    this.#cancelGone = this.#clock.after(gonePeriod, () => {
      for (const session of this.#byId.values()) if (session.device.presence.state === 'gone') ended(session);
      this.watchGone(ended);
    });
  }

  close(): void {
    this.#cancelWindows?.();
    this.#cancelGone?.();
  }

  readonly #lookAtWindows = (): void => {
    this.#cancelWindows = undefined;
    const now = this.#clock.monotonic();
    for (const session of this.#awake) {
      if (session.lookedAt > now) break; // those behind it were looked at later
      this.#awake.delete(session);
      if (session.awakeUntil > now) {
        session.lookedAt = session.awakeUntil;
        this.#awake.add(session);
      } else session.fallAsleep();
    }
    if (this.#awake.size > 0) this.#cancelWindows = this.#clock.after(windowPeriod, this.#lookAtWindows);
  };
}
