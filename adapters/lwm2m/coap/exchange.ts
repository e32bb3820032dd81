/** One message of ours that waits for an ACK or a response. */
import type { CoapMessage, MessageOptions } from './message.ts';
import type { Observation } from './observations.ts';
import type { Peer } from './peers.ts';
import type { Requester } from './requester.ts';
import { WheelEntry } from './timer-wheel.ts';

/**
 * What goes first when a peer may be asked only one thing at a time: the rest of an answer that has begun (some clients answer
 * nothing else until it is complete), then ordinary requests, then the blocks of a long push.
 */
export const Priority = Object.freeze({ CONTINUATION: 0, ORDINARY: 1, BACKGROUND: 2 } as const);
export type Priority = (typeof Priority)[keyof typeof Priority];

export interface OutgoingRequest {
  code: string;
  options: MessageOptions;
  payload: Buffer;
  confirmable: boolean;
  priority: Priority;
  signal?: AbortSignal;
  /** Where notifications go, when this is an observe request. */
  observation?: Observation;
  /** Default: a new one. To cancel an observation it is the token of it. */
  token?: Buffer;
  /** Called when the first datagram leaves. */
  onSent?: () => void;
}

export class Exchange extends WheelEntry {
  readonly #owner: Requester;
  readonly peer: Peer;
  readonly token: Buffer;
  readonly confirmable: boolean;
  readonly priority: Priority;
  /** False: a separate response of ours, over with its ACK. */
  readonly expectsResponse: boolean;
  request: OutgoingRequest | undefined;
  observation: Observation | undefined;
  messageId = 0;
  /** For retransmission; undefined before it is sent. */
  bytes: Buffer | undefined = undefined;
  timeout = 0;
  attempts = 0;
  state: 'waiting' | 'sent' | 'acknowledged' | 'over' = 'waiting';
  resolve: ((response: CoapMessage) => void) | undefined = undefined;
  reject: ((error: Error) => void) | undefined = undefined;
  /** Takes the abort listener off the caller's signal. */
  release: (() => void) | undefined = undefined;

  constructor(owner: Requester, peer: Peer, token: Buffer, request: OutgoingRequest | undefined) {
    super();
    this.#owner = owner;
    this.peer = peer;
    this.token = token;
    this.request = request;
    this.observation = request?.observation;
    this.confirmable = request?.confirmable ?? true;
    this.priority = request?.priority ?? Priority.ORDINARY;
    this.expectsResponse = request !== undefined;
  }

  override due(): void {
    this.#owner.onDue(this);
  }
}
