/** Settings of the LwM2M leg. Times in ms unless said otherwise. */
import type { EndpointSettings } from './coap/settings.ts';
import type { Transport } from './coap/transport.ts';
import type { Procedure } from './procedure.ts';

export interface Lwm2mSettings {
  /** Address of the UDP listener. */
  host: string;
  /** 0 = any free port. */
  port: number;
  /** CoAP ACK_TIMEOUT. */
  ackTimeout: number;
  /** How long a device in queue mode listens after its last message (MAX_TRANSMIT_WAIT). */
  awakeWindow: number;
  /** Without DTLS: may a device appear at a new address by an Update, or only by a Register? */
  addressChange: 'update' | 'register';
  /** A registration lives this much longer than the device said: its Update may be on its way. */
  lifetimeGrace: number;
  /** s; a device that asks for a longer lifetime than this is refused. */
  maximumLifetime: number;
  /** Objects and instances in one list of a registration; more are refused, for all of them would be looked at in one go. */
  maximumObjects: number;
  /** A device that did not answer is left alone for so long, unless it contacts us. */
  silencePause: number;
  /** Octets of a block of a push, a power of two from 16 to 1024. */
  pushBlockSize: number;
  procedures: readonly Procedure[];
  endpoint: Partial<EndpointSettings>;
  /** Instead of a UDP socket. */
  transport?: Transport;
}

export const lwm2mDefaults: Readonly<Lwm2mSettings> = Object.freeze({
  host: '127.0.0.1',
  port: 5683,
  ackTimeout: 2_000,
  awakeWindow: 93_000,
  addressChange: 'update',
  lifetimeGrace: 93_000,
  maximumLifetime: 0xffffffff,
  maximumObjects: 1_000,
  silencePause: 60_000,
  pushBlockSize: 1024,
  procedures: [],
  endpoint: {},
});
