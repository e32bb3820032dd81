/**
 * One session with one device, seen from its management: what it says is stored before it is answered; when it hands over the word, its
 * tree is looked through where that is due, accepted orders are looked after, and its lane is drained.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  Withdrawn,
  type Inventory,
  type LaneSession,
  type ManagedDevice,
  type ObservationWish,
} from '../../src/management/adapter.ts';
import type { DeviceId, Operation, OperationId, Value } from '../../src/management/operation.ts';
import { succeeded, type Failure } from '../../src/management/outcome.ts';
import { ownText } from '../../src/support/own-text.ts';
import { reportsIn } from './alerts.ts';
import { createChannel, type Channel } from './channel.ts';
import { candidateFor, candidatesOf, matching, noteResult, type Candidate, type Report } from './completions.ts';
import { discoverObjects } from './discovery.ts';
import type { Arrival, Exchange, SessionHost } from './exchange.ts';
import { executeOperation, type Executor } from './execution.ts';
import { readFacts, writeFacts, type DeviceFacts } from './facts.ts';
import { firmwareVersionPath, followFirmware } from './firmware.ts';
import type { Leg } from './leg.ts';
import { readObserved, reconcileTraps, watchOf, type Traps } from './observing.ts';
import type { Order } from './orders.ts';
import { isWithin, plainPath } from './paths.ts';
import { proxiedSightings, splitInventory } from './proxied.ts';
import { leafText, readNodes, readTargets } from './reading.ts';
import { followSoftware } from './software.ts';
import type { Alert, Item } from './syncml/message.ts';
import { urns } from './urns.ts';
import { readBoolean } from './values.ts';
import { tellerInLane, tellerOfAccepted, workStateOf, type Work, type WorkState } from './work.ts';

const technology = 'omadm';
const softwareVersionPath = './DevDetail/SwV';
const largeObjectsPath = './DevDetail/LrgObj';
/** Every device has them (OMA DM StdObj 1.2, 5). */
const standardObjects = [
  { path: './DevInfo', objectID: urns.devInfo },
  { path: './DevDetail', objectID: urns.devDetail },
];
const maximumIdentity = 256;

export class DeviceSession implements SessionHost {
  readonly #leg: Leg;
  #device: ManagedDevice | undefined;
  #identity = '';
  #address = '';
  #facts: DeviceFacts = readFacts(null);
  #exchange: Exchange | undefined;
  #channel: Channel | undefined;
  #lane: LaneSession | undefined;
  #isOver = false;
  /** The device starts anew at the end of the session: what waits belongs into the next one. */
  #restarts = false;
  #isThinking = false;
  #hasMore = false;
  /** What is asked of the device now belongs to it, and what it may report already. */
  #serving: { operation: Operation; work?: Work } | undefined;
  /** Operations of which an alert has told in this session. */
  readonly #told = new Set<OperationId>();
  /** Accepted operations that were looked after in this session. */
  readonly #followed = new Set<OperationId>();
  /** What it would not say of its tree in this session is asked in the next one. */
  #hasDiscovered = false;
  /** It has told something that nobody has asked for: what it tells so is read. */
  #hasTold = false;

  constructor(leg: Leg) {
    this.#leg = leg;
  }

  get device(): DeviceId | undefined {
    return this.#device?.id;
  }

  /** What is put into its lane now is served in this session. */
  get isOpen(): boolean {
    return !this.#isOver && !this.#restarts && this.#exchange?.isOpen === true;
  }

  /** There is more to do, if it has handed us the word already; when it does so later, it is found then. */
  workCame(): void {
    this.#hasMore = true;
  }

  // What the device says

  async arrived(arrival: Arrival, exchange: Exchange): Promise<{ status: number; why: string } | undefined> {
    try {
      return await this.#arrive(arrival, exchange);
    } catch (error) {
      // Not acknowledged: it comes again.
      this.#leg.context.log.error({ err: error }, 'a session of a DM client could not be stored');
      return { status: 503, why: 'the gateway could not store it; try again' };
    }
  }

