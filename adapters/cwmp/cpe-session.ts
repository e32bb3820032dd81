/**
 * One session with one CPE: what it says is stored before it is answered; when it hands over the word, its lane is drained,
 * and what the gateway itself wants of it is done.
 */
import type { Inventory, LaneSession, ManagedDevice } from '../../src/management/adapter.ts';
import type { DeviceId, Operation } from '../../src/management/operation.ts';
import { ownText } from '../../src/support/own-text.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { findLackingMethods, lacks } from './abilities.ts';
import { withAliases } from './aliases.ts';
import { createChannel, type Channel } from './channel.ts';
import { noteDeployment, noteInform, noteTransfer, type CpeNow } from './completions.ts';
import type { Conversation } from './conversation.ts';
import { discoverObjects } from './discovery.ts';
import { occasionOf } from './events.ts';
import { executeOperation } from './execution.ts';
import { newFacts, readFacts, writeFacts, type CpeFacts } from './facts.ts';
import { callWith, factsAfter, inventoryAfter } from './inform-news.ts';
import type { Cancellation, Leg } from './leg.ts';
import { takeUpQueued, takeUpReported } from './lost-answers.ts';
import { reconcileNotifications, stillNotified } from './notifications.ts';
import { newCredentials, provision } from './provisioning.ts';
import { stunUsername } from './stun-bindings.ts';
import type { Start } from './starts.ts';
import { provisionStun, textOfPlan } from './stun-provisioning.ts';
import { proxiedSightings, splitInventory } from './proxied.ts';
import { readValues } from './reading.ts';
import type { CpeRequest, Inform } from './rpc.ts';
import type { SessionHost } from './server.ts';
import { valueFromWire, type LiteralStyle, type ParameterValue } from './values.ts';

export interface SessionStart {
  identity: string;
  namespace: string;
  address: string;
  /** As its profile says. */
  style?: LiteralStyle;
}

const technology = 'cwmp';
/** s after which a CPE shall come back, when a session was not enough. */
const comingBack = 60;

export class CpeSession implements SessionHost {
  readonly #leg: Leg;
  readonly #start: SessionStart;
  readonly #conversation: Conversation;
  #device: ManagedDevice | undefined;
  #facts: CpeFacts;
  #channel: Channel | undefined;
  #now: CpeNow | undefined;
  /** The start that the Inform has told. */
  #told: Start | undefined;
  #lane: LaneSession | undefined;
  #isDriving = false;
  /** Our settings were told in this session: what it would not take is told in the next one. */
  #hasToldSettings = false;
  /** Its objects were asked for in this session: what it would not say is asked in the next one. */
  #hasAskedObjects = false;
  /** How often it has told in this session that its objects have changed. */
  #changesTold = 0;
  #hasMore = false;
  /** What is asked of the CPE now belongs to it. */
  #serving: Operation | undefined;
  #isOver = false;
  /** The CPE restarts at the end of the session: what waits belongs into the next one. */
  #restarts = false;
  /** There is more in the lane than one session may carry. */
  #isCutShort = false;

  constructor(leg: Leg, start: SessionStart, conversation: Conversation) {
    this.#leg = leg;
    this.#start = start;
    this.#conversation = conversation;
    this.#facts = newFacts(start.namespace, 'Device.');
  }

  get device(): DeviceId | undefined {
    return this.#device?.id;
  }

  /** The CPE is there, and what is put into its lane now is served in this session. */
  get isOpen(): boolean {
    const { phase } = this.#conversation;
    return !this.#isOver && !this.#restarts && phase !== 'done' && phase !== 'over';
  }

  async store(request: CpeRequest): Promise<{ code: number; why: string } | undefined> {
    try {
      return request.method === 'Inform' ? await this.#storeInform(request) : await this.#storeReport(request);
    } catch (error) {
      // Not acknowledged: the CPE says it again.
      this.#leg.context.log.error({ err: error, device: this.device }, 'what a CPE reported could not be stored');
      return { code: 8002, why: 'the gateway could not store it; try again' };
    }
  }

