/**
 * The way of an operation in the log, a line for each turn of it, named by itself and by the request that asked for it. Only where
 * the level `debug` is on: elsewhere there is no such function, and not calling it is all that it costs.
 */
import type { Log } from '../support/log.ts';
import type { Operation } from './operation.ts';

/** @param more further members of the line */
export type TellOperation = (operation: Operation, turn: string, more?: object) => void;

export function createOperationLog(log: Log): TellOperation | undefined {
  if (!log.isLevelEnabled('debug')) return undefined;
  return (operation, turn, more) =>
    log.debug(
      { ...namesOf(operation), kind: operation.kind, resource: operation.resource, ...more },
      `operation ${turn}`,
    );
}

/** What makes the lines of one request findable. No identifier: the gateway itself has asked. */
export function namesOf({ id, device, requester }: Pick<Operation, 'id' | 'device' | 'requester'>): {
  operation: string;
  requestIdentifier: string | undefined;
  device: string;
} {
  return { operation: id, requestIdentifier: requester.requestIdentifier || undefined, device };
}
