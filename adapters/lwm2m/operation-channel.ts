/** A device session on behalf of one operation: what is said for it bears its name in trace and log. */
import type { Operation } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { Asked, Channel } from './channel.ts';
import type { CoapRequest } from './coap/endpoint.ts';
import type { DeviceSession } from './device-session.ts';
import type { DeviceFacts, Learned } from './facts.ts';
import type { ObjectModel } from './object-model.ts';

export class OperationChannel implements Channel {
  readonly #session: DeviceSession;
  readonly #operation: Operation;

  constructor(session: DeviceSession, operation: Operation) {
    this.#session = session;
    this.#operation = operation;
  }

  get facts(): DeviceFacts {
    return this.#session.facts;
  }

  get model(): ObjectModel {
    return this.#session.model;
  }

  ask(request: CoapRequest, paths?: readonly string[]): Promise<Asked> {
    return this.#session.ask(request, paths, this.#operation);
  }

  learn(change: Partial<Learned>): void {
    this.#session.learn(change);
  }

  tellUnreadable(failures: readonly Failure[]): void {
    this.#session.tellUnreadable(failures, this.#operation);
  }

  servesComposite(): Promise<boolean> {
    return this.#session.servesComposite();
  }
}
