/** An endpoint on the network in memory, and CoAP messages made by `coap-packet` for the peers. */
import { generate, parse, type NamedOption, type Packet, type ParsedPacket } from 'coap-packet';
import { createEndpoint, type Endpoint } from '../../../adapters/lwm2m/coap/endpoint.ts';
import type { EndpointSettings } from '../../../adapters/lwm2m/coap/settings.ts';
import { ManualClock } from '../../../src/support/clock.ts';
import { silentLog } from '../../../src/support/log.ts';
import type { Metrics } from '../../../src/support/metrics.ts';
import { createNetwork, type MemoryNetwork } from './memory-network.ts';

export interface Bench {
  clock: ManualClock;
  network: MemoryNetwork;
  endpoint: Endpoint;
  /** Sums of the counters that reached the metrics, by `name{label values}`. */
  counted: Map<string, number>;
}

export const gateway = 'gateway';

export function createBench(settings: Partial<EndpointSettings> = {}, seed = 1): Bench {
  const clock = new ManualClock();
  const network = createNetwork(clock, seed);
  const counted = new Map<string, number>();
  const metrics: Metrics = {
    count(name, labels = {}, by = 1) {
      const key = `${name}{${Object.values(labels).join(',')}}`;
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
    observe() {},
    gauge() {},
  };
  const endpoint = createEndpoint({ transport: network.open(gateway), clock, log: silentLog, metrics, settings });
  return { clock, network, endpoint, counted };
}

export function message(packet: Packet): Buffer {
  return generate({ messageId: 1, token: Buffer.alloc(0), ...packet }, 65_507);
}

export function read(bytes: Buffer | undefined): ParsedPacket {
  if (!bytes) throw new Error('no datagram came');
  return parse(bytes);
}

export function optionOf(packet: ParsedPacket, name: string): Buffer | undefined {
  return packet.options.find((option) => option.name === name)?.value;
}

/** number, more, exponent → value of a Block option. */
export function blockValue(number: number, more: boolean, exponent: number): Buffer {
  const value = number * 16 + (more ? 8 : 0) + exponent;
  if (value === 0) return Buffer.alloc(0);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.subarray(bytes.findIndex((octet) => octet !== 0));
}

export function blockOf(packet: ParsedPacket, name: 'Block1' | 'Block2'): [number, boolean, number] | undefined {
  const value = optionOf(packet, name);
  if (!value) return undefined;
  const all = value.length === 0 ? 0 : value.readUIntBE(0, value.length);
  return [all >> 4, (all & 8) !== 0, all & 7];
}

export function path(...segments: string[]): NamedOption[] {
  return segments.map((segment) => ({ name: 'Uri-Path', value: Buffer.from(segment) }));
}

export function option(name: NamedOption['name'], value: Buffer | string): NamedOption {
  return { name, value: typeof value === 'string' ? Buffer.from(value, 'hex') : value };
}
