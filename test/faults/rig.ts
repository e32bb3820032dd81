/**
 * A gateway that is killed over and over: devices behind a relay, requests of every kind, one kill per round, and a look at what
 * the dead process left. What is not over by then is looked at again after the next start, until the end.
 */
import { eventually } from '../support/eventually.ts';
import { startChildGateway, type ChildGateway } from '../support/child-gateway.ts';
import { ask } from './ask.ts';
import { write, writtenPath, type Deed } from './deeds.ts';
import { KillSwitch, type Trigger } from './kill-trigger.ts';
import { admit, prepareDevice, type Patient } from './patient.ts';
import { deedsWith, planRound, type Deeds, type Kind } from './plan.ts';
import type { Receiver } from './receiver.ts';
import { readDeadStore, readLiveStore } from './stored-operations.ts';
import { UdpRelay } from './udp-relay.ts';
import { Witness } from './witness.ts';
import {
  contradictionsOf,
  isOver,
  isSettled,
  lostBy,
  look,
  phaseOf,
  timesDone,
  waitsForEvidence,
  type Asked,
  type Mode,
  type Phase,
} from './verdicts.ts';

interface Ward {
  patient: Patient;
  kind: Kind | 'sender';
  /** Something that may not be repeated, or goes on for long, is not over on it. */
  busy?: Asked;
}

export interface Tally {
  kills: number;
  /** Where the main request of a round was when the gateway died. */
  phases: Map<Phase, number>;
  /** `deed phase` → kills. */
  deeds: Map<string, number>;
  restartsKilled: number;
  outcomes: Map<string, number>;
}

export class Rig {
  readonly name: string;
  readonly faults: string[] = [];
  readonly tally: Tally = { kills: 0, phases: new Map(), deeds: new Map(), restartsKilled: 0, outcomes: new Map() };
  readonly #gateway: ChildGateway;
  readonly #relay: UdpRelay;
  readonly #receiver: Receiver;
  readonly #switch: KillSwitch;
  readonly #random: () => number;
  readonly #wards: Ward[] = [];
  readonly #asked: Asked[] = [];
  readonly #open = new Set<Asked>();
  readonly #deeds: Deeds;
  #witness: Witness | undefined;
  #number = 0;
  #killed: () => void = () => {};

