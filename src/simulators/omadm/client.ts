import { Timers } from '../lwm2m/timers.ts';
import { Accounts, defineAccount } from './accounts.ts';
import type { AccountOptions } from './accounts.ts';
import type { Faults } from './faults.ts';
import { defineCmdh } from './cmdh-object.ts';
import {
  Trap,
  defineBattery,
  defineCapability,
  defineConnectivity,
  defineEventLog,
  defineGateway,
  defineLockAndWipe,
  defineMemory,
  defineRestart,
} from './device-objects.ts';
import type { DeviceBehind, TrapOption } from './device-objects.ts';
import { Firmware } from './firmware.ts';
import type { FirmwareForm } from './firmware.ts';
import { agreeableUser } from './interaction.ts';
import { Journal } from './journal.ts';
import { readNotification, verify } from './notification.ts';
import { Outbox } from './outbox.ts';
import type { GenericAlert } from './outbox.ts';
import type { Quirk } from './quirks.ts';
import { Sessions } from './sessions.ts';
import type { SessionResult, SessionsSettings } from './sessions.ts';
import { Software } from './software.ts';
import type { Component } from './software.ts';
import { defineStandardObjects } from './standard-objects.ts';
import type { Identity } from './standard-objects.ts';
import { ManagementTree } from './tree.ts';
import type { NodeFormat, TreeEvent } from './tree.ts';
import { defineWindows } from './windows-objects.ts';
import type { Workshop } from './workshop.ts';

export interface ClientSettings {
  identity: Identity;
  account: AccountOptions;
  sessions: SessionsSettings;
  acl: string;
  /** Where its management objects are; those that are not named are nowhere. */
  objects: Partial<Record<ObjectName, string>>;
  capabilities: readonly string[];
  components: readonly Component[];
  devicesBehind: readonly DeviceBehind[];
  /** By their paths. */
  traps: Readonly<Record<string, TrapOption>>;
  /** The battery drains by itself. */
  life: boolean;
  firmwareForms: readonly FirmwareForm[];
  nodes: Readonly<Record<string, NodeOption>>;
  faults: Faults;
  quirks: ReadonlySet<Quirk>;
  random: () => number;
  speed: number;
  /** Seconds; 0: none. */
  pollInterval: number;
}

/** Management objects besides DevInfo, DevDetail, DMAcc and Inbox, and where the factory puts them. */
export const factoryPaths = {
  firmware: './FUMO',
  software: './SCOMO',
  lockAndWipe: './LAWMO',
  capabilities: './DCMO',
  memory: './DiagMon/Memory',
  battery: './DiagMon/Battery',
  restart: './DiagMon/Restart',
  eventLog: './DiagMon/Log',
  connectivity: './ConnMO',
  cmdh: './CMDH',
  gateway: './GwMO',
  /** Configuration service providers of Windows. */
  windows: './Vendor/MSFT',
} as const;

export type ObjectName = keyof typeof factoryPaths;

/** A node over those of the factory; null takes it away with all below. */
export type NodeOption =
  | string
  | number
  | boolean
  | null
  | { format?: NodeFormat; type?: string; access?: string; value?: string | number | boolean | Buffer; acl?: string };

const bootSeconds = 2;
const lifeSeconds = 20;

/** A DM client: its power, its memory and its tree. Its sessions are beside it. */
export class Client implements Workshop {
  readonly journal = new Journal();
  readonly outbox = new Outbox();
  readonly faults: Faults;
  readonly quirks: ReadonlySet<Quirk>;
  readonly random: () => number;
  tree: ManagementTree;
  readonly #settings: ClientSettings;
  readonly #sessions: Sessions;
  #firmware: Firmware | undefined;
  #software: Software | undefined;
  #traps: Trap[] = [];
  #firmwareVersion: string;
  #accounts: Accounts;
  /** Ends with the power. */
  readonly #timers = new Timers();
  /** Lives through a restart. */
  readonly #lasting = new Timers();
  #power = new AbortController();
  #up = false;
  #stopped = false;
  #atBoot: (() => void)[] = [];
  #poll: () => void = () => undefined;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.faults = settings.faults;
    this.quirks = settings.quirks;
    this.random = settings.random;
    this.#firmwareVersion = settings.identity.firmwareVersion;
    this.tree = new ManagementTree(settings.acl);
    this.#accounts = new Accounts(this.tree, settings.account.path);
    this.#furnish();
    const device = {
      isUp: () => this.#up,
      whenUp: (run: () => void) => (this.#up ? run() : void this.#atBoot.push(run)),
      powerCut: () => this.powerCut(),
      succeeded: () => this.#pollLater(),
    };
    const memory = {
      own: () => this.#accounts.own(),
      server: () => this.#accounts.server(),
      keepOwn: (...kept: Parameters<Accounts['keepOwn']>) => this.#accounts.keepOwn(...kept),
      keepServerNonce: (nonce: Buffer) => this.#accounts.keepServerNonce(nonce),
      newNonce: () => Buffer.from(Array.from({ length: 16 }, () => Math.floor(this.random() * 256))),
      faults: this.faults,
      quirks: this.quirks,
      complain: (sentence: string) => this.journal.complain(sentence),
    };
    this.#sessions = new Sessions(this, settings.sessions, device, this.outbox, memory);
  }