  async alerted(alert: Alert, items: readonly Item[]): Promise<number> {
    if (!this.#device) return 500;
    try {
      for (const report of reportsIn(alert, items)) await this.#note(this.#device, report);
      return 200;
    } catch (error) {
      this.#leg.context.log.error({ err: error, device: this.device }, 'an alert of a device could not be stored');
      return 500;
    }
  }

  async think(): Promise<void> {
    if (this.#isThinking) return;
    this.#isThinking = true;
    try {
      do {
        this.#hasMore = false;
        await this.#drive();
      } while (this.#hasMore && this.isOpen && !this.#isExhausted);
    } catch (error) {
      this.#leg.context.log.error({ err: error, device: this.device }, 'a device could not be served');
    } finally {
      // In the turn in which nothing more was found, so that no work falls between.
      this.#closeLane();
      this.#isThinking = false;
      this.#rest();
    }
  }

  ended(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#closeLane();
    this.#rest();
    const id = this.device;
    if (id === undefined) return;
    if (this.#leg.sessions.get(id) === this) this.#leg.sessions.delete(id);
    this.#leg.context.trace.record(id, { direction: 'note', summary: `session over: ${why}` });
  }

  async #arrive(arrival: Arrival, exchange: Exchange): Promise<{ status: number; why: string } | undefined> {
    const { context } = this.#leg;
    const { deviceInfo, address } = arrival;
    // What was proven is the Source; DevId says the same, or it is a claim (OMA DM Protocol 1.2.1, 8.3).
    const identity = ownText(arrival.deviceId.trim());
    if (identity === '' || identity.length > maximumIdentity) {
      return { status: 400, why: `the Source of a message names its device, in at most ${maximumIdentity} characters` };
    }
    this.#identity = identity;
    this.#address = address;
    const known = await context.deviceByIdentity(identity);
    const facts = readFacts(known?.facts ?? null);
    const restarted = facts.leaving === true;
    facts.leaving = undefined;
    const digest = digestOf(deviceInfo);
    const isNew = facts.deviceInfo !== digest;
    facts.deviceInfo = digest;
    const told = (name: string): string | undefined => deviceInfo.get(`./DevInfo/${name}`)?.trim() || undefined;
    const before: Inventory =
      known && known.inventory.objects.length > 0 ? known.inventory : { objects: standardObjects };
    const inventory: Inventory = {
      ...before,
      manufacturer: told('Man') ?? before.manufacturer,
      model: told('Mod') ?? before.model,
    };
    const admission = await context.deviceSeen({
      identity,
      technology,
      presence: { state: 'reachable', address },
      inventory,
      restarted,
      facts: writeFacts(facts),
    });
    if (!admission.admitted) return { status: 403, why: admission.why };
    const { device } = admission;
    this.#device = device;
    this.#facts = facts;
    this.#exchange = exchange;
    this.#openChannel(device, exchange);
    if (restarted) this.#leg.versionsRead.delete(device.id);
    this.#leg.sessions.set(device.id, this);
    this.#leg.came(device.id);
    const by = arrival.startedBy === 'server' ? 'a notification' : 'the device';
    context.trace.record(device.id, {
      direction: 'in',
      summary: `session begun by ${by} (${arrival.header.protocol})`,
    });
    if (isNew) await this.#reportDeviceInfo(device, deviceInfo);
    await this.#noteReturn(device);
    return undefined;
  }

  #openChannel({ id }: ManagedDevice, exchange: Exchange): void {
    const { context, settings } = this.#leg;
    this.#channel = createChannel(exchange, {
      batchSize: settings.batchSize,
      largeObjects: () => this.#facts.largeObjects === true,
      trace: (entry) => context.trace.record(id, entry, this.#serving?.operation),
    });
  }

  async #reportDeviceInfo({ id }: ManagedDevice, deviceInfo: Arrival['deviceInfo']): Promise<void> {
    const values = [...deviceInfo].map(([path, value]) => ({ path: plainPath(path), value }));
    if (values.length > 0) await this.#leg.context.report(id, { event: 'values', values });
  }

