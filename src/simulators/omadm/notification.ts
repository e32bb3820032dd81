import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { equal, notificationDigest, zeroNonce } from './credentials.ts';
import type { Account } from './credentials.ts';

/** Package 0 (DM Notification 1.2.1, 6.2). */
export interface Notification {
  digest: Buffer;
  trigger: Buffer;
  /** In tenths: 11 for DM 1.2. */
  version: number;
  /** 0 not specified, 1 background, 2 informative, 3 user interaction. */
  userMode: number;
  byServer: boolean;
  sessionId: number;
  serverId: string;
}

/** Undefined: the octets are no notification. `complain` hears of what is odd. */
export function readNotification(octets: Buffer, complain: (sentence: string) => void): Notification | undefined {
  const trigger = octets.subarray(16);
  if (trigger.length < 8) return undefined;
  const bits = trigger.readBigUInt64BE(0);
  const length = Number(bits & 0xffn);
  if (trigger.length < 8 + length) return undefined;
  if (((bits >> 24n) & 0x7ff_ffffn) !== 0n) complain('the bits for the future of a notification are not zero');
  const version = Number(bits >> 54n);
  if (version !== 11) complain(`a notification has the version ${version / 10}`);
  return {
    digest: octets.subarray(0, 16),
    trigger,
    version,
    userMode: Number((bits >> 52n) & 3n),
    byServer: ((bits >> 51n) & 1n) === 1n,
    sessionId: Number((bits >> 8n) & 0xffffn),
    serverId: trigger.toString('utf8', 8, 8 + length),
  };
}

/** With which nonce the digest is right. Nothing can be checked without a secret. */
export function verify(notification: Notification, account: Account, nonce: Buffer): 'right' | 'zero' | 'wrong' {
  const { digest, trigger } = notification;
  if (account.secret === '' || equal(digest, notificationDigest(account, nonce, trigger))) return 'right';
  return equal(digest, notificationDigest(account, zeroNonce, trigger)) ? 'zero' : 'wrong';
}

const push = 0x06;
/** application/vnd.syncml.notification of WSP, as a short integer. */
const mediaType = 0xc4;

/** The body of a WSP Push PDU (WAP-230, 8.2.4.1); a sentence when it is none for a DM client. */
export function bodyOfPush(octets: Buffer): Buffer | string {
  if (octets[1] !== push) return 'the datagram is no WSP push';
  let length = 0;
  let at = 2;
  for (let octet = 0x80; octet >= 0x80 && at < 7; at += 1) {
    octet = octets[at] ?? 0;
    length = length * 128 + (octet & 0x7f);
  }
  const headers = octets.subarray(at, at + length);
  if (headers.length < length || headers[0] !== mediaType) return 'the push has another media type';
  if (!headers.includes(Buffer.from([0xaf, 0x87]))) return 'the push has not the application id of DM';
  return octets.subarray(at + length);
}

export type Bearer = 'udp' | 'http';

export interface Ears {
  /** `udp:127.0.0.1:2948`; '' when it does not listen. */
  readonly udp: string;
  readonly http: string;
  close(): Promise<void>;
}

const maximumPush = 4096;

/** Listens for notifications. `heard` gets what is inside of the bearer's envelope; a string is what was wrong with that. */
export async function listen(
  bearers: readonly Bearer[],
  host: string,
  heard: (octets: Buffer | string, by: Bearer) => void,
): Promise<Ears> {
  let socket: Socket | undefined;
  let server: Server | undefined;
  if (bearers.includes('udp')) {
    socket = createSocket('udp4');
    socket.on('message', (octets) => heard(bodyOfPush(octets), 'udp'));
    await new Promise<void>((resolve, reject) => {
      socket?.once('error', reject);
      socket?.bind(0, host, resolve);
    });
    socket.on('error', () => undefined);
  }
  if (bearers.includes('http')) {
    server = createServer((request, response) => {
      const parts: Buffer[] = [];
      let size = 0;
      request.on('data', (piece: Buffer) => {
        size += piece.length;
        if (size <= maximumPush) parts.push(piece);
      });
      request.on('end', () => {
        const right = request.headers['content-type'] === 'application/vnd.syncml.notification';
        response.writeHead(right && request.method === 'POST' ? 202 : 415).end();
        heard(right ? Buffer.concat(parts) : `the push has the media type ${request.headers['content-type']}`, 'http');
      });
    });
    await new Promise<void>((resolve, reject) => {
      server?.once('error', reject);
      server?.listen(0, host, resolve);
    });
  }
  return {
    udp: socket ? `udp:${host}:${socket.address().port}` : '',
    http: server ? `http://${host}:${(server.address() as AddressInfo).port}/push` : '',
    async close() {
      if (socket) await new Promise<void>((resolve) => socket?.close(resolve));
      server?.closeAllConnections();
      if (server) await new Promise<void>((resolve) => server?.close(() => resolve()));
    },
  };
}
