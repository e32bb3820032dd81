/**
 * What the two halves of the leg say to each other in a session: the protocol half (server, session, packages, credentials)
 * carries requests to the device and brings their answers; the device half (operations, discovery, reports) knows nothing of
 * messages, their sizes and their numbers.
 */
import type { Alert, Header, Item } from './syncml/message.ts';

/** Formats of a node (OMA DM TND 1.2, 7.7.2). */
export type Format = 'b64' | 'bin' | 'bool' | 'chr' | 'int' | 'node' | 'null' | 'xml' | 'float' | 'date' | 'time';

/** A value of a node. Octets are octets here, whatever they are on the wire. */
export interface NodeValue {
  /** As the device says it; `chr` where it says nothing. */
  format: string;
  type?: string;
  text?: string;
  octets?: Uint8Array;
}

/** One command to a device. Paths begin with `./`; a Get may have a query: `./Vendor?list=StructData`. */
export type Request =
  | { command: 'Get'; path: string }
  | { command: 'Add' | 'Replace'; path: string; value: NodeValue }
  | { command: 'Delete'; path: string }
  | { command: 'Copy'; from: string; path: string }
  | { command: 'Exec'; path: string; data?: string; correlator?: string }
  | { command: 'Atomic' | 'Sequence'; requests: readonly Request[] }
  /** User interaction, 1100 to 1104: parameters, text, choices. */
  | { command: 'Alert'; code: number; items: readonly string[] };

export interface Found extends NodeValue {
  /** The URI that was asked for, with its query, or that of a node below it. */
  path: string;
}

export interface Answer {
  /** Status code; undefined: the session ended before there was one. */
  status: number | undefined;
  /** In the device's own words: its original error. */
  evidence?: string;
  /** Of a Get, and the user's answers to an Alert. */
  found: Found[];
  /** Of Atomic and Sequence, in their order; missing where the device told nothing of them. */
  children?: Answer[];
  /** In how far a request was sent: false = it can be sent again without harm, unless there is a problem. */
  sent: boolean;
  /** What the messages themselves stood in the way of. It will be the same the next time. */
  problem?: Problem;
}

export interface Problem {
  /**
   * - `too-large`: it does not fit into a message of the device, nor may it be cut. Nothing was sent; no status.
   * - `truncated`: the device does not know large objects and has taken the first part for the whole: the node has the beginning of the
   *   value. Status 406, whatever the device said.
   * - `not-received`: what the device answered was not taken: larger than our limit, cut off, or not as long as it said.
   */
  kind: 'too-large' | 'truncated' | 'not-received';
  explanation: string;
}

export interface AskOptions {
  /** The device takes large objects in parts (DevDetail/LrgObj). Default: no. */
  largeObjects?: boolean;
}

/** A session in which the device can be talked to. */
export interface Exchange {
  readonly isOpen: boolean;
  /** Requests that were sent in this session. */
  readonly count: number;
  /**
   * Sends the requests in the next package, as many messages as they need, and answers in their order once the device has. Never
   * rejects: what could not be said, or was not answered, has no status. One call at a time, and only while `think` runs; requests of one
   * call may be carried out in any order by the device, so what depends on order belongs into calls of its own.
   */
  ask(requests: readonly Request[], options?: AskOptions): Promise<Answer[]>;
}

/** What a device has said in its package #1. */
export interface Arrival {
  /** Source of the header, as the device names itself. */
  deviceId: string;
  header: Header;
  /** Leaves of `./DevInfo` by their path. */
  deviceInfo: ReadonlyMap<string, string>;
  /** `server`: it answers a notification of ours (1200). */
  startedBy: 'server' | 'client';
  /** Where it comes from, for people. */
  address: string;
}

/** The device's half in one session. */
export interface SessionHost {
  /** Package #1, complete and proven: durable when it resolves; only then it is answered. Undefined: all is well; else a status and why. */
  arrived(arrival: Arrival, exchange: Exchange): Promise<{ status: number; why: string } | undefined>;
  /** An alert of the device (1222 to 1225 are not handed on): durable when it resolves with the status code of its answer. */
  alerted(alert: Alert, items: readonly Item[]): Promise<number>;
  /** The device has handed over the word: ask it, and resolve when there is nothing more to ask. Never rejects. */
  think(): Promise<void>;
  /** Once, and last: in order, or because it broke. */
  ended(why: string): void;
}