  /** A session after an order to start anew is the return: DM tells of no start. */
  async #noteReturn(device: ManagedDevice): Promise<void> {
    const { context } = this.#leg;
    for (const operation of await context.pending(device.id)) {
      if (workStateOf(operation)?.work !== 'restart') continue;
      this.#leg.silences.get(operation.id)?.();
      this.#leg.silences.delete(operation.id);
      await context.settle(operation, succeeded([], { evidence: 'the device came back after it' }));
    }
  }

  // Alerts

  async #note(device: ManagedDevice, report: Report): Promise<void> {
    const { context, settings } = this.#leg;
    const words = [report.type, report.source, report.data.slice(0, 80)].filter((word) => word !== '');
    context.trace.record(device.id, { direction: 'in', summary: ownText(`Alert 1226 ${words.join(' ')}`) });
    const candidates: Candidate[] = [];
    for (const id of this.#devices()) candidates.push(...(await candidatesOf(context, id)));
    const serving = this.#servingCandidate();
    if (serving && !candidates.some(({ operation }) => operation.id === serving.operation.id))
      candidates.unshift(serving);
    const found = matching(candidates, report);
    if (!found) {
      this.#hasTold = true;
      if (report.type !== '') {
        const { type, source: path, data: text } = report;
        await context.report(device.id, { event: 'alert', type, path, text: text.slice(0, 1_000) });
      }
      return;
    }
    const { operation, work } = found;
    const changes = await noteResult(found, report, settings);
    this.#told.add(operation.id);
    this.#hasMore = true;
    if (!changes) return;
    if (work.state.work === 'firmware' || work.state.work === 'software') {
      this.#leg.versionsRead.delete(device.id);
      if (work.state.work === 'software') await this.#forgetTree(device);
    }
  }

  /** It, and the devices behind it. */
  #devices(): DeviceId[] {
    return this.#device ? [this.#device.id, ...(this.#facts.behind ?? [])] : [];
  }

  #servingCandidate(): Candidate | undefined {
    const { operation, work } = this.#serving ?? {};
    if (!operation || !this.#lane || operation.state === 'accepted') return undefined;
    const teller = tellerInLane(this.#lane, this.#leg.context, operation);
    const candidate = candidateFor(operation, teller);
    return candidate && (work ? { ...candidate, work } : candidate);
  }

  // What we say

  get #isExhausted(): boolean {
    return (this.#exchange?.count ?? 0) >= this.#leg.settings.maximumRequests;
  }

  async #drive(): Promise<void> {
    const device = this.#device;
    const channel = this.#channel;
    if (!device || !channel || !this.isOpen) return;
    await this.#readVersions(device, channel);
    if (!this.#facts.discovered && !this.#hasDiscovered) await this.#discover(device, channel);
    await this.#follow(channel);
    if (this.#isOver) return;
    this.#lane ??= await this.#leg.context.openSession(device.id, () => this.workCame());
    await this.#drain(channel);
    if (this.isOpen) await this.#observe(channel);
  }

  async #drain(channel: Channel): Promise<void> {
    while (this.#lane && this.#device && this.isOpen) {
      const [operation] = await this.#lane.take(1);
      if (!operation) return;
      if (this.#isExhausted) return this.#lane.release([operation]);
      const profile = await this.#leg.context.profile(this.#device.id);
      const executor: Executor = {
        ...this.#orderParts(channel, operation),
        grouping: { atomic: profile['atomic'] === true, sequence: profile['sequence'] === true },
        isOver: () => this.#isOver,
      };
      const changesObjects = operation.steps.some(({ action }) => action === 'create' || action === 'delete');
      const isRestart = operation.evidence?.restart === true;
      const { discovered } = this.#facts;
      // Noted before they are sent: when the answer is lost, the next session knows.
      if ((changesObjects && discovered) || isRestart) {
        if (changesObjects) this.#facts.discovered = false;
        if (isRestart) this.#facts.leaving = true;
        await this.#remember(this.#device);
      }
      this.#serving = { operation };
      const done = await executeOperation(executor, this.#lane, operation).finally(() => (this.#serving = undefined));
      if (done.made.length + done.removed.length > 0) await this.#noteObjects(this.#device, done.made, done.removed);
      if ((changesObjects && discovered && !done.unanswered) || (isRestart && !done.restarts && !done.unanswered)) {
        if (changesObjects) this.#facts.discovered = discovered;
        if (isRestart) this.#facts.leaving = undefined;
        await this.#remember(this.#device);
      }
      if (done.restarts) this.#restarts = true;
      await this.#watchSilence(operation);
      if (!done.isDone) this.#followed.add(operation.id);
      else await this.#follow(channel);
    }
  }

  #orderParts(channel: Channel, operation: Operation): Omit<Order, 'operation' | 'teller' | 'results'> {
    const { context, settings } = this.#leg;
    return {
      channel,
      context,
      settings,
      device: this.#device!,
      facts: this.#facts,
      isTold: () => this.#told.has(operation.id),
      expect: (work) => {
        if (this.#serving?.operation.id === operation.id) this.#serving.work = work;
      },
    };
  }

  /** Accepted orders: once in each session, and when a report wants a second look. */
  async #follow(channel: Channel): Promise<void> {
    const accepted: Operation[] = [];
    for (const id of this.#devices()) accepted.push(...(await this.#leg.context.pending(id)));
    for (const operation of accepted) {
      const work = workStateOf(operation);
      if (!work || !this.isOpen) continue;
      const isUrgent = work.phase === 'ready' || work.phase === 'reported';
      if (this.#followed.has(operation.id) && !isUrgent) continue;
      this.#followed.add(operation.id);
      this.#told.delete(operation.id);
      const teller = tellerOfAccepted(this.#leg.context, operation);
      const order: Order = { ...this.#orderParts(channel, operation), operation, teller, results: [] };
      try {
        await this.#followOne(order, work);
      } catch (error) {
        // It ended in that moment.
        if (!(error instanceof Withdrawn)) throw error;
      }
    }
  }

  async #followOne(order: Order, work: WorkState): Promise<void> {
    switch (work.work) {
      case 'firmware':
        await followFirmware(order, work);
        this.#leg.versionsRead.delete(order.device.id);
        return;
      case 'software':
        await followSoftware(order, work);
        if (order.operation.outcome) await this.#forgetTree(order.device);
        return;
      case 'order':
        return followByEvidence(order);
      case 'restart':
        return undefined;
    }
  }

  /** An order whose success is silence ends at its deadline, unless something comes before. */
  async #watchSilence({ id, device }: Operation): Promise<void> {
    const operation = (await this.#leg.context.pending(device)).find((one) => one.id === id);
    if (operation && workStateOf(operation)?.isSilent) watchSilence(this.#leg, operation);
  }

  async #readVersions(device: ManagedDevice, channel: Channel): Promise<void> {
    const { context, settings, versionsRead } = this.#leg;
    const now = context.clock.monotonic();
    const last = versionsRead.get(device.id);
    if (last !== undefined && now - last < settings.versionInterval && this.#facts.discovered) return;
    const paths = [firmwareVersionPath, softwareVersionPath, largeObjectsPath];
    const nodes = await readNodes(channel, paths);
    if ([...nodes.values()].some(({ status, failure }) => status === undefined && failure)) return;
    versionsRead.set(device.id, now);
    const [firmware, software, largeObjects] = paths.map((path) => leafText(nodes.get(path), path)?.trim());
    const facts = this.#facts;
    const isChanged = facts.firmwareVersion !== firmware || facts.softwareVersion !== software;
    const isLarge = readBoolean(largeObjects);
    if (!isChanged && facts.largeObjects === isLarge) return;
    Object.assign(facts, { firmwareVersion: firmware, softwareVersion: software, largeObjects: isLarge });
    if (isChanged) {
      facts.discovered = false;
      // Another version may answer differently.
      facts.listsStructure = undefined;
      facts.tellsTypes = undefined;
    }
    const inventory: Inventory = { ...device.inventory, softwareVersion: software || firmware };
    await this.#seen(inventory);
    const values = [
      { path: firmwareVersionPath, value: firmware },
      { path: softwareVersionPath, value: software },
    ].filter((one): one is { path: string; value: string } => one.value !== undefined);
    if (isChanged && values.length > 0) await context.report(device.id, { event: 'values', values });
  }

  async #discover(device: ManagedDevice, channel: Channel): Promise<void> {
    const { context, settings } = this.#leg;
    const facts = this.#facts;
    this.#hasDiscovered = true;
    const found = await discoverObjects(channel, settings.objects, facts, device.inventory.objects);
    if (found.stopped) return this.#keepObjects(device, found.stopped);
    const { own, proxied } = splitInventory(found.objects);
    const behind = await proxiedSightings(channel, proxied, this.#identity);
    if (behind.stopped) return this.#keepObjects(device, behind.stopped);
    facts.discovered = !found.isOpen;
    if (found.refused.length > 0) {
      const summary = ownText(`not shown: ${found.refused.slice(0, 10).join(', ')}`);
      context.trace.record(device.id, { direction: 'note', summary });
    }
    await this.#seen({ ...(this.#device ?? device).inventory, objects: own });
    const ids: DeviceId[] = [];
    for (const sighting of behind.sightings) {
      const known = await context.deviceByIdentity(sighting.identity);
      // One that opens sessions of its own tells more of itself than its record does.
      if (known && known.lane === known.id) continue;
      const admission = await context.deviceSeen(sighting);
      if (admission.admitted) ids.push(admission.device.id);
    }
    if (ids.join() === (facts.behind ?? []).join()) return;
    facts.behind = ids.length > 0 ? ids : undefined;
    await this.#remember(device);
  }

  /** What it would not say now may be there all the same. */
  #keepObjects({ id }: ManagedDevice, { explanation, evidence }: Failure): void {
    const { context } = this.#leg;
    const why = evidence ?? explanation;
    context.log.info({ device: id, why }, 'the objects of a device are looked for again in its next session');
    context.trace.record(id, {
      direction: 'note',
      summary: `objects are looked for again in the next session: ${why}`,
    });
  }

  async #observe(channel: Channel): Promise<void> {
    const hasTold = this.#hasTold;
    this.#hasTold = false;
    for (const id of this.#devices()) {
      const device = id === this.device ? this.#device : await this.#leg.context.device(id);
      if (device && this.isOpen) await this.#observeOne(channel, device, hasTold);
    }
  }

  async #observeOne(channel: Channel, { id, inventory }: ManagedDevice, hasTold: boolean): Promise<void> {
    const { context, wishes, unwatched, polls } = this.#leg;
    const isChanged = wishes.delete(id);
    if (!isChanged && (unwatched.has(id) || (!hasTold && !polls.isDue(id)))) return;
    const wanted = await context.wish(id);
    const traps = await this.#reconcileTraps(channel, id, inventory, wanted);
    if (wanted.length === 0) {
      unwatched.add(id);
      return polls.forget(id);
    }
    unwatched.delete(id);
    const watch = watchOf(wanted, inventory.objects, traps.trapped);
    // A trap tells no value, and what a device tells of may have changed before anybody wished it.
    const read = await readObserved(channel, [...new Set([...watch.polled, ...watch.told])]);
    if (!read || traps.stopped) return void wishes.add(id);
    if (watch.polled.length > 0) polls.read(id);
    else polls.rest(id);
    if (read.values.length > 0) await context.report(id, { event: 'values', values: read.values });
    if (read.gone.length > 0) await context.report(id, { event: 'gone', paths: read.gone });
  }

  /** Those of the device that has the session; one behind it is read at the interval. */
  async #reconcileTraps(
    channel: Channel,
    id: DeviceId,
    { objects }: Inventory,
    wanted: readonly ObservationWish[],
  ): Promise<Traps> {
    if (id !== this.device) return { enabled: [], trapped: [] };
    const before = this.#facts.traps ?? [];
    const traps = await reconcileTraps(channel, wanted, objects, before);
    if (!traps.stopped && !isDeepStrictEqual([traps.enabled, traps.trapped], [before, this.#facts.trapped ?? []])) {
      this.#facts.traps = traps.enabled;
      this.#facts.trapped = traps.trapped;
      await this.#remember(this.#device!);
    }
    return traps;
  }

  // What is kept

  /** A device tells its objects when it is asked; what we make and take away in between we know ourselves. */
  #noteObjects({ inventory }: ManagedDevice, made: readonly string[], removed: readonly string[]): Promise<void> {
    const kept = inventory.objects.filter(({ path }) => !removed.some((gone) => isWithin(path, gone)));
    const known = new Set(kept.map(({ path }) => path));
    const added = made.filter((path) => !known.has(path)).map((path) => ({ path }));
    return this.#seen({ ...inventory, objects: [...kept, ...added] });
  }

  async #forgetTree(device: ManagedDevice): Promise<void> {
    this.#facts.discovered = false;
    this.#hasDiscovered = false;
    this.#hasMore = true;
    await this.#remember(device);
  }

  async #seen(inventory: Inventory): Promise<void> {
    const admission = await this.#leg.context.deviceSeen({
      identity: this.#identity,
      technology,
      presence: { state: 'reachable', address: this.#address },
      inventory,
      restarted: false,
      facts: writeFacts(this.#facts),
    });
    if (admission.admitted) this.#device = admission.device;
  }

  #remember({ id }: ManagedDevice): Promise<void> {
    return this.#leg.context.remember(id, writeFacts(this.#facts));
  }

  #closeLane(): void {
    const lane = this.#lane;
    this.#lane = undefined;
    lane?.close().catch((error: unknown) => {
      this.#leg.context.log.error({ err: error, device: this.device }, 'a lane could not be closed');
    });
  }

  /** Between sessions: the next operation has to call it. */
  #rest(): void {
    const id = this.device;
    if (id === undefined || this.#leg.sessions.get(id) !== this) return;
    const why = 'between two sessions: it is called when there is something to do';
    this.#leg.context.deviceRenewed(id, { state: 'asleep', address: this.#address, why });
  }
}

