/** What the leg keeps with a device; stored as the device's `facts`. Credentials and nonces are elsewhere. */
import type { Json } from '../../src/onem2m/primitive.ts';

export interface DeviceFacts {
  /** DevDetail/FwV and SwV, as they were read last. */
  firmwareVersion?: string;
  softwareVersion?: string;
  /** Digest of what it has told of itself in package #1 last. */
  deviceInfo?: string;
  /** Its tree was looked through since its versions changed. */
  discovered: boolean;
  /** An order that makes it start anew was sent; its next session is the return. */
  leaving?: boolean;
  /** It answers `?list=Struct`; absent: not tried. */
  listsStructure?: boolean;
  /** It answers `?prop=Type`; absent: not tried. */
  tellsTypes?: boolean;
  /** It takes large objects in parts (DevDetail/LrgObj). */
  largeObjects?: boolean;
  /** Ids of devices behind it, which have no sessions of their own. */
  behind?: string[];
  /** Paths of the traps that we have enabled, and of the nodes that they watch. */
  traps?: string[];
  trapped?: string[];
}

type Members = { [member: string]: Json };

/** What is missing, or not ours, counts as not known. */
export function readFacts(facts: Json): DeviceFacts {
  const own = isObject(facts) ? facts : {};
  return {
    firmwareVersion: text(own['firmwareVersion']),
    softwareVersion: text(own['softwareVersion']),
    deviceInfo: text(own['deviceInfo']),
    discovered: own['discovered'] === true,
    leaving: own['leaving'] === true || undefined,
    listsStructure: truth(own['listsStructure']),
    tellsTypes: truth(own['tellsTypes']),
    largeObjects: truth(own['largeObjects']),
    behind: texts(own['behind']),
    traps: texts(own['traps']),
    trapped: texts(own['trapped']),
  };
}

export function writeFacts(facts: DeviceFacts): Json {
  const own: Members = {};
  for (const [name, value] of Object.entries(facts) as [string, DeviceFacts[keyof DeviceFacts]][]) {
    if (value !== undefined) own[name] = Array.isArray(value) ? [...value] : value;
  }
  return own;
}

function texts(value: Json | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined;
}

function truth(value: Json | undefined): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isObject(value: Json | undefined): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
