import { Timers } from '../lwm2m/timers.ts';
import type { TlsOptions } from './answer.ts';
import { Appointments } from './appointments.ts';
import { behaviourOf, live } from './behaviour.ts';
import type { Credentials } from './digest.ts';
import type { ProtocolVersion } from './envelope.ts';
import type { Faults } from './faults.ts';
import { Journal } from './journal.ts';
import { methodsOf } from './methods.ts';
import type { Factory } from './model-common.ts';
import { rootOf } from './model-roots.ts';
import type { DataModel, Root } from './model-roots.ts';
import { Outbox } from './outbox.ts';
import type { EventEntry } from './outbox.ts';
import type { Quirk } from './quirks.ts';
import { Sessions } from './sessions.ts';
import type { SessionResult } from './sessions.ts';
import { Software } from './software.ts';
import { Transfers } from './transfers.ts';
import type { HttpStyle } from './transport.ts';
import { ParameterTree } from './tree.ts';
import type { DatagramPort } from './datagrams.ts';
import { UdpWake } from './udp-wake.ts';
import type { Sleeper, WakeServer } from './wake.ts';
import type { Workshop } from './workshop.ts';

export interface CpeSettings {
  factory: Factory;
  model: DataModel;
  version: ProtocolVersion;
  overrides: Record<string, string | number | boolean | null>;
  faults: Faults;
  quirks: ReadonlySet<Quirk>;
  random: () => number;
  speed: number;
  timeout: number;
  tls: TlsOptions;
  style: HttpStyle;
  life: boolean;
  /** Where UDP connection requests come in; undefined: nowhere. */
  udp: DatagramPort | undefined;
  /** In place of the host of its ConnectionRequestURL: the device sees another one than the world. */
  privateHost: string | undefined;
  /** Where connection requests come in. */
  wake: WakeServer;
  wakePath: string;
  /** Its proxier answers for it while it is away (TR-069 annex J). */
  proxied: boolean;
}

const bootSeconds = 2;
const lifeSeconds = 20;

interface Waiting {
  run: () => void;
  off: boolean;
}

/** A CPE: its power and its memory. Its sessions are beside it. */
export class Cpe implements Workshop, Sleeper {
  readonly journal = new Journal();
  readonly outbox = new Outbox();
  readonly tree: ParameterTree;
  readonly faults: Faults;
  readonly quirks: ReadonlySet<Quirk>;
  readonly version: ProtocolVersion;
  readonly random: () => number;
  readonly software: Software;
  readonly #settings: CpeSettings;
  readonly #root: Root;
  readonly #transfers: Transfers;
  readonly #appointments: Appointments;
  readonly #sessions: Sessions;
  readonly #udp: UdpWake | undefined;
  /** Lives through a reboot. */
  readonly #lasting = new Timers();
  /** Ends with the power. */
  readonly #timers = new Timers();
  #power = new AbortController();
  #up = false;
  #stopped = false;
  #bootedAt = Date.now();
  #atBoot: Waiting[] = [];