/** Ends an order as a success when nothing is heard of it until its deadline. */
export function watchSilence({ context, silences }: Leg, operation: Operation): void {
  const { pending, id } = operation;
  if (!pending || silences.has(id)) return;
  const cancel = context.clock.after(Math.max(0, pending.deadline - context.now()), () => {
    silences.delete(id);
    const outcome = succeeded([], { evidence: '202 accepted, and silence: the order takes the account with it' });
    context.settle(operation, outcome).catch((error: unknown) => {
      context.log.error({ err: error, operation: id }, 'an order that ends in silence could not be settled');
    });
  });
  silences.set(id, cancel);
}

/** What the mapping names as proof is read, where the device has not told of the end. */
async function followByEvidence({ channel, operation, teller }: Order): Promise<void> {
  const { read, succeededWhen } = operation.evidence ?? {};
  if (!read || !succeededWhen) return;
  const targets = Object.values(read).map((target) => ({ ...target, optional: true }));
  const { results, failure } = await readTargets(channel, targets);
  if (failure) return;
  const values = new Map(
    results.map((result): [string, Value | undefined] => [result.path, 'value' in result ? result.value : undefined]),
  );
  const holds = Object.entries(succeededWhen).every(([name, wanted]) => {
    const path = read[name]?.path;
    return path !== undefined && isDeepStrictEqual(values.get(path), wanted);
  });
  if (holds) await teller.ends(succeeded(results, { evidence: 'the device shows it' }));
}

function digestOf(deviceInfo: Arrival['deviceInfo']): string {
  const leaves = [...deviceInfo].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha1').update(JSON.stringify(leaves)).digest('base64').slice(0, 16);
}
