/**
 * The devices that the legs know: one row each in the store, and in memory for the whole fleet. Presence lives in memory and is
 * written in the background; everything else is durable before a leg hears that it was taken.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Conflict, mergeCommits, type Commit, type CommitResult, type Row, type Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import { plainCopy } from '../support/plain-copy.ts';
import type { Log } from '../support/log.ts';
import type { Inventory, ManagedDevice, Presence } from './adapter.ts';
import { entryOf, rowOf, type DeviceChange, type DeviceData, type DeviceEntry } from './device-entry.ts';
import { Inventories, type SharedInventory } from './inventories.ts';
import { Lifetimes } from './lifetimes.ts';
import type { DeviceId } from './operation.ts';
import { lifetimeOf } from './presence.ts';
import { Turns } from './turns.ts';

export type { DeviceChange, DeviceEntry } from './device-entry.ts';

/** Changes that go into the commit of a device row; computed again when the commit meets a conflict. */
export type Companion = (next: ManagedDevice) => Promise<{
  commit: Commit;
  node?: string;
  /** Digest of the mapping by which its management objects are made from now on. */
  mapping?: string;
  afterCommit?: () => void;
}>;

const pageSize = 200;
const attempts = 10;

export class DeviceRegistry {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #byId = new Map<DeviceId, DeviceEntry>();
  readonly #byIdentity = new Map<string, DeviceEntry>();
  readonly #byNode = new Map<string, DeviceEntry>();
  readonly #inventories = new Inventories();
  readonly #turns = new Turns();
  readonly #lifetimes: Lifetimes;
  readonly #dirty = new Set<DeviceEntry>();
  readonly #mappings = new Map<string, string>();
  readonly #presences = new Map<string, Map<Presence['state'], number>>();
  #loaded = false;
  #loading: Promise<void> | undefined;

  /** @param expired is called when the registration of a device has run out */
  constructor(store: Store, clock: Clock, log: Log, expired: (entry: DeviceEntry) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#lifetimes = new Lifetimes(clock, expired);
  }

  /** Reads the whole table in the background; until it is done, devices are found in the store one by one. */
  load(): Promise<void> {
    this.#loading ??= this.#loadAll();
    return this.#loading;
  }

