/** What a DM application may ask of a CPE, and how the journal of the CPE shows that it was done. */
import type { JournalEntry, SimulatedCpe } from '../../src/simulators/cwmp-cpe.ts';
import { versionOf, type DeedRequest } from './deeds.ts';

export interface CpePatient {
  readonly device: SimulatedCpe;
  /** Its `<node>`. */
  readonly node: string;
}

/** What the journal holds of one request. */
export interface Traces {
  /** Since the request was sent, and before the next one of its kind. */
  entries: readonly JournalEntry[];
  /** CommandKey of the operation; undefined = nothing was stored. */
  key: string | undefined;
}

export interface CpeDeed {
  readonly name: string;
  /** RPC that carries it. */
  readonly rpc: string;
  /** A second RPC that follows from the answer to the first. */
  readonly second?: string;
  /** What the CPE says when it is over, in a session of its own. */
  readonly report?: 'TransferComplete' | 'DUStateChangeComplete';
  /** May be done twice without harm; the mapping says so. */
  readonly repeatable: boolean;
  /** It goes on after the CPE has accepted it. */
  readonly procedure: boolean;
  /** The `<mgmtCmd>` that is made before. */
  readonly command?: { cmdType: number; arguments?: Record<string, unknown> };
  /** `number` is unique among all requests of a rig. */
  request(patient: CpePatient, number: number): DeedRequest;
  /** How often the CPE took the order. */
  times(traces: Traces, number: number): number;
  /** The CPE came to the end of it. */
  isDone(traces: Traces, number: number): boolean;
}

const count = (entries: readonly JournalEntry[], wanted: Partial<JournalEntry>): number =>
  entries.filter((entry) =>
    Object.entries(wanted).every(([name, value]) => entry[name as keyof JournalEntry] === value),
  ).length;

/** RPCs with this CommandKey that were not refused. */
const taken = (method: string, { entries, key }: Traces): number =>
  key === undefined ? 0 : count(entries, { kind: 'method', method, commandKey: key, fault: undefined });

export const bufferTable = 'Device.X_oneM2M_org_CSE.1.CMDH.Buffer.';
export const bufferSize = `${bufferTable}1.MaximumBufferSize`;

export const write: CpeDeed = {
  name: 'write',
  rpc: 'SetParameterValues',
  repeatable: true,
  procedure: false,
  request: ({ node }, number) => ({
    method: 'PUT',
    path: `${node}/cmdhBuffer-1-1`,
    body: { 'm2m:cmbf': { mbfs: number } },
  }),
  times: ({ entries }, number) => count(entries, { kind: 'write', path: bufferSize, value: String(number) }),
  isDone: (traces, number) => write.times(traces, number) > 0,
};

export const reboot: CpeDeed = {
  name: 'reboot',
  rpc: 'Reboot',
  repeatable: false,
  procedure: false,
  request: ({ node }) => ({ method: 'PUT', path: `${node}/reboot`, body: { 'm2m:rbo': { rbo: true } } }),
  times: (traces) => taken('Reboot', traces),
  isDone: ({ entries, key }) => count(entries, { kind: 'reboot', commandKey: key }) > 0,
};

/** Without a CommandKey: a CPE has one at a time. */
export const factoryReset: CpeDeed = {
  name: 'factory reset',
  rpc: 'FactoryReset',
  repeatable: false,
  procedure: false,
  request: ({ node }) => ({ method: 'PUT', path: `${node}/reboot`, body: { 'm2m:rbo': { far: true } } }),
  times: ({ entries }) => count(entries, { kind: 'method', method: 'FactoryReset' }),
  isDone: ({ entries }) => count(entries, { kind: 'factory-reset' }) > 0,
};

