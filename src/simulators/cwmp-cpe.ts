import { randomUUID } from 'node:crypto';
import { Cpe } from './cwmp/cpe.ts';
import type { CpeSettings } from './cwmp/cpe.ts';
import type { TlsOptions } from './cwmp/answer.ts';
import type { Credentials, DigestStyle } from './cwmp/digest.ts';
import type { ProtocolVersion } from './cwmp/envelope.ts';
import type { Faults } from './cwmp/faults.ts';
import type { DeviceEvent, JournalEntry } from './cwmp/journal.ts';
import type { EmbeddedIdentity, Factory, ProxiedIdentity } from './cwmp/model-common.ts';
import type { DataModel } from './cwmp/model-roots.ts';
import { openPort } from './cwmp/datagrams.ts';
import type { DatagramPort } from './cwmp/datagrams.ts';
import { Nat, privateAddress } from './cwmp/nat.ts';
import { checkQuirks } from './cwmp/quirks.ts';
import type { Quirk } from './cwmp/quirks.ts';
import type { SessionResult } from './cwmp/sessions.ts';
import type { SoftwareOperation } from './cwmp/software.ts';
import type { TransferOrder } from './cwmp/transfers.ts';
import type { HttpStyle } from './cwmp/transport.ts';
import { wireTime } from './cwmp/values.ts';
import { WakeServer } from './cwmp/wake.ts';
import { seededRandom } from './lwm2m/random.ts';

export type { DataModel } from './cwmp/model-roots.ts';
export type { DeviceEvent, JournalEntry } from './cwmp/journal.ts';
export type { Faults, Malformation } from './cwmp/faults.ts';
export type { ProtocolVersion } from './cwmp/envelope.ts';
export type { Quirk } from './cwmp/quirks.ts';
export type { SessionResult } from './cwmp/sessions.ts';
export type { SoftwareOperation } from './cwmp/software.ts';
export { namedFaults } from './cwmp/faults.ts';
export { quirkNumbers, quirks } from './cwmp/quirks.ts';
export { signature as udpSignature } from './cwmp/udp-wake.ts';
export { makeImage } from './lwm2m/image.ts';

/** A Virtual Device: a CPE of its own that shares the connection-request server of its proxier. */
export interface VirtualDeviceOptions extends Partial<ProxiedIdentity> {
  serialNumber: string;
  /** false: only listed by the proxier, without sessions of its own. Default true. */
  sessions?: boolean;
  faults?: Faults;
}

export interface CpeOptions {
  /** For example http://127.0.0.1:7547/. */
  acs: string;
  serialNumber: string;
  /** Default 0024BE; six hexadecimal digits. */
  oui?: string;
  /** Default 'TrivetCPE'; '' is possible. */
  productClass?: string;
  manufacturer?: string;
  model?: string;
  softwareVersion?: string;
  /** Credentials for the server; Basic or Digest as it asks. Default: the identity and ''. */
  username?: string;
  password?: string;
  /** Credentials of the connection request; default: random, so that a server has to set its own. */
  connectionRequest?: Credentials;
  /** How the connection-request server challenges. */
  digest?: DigestStyle;
  /** TR-069 protocol version; default '1.4'. */
  version?: ProtocolVersion;
  /** Default 'tr181'. */
  dataModel?: DataModel;
  /** Values over those of the factory; unknown names are made, null takes away (a dot at the end for objects). */
  parameters?: Record<string, string | number | boolean | null>;
  virtualDevices?: VirtualDeviceOptions[];
  embeddedDevices?: EmbeddedIdentity[];
  /** Seconds between periodic Informs; 0 (default) is off until a server sets it. */
  periodicInform?: number;
  /** Rows of the list of quirks, see `quirks`. */
  quirks?: readonly number[];
  faults?: Faults;
  /** How much faster than in life it boots, waits, retries, installs and informs; default 1. Deadlines of HTTP are not touched. */
  speed?: number;
  /** Same seed, same device, except for its credentials; default 1. */
  seed?: number;
  /** Address of its own listeners; default 127.0.0.1. */
  localAddress?: string;
  tls?: TlsOptions;
  http?: HttpStyle;
  /** Listens for UDP connection requests; default true. */
  udp?: boolean;
  /** It stands behind a NAT: no connection request by HTTP reaches it, and datagrams only from where it has sent some. */
  nat?: boolean;
  /** Battery and memory change by themselves; default true. */
  life?: boolean;
  /** Seconds for each answer of the server; default 30. */
  timeout?: number;
  /** The promise waits for a first session that succeeds and rejects when it fails; default true. false: it boots, and retries by itself. */
  autoInform?: boolean;
  /** Hears every event from the first boot on; `on` comes too late for that. */
  onEvent?: (event: DeviceEvent) => void;
}

