import { lookup } from 'node:dns/promises';
import { AttributeTable } from './lwm2m/attributes.ts';
import { download } from './lwm2m/download.ts';
import { Exchange } from './lwm2m/exchange.ts';
import { factoryValues, withOverrides } from './lwm2m/factory.ts';
import type { Overrides } from './lwm2m/factory.ts';
import type { Faults } from './lwm2m/faults.ts';
import { Firmware } from './lwm2m/firmware.ts';
import type { Workshop } from './lwm2m/firmware.ts';
import { formats } from './lwm2m/formats.ts';
import type { Coding } from './lwm2m/formats.ts';
import { Journal } from './lwm2m/journal.ts';
import type { DeviceEvent, JournalEntry } from './lwm2m/journal.ts';
import { installBehaviour, live } from './lwm2m/life.ts';
import { Line } from './lwm2m/line.ts';
import type { EnablerVersion } from './lwm2m/links.ts';
import { readPaths } from './lwm2m/operations.ts';
import type { Hooks } from './lwm2m/operations.ts';
import { seededRandom } from './lwm2m/random.ts';
import { Registration, RegistrationRefused } from './lwm2m/registration.ts';
import { encodeSenml } from './lwm2m/senml.ts';
import { Service } from './lwm2m/service.ts';
import { Software } from './lwm2m/software.ts';
import { Timers } from './lwm2m/timers.ts';
import { ResourceTree } from './lwm2m/tree.ts';
import { parsePath } from './lwm2m/value.ts';
import type { Resource } from './lwm2m/value.ts';

export type { DeviceEvent, JournalEntry } from './lwm2m/journal.ts';
export type { Faults } from './lwm2m/faults.ts';
export type { Resource, Value } from './lwm2m/value.ts';
export type { Overrides } from './lwm2m/factory.ts';
export type { EnablerVersion } from './lwm2m/links.ts';
export { namedFaults } from './lwm2m/faults.ts';
export { makeImage } from './lwm2m/image.ts';
export { RegistrationRefused } from './lwm2m/registration.ts';

export interface DeviceOptions {
  endpoint: string;
  /** For example coap://127.0.0.1:5683. */
  server: string;
  /** Seconds; default 300. */
  lifetime?: number;
  /** Default '1.1'. */
  version?: EnablerVersion;
  /** Default 'U'. */
  binding?: string;
  /** Hears only what comes within `awakeFor` of its own messages; default false. */
  queueMode?: boolean;
  /** Seconds; default 93, MAX_TRANSMIT_WAIT of RFC 7252 4.8.2. */
  awakeFor?: number;
  /** Values over those of the factory; null takes away. */
  objects?: Overrides;
  faults?: Faults;
  /** How much faster than in life the device boots, installs, drains and downloads; default 1. Protocol timers are not touched. */
  speed?: number;
  /** Same seed, same device; default 1. */
  seed?: number;
  /** Address to bind to; default: all of the server's family. */
  localAddress?: string;
  /** Alternate root such as '/lwm2m'. */
  root?: string;
  /** Notifications as CON; default false. The attribute con overrides it. */
  confirmableNotifications?: boolean;
  /** Seconds between Updates; default: a little less than the lifetime. */
  updateEvery?: number;
  /** Seconds for each answer of a server; default 93. */
  timeout?: number;
  /** Octets per second of a download at speed 1; default 131072. */
  downloadRate?: number;
  /** Battery and radio change by themselves; default true. */
  life?: boolean;
  /** Register before the promise resolves; default true. */
  autoRegister?: boolean;
}

