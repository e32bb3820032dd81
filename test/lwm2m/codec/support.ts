import { readFileSync, readdirSync } from 'node:fs';
import { parse, type ParsedPacket } from 'coap-packet';

const folder = new URL('../../fixtures/lwm2m/', import.meta.url);

/** A captured datagram, its CoAP header parsed. */
export function readFixture(name: string): ParsedPacket {
  return parse(Buffer.from(readFileSync(new URL(`${name}.hex`, folder), 'utf8').trim(), 'hex'));
}

export function fixtureNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.hex'))
    .map((name) => name.slice(0, -4));
}

/** Content-Format of a packet; a value of no octets is 0. */
export function contentFormatOf(packet: ParsedPacket): number | undefined {
  const option = packet.options.find(({ name }) => name === 'Content-Format');
  if (!option) return undefined;
  return option.value.length === 0 ? 0 : option.value.readUIntBE(0, option.value.length);
}

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
