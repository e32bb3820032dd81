import { Timers } from '../lwm2m/timers.ts';
import { Accounts, defineAccount } from './accounts.ts';
import type { AccountOptions } from './accounts.ts';
import type { Faults } from './faults.ts';
import { Firmware } from './firmware.ts';
import type { FirmwareForm } from './firmware.ts';
import { Journal } from './journal.ts';
import { Outbox } from './outbox.ts';
import type { GenericAlert } from './outbox.ts';
import type { Quirk } from './quirks.ts';
import { Sessions } from './sessions.ts';
import type { SessionResult, SessionsSettings } from './sessions.ts';
import { defineStandardObjects } from './standard-objects.ts';
import type { Identity } from './standard-objects.ts';
import { ManagementTree } from './tree.ts';
import type { NodeFormat, TreeEvent } from './tree.ts';
import type { Workshop } from './workshop.ts';

export interface ClientSettings {
  identity: Identity;
  account: AccountOptions;
  sessions: SessionsSettings;
  acl: string;
  /** Where FUMO is; undefined: nowhere. */
  firmwarePath: string | undefined;
  firmwareForms: readonly FirmwareForm[];
  nodes: Readonly<Record<string, NodeOption>>;
  faults: Faults;
  quirks: ReadonlySet<Quirk>;
  random: () => number;
  speed: number;
  /** Seconds; 0: none. */
  pollInterval: number;
}

/** A node over those of the factory; null takes it away with all below. */
export type NodeOption =
  | string
  | number
  | boolean
  | null
  | { format?: NodeFormat; type?: string; access?: string; value?: string | number | boolean | Buffer; acl?: string };

const bootSeconds = 2;

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
    const { identity, account, firmwarePath, firmwareForms, nodes } = this.#settings;
    const tree = this.tree;
    defineStandardObjects(tree, { ...identity, firmwareVersion: this.#firmwareVersion });
    defineAccount(tree, account);
    if (firmwarePath !== undefined)
      this.#firmware = new Firmware(this, firmwarePath, firmwareForms, this.#firmwareVersion, (version) => {
        this.#firmwareVersion = version;
        const node = tree.find('./DevDetail/FwV');
        if (node) tree.set(node, version);
      });
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

  #heard({ path, node, byServer, kind }: TreeEvent): void {
    if (byServer && kind === 'changed') this.#firmware?.heard(path, node);
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

  called(sessionId: number, zero: boolean): void {
    this.#sessions.called(sessionId, zero);
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
