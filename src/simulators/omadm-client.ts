import type { Account, Scheme } from './omadm/credentials.ts';
import { Client, factoryPaths } from './omadm/client.ts';
import type { ClientSettings, NodeOption, ObjectName } from './omadm/client.ts';
import type { DeviceBehind, TrapOption } from './omadm/device-objects.ts';
import type { Faults } from './omadm/faults.ts';
import type { FirmwareForm } from './omadm/firmware.ts';
import type { User } from './omadm/interaction.ts';
import type { ClientEvent, JournalEntry } from './omadm/journal.ts';
import { listen } from './omadm/notification.ts';
import type { Bearer, Ears } from './omadm/notification.ts';
import type { GenericAlert } from './omadm/outbox.ts';
import { checkQuirks, dialects } from './omadm/quirks.ts';
import type { Dialect, Quirk } from './omadm/quirks.ts';
import type { SessionResult } from './omadm/sessions.ts';
import type { TlsOptions } from './omadm/transport.ts';
import type { ProtocolVersion } from './omadm/wire.ts';
import type { Component } from './omadm/software.ts';
import { seededRandom } from './lwm2m/random.ts';

export type { NodeOption, ObjectName } from './omadm/client.ts';
export type { DeviceBehind, TrapOption } from './omadm/device-objects.ts';
export type { Component } from './omadm/software.ts';
export { factoryPaths } from './omadm/client.ts';
export type { Scheme } from './omadm/credentials.ts';
export type { Faults, Malformation } from './omadm/faults.ts';
export type { FirmwareForm } from './omadm/firmware.ts';
export type { Interaction, User, UserReply } from './omadm/interaction.ts';
export type { ClientEvent, JournalEntry } from './omadm/journal.ts';
export type { GenericAlert } from './omadm/outbox.ts';
export type { Dialect, Quirk } from './omadm/quirks.ts';
export type { SessionResult } from './omadm/sessions.ts';
export type { ProtocolVersion } from './omadm/wire.ts';
export { namedFaults } from './omadm/faults.ts';
export { dialects, quirkNames, quirks } from './omadm/quirks.ts';
export { makeImage } from './lwm2m/image.ts';

export interface OmadmClientOptions {
  /** For example http://127.0.0.1:7548/omadm. */
  server: string;
  /** DevId and Source of its messages: `urn:imei:490154203237518`. */
  deviceId: string;
  manufacturer?: string;
  model?: string;
  deviceType?: string;
  language?: string;
  firmwareVersion?: string;
  softwareVersion?: string;
  hardwareVersion?: string;
  /** Its account at the server; the name's default is the device id. */
  username?: string;
  password?: string;
  /** How it proves itself before it is asked: default 'md5' with a password, else 'none'. When it is asked it uses what is asked for. */
  authentication?: Scheme;
  /** ServerID of its account; default 'trivet'. */
  serverId?: string;
  /** With it the server has to prove who it is. */
  serverPassword?: string;
  /** Default: 'md5' with a server password, else 'none'. */
  serverAuthentication?: Scheme;
  /** First nonces, in base64: for its own proof and for that of the server. Default: empty. */
  nonce?: string;
  serverNonce?: string;
  /** Default 'xml'. */
  encoding?: 'xml' | 'wbxml';
  /** Default '1.2'. */
  version?: ProtocolVersion;
  /** Octets that it takes in one message; default 16384. 0: it says nothing of it. */
  maximumMessageSize?: number;
  /** Octets of the largest object that it takes; default 1 MiB. */
  maximumObjectSize?: number;
  /** DevDetail/LrgObj; default true. */
  largeObjects?: boolean;
  /** Answers `?list=`; default true. */
  lists?: boolean;
  /** Management objects that it has; default: all but `gateway`, and that with devices behind it; with the dialect of Windows only `windows`. */
  objects?: readonly ObjectName[];
  /** Where they are, in place of `factoryPaths`. */
  paths?: Partial<Record<ObjectName, string>>;
  /** Objects of DCMO; default Camera and Bluetooth. */
  capabilities?: readonly string[];
  /** Deployed components of SCOMO; default one. */
  components?: readonly Component[];
  /** What a DM gateway lists. */
  devicesBehind?: readonly DeviceBehind[];
  /** Traps of DiagMon by their paths. */
  traps?: Readonly<Record<string, TrapOption>>;
  /** Its battery drains by itself; default false. */
  life?: boolean;
  /** Operations of FUMO; default DownloadAndUpdate, Download and Update. */
  firmwareForms?: readonly FirmwareForm[];
  /** Nodes over those of the factory, by their paths; null takes one away. */
  nodes?: Readonly<Record<string, NodeOption>>;
  /** Access control list of the root; default everything for every server. */
  acl?: string;
  /** Who answers 1100 to 1104; default: somebody who takes what is offered. */
  user?: User;
  /** Seconds from one session to the next; 0 (default): sessions come by need only. */
  pollInterval?: number;
  /** A client that somebody has seen. */
  dialect?: Dialect;
  /** More of what clients do against the letter, see `quirks`. */
  quirks?: readonly Quirk[];
  faults?: Faults;
  /** How much faster than in life it boots, installs, polls and retries; default 1. Deadlines of HTTP are not touched. */
  speed?: number;
  /** Same seed, same client; default 1. */
  seed?: number;
  /** Bearers on which it hears notifications, on free ports. Default: none, so that it has no socket but those of its sessions. */
  listen?: readonly Bearer[];
  /** Address of its own listeners and of its connections; default 127.0.0.1 for listeners. */
  localAddress?: string;
  tls?: TlsOptions;
  /** Seconds for each answer of the server; default 30. */
  timeout?: number;
  /** The promise waits for a first session that succeeds and rejects when it fails; default true. false: it comes by itself. */
  autoSession?: boolean;
  /** Hears every event from the first on; `on` comes too late for that. */
  onEvent?: (event: ClientEvent) => void;
}