/** A transfer that the device does on its own. */
export interface AutonomousTransfer {
  url: string;
  announceUrl?: string;
  fileType?: string;
  upload?: boolean;
  fileSize?: number;
  targetFileName?: string;
  /** Fault code; default 0. */
  fault?: number;
}

export interface SimulatedCpe {
  readonly serialNumber: string;
  /** OUI-ProductClass-Serial, or OUI-Serial. */
  readonly id: string;
  readonly connectionRequestUrl: string;
  /** host:port of UDP connection requests, or what STUN has found; '' when it does not listen. */
  readonly udpAddress: string;
  /** The NAT before it, where it has one. */
  readonly nat: Pick<Nat, 'mapped' | 'strays' | 'rebind'> | undefined;
  /** What was done to the device, oldest first. */
  readonly journal: readonly JournalEntry[];
  /** What the server did against the protocol. */
  readonly complaints: readonly string[];
  /** What goes wrong; change it at any time. */
  readonly faults: Faults;
  readonly quirks: ReadonlySet<Quirk>;
  /** Files that a server has ordered, with the credentials for them; until the server has taken the report. */
  readonly transfers: readonly Readonly<TransferOrder>[];
  /** The Virtual Devices that have sessions of their own. */
  readonly virtualDevices: readonly SimulatedCpe[];
  /** Opens a session now, or after the one that runs, with these event codes besides those that wait; 2 PERIODIC when there are none. Never rejects. */
  inform(...eventCodes: string[]): Promise<SessionResult>;
  /** Reboots as by its switch: 1 BOOT. */
  reboot(): void;
  /** Loses power at once, in the middle of whatever it does. */
  powerCut(): void;
  /** Back to the factory as by its button: 0 BOOTSTRAP. */
  factoryReset(): void;
  /** The value of a parameter, secrets too; undefined when there is none. */
  parameter(name: string): string | undefined;
  /** Names at or below one, '' for all. */
  parameters(name?: string): Record<string, string>;
  /** Notification attribute: 0, 1 or 2. */
  notification(name: string): number | undefined;
  /** Sets a value as the device itself would; notifications follow. Throws when there is no such parameter. */
  setParameter(name: string, value: string | number | boolean): void;
  /** Adds a row to an object as the device itself would, and gives its number. */
  addRow(object: string, values?: Record<string, string>): number;
  removeRow(path: string): boolean;
  /** Reports a transfer that no server asked for. */
  reportTransfer(transfer: AutonomousTransfer): void;
  /** Does to its software what no server asked for, and reports it. */
  changeSoftware(operation: Partial<SoftwareOperation> & { kind: SoftwareOperation['kind'] }): Promise<void>;
  /** Asks the server for a file. */
  requestDownload(fileType: string, args?: Record<string, string>): void;
  /** Asks the server for its methods. */
  askMethods(): void;
  /** 5 KICKED. */
  kick(command: string, referer?: string, argument?: string, next?: string): void;
  on(event: 'event', listener: (event: DeviceEvent) => void): void;
  off(event: 'event', listener: (event: DeviceEvent) => void): void;
  /** Ends the device without a word to the server. */
  stop(): Promise<void>;
}

/** The first session failed and the device was stopped. */
export class InformFailed extends Error {
  override name = 'InformFailed';
}

const defaultOui = '0024BE';