/** Makes an instance: AddObject, and its values after that. */
export const create: CpeDeed = {
  name: 'create',
  rpc: 'AddObject',
  second: 'SetParameterValues',
  repeatable: false,
  procedure: false,
  request: ({ node }, number) => {
    const obis = ['urn:broadband-forum-org:tr-181-2'];
    const buffer = { rn: `made-${number}`, mgd: 1019, obis, aec: [3], mbfs: number, sgp: 2 };
    return { method: 'POST', path: node, ty: 13, body: { 'm2m:cmbf': buffer } };
  },
  times: ({ entries }) => count(entries, { kind: 'method', method: 'AddObject', fault: undefined }),
  isDone: ({ entries }, number) =>
    entries.some(
      ({ kind, path, value }) => kind === 'write' && path?.startsWith(bufferTable) && value === String(number),
    ),
};

/** @param imageUrl of the image whose version is `versionOf(number)` */
export function firmwareUpdate(imageUrl: (number: number) => string): CpeDeed {
  return {
    name: 'firmware update',
    rpc: 'Download',
    report: 'TransferComplete',
    repeatable: false,
    procedure: true,
    request: ({ node }, number) => ({
      method: 'PUT',
      path: `${node}/firmware`,
      body: { 'm2m:fwr': { url: imageUrl(number), vr: versionOf(number), fwn: 'main', ud: true } },
    }),
    times: (traces) => taken('Download', traces),
    isDone: ({ entries, key }) => count(entries, { kind: 'firmware-installed', commandKey: key }) > 0,
  };
}

export function softwareInstall(imageUrl: (number: number) => string): CpeDeed {
  return {
    name: 'software install',
    rpc: 'ChangeDUState',
    report: 'DUStateChangeComplete',
    repeatable: false,
    procedure: true,
    request: ({ node }, number) => ({
      method: 'PUT',
      path: `${node}/software-1`,
      body: { 'm2m:swr': { url: imageUrl(number), vr: versionOf(number), swn: 'agent', in: true } },
    }),
    times: (traces) => taken('ChangeDUState', traces),
    isDone: isInstalled,
  };
}

function isInstalled({ entries, key }: Traces): boolean {
  return count(entries, { kind: 'software-installed', commandKey: key }) > 0;
}

/** A `<mgmtCmd>` that is made before, with arguments of its own. */
function command(given: Pick<CpeDeed, 'name' | 'rpc' | 'report' | 'command' | 'isDone'>): CpeDeed {
  return {
    ...given,
    repeatable: false,
    procedure: true,
    request: ({ device }, number) => ({
      method: 'PUT',
      path: commandPath(device, number),
      body: { 'm2m:mgc': { exe: true } },
    }),
    times: (traces) => taken(given.rpc, traces),
  };
}

export function commandPath({ serialNumber }: SimulatedCpe, number: number): string {
  return `cse-in/command-${serialNumber}-${number}`;
}

export const rebootCommand = command({
  name: 'reboot command',
  rpc: 'Reboot',
  command: { cmdType: 2 },
  isDone: reboot.isDone,
});

/** @param url takes uploads and has a file */
export function transferCommands(url: string): CpeDeed[] {
  return [
    command({
      name: 'upload command',
      rpc: 'Upload',
      report: 'TransferComplete',
      command: { cmdType: 3, arguments: { uld: [{ ftyp: '2 Vendor Log File', url }] } },
      isDone: ({ entries, key }) => count(entries, { kind: 'upload', commandKey: key }) > 0,
    }),
    command({
      name: 'download command',
      rpc: 'Download',
      report: 'TransferComplete',
      command: { cmdType: 4, arguments: { dld: [{ ftyp: '3 Vendor Configuration File', url }] } },
      isDone: ({ entries, key }) => count(entries, { kind: 'download', commandKey: key }) > 0,
    }),
    command({
      name: 'software command',
      rpc: 'ChangeDUState',
      report: 'DUStateChangeComplete',
      command: { cmdType: 5, arguments: { swin: [{ url }] } },
      isDone: isInstalled,
    }),
  ];
}
