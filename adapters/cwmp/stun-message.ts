/**
 * STUN messages: RFC 3489, which TR-069 annex G is built on, RFC 5389 where the peer shows its magic cookie, and the two
 * attributes of annex G. Pure. What came in is read or refused; nothing in it can make this throw.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv4, isIPv6, SocketAddress } from 'node:net';

export const bindingRequest = 0x00_01;
export const bindingResponse = 0x01_01;
export const bindingError = 0x01_11;

/** Types below 0x8000 must be understood. */
export const stunAttributes = {
  mappedAddress: 0x00_01,
  responseAddress: 0x00_02,
  changeRequest: 0x00_03,
  sourceAddress: 0x00_04,
  username: 0x00_06,
  messageIntegrity: 0x00_08,
  errorCode: 0x00_09,
  unknownAttributes: 0x00_0a,
  reflectedFrom: 0x00_0b,
  xorMappedAddress: 0x00_20,
  /** This binding takes connection requests (TR-069 G.2.1.3). */
  connectionRequestBinding: 0xc0_01,
  bindingChange: 0xc0_02,
} as const;

const magicCookie = 0x21_12_a4_42;
const headerLength = 20;
const integrityLength = 24;
const maximumLength = 1280;
const maximumAttributes = 32;

export interface StunAttribute {
  type: number;
  /** Without padding. */
  value: Buffer;
}

export interface StunMessage {
  type: number;
  /** 16 octets; RFC 5389 calls the first four the magic cookie. */
  transaction: Buffer;
  /** In their order, up to MESSAGE-INTEGRITY: what follows it is not proved. */
  attributes: readonly StunAttribute[];
  /** Where MESSAGE-INTEGRITY begins in the octets. */
  integrityAt?: number;
}

export interface TransportAddress {
  address: string;
  port: number;
}

/** Undefined: no STUN message, or a broken one. */
export function readStunMessage(octets: Buffer): StunMessage | undefined {
  if (octets.length < headerLength || octets.length > maximumLength) return undefined;
  const type = octets.readUInt16BE(0);
  const length = octets.readUInt16BE(2);
  // The first two bits are zero, which tells STUN from the text of a connection request.
  if (type >= 0x40_00 || length % 4 !== 0 || headerLength + length !== octets.length) return undefined;
  const attributes: StunAttribute[] = [];
  let integrityAt: number | undefined;
  for (let at = headerLength; at < octets.length;) {
    if (attributes.length === maximumAttributes || at + 4 > octets.length) return undefined;
    const attribute = octets.readUInt16BE(at);
    const end = at + 4 + octets.readUInt16BE(at + 2);
    if (end > octets.length) return undefined;
    if (attribute === stunAttributes.messageIntegrity) {
      if (end !== at + integrityLength) return undefined;
      integrityAt = at;
      break;
    }
    attributes.push({ type: attribute, value: octets.subarray(at + 4, end) });
    at = padded(end);
  }
  const transaction = octets.subarray(4, headerLength);
  return { type, transaction, attributes, ...(integrityAt === undefined ? {} : { integrityAt }) };
}

/** RFC 5389 hashes the message as it is, RFC 3489 filled up with zeros to a multiple of 64 octets. */
export type IntegrityStyle = 'plain' | 'filled';

/** How a message is proved to come from the one who has this key; undefined: it is not. */
export function provenStyle(octets: Buffer, message: StunMessage, key: string): IntegrityStyle | undefined {
  const { integrityAt } = message;
  if (integrityAt === undefined) return undefined;
  const given = octets.subarray(integrityAt + 4, integrityAt + integrityLength);
  // They are one where nothing has to be filled up; the cookie tells then which is meant.
  const styles: IntegrityStyle[] = hasMagicCookie(message) ? ['plain', 'filled'] : ['filled', 'plain'];
  return styles.find((style) => timingSafeEqual(given, hashOf(octets.subarray(0, integrityAt), key, style)));
}

/** @param text the message up to MESSAGE-INTEGRITY; the length in its head counts that attribute (RFC 5389 15.4) */
function hashOf(text: Buffer, key: string, style: IntegrityStyle): Buffer {
  const head = Buffer.from(text.subarray(0, headerLength));
  head.writeUInt16BE(text.length - headerLength + integrityLength, 2);
  const hash = createHmac('sha1', key).update(head).update(text.subarray(headerLength));
  const missing = (64 - (text.length % 64)) % 64;
  if (style === 'filled') hash.update(Buffer.alloc(missing));
  return hash.digest();
}

export interface IntegrityProof {
  key: string;
  style: IntegrityStyle;
}

