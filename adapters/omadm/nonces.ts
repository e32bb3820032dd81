/**
 * What both sides have to know of each other at their next session: nonces, and the notification that was sent last. Kept by the
 * name that the device gives itself, apart from its facts: two sessions of a device may change it at the same time, and only one may use
 * a nonce. Written only for a message that was proven, so nobody else can make a device and the gateway lose each other.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { NoteStore } from '../../src/management/adapter.ts';
import type { Json } from '../../src/onem2m/primitive.ts';
import { readBase64, schemeTypes, type Scheme } from './credential-digests.ts';
import type { Challenge } from './syncml/message.ts';

export interface DeviceNonces {
  /** With which the device proves itself next, in base64. Never used before. */
  client?: string;
  /** The scheme that it has proved itself by last. */
  clientScheme?: Scheme;
  /** With which the gateway proves itself next, in base64, as the device has told it. */
  server?: string;
  /** The scheme that the device wants of the gateway. */
  serverScheme?: Scheme;
  /** Number of the last session that a notification began. */
  session?: number;
  /** The device was called with the nonce of four zero octets, in session `session`: until then (ms since 1970) it may use it, once. */
  zeroUntil?: number;
}

/** Four octets (DM Notification 1.2.1, 6.2.1): for who has lost the nonce of the other. */
export const zeroNonce: Uint8Array = Buffer.alloc(4);

/** Octets of a nonce that a device may tell. */
const maximumNonce = 128;

/** Base64 of 16 printable characters: 96 random bits that survive devices which take the decoded nonce for a text that ends at a NUL. */
export function makeNonce(): string {
  return Buffer.from(randomBytes(12).toString('base64url')).toString('base64');
}

export function octetsOf(nonce: string): Buffer {
  return Buffer.from(nonce, 'base64');
}

/** The nonce of a challenge, in base64; undefined when there is none that can be used. What is no base64 is taken as it is. */
export function nonceOf({ nextNonce, format }: Challenge): string | undefined {
  if (nextNonce === undefined) return undefined;
  const isText = format !== undefined && format.trim().toLowerCase() !== 'b64';
  const octets = (isText ? undefined : readBase64(nextNonce)) ?? Buffer.from(nextNonce);
  return octets.length > 0 && octets.length <= maximumNonce ? octets.toString('base64') : undefined;
}

export interface KeptNonces {
  nonces: DeviceNonces;
  /** 0: there is nothing yet. */
  version: number;
}

export async function readNonces(notes: NoteStore, deviceId: string): Promise<KeptNonces> {
  const note = await notes.read(nameOf(deviceId));
  return { nonces: note ? nonces(note.value) : {}, version: note?.version ?? 0 };
}

const attempts = 10;

/**
 * Durable when it resolves. `change` is asked again when somebody else was quicker, and answers with undefined when there is nothing to
 * change any more.
 * @returns what is kept now; undefined: nothing was changed
 * @throws when the store fails
 */
export async function changeNonces(
  notes: NoteStore,
  deviceId: string,
  change: (now: DeviceNonces) => DeviceNonces | undefined,
): Promise<DeviceNonces | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const kept = await readNonces(notes, deviceId);
    const next = change(kept.nonces);
    if (!next) return undefined;
    if (await notes.write(nameOf(deviceId), kept.version, jsonOf(next))) return next;
  }
  throw new Error(`the nonces of ${deviceId} are changed by too many at a time; try again`);
}

function nameOf(deviceId: string): string {
  return `nonces ${deviceId}`;
}

/** Numbers of sessions have 16 bits, and 0 looks like none. In turn, from anywhere: none comes again before 65,534 others have. */
export function nextSession({ session }: DeviceNonces): number {
  return session === undefined ? randomInt(1, 0x1_0000) : (session % 0xffff) + 1;
}

/** The SessionID in the header of a session that a notification began. */
export function sessionIdOf(session: number): string {
  return session.toString(16).toUpperCase();
}

function jsonOf(kept: DeviceNonces): Json {
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as Json;
}

function nonces(value: Json): DeviceNonces {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const text = (name: string): string | undefined =>
    typeof value[name] === 'string' && value[name] !== '' ? value[name] : undefined;
  const number = (name: string): number | undefined =>
    Number.isSafeInteger(value[name]) && Number(value[name]) > 0 ? Number(value[name]) : undefined;
  return {
    client: text('client'),
    clientScheme: scheme(text('clientScheme')),
    server: text('server'),
    serverScheme: scheme(text('serverScheme')),
    session: number('session'),
    zeroUntil: number('zeroUntil'),
  };
}

function scheme(name: string | undefined): Scheme | undefined {
  return name !== undefined && Object.hasOwn(schemeTypes, name) ? (name as Scheme) : undefined;
}