export interface SimulatedDevice {
  readonly endpoint: string;
  /** UDP port that the device sends from. */
  readonly port: number;
  /** Path of the registration at the server, while registered. */
  readonly location: string | undefined;
  /** What was done to the device, oldest first. */
  readonly journal: readonly JournalEntry[];
  /** What goes wrong; change it at any time. */
  readonly faults: Faults;
  /** Rejects with RegistrationRefused, or another Error when the server is silent. */
  register(): Promise<void>;
  /** Registers and keeps trying with growing pauses; failures are told as events. */
  keepRegistering(): void;
  update(): Promise<void>;
  deregister(): Promise<void>;
  /** Goes silent at once, comes back after a while and registers anew. */
  reboot(): void;
  /** Sets a resource as the device itself would, for example '/3/0/9'; observers are notified. undefined takes it away. */
  setResource(path: string, value: Resource | undefined): void;
  resource(path: string): Resource | undefined;
  /** LwM2M 1.1 Send of what is at these paths. Rejects like register(). */
  send(paths: string[]): Promise<void>;
  on(event: 'event', listener: (event: DeviceEvent) => void): void;
  off(event: 'event', listener: (event: DeviceEvent) => void): void;
  /** Ends the device without a word to the server. */
  stop(): Promise<void>;
}

async function serverAddress(server: string): Promise<{ host: string; port: number; type: 'udp4' | 'udp6' }> {
  if (!URL.canParse(server) || new URL(server).protocol !== 'coap:') {
    throw new Error(`${server} is not a server address; give one like coap://127.0.0.1:5683`);
  }
  const url = new URL(server);
  const { address, family } = await lookup(url.hostname.replace(/^\[|\]$/g, ''));
  return { host: address, port: url.port === '' ? 5683 : Number(url.port), type: family === 6 ? 'udp6' : 'udp4' };
}

/**
 * Starts an LwM2M device on a free UDP port and, unless told otherwise, registers it. Rejects when the address is wrong, the server refuses or is silent.
 * It is built on node-coap and codecs of its own, so that it can disagree with the gateway.
 */
