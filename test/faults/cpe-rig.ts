/** A gateway that is killed at every message of its sessions with CPEs; what is not over by then is looked at again after the next start. */
import { setTimeout as wait } from 'node:timers/promises';
import { startCwmpCpe } from '../../src/simulators/cwmp-cpe.ts';
import { startChildGateway, type ChildGateway } from '../support/child-gateway.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from './ask.ts';
import { bufferSize, bufferTable, commandPath, factoryReset, write } from './cpe-deeds.ts';
import type { CpeDeed, CpePatient } from './cpe-deeds.ts';
import type { CpePlan, CpeTrigger } from './cpe-plan.ts';
import {
  contradictions,
  isDone,
  isOver,
  lookAt,
  lostOf,
  lostReports,
  timesTaken,
  waitsForEvidence,
  type CpeAsked,
  type Report,
} from './cpe-verdicts.ts';
import { HttpRelay, textIn, type Passage } from './http-relay.ts';
import { readDeadStore, readLiveStore, type StoreContent } from './stored-operations.ts';

interface Ward extends CpePatient {
  relay: HttpRelay;
  /** It is reset now and then: what was made on it is gone. */
  forgetful: boolean;
  /** InformResponse has been sent to it. */
  informed: boolean;
  busy?: CpeAsked;
}

/** ms after which the kill comes although its message did not. */
const latest = 5_000;
/** Longer than many restarts: what expires meanwhile is another story. */
const expires = 600_000;
const reportMethods = ['TransferComplete', 'DUStateChangeComplete'];

export class CpeRig {
  readonly name: string;
  readonly faults: string[] = [];
  kills = 0;
  /** Messages that did not come: killed all the same. */
  readonly missed: string[] = [];
  /** `deed: how it ended` → number. */
  readonly outcomes = new Map<string, number>();
  readonly reports: Report[] = [];
  readonly #gateway: ChildGateway;
  readonly #random: () => number;
  readonly #wards: Ward[] = [];
  readonly #asked: CpeAsked[] = [];
  #armed: { trigger: CpeTrigger; ward: Ward } | undefined;
  #killed: () => void = () => {};

  private constructor(name: string, gateway: ChildGateway, random: () => number) {
    this.name = name;
    this.#gateway = gateway;
    this.#random = random;
  }

  static async open(name: string, random: () => number): Promise<CpeRig> {
    const gateway = await startChildGateway({
      keepPorts: ['artifact'],
      options: ['--store-durability', 'normal', '--cwmp-periodic-inform', '0s'],
      logLevel: process.env['FAULT_LOG'] ?? 'error',
    });
    return new CpeRig(name, gateway, random);
  }