export function writeStunMessage(
  { type, transaction, attributes }: Omit<StunMessage, 'integrityAt'>,
  proof?: IntegrityProof,
): Buffer {
  const parts = [Buffer.alloc(headerLength)];
  for (const { type: attribute, value } of attributes) {
    const octets = Buffer.alloc(padded(4 + value.length));
    octets.writeUInt16BE(attribute, 0);
    octets.writeUInt16BE(value.length, 2);
    value.copy(octets, 4);
    parts.push(octets);
  }
  const message = Buffer.concat(parts);
  message.writeUInt16BE(type, 0);
  message.writeUInt16BE(message.length - headerLength, 2);
  transaction.copy(message, 4);
  if (!proof) return message;
  const hash = hashOf(message, proof.key, proof.style);
  message.writeUInt16BE(message.length - headerLength + integrityLength, 2);
  const head = Buffer.of(0, stunAttributes.messageIntegrity, 0, hash.length);
  return Buffer.concat([message, head, hash]);
}

export function attributeOf({ attributes }: StunMessage, type: number): Buffer | undefined {
  return attributes.find((one) => one.type === type)?.value;
}

/** It has the magic cookie of RFC 5389, so that it understands XOR-MAPPED-ADDRESS. */
export function hasMagicCookie({ transaction }: Pick<StunMessage, 'transaction'>): boolean {
  return transaction.readUInt32BE(0) === magicCookie;
}

/** RFC 3489 wants lengths of multiples of four, so user names come with blanks or zeros at their end. */
export function readUsername(value: Buffer): string {
  // oxlint-disable-next-line no-control-regex -- zeros are what some fill up with
  return value.toString('utf8').replace(/[ \0]+$/, '');
}

export function addressAttribute(type: number, { address, port }: TransportAddress): StunAttribute {
  const octets = octetsOfAddress(address);
  const head = Buffer.of(0, octets.length === 4 ? 1 : 2, port >> 8, port & 0xff);
  return { type, value: Buffer.concat([head, octets]) };
}

/** RFC 5389 15.2: hidden from NATs that change every address that they see. */
export function xorAddressAttribute(address: TransportAddress, transaction: Buffer): StunAttribute {
  const { value } = addressAttribute(stunAttributes.xorMappedAddress, address);
  return { type: stunAttributes.xorMappedAddress, value: withMask(value, transaction) };
}

/** Undefined: no address. */
export function readAddress(value: Buffer): TransportAddress | undefined {
  const [, family] = value;
  const isKnown = (family === 1 && value.length === 8) || (family === 2 && value.length === 20);
  if (!isKnown) return undefined;
  const octets = value.subarray(4);
  const address = family === 1 ? octets.join('.') : groupsOf(octets);
  return { address: family === 1 ? address : plainIpv6(address), port: value.readUInt16BE(2) };
}

export function readXorAddress(value: Buffer, transaction: Buffer): TransportAddress | undefined {
  return value.length < 8 || value.length > 20 ? undefined : readAddress(withMask(value, transaction));
}

/** The port is hidden by the first two octets of the cookie, the address by all of the transaction. */
function withMask(value: Buffer, transaction: Buffer): Buffer {
  return Buffer.from(value.map((octet, at) => (at < 2 ? octet : octet ^ transaction[at < 4 ? at - 2 : at - 4]!)));
}

/** @param reason is filled up with blanks to a multiple of four (RFC 3489 11.2.9) */
export function errorAttribute(code: number, reason: string): StunAttribute {
  const text = Buffer.from(reason.padEnd(padded(reason.length)), 'latin1');
  return {
    type: stunAttributes.errorCode,
    value: Buffer.concat([Buffer.of(0, 0, Math.floor(code / 100), code % 100), text]),
  };
}

export function readError(value: Buffer): { code: number; reason: string } | undefined {
  if (value.length < 4) return undefined;
  return { code: (value[2]! & 7) * 100 + value[3]!, reason: value.subarray(4).toString('utf8').trimEnd() };
}

/** An odd list repeats its last one (RFC 3489 11.2.10). */
export function unknownAttribute(types: readonly number[]): StunAttribute {
  const list = types.length % 2 === 0 ? types : [...types, types.at(-1)!];
  const value = Buffer.alloc(list.length * 2);
  for (const [index, type] of list.entries()) value.writeUInt16BE(type, index * 2);
  return { type: stunAttributes.unknownAttributes, value };
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** 4 or 16 octets. @throws when the text is no address: those come from the socket */
function octetsOfAddress(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) throw new TypeError(`${address} is no address`);
  const [head = '', tail] = plain.replace(/[^:]+\.[^:]+$/, groupsOfIpv4).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const first = groups(head);
  const last = groups(tail ?? '');
  const between = Array.from({ length: 8 - first.length - last.length }, () => '0');
  const all = [...first, ...(tail === undefined ? [] : between), ...last];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** `192.0.2.1` as the last two groups of an IPv6 address. */
function groupsOfIpv4(address: string): string {
  return groupsOf(Buffer.from(address.split('.').map(Number)));
}

function groupsOf(octets: Buffer): string {
  const groups: string[] = [];
  for (let at = 0; at < octets.length; at += 2) groups.push(octets.readUInt16BE(at).toString(16));
  return groups.join(':');
}

/** As the socket writes it. */
function plainIpv6(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
