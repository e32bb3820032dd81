/**
 * What the leg keeps with a CPE; stored as the device's `facts`. Times are not in it but that of a start, so that an Inform
 * brings no news by itself.
 */
import type { Json } from '../../src/onem2m/primitive.ts';
import { ownText } from '../../src/support/own-text.ts';
import type { Credentials } from '../../src/support/http-authentication.ts';
import type { Start } from './starts.ts';

export interface CpeFacts {
  namespace: string;
  /** `Device.` or `InternetGatewayDevice.` */
  root: string;
  softwareVersion?: string;
  connectionRequestUrl?: string;
  udpAddress?: string;
  /** Credentials that we gave it for connection requests. */
  connectionRequest?: Credentials;
  /** Credentials that we gave it for our STUN server, of which server it was told ('' = of none), and whether it has proved a binding. */
  stun?: Credentials & { told: string; proves: boolean };
  /** Our settings were written since its last bootstrap. */
  provisioned: boolean;
  /** s; what it was told. */
  periodicInterval?: number;
  /** Its last start, until a session has come to its end since. */
  start?: Start;
  /** Its objects were looked for since it started last. */
  discovered: boolean;
  /** It offers Alias-Based Addressing. */
  aliases?: boolean;
  /** Parameters with active notification. */
  notified: string[];
  /** Its firmware has changed since: it may have forgotten them. */
  notifiedInDoubt?: boolean;
  /** Optional methods that it does not list; absent: not asked yet. */
  lacking?: string[];
}

export function newFacts(namespace: string, root: string): CpeFacts {
  return { namespace, root, provisioned: false, discovered: false, notified: [] };
}

/** Undefined when they are not ours. */
export function readFacts(facts: Json): CpeFacts | undefined {
  if (!isObject(facts)) return undefined;
  const { namespace, root, notified } = facts;
  if (typeof namespace !== 'string' || typeof root !== 'string') return undefined;
  return {
    namespace,
    root,
    softwareVersion: text(facts['softwareVersion']),
    connectionRequestUrl: text(facts['connectionRequestUrl']),
    udpAddress: text(facts['udpAddress']),
    connectionRequest: readCredentials(facts['connectionRequest']),
    stun: readStun(facts['stun']),
    provisioned: facts['provisioned'] === true,
    periodicInterval: typeof facts['periodicInterval'] === 'number' ? facts['periodicInterval'] : undefined,
    start: readStart(facts['start']),
    discovered: facts['discovered'] === true,
    notified: texts(notified) ?? [],
    aliases: facts['aliases'] === true || undefined,
    notifiedInDoubt: facts['notifiedInDoubt'] === true || undefined,
    lacking: texts(facts['lacking']),
  };
}

export function writeFacts(facts: CpeFacts): Json {
  const json: { [member: string]: Json } = {};
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) json[name] = copyOf(value);
  }
  return json;
}

/** The next change of the facts is not one of what is stored, and what is stored does not keep the Inform that it came with. */
function copyOf(value: NonNullable<CpeFacts[keyof CpeFacts]>): Json {
  if (Array.isArray(value)) return [...value];
  if (typeof value === 'string') return ownText(value);
  return typeof value === 'object' ? { ...value } : value;
}

function readCredentials(value: Json | undefined): Credentials | undefined {
  if (!isObject(value)) return undefined;
  const { username, password } = value;
  return typeof username === 'string' && typeof password === 'string' ? { username, password } : undefined;
}

function readStart(value: Json | undefined): Start | undefined {
  if (!isObject(value)) return undefined;
  const { events, at, retries } = value;
  if (typeof events !== 'string' || typeof at !== 'number' || typeof retries !== 'number') return undefined;
  return { events, at, retries };
}

function readStun(value: Json | undefined): CpeFacts['stun'] {
  const credentials = readCredentials(value);
  if (!credentials || !isObject(value)) return undefined;
  return { ...credentials, told: text(value['told']) ?? '', proves: value['proves'] === true };
}

function texts(value: Json | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isObject(value: Json | undefined): value is { [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