  private constructor(parts: {
    name: string;
    gateway: ChildGateway;
    relay: UdpRelay;
    receiver: Receiver;
    random: () => number;
  }) {
    this.name = parts.name;
    this.#gateway = parts.gateway;
    this.#relay = parts.relay;
    this.#receiver = parts.receiver;
    this.#random = parts.random;
    this.#switch = new KillSwitch(parts.gateway.data, () => {
      this.#gateway.killNow();
      this.#killed();
    });
    this.#relay.watch = (datagram) => this.#switch.datagram(datagram);
    this.#deeds = deedsWith((number) => parts.receiver.imageUrl(number));
  }

  static async open(name: string, receiver: Receiver, random: () => number): Promise<Rig> {
    const gateway = await startChildGateway({
      keepPorts: ['artifact'],
      options: ['--lwm2m-ack-timeout', '300ms', '--lwm2m-awake-window', '1s', '--store-durability', 'normal'],
      logLevel: process.env['FAULT_LOG'] ?? 'error',
    });
    const relay = await UdpRelay.open(random);
    relay.aim(gateway.ports.lwm2m);
    const rig = new Rig({ name, gateway, relay, receiver, random });
    const sender = await prepareDevice(relay.url, `${name}-sender`);
    await sender.register();
    const patient = await admit(gateway, sender);
    rig.#wards.push({ patient, kind: 'sender' });
    rig.#witness = await Witness.open(gateway, receiver, patient);
    return rig;
  }

  /** One kill, aimed at a phase. */
  async round(aim: Phase): Promise<void> {
    const { deed, mode, trigger, kind } = planRound(aim, this.#random, this.#deeds);
    const ward = await this.#wardFor(kind);
    await this.#ask(ward, deed, mode, trigger);
    this.tally.kills++;
  }

  /** Waits until everything is over, and looks at all of it once more. */
  async finish(): Promise<void> {
    await eventually('everything that was accepted is over', () => this.#sweep(), 90_000).catch(
      async (error: unknown) => {
        this.faults.push(String(error));
        for (const asked of this.#open) {
          const { endpoint } = asked.patient.device;
          const trace = await fetch(`${this.#gateway.urls.admin.replace(/\/$/, '')}/devices/${endpoint}/trace`);
          this.faults.push(`${describe(asked)}\n${await trace.text()}`);
        }
      },
    );
    for (const asked of this.#asked) for (const sentence of contradictionsOf(asked)) this.#fault(sentence);
    for (const sentence of await this.#witness!.finish()) this.#fault(sentence);
    for (const ward of this.#wards) await this.#compare(ward.patient);
    const wanted = this.#asked.filter(
      (asked) => asked.mode === 'asynchronous' && asked.answer?.rsc === 1002 && !waitsForEvidence(asked),
    );
    for (const { id } of wanted) {
      await eventually(`the result of ${id} at its target`, () => this.#receiver.results.includes(id)).catch(
        (error: unknown) => this.#fault(String(error)),
      );
    }
  }

  get witnessed(): string {
    return this.#witness?.counts ?? '';
  }

  async close(): Promise<void> {
    this.#switch.close();
    await Promise.all(this.#wards.map(({ patient }) => patient.device.stop()));
    await this.#gateway.dispose();
    await this.#relay.close();
  }

  get log(): readonly string[] {
    return this.#gateway.log;
  }

  async #wardFor(kind: Kind): Promise<Ward> {
    const free = this.#wards.find((ward) => ward.kind === kind && !ward.busy);
    if (free) return free;
    const number = this.#wards.length + 1;
    const device = await prepareDevice(this.#relay.url, `${this.name}-${number}`, {
      ...(kind === 'asleep' ? { queueMode: true, awakeFor: 2, updateEvery: 4 } : {}),
      ...(kind === 'pushed to' ? { objects: { 5: { 0: { 9: 1 } } } } : {}),
    });
    if (process.env['FAULT_TRACE']) {
      device.on('event', ({ kind, text }) => {
        if (kind === 'registration' || kind === 'fault' || kind === 'life')
          console.log(`${Math.round(performance.now())}   ${device.endpoint}: ${text}`);
      });
    }
    await device.register();
    const ward: Ward = { patient: await admit(this.#gateway, device), kind };
    this.#wards.push(ward);
    return ward;
  }

  // One round

  async #ask(ward: Ward, deed: Deed, mode: Mode, trigger: Trigger): Promise<void> {
    const { patient } = ward;
    const share = trigger.at === 'part of the request' ? trigger.share : undefined;
    const main = this.#newAsked(patient, deed, mode, share !== undefined);
    if (!deed.repeatable) ward.busy = main;
    const dead = new Promise<void>((resolve) => (this.#killed = resolve));
    const isInStore = (): boolean => {
      readLiveStore(this.#gateway.data, (content) => look(main, content));
      return main.operation !== undefined && isSettled(main.operation);
    };
    this.#switch.arm({ trigger, pid: this.#gateway.pid, device: patient.device.port, isSettled: isInStore });
    const answered = this.#send(
      main,
      { sent: () => this.#switch.requestSent(), answering: () => this.#switch.answerBegun() },
      share,
    );
    await dead;
    await this.#gateway.kill();
    this.#relay.interrupt();
    await answered;
    this.#autopsy(main, trigger);
    await this.#restart();
  }

  #newAsked(patient: Patient, deed: Deed, mode: Mode, cut: boolean): Asked {
    const number = ++this.#number;
    const from = patient.mark();
    // What may be repeated does not wait for the one before it, which may still come: its value tells them apart.
    const finished = deed.repeatable
      ? []
      : this.#asked.filter((asked) => asked.patient === patient && asked.deed === deed);
    for (const before of finished) before.to ??= from;
    const asked: Asked = { id: `${this.name}.${number}`, number, deed, mode, patient, from, cut };
    this.#asked.push(asked);
    this.#open.add(asked);
    return asked;
  }

  async #send(asked: Asked, events: Parameters<typeof ask>[4], share?: number): Promise<void> {
    const { deed, patient, number, mode, id } = asked;
    const options = {
      share,
      // Long enough for many restarts: what expires meanwhile is another story.
      expires: 600_000,
      ...(mode === 'blocking' ? {} : { responseType: mode === 'synchronous' ? (1 as const) : (2 as const) }),
      ...(mode === 'asynchronous' ? { notifyAt: `${this.#receiver.url}/results` } : {}),
    };
    asked.answer = await ask(this.#gateway.urls.mca, id, deed.request(patient, number), options, events);
  }

  #autopsy(main: Asked, trigger: Trigger): void {
    readDeadStore(this.#gateway.data, (content) => {
      if (content.sound !== 'ok') this.#fault(`the database is not sound: ${content.sound}`);
      for (const sentence of this.#witness!.missingIn(content)) this.#fault(sentence);
      for (const { location, endpoint } of this.#wards.map(({ patient }) => patient.device)) {
        if (location === undefined || content.hasRegistration(location)) continue;
        this.#fault(`the registration of ${endpoint} at ${location} was acknowledged and is not in the store`);
      }
      for (const asked of this.#open) {
        look(asked, content);
        for (const sentence of lostBy(asked)) this.#fault(sentence);
      }
    });
    const phase = phaseOf(main);
    add(this.tally.phases, phase);
    add(this.tally.deeds, `${main.deed.name}: ${phase}`);
    if (process.env['FAULT_TRACE'])
      console.log(
        Math.round(performance.now()),
        main.id,
        main.mode,
        main.deed.name,
        JSON.stringify(trigger),
        '→',
        phase,
        main.operation?.state,
        main.answer?.rsc,
      );
  }

  async #restart(): Promise<void> {
    if (this.#random() < 0.1) {
      // Killed while it starts: what it was about to take up again is still there for the next one.
      const started = this.#gateway.start().then(
        () => true,
        () => false,
      );
      const early = setTimeout(() => this.#gateway.killNow(), 300 + this.#random() * 700);
      await started;
      // It was faster than the kill: the next process is not the one that is meant.
      clearTimeout(early);
      await this.#gateway.kill();
      this.tally.restartsKilled++;
    }
    await this.#gateway.start();
    this.#relay.aim(this.#gateway.ports.lwm2m);
    this.#sweep();
  }

  /** True: everything is over. */
  #sweep(): boolean {
    readLiveStore(this.#gateway.data, (content) => {
      for (const asked of this.#open) look(asked, content);
    });
    for (const asked of this.#open) {
      if (!isOver(asked)) continue;
      this.#open.delete(asked);
      const state = waitsForEvidence(asked) ? 'waits for evidence' : (asked.operation?.state ?? 'nothing');
      add(this.tally.outcomes, `${asked.deed.name}: ${state}`);
      for (const sentence of contradictionsOf(asked)) this.#fault(sentence);
      // A device whose reboot is not known to have happened refuses another one.
      const ward = this.#wards.find(({ busy }) => busy === asked);
      if (ward && !waitsForEvidence(asked)) ward.busy = undefined;
    }
    return this.#open.size === 0;
  }

  /** The resources show what the device has. */
  async #compare({ device, node }: Patient): Promise<void> {
    const made = device.journal.filter(({ kind }) => kind === 'create').map(({ path }) => String(path));
    const paths = (): string[] =>
      readLiveStore(this.#gateway.data, (content) =>
        content.childrenOf(node).flatMap(({ attributes }) => (attributes['objectPaths'] as string[] | undefined) ?? []),
      );
    for (const path of made) {
      await eventually(`a resource for ${path}`, () => paths().includes(path), 15_000).catch((error: unknown) =>
        this.#fault(`${node}: ${String(error)}`),
      );
      if (paths().filter((one) => one === path).length > 1) this.#fault(`${node} shows ${path} twice`);
    }
    const writes = this.#asked.filter(({ patient, deed }) => patient.device === device && deed === write);
    const order = writes
      .filter((asked) => timesDone(asked) > 0)
      .sort((one, other) => (one.operation?.sequence ?? 0) - (other.operation?.sequence ?? 0))
      .map(({ number }) => device.journal.findIndex(({ path, value }) => path === writtenPath && value === number));
    if (order.some((at, index) => index > 0 && at < order[index - 1]!)) {
      this.#fault(`writes of ${device.endpoint} came out of order`);
    }
    const shown = readLiveStore(
      this.#gateway.data,
      (content) => content.resource(`${node}/cmdhBuffer`)?.attributes['maxBufferSize'],
    );
    const isKnown = writes.every(({ operation }) => operation?.state !== 'unknown');
    if (isKnown && shown !== device.resource(writtenPath)) {
      this.#fault(`${node}/cmdhBuffer holds ${String(shown)}, the device ${String(device.resource(writtenPath))}`);
    }
  }

  #fault(sentence: string): void {
    if (!this.faults.includes(sentence)) this.faults.push(sentence);
  }
}

function describe({ id, deed, patient, operation, request }: Asked): string {
  const { state, pending, evidence } = operation ?? {};
  return `${id} ${deed.name} on ${patient.device.endpoint}: ${JSON.stringify({ state, pending, evidence, request })}`;
}

function add(tally: Map<string, number>, name: string): void {
  tally.set(name, (tally.get(name) ?? 0) + 1);
}