  /** As many kills as the plan has triggers. */
  async round({ deed, triggers }: CpePlan): Promise<void> {
    const ward = deed ? await this.#wardFor(deed) : await this.#newWard();
    if (deed?.command) await this.#makeCommand(ward, deed.command);
    let begin = (): Promise<unknown> => (deed ? this.#ask(ward, deed) : ward.device.inform());
    for (const trigger of triggers) {
      const dead = new Promise<void>((resolve) => (this.#killed = resolve));
      this.#armed = { trigger, ward };
      const fallback = setTimeout(() => {
        this.missed.push(`${deed?.name ?? 'onboarding'}: ${trigger.direction} ${trigger.message}`);
        this.#kill();
      }, latest);
      const begun = begin();
      begin = () => ward.device.inform();
      await dead;
      clearTimeout(fallback);
      await this.#gateway.kill();
      for (const { relay } of this.#wards) {
        relay.aim(0);
        relay.interrupt();
      }
      await begun;
      this.kills++;
      this.#autopsy();
      await this.#gateway.start();
      for (const { relay } of this.#wards) relay.aim(this.#gateway.ports.cwmp);
    }
    // Its periodic Inform.
    void ward.device.inform();
  }

  /** Waits until everything is over, and compares all CPEs with what is shown of them. */
  async finish(): Promise<void> {
    let informed = performance.now();
    const left = (): string[] => {
      this.#sweep();
      const open = this.#asked.filter((asked) => !isOver(asked) && !waitsForEvidence(asked));
      const unheard = this.reports.filter(({ answered }) => !answered);
      return [
        ...open.map(({ id, deed, operation, request }) => {
          return `${id} ${deed.name} (${operation?.state ?? 'never stored'}, <request> ${request?.status ?? 'none'})`;
        }),
        ...unheard.map(({ method, commandKey }) => `${method} ${commandKey}`),
      ];
    };
    await eventually(
      'everything is over',
      async () => {
        if (left().length === 0) return true;
        // A look at the whole store is not free, and the CPEs live in this process.
        await wait(250);
        if (performance.now() - informed > 1_500) {
          informed = performance.now();
          for (const { device } of this.#wards) void device.inform();
        }
        return false;
      },
      45_000,
    ).catch(() => this.#fault(`never over: ${left().join(', ')}`));
    // An order that was answered is carried out after the session.
    await Promise.all(this.#wards.map(({ device }) => device.inform()));
    this.#sweep();
    for (const { method, commandKey, answered } of this.reports) {
      if (!answered) this.#fault(`${method} ${commandKey} was never answered`);
    }
    for (const asked of this.#asked) {
      for (const sentence of contradictions(asked)) this.#fault(sentence);
      const end = waitsForEvidence(asked) ? 'waits for evidence' : (asked.operation?.state ?? 'never stored');
      const name = `${asked.deed.name}: ${end}`;
      this.outcomes.set(name, (this.outcomes.get(name) ?? 0) + 1);
    }
    for (const ward of this.#wards) await this.#compare(ward);
  }

  async close(): Promise<void> {
    await Promise.all(this.#wards.map(({ device }) => device.stop()));
    for (const { relay } of this.#wards) relay.close();
    await this.#gateway.dispose();
  }

  get log(): readonly string[] {
    return this.#gateway.log;
  }

  // CPEs

  async #wardFor(deed: CpeDeed): Promise<Ward> {
    const forgetful = deed === factoryReset;
    const free = this.#wards.find((ward) => !ward.busy && ward.informed && ward.forgetful === forgetful);
    if (free) return free;
    const ward = await this.#newWard(forgetful);
    await ward.device.inform();
    await this.#admission(ward);
    return ward;
  }

  /** It has not come yet. */
  async #newWard(forgetful = false): Promise<Ward> {
    const relay = await HttpRelay.open();
    relay.aim(this.#gateway.ports.cwmp);
    const device = await startCwmpCpe({
      acs: relay.url,
      serialNumber: `${this.name}x${this.#wards.length + 1}`,
      life: false,
      speed: 50,
      timeout: 20,
      autoInform: false,
      faults: { offline: true },
    });
    const node = `cse-in/${`urn:dev:ops:${device.id}`.replaceAll(/[^0-9A-Za-z._-]+/g, '-')}`;
    const ward: Ward = { device, node, relay, forgetful, informed: false };
    relay.watch = (passage) => this.#watch(ward, passage);
    relay.passed = (passage) => this.#passed(ward, passage);
    this.#wards.push(ward);
    device.faults.offline = false;
    return ward;
  }

  /** Waits until it has its management objects, with values. */
  #admission({ node }: Ward): Promise<unknown> {
    const shows = (name: string, attribute: string): boolean =>
      readLiveStore(
        this.#gateway.data,
        (content) => content.resource(`${node}/${name}`)?.attributes[attribute] !== undefined,
      );
    return eventually(
      `the management objects of ${node}`,
      () =>
        shows('cmdhBuffer-1-1', 'maxBufferSize') && shows('software-1', 'softwareName') && shows('reboot', 'reboot'),
      15_000,
    );
  }

  // Kills

  #watch(ward: Ward, passage: Passage): boolean {
    this.#note(ward, passage);
    const trigger = this.#match(ward, passage);
    if (!trigger || trigger.passed) return true;
    this.#kill();
    return false;
  }

  #passed(ward: Ward, passage: Passage): void {
    const trigger = this.#match(ward, passage);
    if (!trigger?.passed) return;
    this.#armed = undefined;
    setTimeout(() => this.#kill(), trigger.delay);
  }

  #match(ward: Ward, { direction, message }: Passage): CpeTrigger | undefined {
    if (this.#armed?.ward !== ward) return undefined;
    const { trigger } = this.#armed;
    return trigger.direction === direction && trigger.message === message ? trigger : undefined;
  }

  #kill(): void {
    this.#armed = undefined;
    this.#gateway.killNow();
    this.#killed();
  }

  /** What the gateway has answered it must have, also when the answer is cut. */
  #note(ward: Ward, { direction, message, text }: Passage): void {
    const { serialNumber } = ward.device;
    if (direction === 'up') {
      if (!reportMethods.includes(message)) return;
      const commandKey = textIn(text, 'CommandKey') ?? '';
      const isRepeat = this.reports.some((one) => one.serialNumber === serialNumber && one.commandKey === commandKey);
      if (!isRepeat) this.reports.push({ serialNumber, method: message, commandKey, answered: false });
    } else if (message === 'InformResponse') {
      ward.informed = true;
    } else {
      // A CPE has one request under way.
      const report = this.reports.findLast(
        (one) => one.serialNumber === serialNumber && message === `${one.method}Response`,
      );
      if (report) report.answered = true;
    }
  }

  // Requests

  async #makeCommand({ device, node }: Ward, command: NonNullable<CpeDeed['command']>): Promise<void> {
    const [, rn] = commandPath(device, this.#asked.length + 1).split('/');
    const attributes = { rn, cmt: command.cmdType, ext: node, exra: command.arguments };
    const answer = await this.#gateway.mca.create('cse-in', 12, { 'm2m:mgc': attributes });
    if (answer.rsc !== 2001) throw new Error(`the command was answered ${answer.rsc} ${answer.text}`);
  }

  async #ask(ward: Ward, deed: CpeDeed): Promise<void> {
    const number = this.#asked.length + 1;
    const from = ward.device.journal.length;
    for (const before of this.#asked) if (before.patient === ward && before.deed === deed) before.to ??= from;
    const blocking = this.#random() < 0.6;
    const asked: CpeAsked = { id: `${this.name}.${number}`, number, deed, blocking, patient: ward, from };
    this.#asked.push(asked);
    ward.busy = asked;
    const options = { expires, ...(blocking ? {} : { responseType: 1 as const }) };
    asked.answer = await ask(this.#gateway.urls.mca, asked.id, deed.request(ward, number), options);
  }

  #autopsy(): void {
    readDeadStore(this.#gateway.data, (content) => {
      if (content.sound !== 'ok') this.#fault(`the database is not sound: ${content.sound}`);
      for (const { device, informed } of this.#wards) {
        if (informed && !content.hasRegistration(`urn:dev:ops:${device.id}`)) {
          this.#fault(`the Inform of ${device.serialNumber} was answered, and it is not in the store`);
        }
      }
      this.#look(content);
      for (const asked of this.#asked) for (const sentence of lostOf(asked)) this.#fault(sentence);
      for (const sentence of lostReports(this.reports, content)) this.#fault(sentence);
    });
    const asked = this.#asked.at(-1);
    if (process.env['FAULT_TRACE'] && asked) {
      const facts = [asked.operation?.state, asked.answer?.rsc, timesTaken(asked), isDone(asked)];
      console.log(`      ${Math.round(performance.now())} ${asked.id} ${asked.deed.name}: ${facts.join(' ')}`);
    }
  }

  #sweep(): void {
    readLiveStore(this.#gateway.data, (content) => this.#look(content));
  }

  #look(content: StoreContent): void {
    for (const asked of this.#asked) lookAt(asked, content);
    for (const ward of this.#wards) if (ward.busy && isOver(ward.busy)) ward.busy = undefined;
  }

  /** The resources show what the CPE has. */
  async #compare(ward: Ward): Promise<void> {
    const { device, node, forgetful } = ward;
    const there = (): string[] => {
      const names = Object.keys(device.parameters(bufferTable));
      return [...new Set(names.flatMap((name) => /^.*\.Buffer\.\d+\./.exec(name)?.[0] ?? []))].sort();
    };
    const shown = (): string[] =>
      readLiveStore(this.#gateway.data, (content) =>
        content
          .childrenOf(node)
          .flatMap(({ attributes }) => (attributes['objectPaths'] as string[] | undefined) ?? [])
          .filter((path) => path.startsWith(bufferTable))
          .sort(),
      );
    const value = (): unknown =>
      readLiveStore(
        this.#gateway.data,
        (content) => content.resource(`${node}/cmdhBuffer-1-1`)?.attributes['maxBufferSize'],
      );
    await eventually(`the objects of ${node}`, () => shown().join() === there().join(), 8_000).catch(() => {
      this.#fault(`${node} shows ${shown().join(' ')}, the device has ${there().join(' ')}`);
    });
    for (const sentence of device.complaints) this.#fault(`${device.serialNumber}: ${sentence}`);
    const writes = this.#asked.filter(({ patient, deed }) => patient === ward && deed === write);
    if (forgetful || writes.some(({ operation }) => operation?.state === 'unknown')) return;
    await eventually('the buffer size', () => String(value()) === device.parameter(bufferSize), 5_000).catch(() => {
      this.#fault(`${node}/cmdhBuffer-1-1 holds ${String(value())}, the device ${device.parameter(bufferSize)}`);
    });
  }

  #fault(sentence: string): void {
    if (!this.faults.includes(sentence)) this.faults.push(sentence);
  }
}