  heard(): void {
    if (this.#device) this.#leg.context.deviceHeard(this.#device.id);
  }

  /** There is more to do, if the CPE has handed us the word already; when it does so later, it is found then. */
  workCame(): void {
    this.#hasMore = true;
  }

  think(): void {
    if (this.#isDriving) {
      this.#hasMore = true;
      return;
    }
    this.#isDriving = true;
    this.#driveOn()
      .catch((error: unknown) => {
        this.#leg.context.log.error({ err: error, device: this.device }, 'a CPE could not be served');
      })
      .finally(() => {
        this.#isDriving = false;
        this.#rest();
        this.#conversation.finish();
      });
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

  /** It has proved that it is reached by UDP at this address. Durable when it resolves. */
  async bound(udpAddress: string): Promise<void> {
    this.#facts.udpAddress = udpAddress;
    if (this.#facts.stun) this.#facts.stun.proves = true;
    if (this.#device) await this.#remember(this.#device);
  }

  // What the CPE says

  async #storeInform(inform: Inform): Promise<{ code: number; why: string } | undefined> {
    const { context } = this.#leg;
    const { identity, namespace, address } = this.#start;
    const known = await context.deviceByIdentity(identity);
    const occasion = occasionOf(inform);
    const before = known && readFacts(known.facts);
    const facts = factsAfter(inform, occasion, before, namespace, context.now());
    callWith(facts, (await context.credentials.forDevice(technology, identity))?.connectionRequest);
    // Told again: it proves nothing that was sent since.
    const startedAt = facts.start?.at === before?.start?.at ? facts.start?.at : undefined;
    const admission = await context.deviceSeen({
      identity,
      technology,
      presence: { state: 'reachable', address },
      inventory: inventoryAfter(inform, facts, known?.inventory),
      restarted: occasion.restarted,
      startedAt,
      facts: writeFacts(facts),
    });
    if (!admission.admitted) return { code: 8001, why: admission.why };
    const { device } = admission;
    this.#device = device;
    this.#facts = facts;
    if (occasion.restarted) this.#leg.observed.delete(device.id);
    if (occasion.restarted) this.#leg.knowledge.forget(device.id);
    this.#leg.sessions.set(device.id, this);
    this.#leg.came(device.id);
    // Words, and not the Inform to make them of: a trace keeps many.
    context.trace.record(device.id, { direction: 'in', summary: ownText(`Inform ${codesOf(inform)}`) });
    const channel = this.#openChannel(device);
    for (const { name, type } of inform.parameters) channel.knowledge.learnType(name, type);
    await this.#reportValues(inform.parameters, device);
    const versionPath = `${facts.root}DeviceInfo.SoftwareVersion`;
    this.#told = facts.start;
    this.#now = { device, occasion, startedAt, running: facts.softwareVersion, versionPath };
    await noteInform(context, this.#now);
    return undefined;
  }

  #openChannel({ id, identity }: ManagedDevice): Channel {
    const { context, knowledge, settings } = this.#leg;
    // One model and firmware: the identity without the serial number.
    const model = `${identity.slice(0, identity.lastIndexOf('-'))} ${this.#facts.softwareVersion ?? ''}`;
    this.#channel = createChannel(this.#conversation, knowledge.of(model, id), {
      batchSize: settings.batchSize,
      maximumRequests: settings.maximumRequests,
      transientPause: settings.transientPause,
      transientRetries: settings.transientRetries,
      clock: context.clock,
      style: this.#start.style,
      trace: (line) => context.trace.record(id, line, this.#serving),
    });
    return this.#channel;
  }

  /** Values that the CPE has told refresh their resources; equal ones change nothing. */
  async #reportValues(parameters: readonly ParameterValue[], { id }: ManagedDevice): Promise<void> {
    const values = parameters
      .filter(({ name }) => !name.startsWith(`${this.#facts.root}ManagementServer.`))
      .map((parameter) => ({ path: parameter.name, value: valueFromWire(parameter) }))
      .filter(({ value }) => value !== null);
    if (values.length > 0) await this.#leg.context.report(id, { event: 'values', values });
  }

  async #storeReport(request: CpeRequest): Promise<undefined> {
    const { context, settings } = this.#leg;
    const device = this.#device;
    if (!device || !this.#now) return undefined;
    context.trace.record(device.id, { direction: 'in', summary: summaryOf(request) });
    switch (request.method) {
      case 'TransferComplete': {
        await takeUpReported(context, device.id, request.commandKey, settings);
        const isOurs = await noteTransfer(context, this.#now, request, settings.updateDeadline);
        if (!isOurs) {
          context.log.info(
            { device: device.id, commandKey: request.commandKey },
            'a transfer ended that nobody waits for',
          );
        }
        return undefined;
      }
      case 'DUStateChangeComplete':
        await takeUpReported(context, device.id, request.commandKey, settings);
        await noteDeployment(context, device, request);
        await this.#noteChangedObjects(device);
        return undefined;
      case 'AutonomousDUStateChangeComplete':
        await this.#noteChangedObjects(device);
        return undefined;
      // oneM2M has nothing that shows them to an application; the trace of the device does.
      case 'AutonomousTransferComplete':
      case 'RequestDownload':
      case 'Kicked':
      case 'GetRPCMethods':
      case 'Inform':
        return undefined;
    }
  }

  /** Durable: once it is answered the CPE does not say it again, and its objects may be looked for in another session only. */
  async #noteChangedObjects(device: ManagedDevice): Promise<void> {
    this.#facts.discovered = false;
    this.#leg.knowledge.forget(device.id);
    this.#hasAskedObjects = false;
    this.#changesTold += 1;
    this.workCame();
    await this.#remember(device);
  }

  // What we say

  /** The lane is given back in the same turn in which nothing more was found, so that no work falls between. */
  async #driveOn(): Promise<void> {
    try {
      do {
        this.#hasMore = false;
        await this.#drive();
      } while (this.#hasMore && this.isOpen && this.#conversation.count < this.#leg.settings.maximumRequests);
      if (this.#isCutShort) await this.#askToComeBack();
    } finally {
      this.#closeLane();
    }
  }

  async #drive(): Promise<void> {
    const device = this.#device;
    const channel = this.#channel;
    if (!device || !channel || this.#restarts) return;
    const { context } = this.#leg;
    await this.#cancelTransfers(device, channel);
    // Before the lane is opened: that is when other evidence is read.
    if (!this.#lane && !lacks(this.#facts, 'GetAllQueuedTransfers'))
      await takeUpQueued(context, device.id, channel, this.#leg.settings);
    if (this.#leg.estranged.delete(device.id)) this.#facts.provisioned = false;
    if (!this.#facts.provisioned && !this.#hasToldSettings) await this.#provision(device, channel);
    await this.#provisionStun(device, channel);
    if (!this.#facts.lacking) await this.#askForMethods(device, channel);
    if (!this.#facts.discovered && !this.#hasAskedObjects) await this.#discover(device, channel);
    this.#lane ??= await context.openSession(device.id, () => this.workCame());
    await this.#drain(channel);
    if (!this.#restarts && !this.#isOver) await this.#reconcile(device, channel);
    if (!this.#restarts && !this.#isOver) await this.#noteStart(device, undefined);
  }

  async #drain(channel: Channel): Promise<void> {
    const { context, settings } = this.#leg;
    while (this.#lane && this.#device && !this.#isOver && !this.#restarts) {
      const [operation] = await this.#lane.take(1);
      if (operation && this.#conversation.count >= settings.maximumRequests) {
        this.#isCutShort = true;
        return this.#lane.release([operation]);
      }
      if (operation) {
        const executor = {
          channel,
          context,
          settings,
          device: this.#device,
          facts: this.#facts,
          isOver: () => this.#isOver,
        };
        const { discovered } = this.#facts;
        const changesTold = this.#changesTold;
        const changesObjects = operation.steps.some(({ action }) => action === 'create' || action === 'delete');
        // Noted before it is sent: when its answer is lost, the next session looks which objects there are.
        if (changesObjects && discovered) await this.#setDiscovered(this.#device, false);
        this.#serving = operation;
        const done = executeOperation(executor, this.#lane, operation).finally(() => (this.#serving = undefined));
        const { restarts, made, removed, unanswered } = await done;
        if (restarts) await this.#leaves(this.#device);
        if (made.length + removed.length > 0) await this.#noteObjects(this.#device, made, removed);
        const isAsBefore = discovered && changesTold === this.#changesTold;
        if (changesObjects && isAsBefore && !unanswered) await this.#setDiscovered(this.#device, true);
        await this.#cancelTransfers(this.#device, channel);
      } else return;
    }
  }

  /** Should this session break after all, the CPE tells its last start once more, and not this one. */
  async #leaves(device: ManagedDevice): Promise<void> {
    this.#restarts = true;
    await this.#noteStart(device, this.#told);
  }

  /** @param start undefined: nothing that would need it as a proof was sent in this session; it may end */
  async #noteStart(device: ManagedDevice, start: Start | undefined): Promise<void> {
    if (this.#facts.start === start) return;
    this.#facts.start = start;
    await this.#remember(device);
  }

  /** What waits could not be told to a CPE that cannot be called before its next periodic Inform. One that refuses comes then. */
  async #askToComeBack(): Promise<void> {
    const { context } = this.#leg;
    const device = this.device;
    if (device === undefined || !this.isOpen || lacks(this.#facts, 'ScheduleInform')) return;
    context.trace.record(device, { direction: 'out', summary: `ScheduleInform in ${comingBack} s: more waits for it` });
    await this.#conversation.ask('ScheduleInform', { delaySeconds: comingBack, commandKey: 'trivet' });
  }

  /** A CPE tells its objects when it has started; what we make and take away in between we know ourselves. */
  async #noteObjects({ id, inventory }: ManagedDevice, made: string[], removed: string[]): Promise<void> {
    for (const path of [...made, ...removed]) this.#leg.knowledge.forget(id, path);
    const { identity, address } = this.#start;
    const kept = inventory.objects.filter(({ path }) => !removed.some((gone) => path.startsWith(gone)));
    const known = new Set(kept.map(({ path }) => path));
    const objects = [...kept, ...made.filter((path) => !known.has(path)).map((path) => ({ path }))];
    const admission = await this.#leg.context.deviceSeen({
      identity,
      technology,
      presence: { state: 'reachable', address },
      inventory: { ...inventory, objects },
      restarted: false,
    });
    if (admission.admitted) this.#device = admission.device;
  }

  async #cancelTransfers({ id }: ManagedDevice, channel: Channel): Promise<void> {
    const { cancellations } = this.#leg;
    for (let next = takeCancellation(cancellations, id); next; next = takeCancellation(cancellations, id)) {
      const commandKey = next.operation.pending?.correlator ?? '';
      const { failure, fault } = await channel.ask('CancelTransfer', { commandKey });
      if (!failure) next.done({ state: 'cancelled' });
      else if (fault?.code === 9000)
        next.done({ state: 'not-cancellable', why: 'the CPE does not know CancelTransfer' });
      else next.done({ state: 'refused', failure });
    }
  }

  async #provision(device: ManagedDevice, channel: Channel): Promise<void> {
    const { context, settings } = this.#leg;
    const facts = this.#facts;
    // Kept before they are sent: without them the CPE could not be called any more.
    facts.connectionRequest ??= newCredentials();
    await this.#remember(device);
    this.#hasToldSettings = true;
    const { root, connectionRequest: credentials } = facts;
    // Told once: a second time would move its phase.
    const periodicInterval = facts.periodicInterval === settings.periodicInterval ? 0 : settings.periodicInterval;
    const { taken, stopped } = await provision(
      channel,
      { root, credentials, periodicInterval, now: context.now() },
      'trivet',
    );
    if (taken.has(`${root}ManagementServer.PeriodicInformInterval`)) facts.periodicInterval = periodicInterval;
    if (stopped) {
      const why = stopped.evidence ?? stopped.explanation;
      context.log.info({ device: device.id, why }, 'a CPE is given its credentials again in its next session');
    } else facts.provisioned = true;
    await this.#remember(device);
  }

  /** When it has not been told yet, was told of another server, or there is none any more. */
  async #provisionStun(device: ManagedDevice, channel: Channel): Promise<void> {
    const facts = this.#facts;
    const plan = this.#leg.stun?.plan;
    const told = plan ? textOfPlan(plan) : '';
    if (told === (facts.stun?.told ?? '')) return;
    // Kept before they are sent, as those of connection requests.
    facts.stun ??= { ...newCredentials(), username: stunUsername(device.id), told: '', proves: false };
    await this.#remember(device);
    const { username, password } = facts.stun;
    const wanted = plan && { ...plan, credentials: { username, password } };
    const { stopped, udpAddress } = await provisionStun(channel, facts.root, wanted, 'trivet');
    if (stopped) return;
    if (udpAddress !== undefined) facts.udpAddress = udpAddress;
    facts.stun = { ...facts.stun, told };
    await this.#remember(device);
  }

  async #askForMethods(device: ManagedDevice, channel: Channel): Promise<void> {
    this.#facts.lacking = await findLackingMethods(channel);
    // Where its objects are looked for, it is kept with them.
    if (this.#facts.lacking && this.#facts.discovered) await this.#remember(device);
  }

  async #discover(device: ManagedDevice, channel: Channel): Promise<void> {
    const { context, settings } = this.#leg;
    const facts = this.#facts;
    const { identity, address } = this.#start;
    this.#hasAskedObjects = true;
    const { objects, stopped } = await discoverObjects(channel, settings.objects, facts.root);
    if (stopped) return this.#keepObjects(device, stopped);
    const { own, proxied } = splitInventory(objects);
    const behind = await proxiedSightings(channel, proxied, identity);
    if (behind.stopped) return this.#keepObjects(device, behind.stopped);
    const named = facts.aliases ? await withAliases(channel, own) : { objects: own };
    if (named.stopped) return this.#keepObjects(device, named.stopped);
    const modelPath = `${facts.root}DeviceInfo.ModelName`;
    const model = (await readValues(channel, [modelPath])).values.get(modelPath)?.value;
    // Unless they have changed meanwhile.
    facts.discovered = this.#hasAskedObjects;
    const inventory: Inventory = { ...device.inventory, objects: named.objects, ...(model ? { model } : {}) };
    const admission = await context.deviceSeen({
      identity,
      technology,
      presence: { state: 'reachable', address },
      inventory,
      restarted: false,
      facts: writeFacts(facts),
    });
    if (admission.admitted) this.#device = admission.device;
    for (const sighting of behind.sightings) {
      const known = await context.deviceByIdentity(sighting.identity);
      // One that opens sessions of its own tells more of itself than its entry does.
      if (known && readFacts(known.facts)) continue;
      await context.deviceSeen(sighting);
    }
  }

  /** What it would not say now may be there all the same. */
  #keepObjects({ id }: ManagedDevice, { explanation, evidence }: Failure): void {
    const { context } = this.#leg;
    const why = evidence ?? explanation;
    context.log.info({ device: id, why }, 'the objects of a CPE are looked for again in its next session');
    context.trace.record(id, {
      direction: 'note',
      summary: `objects are looked for again in the next session: ${why}`,
    });
  }

  async #reconcile(device: ManagedDevice, channel: Channel): Promise<void> {
    const { context, wishes, observed } = this.#leg;
    const isInDoubt = this.#facts.notifiedInDoubt === true;
    const isWatched = observed.has(device.id);
    if (isWatched && !wishes.has(device.id) && !isInDoubt) return;
    wishes.delete(device.id);
    const wished = (await context.wish(device.id)).map(({ path }) => path);
    const before = this.#facts.notified;
    const kept = isInDoubt ? await stillNotified(channel, before) : { notified: before };
    const { notified, stopped } = kept.stopped ? kept : await reconcileNotifications(channel, wished, kept.notified);
    if (notified.join() !== before.join() || (isInDoubt && !stopped)) {
      this.#facts.notified = notified;
      if (!stopped) this.#facts.notifiedInDoubt = undefined;
      await this.#remember(device);
    }
    // It tells what changes from now on, and not what there is.
    const known = isWatched ? notified.filter((path) => kept.notified.includes(path)) : [];
    const unread = notified.filter((path) => !known.includes(path));
    const read = stopped ? undefined : await readValues(channel, unread);
    if (read) await this.#reportValues([...read.values.values()], device);
    const isDone = read !== undefined && !read.stopped;
    if (isDone) observed.add(device.id);
    else observed.delete(device.id);
    context.observing(device.id, isDone ? notified : known);
  }

  #setDiscovered(device: ManagedDevice, discovered: boolean): Promise<void> {
    this.#facts.discovered = discovered;
    return this.#remember(device);
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
    this.#leg.context.deviceRenewed(id, { state: 'asleep', address: this.#start.address, why });
  }
}

function takeCancellation(waiting: Map<DeviceId, Cancellation[]>, id: DeviceId): Cancellation | undefined {
  const list = waiting.get(id);
  const next = list?.shift();
  if (list?.length === 0) waiting.delete(id);
  return next;
}

function codesOf({ events }: Inform): string {
  return events
    .map(({ code }) => code)
    .join(', ')
    .slice(0, 200);
}

function summaryOf(request: CpeRequest): string {
  if (request.method === 'TransferComplete')
    return `TransferComplete ${request.commandKey} fault ${request.fault.code}`;
  return request.method === 'DUStateChangeComplete' ? `${request.method} ${request.commandKey}` : request.method;
}