function faceOf(
  cpe: Cpe,
  factory: Factory,
  virtualDevices: SimulatedCpe[],
  nat: Nat | undefined,
  stop: () => Promise<void>,
): SimulatedCpe {
  const { oui, productClass, serialNumber } = factory;
  const server = (name: string): string => cpe.tree.get(cpe.path(`ManagementServer.${name}`)) ?? '';
  const ask = (method: string, content: Parameters<Cpe['outbox']['request']>[0]['content'], code?: string): void => {
    cpe.outbox.request({ method, content, events: code === undefined ? [] : [{ code, commandKey: '' }] });
    cpe.wantSession();
  };
  return {
    serialNumber,
    id: [oui, productClass, serialNumber].filter((part) => part !== '').join('-'),
    faults: cpe.faults,
    quirks: cpe.quirks,
    journal: cpe.journal.entries,
    virtualDevices,
    nat,
    get transfers() {
      return cpe.transfers;
    },
    get connectionRequestUrl() {
      return server('ConnectionRequestURL');
    },
    get udpAddress() {
      return server('UDPConnectionRequestAddress');
    },
    get complaints() {
      return cpe.journal.entries.filter((entry) => entry.kind === 'complaint').map((entry) => entry.detail ?? '');
    },
    inform: (...codes) => cpe.inform(...codes),
    reboot: () => cpe.reboot('by its switch'),
    powerCut: () => cpe.powerCut(),
    factoryReset: () => cpe.factoryReset(),
    parameter: (name) => cpe.tree.get(name),
    parameters: (name = '') =>
      Object.fromEntries((cpe.tree.below(name) ?? []).map((node) => [node.path, cpe.tree.get(node.path) ?? ''])),
    notification: (name) => cpe.tree.parameter(name)?.notification,
    setParameter: (name, value) => cpe.tree.set(name, String(value)),
    addRow: (object, values) => cpe.tree.addRow(object, values),
    removeRow: (path) => cpe.tree.removeRow(path),
    reportTransfer({
      url,
      announceUrl = '',
      fileType = '3 Vendor Configuration File',
      upload = false,
      fileSize = 0,
      targetFileName = '',
      fault = 0,
    }) {
      const time = wireTime(cpe.now());
      const content = {
        AnnounceURL: announceUrl,
        TransferURL: url,
        IsDownload: String(!upload),
        FileType: fileType,
        FileSize: String(fileSize),
        TargetFileName: targetFileName,
        FaultStruct: { FaultCode: String(fault), FaultString: '' },
        StartTime: time,
        CompleteTime: time,
      };
      ask('AutonomousTransferComplete', content, '10 AUTONOMOUS TRANSFER COMPLETE');
    },
    changeSoftware: (operation) =>
      cpe.software.alone({ url: '', uuid: '', version: '', username: '', password: '', environment: '', ...operation }),
    requestDownload(fileType, args = {}) {
      const list = Object.entries(args).map(([Name, Value]) => ({ Name, Value }));
      const argument = { '@soap-enc:arrayType': `cwmp:ArgStruct[${list.length}]`, ArgStruct: list };
      ask('RequestDownload', { FileType: fileType, FileTypeArg: argument }, '9 REQUEST DOWNLOAD');
    },
    askMethods: () => ask('GetRPCMethods', ''),
    kick: (command, referer = '', argument = '', next = '') =>
      ask('Kicked', { Command: command, Referer: referer, Arg: argument, Next: next }, '5 KICKED'),
    on: (event, listener) => void cpe.journal.events.on(event, listener),
    off: (event, listener) => void cpe.journal.events.off(event, listener),
    stop,
  };
}