  constructor(settings: CpeSettings) {
    this.#settings = settings;
    this.faults = settings.faults;
    this.quirks = settings.quirks;
    this.version = settings.version;
    this.random = settings.random;
    this.#root = rootOf(settings.model, settings.factory);
    this.tree = new ParameterTree(this.#root.name, this.#root.definition);
    this.#transfers = new Transfers(this);
    this.software = new Software(this);
    this.#appointments = new Appointments(this, this.#timers, {
      speed: settings.speed,
      bind: (server) => this.#udp?.bind(server),
      unbind: () => this.#udp?.unbind(),
    });
    const written = behaviourOf(this, this.#root, () => this.#appointments.arm());
    const methods = methodsOf(this.version, {
      transfers: this.#transfers,
      software: this.software,
      hasSoftware: settings.model === 'tr181',
      written,
    });
    this.#sessions = new Sessions(this, settings, {
      methods,
      appointments: this.#appointments,
      timers: this.#timers,
      informed: this.#root.informed,
      isUp: () => this.#up,
      whenUp: (run) => {
        if (this.#up) run();
        else this.#atBoot.push({ run, off: false });
      },
      powerCut: () => this.powerCut(),
    });
    if (settings.udp) this.#udp = new UdpWake(this.#udpSide(), settings.udp);
    this.outbox.bootstrap();
  }

  /** Opens the listeners and boots; the first session begins by itself, and is waited for when asked. */
  async start(waits: boolean): Promise<SessionResult | undefined> {
    this.#settings.wake.open(this.#settings.wakePath, this);
    this.#furnish();
    this.#boot();
    return waits ? this.#sessions.running : undefined;
  }

  /** Ends without a word. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#up = false;
    this.#power.abort();
    this.#timers.clear();
    this.#lasting.clear();
    this.#transfers.forget();
    this.#settings.wake.close(this.#settings.wakePath);
    await this.#sessions.stop();
    await this.#udp?.stop();
  }

  /** Files that a server has ordered, and that are not reported yet. */
  get transfers(): Transfers['list'] {
    return this.#transfers.list;
  }

  // ── what the parts share

  readonly scale = (seconds: number): number => (seconds * 1000) / this.#settings.speed;

  readonly now = (): Date => new Date(this.quirks.has(42) ? Date.now() - this.#bootedAt : Date.now());

  readonly path = (tail: string): string => `${this.#root.name}${tail}`;

  readonly later = (seconds: number, run: () => void): (() => void) => {
    const waiting: Waiting = { run, off: false };
    const cancel = this.#lasting.after(this.scale(seconds), () => {
      if (this.#up) run();
      else this.#atBoot.push(waiting);
    });
    return () => {
      waiting.off = true;
      cancel();
    };
  };

  get power(): AbortSignal {
    return this.#power.signal;
  }

  readonly afterSession = (run: () => void): void => {
    this.#sessions.afterwards(run);
  };

  readonly wantSession = (): void => {
    this.#sessions.want();
  };

  readonly reboot = (why: string, cause?: EventEntry): void => {
    this.journal.record({ kind: 'reboot', detail: why, commandKey: cause?.commandKey });
    this.#goDown(why, cause);
  };

  factoryReset(): void {
    this.journal.record({ kind: 'factory-reset' });
    const running = this.tree.get(this.path('DeviceInfo.SoftwareVersion'));
    this.#lasting.clear();
    this.#transfers.forget();
    this.#atBoot = [];
    this.#sessions.forgetChanges();
    this.tree.reset(this.#root.definition);
    this.#furnish();
    // A factory reset forgets settings, not the firmware that runs.
    for (const name of ['SoftwareVersion', 'AdditionalSoftwareVersion']) {
      const node = this.tree.parameter(this.path(`DeviceInfo.${name}`));
      if (node) node.value = running ?? node.value;
    }
    this.outbox.bootstrap();
    this.#goDown('factory reset');
  }

  // ── power

  /** What the factory does not know: addresses, clocks, and what the options ask for. */
  #furnish(): void {
    const { overrides, wake, wakePath, privateHost } = this.#settings;
    const put = (tail: string, value: string): void => {
      const node = this.tree.parameter(this.path(tail));
      if (node) node.value = value;
    };
    const compute = (tail: string, value: () => string): void => {
      const node = this.tree.parameter(this.path(tail));
      if (node) node.live = value;
    };
    const url = new URL(wake.url(wakePath));
    if (privateHost !== undefined) url.hostname = privateHost;
    put('ManagementServer.ConnectionRequestURL', url.href);
    if (this.#udp) put('ManagementServer.UDPConnectionRequestAddress', this.#udp.address);
    // Alias-Based Addressing came with 1.3.
    if (this.version < '1.3') put('ManagementServer.AliasBasedAddressing', 'false');
    compute('DeviceInfo.UpTime', () => String(Math.floor((Date.now() - this.#bootedAt) / 1000)));
    compute('Time.CurrentLocalTime', () =>
      this.now()
        .toISOString()
        .replace(/\.\d+Z$/, 'Z'),
    );
    if (this.quirks.has(23)) {
      const many = Array.from({ length: 3000 }, (_, at) => [this.path(`X_TRIVET_Many.Parameter${at}`), `value ${at}`]);
      this.tree.override(Object.fromEntries(many));
    }
    this.tree.override(overrides);
    this.tree.onChange = (node) => {
      if (node.notification !== 0) this.#sessions.changed(node.path, node.notification === 2);
    };
  }

  #boot(cause?: EventEntry): void {
    if (this.#stopped) return;
    this.#up = true;
    this.#power = new AbortController();
    this.#bootedAt = Date.now();
    if (this.quirks.has(43)) this.outbox.add('0 BOOTSTRAP');
    this.outbox.add('1 BOOT');
    if (this.quirks.has(43)) this.outbox.add('X 001122 COLD START');
    if (cause) this.outbox.add(cause.code, cause.commandKey);
    const waiting = this.#atBoot.filter((one) => !one.off);
    this.#atBoot = [];
    for (const one of waiting) one.run();
    this.#appointments.arm();
    if (this.#settings.life) {
      const tick = live(this);
      const next = (): void => {
        tick();
        this.#timers.after(this.scale(lifeSeconds), next);
      };
      this.#timers.after(this.scale(lifeSeconds), next);
    }
    this.wantSession();
  }

  /** Loses power now and boots after a while. */
  #goDown(why: string, cause?: EventEntry): void {
    this.journal.tell('life', `goes down (${why})`);
    this.#up = false;
    this.#appointments.succeeded();
    this.#timers.clear();
    this.#power.abort();
    if (this.faults.staysDown || this.#stopped) return;
    this.#lasting.after(this.scale(bootSeconds), () => {
      const version = this.tree.get(this.path('DeviceInfo.SoftwareVersion'));
      this.journal.tell('life', `is up again, software ${version}`);
      this.#boot(cause);
    });
  }

  powerCut(): void {
    if (!this.#up) return;
    this.journal.record({ kind: 'died', detail: 'power' });
    this.#goDown('power cut');
  }

  /** Opens a session with these events and what waits, after the one that runs, and tells how it ended. Never rejects. */
  inform(...codes: string[]): Promise<SessionResult> {
    return this.#sessions.inform(...codes);
  }

  // ── being woken

  credentials(): Credentials {
    const value = (name: string): string => this.tree.get(this.path(`ManagementServer.${name}`)) ?? '';
    return { username: value('ConnectionRequestUsername'), password: value('ConnectionRequestPassword') };
  }

  state(): 'free' | 'busy' | 'down' {
    if (!this.#up || this.faults.offline) return this.#settings.proxied ? 'busy' : 'down';
    return this.#sessions.running ? 'busy' : 'free';
  }

  answered(how: string, woken: boolean): void {
    this.journal.record({ kind: 'connection-request', detail: how });
    this.journal.tell('wake', `connection request: ${how}`);
    if (!woken) return;
    this.outbox.add('6 CONNECTION REQUEST');
    this.wantSession();
  }

  #udpSide(): ConstructorParameters<typeof UdpWake>[0] {
    return {
      credentials: () => this.credentials(),
      up: () => this.#up && !this.faults.offline,
      answered: (how, woken) => this.answered(`udp ${how}`, woken),
      stun: (what) => {
        this.journal.record({ kind: 'stun', detail: what });
        this.journal.tell('wake', `STUN: ${what}`);
      },
      bound: (address, nat) => {
        // Written over by an option, or taken away.
        for (const [name, value] of Object.entries({
          UDPConnectionRequestAddress: address,
          NATDetected: String(nat),
        })) {
          const path = this.path(`ManagementServer.${name}`);
          if (this.tree.parameter(path)) this.tree.set(path, value);
        }
      },
    };
  }
}
