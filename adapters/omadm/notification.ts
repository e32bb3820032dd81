/**
 * Package #0: the notification that makes a device begin a session (DM Notification 1.2.1, 6). A digest by which the device knows the
 * gateway, and a trigger; and the envelopes in which bearers carry it.
 */
import { randomInt } from 'node:crypto';
import type { NoteStore } from '../../src/management/adapter.ts';
import { notificationDigest, type Account } from './credential-digests.ts';
import { changeNonces, nextSession, octetsOf, zeroNonce } from './nonces.ts';

/** What the device does with its user: `unspecified` leaves it to the device. */
export type UserMode = 'unspecified' | 'background' | 'informative' | 'interactive';
const userModes: readonly UserMode[] = ['unspecified', 'background', 'informative', 'interactive'];

export interface Trigger {
  /** Tenths: 11 = 1.1, that of DM 1.2. */
  version?: number;
  userMode: UserMode;
  initiator: 'user' | 'server';
  /** 16 bits. */
  session: number;
  /** ServerID in the DMAcc of the device. */
  serverId: string;
}

/** @throws RangeError when a field does not fit: the id of the server has at most 255 octets */
export function writeTrigger({ version = 11, userMode, initiator, session, serverId }: Trigger): Buffer {
  const name = Buffer.from(serverId);
  const fits = (value: number, bits: number): bigint => {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits)
      throw new RangeError(`${value} has not ${bits} bits`);
    return BigInt(value);
  };
  // 10 bits version, 2 mode, 1 initiator, 27 for the future, 16 session, 8 length: 64 before the name.
  const head =
    (fits(version, 10) << 54n) |
    (fits(userModes.indexOf(userMode), 2) << 52n) |
    ((initiator === 'server' ? 1n : 0n) << 51n) |
    (fits(session, 16) << 8n) |
    fits(name.length, 8);
  const trigger = Buffer.alloc(8 + name.length);
  trigger.writeBigUInt64BE(head);
  name.copy(trigger, 8);
  return trigger;
}

/** @param account of the gateway with the device; @param nonce octets that the device has told last */
export function writeNotification(account: Account, nonce: Uint8Array, trigger: Uint8Array): Buffer {
  return Buffer.concat([notificationDigest(account, nonce, trigger), trigger]);
}

/** Media type of package #0; 0x44 among the well-known ones of WSP. */
export const notificationType = 'application/vnd.syncml.notification';

/** A WSP Push PDU without a connection (WAP-230, 8.2.4.1): transaction, Push, three octets of headers, media type, application id 7. */
export function wrapInPush(notification: Uint8Array, transaction = 1): Buffer {
  return Buffer.concat([Buffer.from([transaction & 0xff, 0x06, 0x03, 0xc4, 0xaf, 0x87]), notification]);
}

/** Port of a device for pushes (WAP-259), and one of the sender that means nothing. */
export const pushPort = 2948;
const portElement = [0x05, 0x04, pushPort >> 8, pushPort & 0xff, 0xc0, 0x02];
const maximumSms = 140;

/**
 * User data of one SMS, or of several when it is too long for one (3GPP TS 23.040, 9.2.3.24): 8 bit, header first.
 * @param reference joins the parts of one message
 */
export function wrapInSms(push: Uint8Array, reference: number = randomInt(256)): Buffer[] {
  const withHeader = (header: number[], part: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([header.length, ...header]), part]);
  if (push.length <= maximumSms - portElement.length - 1) return [withHeader(portElement, push)];
  const room = maximumSms - portElement.length - 5 - 1;
  const count = Math.ceil(push.length / room);
  return Array.from({ length: count }, (_, at) =>
    withHeader(
      [...portElement, 0x00, 0x03, reference & 0xff, count, at + 1],
      push.subarray(at * room, (at + 1) * room),
    ),
  );
}

export interface NotificationRequest {
  deviceId: string;
  /** Of the gateway with the device. */
  server: { identifier: string; secret: string };
  userMode?: UserMode;
  /** The last one was not followed by a session: the device may have lost our nonce, or we its (DM Notification 1.2.1, 6.2.1). */
  withZeroNonce?: boolean;
}

/** ms in which a device that was called with the zero nonce may use it. */
const zeroNonceWindow = 3_600_000;

/**
 * A notification of a session of its own. That it has this number, and whether the zero nonce is good in it, is durable before it
 * is there to be sent.
 * @throws when the store fails
 */
export async function prepareNotification(
  notes: NoteStore,
  now: number,
  { deviceId, server, userMode = 'background', withZeroNonce = false }: NotificationRequest,
): Promise<{ notification: Buffer; session: number }> {
  const kept = await changeNonces(notes, deviceId, (before) => ({
    ...before,
    session: nextSession(before),
    zeroUntil: withZeroNonce ? now + zeroNonceWindow : undefined,
  }));
  const { session, server: nonce } = kept!;
  const trigger = writeTrigger({ userMode, initiator: 'server', session: session!, serverId: server.identifier });
  const account: Account = { username: server.identifier, secret: server.secret };
  const octets = withZeroNonce ? zeroNonce : octetsOf(nonce ?? '');
  return { notification: writeNotification(account, octets, trigger), session: session! };
}