  async #loadAll(): Promise<void> {
    let after = '';
    for (;;) {
      const rows = await this.#store.find<DeviceData>({
        table: 'devices',
        where: [{ column: 'key', is: '>', value: after }],
        orderBy: [{ column: 'key' }],
        limit: pageSize,
      });
      for (const row of rows) this.#adopt(row);
      if (rows.length < pageSize) break;
      after = rows.at(-1)!.key;
      await nextTurn();
    }
    this.#loaded = true;
  }

  known(id: DeviceId): DeviceEntry | undefined {
    return this.#byId.get(id);
  }

  async find(id: DeviceId): Promise<DeviceEntry | undefined> {
    const entry = this.#byId.get(id);
    if (entry || this.#loaded) return entry;
    const row = await this.#store.get<DeviceData>('devices', id);
    return row && this.#adopt(row);
  }

  async findByIdentity(technology: string, identity: string): Promise<DeviceEntry | undefined> {
    const entry = this.#byIdentity.get(identityKey(technology, identity));
    if (entry || this.#loaded) return entry;
    const rows = await this.#store.find<DeviceData>({
      table: 'devices',
      where: [
        { column: 'technology', is: '=', value: technology },
        { column: 'identity', is: '=', value: identity },
      ],
      limit: 1,
    });
    return rows[0] && this.#adopt(rows[0]);
  }

  async findByNode(node: string): Promise<DeviceEntry | undefined> {
    const entry = this.#byNode.get(node);
    if (entry || this.#loaded) return entry;
    const where = [{ column: 'node', is: '=' as const, value: node }];
    const rows = await this.#store.find<DeviceData>({ table: 'devices', where, limit: 1 });
    return rows[0] && this.#adopt(rows[0]);
  }

  /** Known without asking the store; undefined also while it is not loaded. */
  knownByIdentity(technology: string, identity: string): DeviceEntry | undefined {
    return this.#byIdentity.get(identityKey(technology, identity));
  }

  /** What follows from an inventory is remembered by the object: equal inventories should be one object. */
  sharedInventory(inventory: Inventory): Inventory {
    return this.#inventories.equal(inventory);
  }

  /** All devices of a technology, a page at a time. */
  async *all(technology: string): AsyncGenerator<ManagedDevice> {
    await this.load();
    let count = 0;
    for (const { device } of this.#byId.values()) {
      if (device.technology !== technology) continue;
      yield device;
      if (++count % pageSize === 0) await nextTurn();
    }
  }

  /**
   * A device that was never seen. In the store when it resolves.
   * @throws Conflict when it came in elsewhere at the same time
   */
  async create(
    device: Omit<ManagedDevice, 'id' | 'lane'> & { lane?: string },
    companion: Companion,
  ): Promise<{ entry: DeviceEntry; result: CommitResult }> {
    const id = `d${randomBytes(9).toString('base64url')}`;
    const inventory = this.#inventories.take(device.inventory);
    const created: ManagedDevice = plainCopy({
      ...device,
      id,
      lane: device.lane ?? id,
      presence: plainCopy(device.presence),
      inventory: inventory.inventory,
    });
    const entry = entryOf(created, inventory, { contactAt: this.#clock.now(), decisions: [] });
    try {
      const result = await this.#write(entry, {}, companion);
      this.#index(entry);
      return { entry, result };
    } catch (error) {
      this.#inventories.release(inventory);
      throw error;
    }
  }

  /** Durable when it resolves; members of the device change after that. */
  change(entry: DeviceEntry, change: DeviceChange, companion?: Companion): Promise<CommitResult> {
    return this.#turns.take(entry.device.id, () => this.#write(entry, change, companion));
  }

  /** Its presence in memory now, in the store later. */
  renew(entry: DeviceEntry, presence: Presence): void {
    this.#setPresence(entry, presence);
    entry.dirty = true;
    this.#dirty.add(entry);
  }

  /** It spoke: in memory, and written with whatever is written of it next. */
  heard(id: DeviceId): void {
    const presence = this.#byId.get(id)?.device.presence;
    if (presence && presence.state !== 'gone') presence.lastSeen = this.#clock.now();
  }

  /** Removes the row and every trace of the device in memory. */
  async remove(entry: DeviceEntry): Promise<void> {
    await this.#turns.take(entry.device.id, async () => {
      await this.#store.commit({ delete: [{ table: 'devices', key: entry.device.id }] });
      this.#byId.delete(entry.device.id);
      this.#byIdentity.delete(identityKey(entry.device.technology, entry.device.identity));
      if (entry.device.node !== undefined) this.#byNode.delete(entry.device.node);
      this.#count(entry.device, -1);
      // For a leg that still knows it: what the device says next is answered with "register again".
      entry.device.presence = {
        state: 'gone',
        lastSeen: entry.device.presence.lastSeen,
        why: 'the device was removed',
      };
      this.#dirty.delete(entry);
      this.#lifetimes.forget(entry);
      this.#inventories.release(entry.inventory);
    });
  }

  /**
   * Writes renewed presence of up to `limit` devices. A failure leaves them for the next time.
   * @param contact adds what a contact means for the resources of the device, where that is due
   */
  async flush(
    limit: number,
    contact: (entry: DeviceEntry) => { change: DeviceChange; companion?: Companion },
  ): Promise<number> {
    const batch: DeviceEntry[] = [];
    for (const entry of this.#dirty) {
      if (batch.length >= limit) break;
      batch.push(entry);
    }
    const writes = await Promise.allSettled(
      batch.map((entry) => {
        const { change, companion } = contact(entry);
        return this.change(entry, change, companion);
      }),
    );
    const refused = writes.find((write) => write.status === 'rejected');
    if (refused) this.#log.warn({ err: refused.reason }, 'renewed registrations could not be written; they are kept');
    return batch.length;
  }

  presences(): ReadonlyMap<string, ReadonlyMap<Presence['state'], number>> {
    return this.#presences;
  }

  get size(): number {
    return this.#byId.size;
  }

  close(): void {
    this.#lifetimes.close();
  }

  async #write(entry: DeviceEntry, change: DeviceChange, companion?: Companion): Promise<CommitResult> {
    const wanted = typeof change.inventory === 'function' ? change.inventory(entry.device.inventory) : change.inventory;
    const inventory = wanted ? this.#inventories.take(wanted) : undefined;
    try {
      for (let attempt = 1; ; attempt++) {
        const { device } = entry;
        const next: ManagedDevice = {
          ...device,
          node: change.node ?? device.node,
          lane: change.lane ?? device.lane,
          presence: change.presence ?? device.presence,
          inventory: inventory?.inventory ?? device.inventory,
          facts: change.facts ?? device.facts,
        };
        const more = await companion?.(next);
        if (more?.node !== undefined) next.node = more.node;
        const blocked = change.blocked === null ? undefined : (change.blocked ?? entry.blocked);
        const data: DeviceData = {
          device: next,
          blocked,
          contactAt: change.contactAt ?? entry.contactAt,
          decisions: change.decisions ?? entry.decisions,
          mapping: more?.mapping ?? entry.mapping,
        };
        try {
          const result = await this.#store.commit(mergeCommits(rowOf(data, entry.version), more?.commit));
          this.#apply(entry, data, change, inventory);
          this.#settleRenewal(entry, data);
          more?.afterCommit?.();
          return result;
        } catch (error) {
          if (!(error instanceof Conflict) || attempt >= attempts) throw error;
          if (error.table !== 'devices') continue;
          // A new row that is there already, or a row that another process changed.
          const row = entry.version > 0 ? await this.#store.get<DeviceData>('devices', device.id) : undefined;
          if (!row) throw error;
          entry.version = row.version;
        }
      }
    } catch (error) {
      if (inventory) this.#inventories.release(inventory);
      throw error;
    }
  }

  #apply(entry: DeviceEntry, data: DeviceData, change: DeviceChange, inventory: SharedInventory | undefined): void {
    const { device } = entry;
    entry.version++;
    entry.blocked = data.blocked;
    entry.contactAt = data.contactAt;
    entry.decisions = data.decisions;
    entry.mapping = this.#oneCopy(data.mapping ?? '');
    device.lane = data.device.lane;
    device.facts = data.device.facts;
    if (data.device.node !== device.node) {
      if (device.node !== undefined) this.#byNode.delete(device.node);
      device.node = data.device.node;
      if (device.node !== undefined) this.#byNode.set(device.node, entry);
    }
    if (inventory) {
      this.#inventories.release(entry.inventory);
      entry.inventory = inventory;
      device.inventory = inventory.inventory;
    }
    if (change.presence !== undefined) this.#setPresence(entry, data.device.presence);
  }

  /** A renewal that came while the commit was under way is newer than what was written, and stays dirty. */
  #settleRenewal(entry: DeviceEntry, data: DeviceData): void {
    const { device } = entry;
    if (samePresence(device.presence, data.device.presence)) {
      entry.dirty = false;
      this.#dirty.delete(entry);
    }
  }

  #adopt(row: Row<DeviceData>): DeviceEntry {
    const known = this.#byId.get(row.key);
    if (known) return known;
    const { device, ...data } = row.data;
    const rest = { ...data, mapping: this.#oneCopy(data.mapping ?? '') };
    const inventory = this.#inventories.take(device.inventory);
    const { presence } = device;
    // A fresh lifetime: what was renewed and not yet written when the process ended must not expire anything.
    const lifetime = lifetimeOf(presence);
    const now = this.#clock.now();
    if (lifetime !== undefined && presence.state !== 'gone' && now + lifetime > presence.until!) {
      presence.until = now + lifetime;
      presence.renewedAt = now;
    }
    const entry = entryOf({ ...device, inventory: inventory.inventory }, inventory, rest);
    entry.version = row.version;
    entry.blocked = rest.blocked;
    this.#index(entry);
    return entry;
  }

  /** Most devices have one of very few: one copy of each is kept. */
  #oneCopy(mapping: string): string {
    const known = this.#mappings.get(mapping);
    if (known === undefined) this.#mappings.set(mapping, mapping);
    return known ?? mapping;
  }

  #index(entry: DeviceEntry): void {
    const { device } = entry;
    this.#byId.set(device.id, entry);
    this.#byIdentity.set(identityKey(device.technology, device.identity), entry);
    if (device.node !== undefined) this.#byNode.set(device.node, entry);
    this.#count(device, 1);
    this.#lifetimes.watch(entry);
  }

  #setPresence(entry: DeviceEntry, given: Presence): void {
    const presence = plainCopy(given);
    if (presence.state !== entry.device.presence.state && this.#byId.has(entry.device.id)) {
      this.#count(entry.device, -1);
      entry.device.presence = presence;
      this.#count(entry.device, 1);
    } else {
      entry.device.presence = presence;
    }
    this.#lifetimes.watch(entry);
  }

  #count(device: ManagedDevice, by: 1 | -1): void {
    let states = this.#presences.get(device.technology);
    if (!states) this.#presences.set(device.technology, (states = new Map()));
    states.set(device.presence.state, (states.get(device.presence.state) ?? 0) + by);
  }
}

function samePresence(one: Presence, other: Presence): boolean {
  return (
    one.state === other.state &&
    one.lastSeen === other.lastSeen &&
    one.until === other.until &&
    one.address === other.address
  );
}

function identityKey(technology: string, identity: string): string {
  return `${technology} ${identity}`;
}
