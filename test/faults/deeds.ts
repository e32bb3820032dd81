/** What a DM application may ask of a device, and how the device's journal shows that it was done. */
import type { JournalEntry } from '../../src/simulators/lwm2m-device.ts';
import type { Patient } from './patient.ts';

export interface DeedRequest {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  path: string;
  /** Resource type of a CREATE. */
  ty?: number;
  body?: unknown;
}

export interface Deed {
  readonly name: string;
  /** May be done twice without harm; the mapping says so. */
  readonly repeatable: boolean;
  /** The mapping names what settles an unknown outcome: then none may stay unknown. */
  readonly evidence: boolean;
  /** The evidence comes only with what it proves: as long as nothing was done, the operation waits. */
  readonly waitsForRestart?: boolean;
  /** It goes on for a while after the device has accepted it. */
  readonly procedure?: boolean;
  /** Nothing on the device changes, so nothing is stored for it before it is answered. */
  readonly reading?: boolean;
  /** `number` is unique among all requests of a rig. */
  request(patient: Patient, number: number): DeedRequest;
  /** How often the device did it, by what is in its journal since the request was sent. */
  times(entries: JournalEntry[], number: number): number;
  /** Of a procedure: the device came to the end of it. */
  isFinished?(entries: JournalEntry[], number: number): boolean;
  /** What the device did besides and should not have done, as a sentence. */
  excess?(entries: JournalEntry[], number: number): string | undefined;
}

const count = (entries: JournalEntry[], kind: JournalEntry['kind'], path?: string): number =>
  entries.filter((entry) => entry.kind === kind && (path === undefined || entry.path === path)).length;

export const write: Deed = {
  name: 'write',
  repeatable: true,
  evidence: false,
  request: ({ node }, number) => ({
    method: 'PUT',
    path: `${node}/cmdhBuffer`,
    body: { 'm2m:cmbf': { mbfs: number } },
  }),
  times: (entries, number) => entries.filter((entry) => isWriteOf(entry, number)).length,
};

/** Path of the resource that `write` writes. */
export const writtenPath = '/2056/0/1';

function isWriteOf(entry: JournalEntry, number: number): boolean {
  return entry.kind === 'write' && entry.path === writtenPath && entry.value === number;
}

export const reboot: Deed = {
  name: 'reboot',
  repeatable: false,
  evidence: true,
  waitsForRestart: true,
  request: ({ node }) => ({ method: 'PUT', path: `${node}/reboot`, body: { 'm2m:rbo': { rbo: true } } }),
  times: (entries) => count(entries, 'execute', '/3/0/4'),
};

/** Switches the capability to what it is not. */
export const toggle: Deed = {
  name: 'enable/disable',
  repeatable: false,
  evidence: true,
  request: ({ node, device }) => ({
    method: 'PUT',
    path: `${node}/deviceCapability`,
    body: { 'm2m:dvc': device.resource('/15/0/4') === true ? { dis: true } : { ena: true } },
  }),
  times: (entries) => count(entries, 'execute', '/15/0/5') + count(entries, 'execute', '/15/0/6'),
};

/** @param imageUrl of the image whose version is `versionOf(number)` */
export function firmwareUpdate(imageUrl: (number: number) => string): Deed {
  return {
    name: 'firmware update',
    repeatable: false,
    evidence: true,
    procedure: true,
    request: ({ node }, number) => ({
      method: 'PUT',
      path: `${node}/firmware`,
      body: { 'm2m:fwr': { url: imageUrl(number), vr: versionOf(number), fwn: 'main', ud: true } },
    }),
    times: (entries) => Math.max(count(entries, 'execute', '/5/0/2'), count(entries, 'firmware-installed')),
    isFinished: (entries) => count(entries, 'firmware-installed') > 0,
  };
}

export function versionOf(number: number): string {
  return `9.0.${number}`;
}

/** An act on the software of slot 1: the order, and what the journal says when the device has carried it out. */
interface SoftwareAct {
  order: string;
  done: JournalEntry['kind'];
}

const install: SoftwareAct = { order: '/9/1/4', done: 'software-installed' };
const uninstall: SoftwareAct = { order: '/9/1/6', done: 'software-uninstalled' };

function timesOf(entries: JournalEntry[], { order, done }: SoftwareAct): number {
  return Math.max(count(entries, 'execute', order), count(entries, done));
}

const isOf = ({ order, done }: SoftwareAct, { kind, path }: JournalEntry): boolean => kind === done || path === order;

/** Installs the software of slot 1, or uninstalls it when it is there. */
export function softwareChange(imageUrl: (number: number) => string): Deed {
  const removals = new Set<number>();
  const actOf = (number: number): SoftwareAct => (removals.has(number) ? uninstall : install);
  return {
    name: 'software (un)install',
    repeatable: false,
    evidence: true,
    procedure: true,
    request: ({ node, device }, number) => {
      const isThere = device.resource('/9/1/7') === 4;
      if (isThere) removals.add(number);
      const change = isThere ? { un: true } : { url: imageUrl(number), vr: versionOf(number), swn: 'agent', in: true };
      return { method: 'PUT', path: `${node}/software-1`, body: { 'm2m:swr': change } };
    },
    times: (entries, number) => timesOf(entries, actOf(number)),
    isFinished: (entries, number) => count(entries, actOf(number).done) > 0,
    excess: (entries, number) => {
      if (removals.has(number)) {
        return timesOf(entries, install) > 0 ? 'software was installed where it was to be uninstalled' : undefined;
      }
      // A package that an earlier request has left there is removed first, once: /9/x/2 and /9/x/3 are taken in state INITIAL.
      if (timesOf(entries, uninstall) > 1) return 'room was made twice';
      const installed = entries.findIndex((entry) => isOf(install, entry));
      const removed = entries.findLastIndex((entry) => isOf(uninstall, entry));
      return installed >= 0 && removed > installed ? 'it was uninstalled after the order to install it' : undefined;
    },
  };
}

/** Makes an object instance on the device. */
export const create: Deed = {
  name: 'create',
  repeatable: false,
  evidence: false,
  request: ({ node }, number) => ({
    method: 'POST',
    path: node,
    ty: 13,
    body: {
      'm2m:cmbf': { rn: `made-${number}`, mgd: 1019, obis: ['urn:oma:lwm2m:ext:2056'], aec: [3], mbfs: number, sgp: 2 },
    },
  }),
  times: (entries, number) =>
    entries.filter(({ kind, value }) => kind === 'create' && valueOf(value, '1') === number).length,
};

export const read: Deed = {
  name: 'read',
  repeatable: true,
  evidence: false,
  reading: true,
  request: ({ node }) => ({ method: 'GET', path: `${node}/battery` }),
  times: () => 0,
};

function valueOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
