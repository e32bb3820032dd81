/** What carries a notification to a device. */
import type { Clock } from '../../../src/support/clock.ts';

export interface Call {
  /** Name that the device gives itself. */
  deviceId: string;
  /** `udp:192.0.2.7`, `http://192.0.2.7:8080/push`, or what a gateway behind the webhook knows: `sms:+4917012345`. */
  address: string;
  /** Package #0. */
  notification: Uint8Array;
  /** Where the device was seen last: an address that is always plausible. */
  seenAt?: string;
}

export type CallResult =
  /** It has left; only a session proves that it arrived. */
  | { result: 'sent'; by: string }
  /** Nobody took it; trying again may help. */
  | { result: 'unreachable'; why: string }
  /** The address is none that we would go to, or there is no bearer for it. */
  | { result: 'forbidden'; why: string };

export interface Bearer {
  /** Never rejects. */
  notify(call: Call): Promise<CallResult>;
}

export interface BearerSettings {
  clock: Clock;
  /** ms for one exchange. */
  timeout: number;
  /** CIDR; empty = any address that is not local to this machine. */
  networks: readonly string[];
}

/** Of the networks, for sentences. */
export const networksSetting = 'omadm.notificationNetworks';