  /** The tree as it comes from the factory, with the firmware that runs. */
  #furnish(): void {
    const { identity, account, objects, firmwareForms, nodes } = this.#settings;
    const tree = this.tree;
    defineStandardObjects(tree, { ...identity, firmwareVersion: this.#firmwareVersion });
    defineAccount(tree, account);
    if (objects.firmware !== undefined)
      this.#firmware = new Firmware(this, objects.firmware, firmwareForms, this.#firmwareVersion, (version) => {
        this.#firmwareVersion = version;
        const node = tree.find('./DevDetail/FwV');
        if (node) tree.set(node, version);
      });
    this.#furnishObjects();
    for (const [path, option] of Object.entries(nodes)) {
      const node = tree.find(path);
      if (option === null) {
        if (node) tree.remove(node);
      } else if (node && typeof option !== 'object') node.value = String(option);
      else
        tree.define(path, typeof option === 'object' ? { access: 'GR', ...option } : { access: 'GR', value: option });
    }
    tree.heard = (event) => this.#heard(event);
  }

  #furnishObjects(): void {
    const { objects, capabilities, components, devicesBehind, traps } = this.#settings;
    const { software, lockAndWipe, memory, battery, restart, eventLog, connectivity, cmdh, gateway, windows } = objects;
    if (software !== undefined) this.#software = new Software(this, software, components);
    if (lockAndWipe !== undefined) defineLockAndWipe(this, lockAndWipe);
    if (objects.capabilities !== undefined)
      for (const name of capabilities) defineCapability(this, `${objects.capabilities}/${name}`, name);
    if (memory !== undefined) defineMemory(this, memory);
    if (battery !== undefined) defineBattery(this, battery);
    if (restart !== undefined) defineRestart(this, restart);
    if (eventLog !== undefined) defineEventLog(this, eventLog);
    if (connectivity !== undefined) defineConnectivity(this, connectivity);
    if (cmdh !== undefined) defineCmdh(this, cmdh);
    if (gateway !== undefined) defineGateway(this, gateway, devicesBehind);
    if (windows !== undefined) defineWindows(this, windows);
    this.#traps = Object.entries(traps).map(([path, option]) => new Trap(this, path, option));
  }

  #heard({ path, node, byServer, kind }: TreeEvent): void {
    if (kind === 'changed')
      for (const trap of this.#traps) if (trap.watches === path) trap.changed(node.value.toString());
    if (!byServer) return;
    if (kind === 'added') this.#software?.added(path, node);
    if (kind === 'changed') this.#firmware?.heard(path, node);
    if (kind !== 'deleted') this.#software?.changed(path, node);
  }

  /** A percent of the battery in 20 s on the device. */
  #drain(): void {
    const { objects, life } = this.#settings;
    if (!life || objects.battery === undefined) return;
    const path = `${objects.battery}/DiagMonData/1/BatteryLevel`;
    this.later(lifeSeconds, () => {
      const node = this.tree.find(path);
      if (node) this.tree.set(node, String(Number(node.value) > 5 ? Number(node.value) - 1 : 100));
      this.#drain();
    });
  }

  get power(): AbortSignal {
    return this.#power.signal;
  }

  get isUp(): boolean {
    return this.#up;
  }

  /** The first session when it is wanted; undefined: it comes by itself. */
  async start(waits: boolean): Promise<SessionResult | undefined> {
    this.#up = true;
    this.#drain();
    if (waits) return this.#sessions.open();
    this.wantSession();
    return undefined;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#up = false;
    this.#poll();
    this.#timers.clear();
    this.#lasting.clear();
    this.#power.abort();
    await this.#sessions.stop();
  }

  open(): Promise<SessionResult> {
    return this.#sessions.open();
  }

  /** A notification has come; a string is what is wrong with its envelope. */
  notified(octets: Buffer | string, by: string): void {
    const ignored = (why: string): void => {
      this.journal.record({ kind: 'notification', detail: `${by}: ignored, ${why}` });
      this.journal.tell('wake', `ignores a notification by ${by}: ${why}`);
    };
    if (!this.#up || this.faults.offline || this.faults.deaf) return ignored('nobody listens');
    if (typeof octets === 'string') {
      this.journal.complain(octets);
      return ignored(octets);
    }
    const notification = readNotification(octets, (sentence) => this.journal.complain(sentence));
    if (!notification) return ignored('it is too short');
    const { account, nonce } = this.#accounts.forNotifications();
    const { serverId, sessionId, userMode } = notification;
    if (serverId !== account.name) return ignored(`the server ${serverId} is not known`);
    const digest = verify(notification, account, nonce);
    if (digest === 'wrong') return ignored('the digest is wrong');
    const open = (): void => {
      const session = sessionId.toString(16).toUpperCase();
      this.journal.record({
        kind: 'notification',
        session,
        detail: `${by}: taken${digest === 'zero' ? ', by the nonce of zeros' : ''}`,
      });
      this.journal.tell('wake', `is called to session ${session}`);
      this.#sessions.called(sessionId, digest === 'zero');
    };
    if (userMode !== 3) return open();
    const question = { code: 1101, text: `a session with ${serverId}?`, choices: [], parameters: {} };
    const user = this.#settings.sessions.user ?? agreeableUser;
    void Promise.resolve(user(question)).then((reply) => (reply.status === 200 ? open() : ignored('the user said no')));
  }

  #pollLater(): void {
    const { pollInterval } = this.#settings;
    this.#poll();
    if (pollInterval > 0 && this.#up)
      this.#poll = this.#timers.after(this.scale(pollInterval), () => this.wantSession());
  }

  // ── Workshop

  scale(seconds: number): number {
    return (seconds * 1000) / this.#settings.speed;
  }

  later(seconds: number, run: () => void): () => void {
    return this.#timers.after(this.scale(seconds), run);
  }

  afterSession(run: () => void): void {
    this.#sessions.afterwards(run);
  }

  wantSession(): void {
    if (!this.#stopped) this.#sessions.want();
  }

  alert(alert: Partial<GenericAlert> & { type: string }): void {
    this.outbox.add({ code: 1226, correlator: '', data: '', ...alert });
    this.wantSession();
  }

  restart(why: string, meanwhile?: () => void): void {
    if (!this.#up) return;
    this.journal.record({ kind: 'restart', detail: why });
    this.#goDown(why, meanwhile);
  }

  powerCut(): void {
    if (!this.#up) return;
    this.journal.record({ kind: 'died', detail: 'power' });
    this.#goDown('power cut');
  }

  #goDown(why: string, meanwhile?: () => void): void {
    this.journal.tell('life', `goes down (${why})`);
    this.#up = false;
    this.#timers.clear();
    this.#power.abort();
    if (this.faults.staysDown || this.#stopped) return;
    this.#lasting.after(this.scale(bootSeconds), () => {
      meanwhile?.();
      this.#boot();
    });
  }

  #boot(): void {
    this.#power = new AbortController();
    this.#up = true;
    this.journal.tell('life', `is up again, firmware ${this.#firmwareVersion}`);
    this.#firmware?.booted();
    this.#software?.booted();
    this.#drain();
    const deferred = this.#atBoot;
    this.#atBoot = [];
    for (const run of deferred) run();
    this.wantSession();
  }

  /** Back to the factory: all that was written is gone, except for the firmware and the account of the factory. */
  factoryReset(): void {
    if (!this.#up) return;
    this.journal.record({ kind: 'factory-reset' });
    this.#goDown('factory reset', () => {
      this.outbox.clear();
      this.#firmware?.forget();
      this.#software?.forget();
      this.tree = new ManagementTree(this.#settings.acl);
      this.#accounts = new Accounts(this.tree, this.#settings.account.path);
      this.#furnish();
    });
  }

  /** The user, or the device itself, asks for new firmware. */
  requestFirmware(by: 'userrequest' | 'devicerequest', data?: string): void {
    if (!this.#firmware) throw new Error('this client has no firmware object');
    this.#firmware.request(by, data);
  }
}