export interface SimulatedClient {
  readonly deviceId: string;
  /** What was done to the client, oldest first. */
  readonly journal: readonly JournalEntry[];
  /** What the server did against the protocol. */
  readonly complaints: readonly string[];
  /** What goes wrong; change it at any time. */
  readonly faults: Faults;
  readonly quirks: ReadonlySet<Quirk>;
  /** Alerts that the server has not taken yet. */
  readonly waiting: readonly GenericAlert[];
  /** Where it hears notifications by UDP: `udp:127.0.0.1:40000`; '' when it does not. */
  readonly udpAddress: string;
  /** Where it hears notifications by HTTP. */
  readonly pushUrl: string;
  /** Hands it package 0, whatever carried it. */
  notify(octets: Buffer): void;
  /** Opens a session now, or after the one that runs. Never rejects. */
  session(): Promise<SessionResult>;
  /** The value of a leaf, secrets too; names of children of an interior node joined by `/`; undefined when there is no such node. */
  value(path: string): string | undefined;
  /** Paths at and below one. */
  paths(path?: string): string[];
  /** Sets a leaf as the device itself would; traps follow. Throws when there is none. */
  setValue(path: string, value: string | number | boolean): void;
  /** Tells the server something in its next session, which it wants at once. */
  alert(alert: Partial<GenericAlert> & { type: string }): void;
  /** The user asks for new firmware, or the device does by itself. */
  requestFirmware(by: 'user' | 'device', data?: string): void;
  /** As by its switch. */
  restart(): void;
  /** Loses power at once, in the middle of whatever it does. */
  powerCut(): void;
  /** As by its button. */
  factoryReset(): void;
  on(event: 'event', listener: (event: ClientEvent) => void): void;
  off(event: 'event', listener: (event: ClientEvent) => void): void;
  /** Ends the client without a word to the server. */
  stop(): Promise<void>;
}

/** The first session failed and the client was stopped. */
export class SessionFailed extends Error {
  override name = 'SessionFailed';
}

const everything = 'Add=*&Delete=*&Exec=*&Get=*&Replace=*';

function objectsOf({ objects, devicesBehind = [], dialect }: OmadmClientOptions): readonly ObjectName[] {
  if (objects) return objects;
  const all = Object.keys(factoryPaths) as ObjectName[];
  if (dialect === 'windows') return ['windows'];
  return all.filter((name) => (name !== 'gateway' || devicesBehind.length > 0) && name !== 'windows');
}