export async function startLwm2mDevice(options: DeviceOptions): Promise<SimulatedDevice> {
  const { host, port, type } = await serverAddress(options.server);
  const { endpoint, version = '1.1', binding = 'U', queueMode = false, root = '', speed = 1 } = options;
  const faults = options.faults ?? {};
  const random = seededRandom(options.seed ?? 1);
  const journal = new Journal();
  const timers = new Timers();
  const scale = (seconds: number): number => (seconds * 1000) / speed;
  const timeout = (options.timeout ?? 93) * 1000;

  const values = withOverrides(
    factoryValues({
      endpoint,
      version,
      binding,
      lifetime: options.lifetime ?? 300,
      address: options.localAddress ?? (type === 'udp6' ? '::1' : '127.0.0.1'),
      random,
    }),
    options.objects ?? {},
  );
  const hidden = (path: readonly number[]): boolean => software.hides(path);
  const tree = new ResourceTree(structuredClone(values), { firstVersionOnly: version === '1.0', hidden });
  const attributes = new AttributeTable();
  const line = new Line({
    faults,
    random,
    type,
    awakeFor: queueMode ? (options.awakeFor ?? 93) * 1000 : undefined,
    events: {
      repeated(messageId, code) {
        journal.record({ kind: 'repeated', messageId, detail: code });
        journal.tell('fault', `message ${messageId} came again and was not done again`);
      },
      unheard: () => journal.tell('fault', 'asleep or down: a datagram was not heard'),
      reset: (token) => service.observations.cancelToken(token),
    },
  });
  await line.bind(options.localAddress);
  const exchange = new Exchange(line);
  const hooks: Hooks = {
    writes: new Map(),
    executes: new Map(),
    uploads: new Map(),
    objectsChanged: () => registration.updateSoon(50),
    created: (object, instance) => {
      if (object === 9) software.created(instance);
    },
    crash: () => goDown('crash'),
  };
  const coding: Coding = { tree, senml: version !== '1.0', root };
  const context = {
    tree,
    attributes,
    hooks,
    faults,
    journal,
    coding,
    version,
    attributesWritten: (path: number[]) => service.observations.rearm(path),
  };
  const service = new Service({
    line,
    context,
    timers,
    confirmableNotifications: options.confirmableNotifications ?? false,
  });
  const registration = new Registration({
    endpoint,
    host,
    port,
    version,
    queueMode,
    root,
    updateEvery: options.updateEvery,
    timeout,
    exchange,
    tree,
    journal,
  });
  const workshop: Workshop = {
    tree,
    hooks,
    faults,
    journal,
    timers,
    scale,
    fetch: (uri, signal, progress) =>
      download(uri, { exchange, faults, rate: (options.downloadRate ?? 131_072) * speed, signal, timeout, progress }),
    reboot: (why) => goDown(why),
  };
  const firmware = new Firmware(workshop);
  const software = new Software(workshop);
  installBehaviour(workshop);

  const boot = (): void => {
    firmware.boot();
    software.boot();
    line.up = true;
    service.start();
    if (options.life !== false) live(workshop, random);
  };
  const goDown = (why: string): void => {
    journal.record({ kind: 'reboot', detail: why });
    journal.tell('life', `goes down (${why})`);
    line.up = false;
    timers.clear();
    service.stop();
    attributes.clear();
    registration.forget();
    exchange.abort();
    timers.after(scale(1.5), () => {
      boot();
      journal.tell('life', `is up again, firmware ${String(tree.get([3, 0, 3]))}`);
      registration.keepRegistering();
    });
  };
  const factoryReset = (): void => {
    journal.record({ kind: 'factory-reset' });
    const installed = tree.get([3, 0, 3]);
    tree.reset(structuredClone(values));
    // A factory reset forgets settings, not the firmware that runs.
    tree.set([3, 0, 3], installed);
    goDown('factory reset');
  };
  hooks.executes.set('3/4', () => () => goDown('Reboot executed'));
  hooks.executes.set('3/5', () => factoryReset);
  hooks.executes.set('1/8', () => () => registration.updateSoon(0));
  hooks.executes.set('1/4', () => () => {
    const pause = Number(tree.get([1, 0, 5]) ?? 86_400);
    registration.deregister().catch((problem: unknown) => journal.tell('fault', String(problem)));
    timers.after(scale(pause), () => registration.keepRegistering());
  });
  tree.onChange = (path, value) => {
    service.observations.changed(path, value);
    if (path[0] === 1 && (path[2] === 1 || path[2] === 7) && registration.location !== undefined)
      registration.updateSoon(50);
  };

  const stop = async (): Promise<void> => {
    timers.clear();
    registration.stop();
    firmware.stop();
    software.stop();
    service.stop();
    exchange.abort();
    await line.close();
  };

  boot();
  if (options.autoRegister !== false) {
    try {
      await registration.register();
    } catch (problem) {
      await stop();
      throw problem;
    }
  }

  return {
    endpoint,
    faults,
    journal: journal.entries,
    get port() {
      return line.port;
    },
    get location() {
      return registration.location;
    },
    register: () => registration.register(),
    keepRegistering: () => registration.keepRegistering(),
    update: () => registration.update(),
    deregister: () => registration.deregister(),
    reboot: () => goDown('asked for'),
    setResource: (path, value) => tree.set(parsePath(path), value),
    resource: (path) => tree.get(parsePath(path)),
    async send(paths) {
      const entries = readPaths(paths.map(parsePath), tree);
      const payload = encodeSenml(
        'json',
        [],
        entries,
        (entry) => tree.typeOf(entry.object, entry.resource),
        root,
        Math.floor(Date.now() / 1000),
      );
      const answer = await exchange.request({
        method: 'POST',
        host,
        port,
        path: 'dp',
        format: formats.senmlJson,
        payload,
        timeout,
      });
      if (answer.code !== '2.04')
        throw new RegistrationRefused(answer.code, `the server answered ${answer.code} to the Send`);
      journal.tell('observation', `sent ${paths.join(' ')}`);
    },
    on: (event, listener) => void journal.events.on(event, listener),
    off: (event, listener) => void journal.events.off(event, listener),
    stop,
  };
}
