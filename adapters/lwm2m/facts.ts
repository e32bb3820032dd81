/** What the leg keeps with a device: its registration, and what it has learned of the client. Stored as the device's `facts`. */
import type { Json } from '../../src/onem2m/primitive.ts';

export type EnablerVersion = '1.0' | '1.1' | '1.2';

/** Learned from answers; kept over registrations while the client stays the same. */
export interface Learned {
  /** Content-Format of object instances that the client wrote or took. */
  structured?: number;
  /** Content-Formats that it refused. */
  refused?: number[];
  /** It serves composite operations, or not. */
  composite?: boolean;
  /** It serves nothing else while a body is pushed to it. */
  exclusivePush?: boolean;
}

export interface DeviceFacts {
  /** Last segment of the registration's location, at least 64 random bits. */
  location: string;
  /** Opaque name of the transport. */
  peer: string;
  version: EnablerVersion;
  /** s; 0 = unlimited */
  lifetime: number;
  binding: string;
  queueMode: boolean;
  sms?: string;
  /** '' or the path below which all objects are, `/lwm2m`. */
  root: string;
  /** Content-Formats beyond the mandatory ones, from the list of the registration. */
  contentFormats: number[];
  /** Digest of the list of objects: an equal one brings no news. */
  links: string;
  learned: Learned;
}

/** Undefined when they are not ours, e.g. of a device that never registered. */
export function readFacts(facts: Json): DeviceFacts | undefined {
  if (!isObject(facts)) return undefined;
  const { location, peer, version, lifetime, binding, queueMode, sms, root, contentFormats, links, learned } = facts;
  if (typeof location !== 'string' || typeof peer !== 'string' || typeof lifetime !== 'number') return undefined;
  return {
    location,
    peer,
    version: version === '1.1' || version === '1.2' ? version : '1.0',
    lifetime,
    binding: typeof binding === 'string' ? binding : 'U',
    queueMode: queueMode === true,
    ...(typeof sms === 'string' ? { sms } : {}),
    root: typeof root === 'string' ? root : '',
    contentFormats: numbers(contentFormats),
    links: typeof links === 'string' ? links : '',
    learned: isObject(learned) ? readLearned(learned) : {},
  };
}

function readLearned(learned: { [member: string]: Json }): Learned {
  const result: Learned = {};
  if (typeof learned['structured'] === 'number') result.structured = learned['structured'];
  if (Array.isArray(learned['refused'])) result.refused = numbers(learned['refused']);
  if (typeof learned['composite'] === 'boolean') result.composite = learned['composite'];
  if (typeof learned['exclusivePush'] === 'boolean') result.exclusivePush = learned['exclusivePush'];
  return result;
}

export function writeFacts(facts: DeviceFacts): Json {
  const json: { [member: string]: Json } = {
    location: facts.location,
    peer: facts.peer,
    version: facts.version,
    lifetime: facts.lifetime,
    binding: facts.binding,
    queueMode: facts.queueMode,
    root: facts.root,
    contentFormats: [...facts.contentFormats],
    links: facts.links,
    learned: { ...facts.learned },
  };
  if (facts.sms !== undefined) json['sms'] = facts.sms;
  return json;
}

function numbers(list: Json | undefined): number[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'number') : [];
}

function isObject(value: Json | undefined): value is { [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