function settingsOf(options: OmadmClientOptions): ClientSettings {
  const { server, deviceId, password, serverPassword, serverId = 'trivet', maximumMessageSize = 16_384 } = options;
  const quirks = checkQuirks([...(options.dialect ? dialects[options.dialect] : []), ...(options.quirks ?? [])]);
  const random = seededRandom(options.seed ?? 1);
  const account: Account = { name: options.username ?? deviceId, secret: password ?? '' };
  const version = options.version ?? '1.2';
  return {
    identity: {
      deviceId,
      manufacturer: options.manufacturer ?? 'Trivet Simulators',
      model: options.model ?? 'DM-1',
      deviceType: options.deviceType ?? 'Sensor',
      language: options.language ?? 'en',
      version,
      firmwareVersion: options.firmwareVersion ?? '1.0.0',
      softwareVersion: options.softwareVersion ?? '1.0.0',
      hardwareVersion: options.hardwareVersion ?? 'A',
      largeObjects: options.largeObjects ?? true,
    },
    account: {
      path: `./DMAcc/${serverId}`,
      server,
      serverId,
      username: account.name,
      password: account.secret,
      scheme: options.authentication ?? (password === undefined ? 'none' : 'md5'),
      nonce: Buffer.from(options.nonce ?? '', 'base64'),
      serverPassword: serverPassword ?? '',
      serverScheme: options.serverAuthentication ?? (serverPassword === undefined ? 'none' : 'md5'),
      serverNonce: Buffer.from(options.serverNonce ?? '', 'base64'),
    },
    sessions: {
      server,
      deviceId,
      serverId,
      wire: {
        form: options.encoding ?? 'xml',
        plain: quirks.has('plain-content-type'),
        version,
        declaration: !quirks.has('no-declaration'),
      },
      maximumMessageSize: maximumMessageSize === 0 || quirks.has('no-maximum-size') ? undefined : maximumMessageSize,
      maximumObjectSize: options.maximumObjectSize ?? 1024 * 1024,
      lists: options.lists ?? true,
      user: options.user,
      login: 'user',
      timeout: (options.timeout ?? 30) * 1000,
      tls: options.tls ?? {},
      localAddress: options.localAddress,
      firstSessionId: Math.floor(random() * 65_000),
    },
    acl: options.acl ?? everything,
    objects: Object.fromEntries(objectsOf(options).map((name) => [name, options.paths?.[name] ?? factoryPaths[name]])),
    capabilities: options.capabilities ?? ['Camera', 'Bluetooth'],
    components: options.components ?? [{ name: 'agent', version: '1.0.0' }],
    devicesBehind: options.devicesBehind ?? [],
    traps: options.traps ?? {},
    life: options.life ?? false,
    firmwareForms: options.firmwareForms ?? ['DownloadAndUpdate', 'Download', 'Update'],
    nodes: options.nodes ?? {},
    faults: options.faults ?? {},
    quirks,
    random,
    speed: options.speed ?? 1,
    pollInterval: options.pollInterval ?? 0,
  };
}

function faceOf(client: Client, deviceId: string, ears: Ears | undefined): SimulatedClient {
  const shown = (path: string): string | undefined => {
    const node = client.tree.find(path);
    if (!node) return undefined;
    if (node.format === 'node') return [...(node.children?.keys() ?? [])].join('/');
    return Buffer.isBuffer(node.value) ? node.value.toString('base64') : node.value;
  };
  return {
    deviceId,
    journal: client.journal.entries,
    faults: client.faults,
    quirks: client.quirks,
    get complaints() {
      return client.journal.entries.filter((entry) => entry.kind === 'complaint').map((entry) => entry.detail ?? '');
    },
    get waiting() {
      return client.outbox.waiting;
    },
    udpAddress: ears?.udp ?? '',
    pushUrl: ears?.http ?? '',
    notify: (octets) => client.notified(octets, 'hand'),
    session: () => client.open(),
    value: shown,
    paths(path = '.') {
      const node = client.tree.find(path);
      return node ? [...client.tree.below(node)].map((one) => client.tree.pathOf(one)) : [];
    },
    setValue(path, value) {
      const node = client.tree.find(path);
      if (!node || node.format === 'node') throw new Error(`there is no leaf ${path}`);
      client.tree.set(node, String(value));
    },
    alert: (alert) => client.alert(alert),
    requestFirmware: (by, data) => client.requestFirmware(by === 'user' ? 'userrequest' : 'devicerequest', data),
    restart: () => client.restart('by its switch'),
    powerCut: () => client.powerCut(),
    factoryReset: () => client.factoryReset(),
    on: (event, listener) => void client.journal.events.on(event, listener),
    off: (event, listener) => void client.journal.events.off(event, listener),
    async stop() {
      await ears?.close();
      await client.stop();
    },
  };
}

/**
 * Starts an OMA DM client and, unless told otherwise, waits for its first session. Rejects when an option is wrong, or with SessionFailed. It is built on
 * node:http, xmlbuilder2 and codecs of its own, so that it can disagree with the gateway. It opens no socket before it has something to say.
 */
export async function startOmadmClient(options: OmadmClientOptions): Promise<SimulatedClient> {
  const { server, deviceId } = options;
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new Error(`${server} is not the URL of a server; give one like http://127.0.0.1:7548/omadm`);
  if (deviceId === '') throw new Error('a client needs a deviceId');
  const client = new Client(settingsOf(options));
  if (options.onEvent) client.journal.events.on('event', options.onEvent);
  const bearers = options.listen ?? [];
  const ears =
    bearers.length > 0
      ? await listen(bearers, options.localAddress ?? '127.0.0.1', (octets, by) => client.notified(octets, by))
      : undefined;
  const face = faceOf(client, deviceId, ears);
  const first = await client.start(options.autoSession !== false);
  if (first && !first.ok) {
    await face.stop();
    throw new SessionFailed(`the first session failed: ${first.why}`);
  }
  return face;
}