function factoryOf(options: CpeOptions, random: () => number): Factory {
  const { acs, oui = defaultOui, productClass = 'TrivetCPE', quirks = [] } = options;
  // Quirk 45
  const serialNumber = quirks.includes(45) ? `${options.serialNumber}%3A 1\u00fc` : options.serialNumber;
  const id = [oui, productClass, serialNumber].filter((part) => part !== '').join('-');
  const token = (): string => Math.floor(random() * 2 ** 32).toString(36);
  return {
    acs,
    oui,
    productClass,
    serialNumber,
    manufacturer: options.manufacturer ?? 'Trivet Simulators',
    model: options.model ?? 'CPE-1',
    softwareVersion: options.softwareVersion ?? '1.0.0',
    acsUsername: options.username ?? id,
    acsPassword: options.password ?? '',
    username: options.connectionRequest?.username ?? `cpe-${token()}`,
    password: options.connectionRequest?.password ?? randomUUID(),
    periodicInform: options.periodicInform ?? 0,
    virtualDevices: (options.virtualDevices ?? []).map((device) => ({
      oui: device.oui ?? oui,
      productClass: device.productClass ?? 'VirtualDevice',
      serialNumber: device.serialNumber,
    })),
    embeddedDevices: options.embeddedDevices ?? [],
  };
}

/**
 * Starts a TR-069 CPE with listeners on free ports and, unless told otherwise, waits until a server has taken its 0 BOOTSTRAP. Rejects when an option is
 * wrong, or with InformFailed. It is built on node:http, xmlbuilder2 and a reader of its own, so that it can disagree with the gateway.
 */
export async function startCwmpCpe(options: CpeOptions): Promise<SimulatedCpe> {
  const { acs, speed = 1, localAddress = '127.0.0.1' } = options;
  if (!URL.canParse(acs) || !/^https?:$/.test(new URL(acs).protocol))
    throw new Error(`${acs} is not the URL of a server; give one like http://127.0.0.1:7547/`);
  if (!/^[0-9A-F]{6}$/.test(options.oui ?? defaultOui))
    throw new Error(`${options.oui} is not an OUI; it has six digits 0-9 and A-F`);
  const quirks = checkQuirks(options.quirks ?? []);
  const wake = new WakeServer(options.digest);
  await wake.listen(localAddress);
  const nat = options.nat ? await Nat.open(localAddress) : undefined;
  const port: DatagramPort | undefined = nat ?? ((options.udp ?? true) ? await openPort(localAddress) : undefined);
  const settingsFor = (own: CpeOptions, faults: Faults, seed: number, proxied: boolean): CpeSettings => {
    const random = seededRandom(seed);
    return {
      factory: factoryOf(own, random),
      model: own.dataModel ?? 'tr181',
      version: own.version ?? '1.4',
      overrides: own.parameters ?? {},
      faults,
      quirks,
      random,
      speed,
      timeout: (own.timeout ?? 30) * 1000,
      tls: own.tls ?? {},
      style: own.http ?? {},
      life: own.life ?? true,
      udp: proxied ? undefined : port,
      privateHost: nat && privateAddress,
      wake,
      wakePath: `/${randomUUID()}`,
      proxied,
    };
  };
  const seed = options.seed ?? 1;
  const settings = settingsFor(options, options.faults ?? {}, seed, false);
  const cpe = new Cpe(settings);
  const children = (options.virtualDevices ?? []).flatMap((device, at) => {
    const own: CpeOptions = {
      ...options,
      parameters: {},
      embeddedDevices: [],
      virtualDevices: [],
      serialNumber: device.serialNumber,
      oui: device.oui ?? options.oui,
      productClass: device.productClass ?? 'VirtualDevice',
    };
    if (device.sessions === false) return [];
    const settings = settingsFor(own, device.faults ?? {}, seed * 1000 + at + 1, true);
    return [{ cpe: new Cpe(settings), settings }];
  });
  const all = [cpe, ...children.map((child) => child.cpe)];
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((one) => one.stop()));
    await wake.stop();
  };
  if (options.onEvent) cpe.journal.events.on('event', options.onEvent);
  const faces = children.map((child) =>
    faceOf(child.cpe, child.settings.factory, [], undefined, () => child.cpe.stop()),
  );
  const face = faceOf(cpe, settings.factory, faces, nat, stop);
  try {
    const results = await Promise.all(all.map((one) => one.start(options.autoInform !== false)));
    const failed = results.find((result) => result && !result.ok);
    if (failed) throw new InformFailed(`the first session failed: ${failed.why}`);
  } catch (problem) {
    await stop();
    throw problem;
  }
  return face;
}
