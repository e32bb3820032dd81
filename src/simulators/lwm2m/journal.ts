import { createHash } from 'node:crypto';
import { JournalOf } from '../journal.ts';
import type { DeviceEventOf } from '../journal.ts';
import { instancesOf, isMultiple } from './value.ts';
import type { Resource, Value } from './value.ts';

/** What was done to the device. `repeated` is a datagram that came again and was not done again. */
export type Deed =
  | 'write'
  | 'execute'
  | 'create'
  | 'delete'
  | 'attributes'
  | 'firmware-installed'
  | 'firmware-failed'
  | 'software-installed'
  | 'software-uninstalled'
  | 'software-activated'
  | 'software-deactivated'
  | 'reboot'
  | 'factory-reset'
  | 'crash'
  | 'repeated';

export interface JournalEntry {
  /** ms since 1970. */
  at: number;
  kind: Deed;
  path?: string;
  /** The value as written; bytes as {octets, sha256}. */
  value?: unknown;
  /** Arguments of an Execute as they came. */
  arguments?: string;
  /** CoAP message ID of the request; of the last block for a body in blocks. */
  messageId?: number;
  detail?: string;
}

export type DeviceEvent = DeviceEventOf<
  | 'registration'
  | 'read'
  | 'write'
  | 'execute'
  | 'create'
  | 'delete'
  | 'attributes'
  | 'observation'
  | 'update'
  | 'life'
  | 'fault'
>;

export class Journal extends JournalOf<Omit<JournalEntry, 'at'>, DeviceEvent['kind']> {}

function describeValue(value: Value): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return { octets: value.length, sha256: createHash('sha256').update(value).digest('hex') };
}

/** A value as it is kept in the journal. */
export function describe(value: Resource): unknown {
  if (!isMultiple(value)) return describeValue(value);
  return Object.fromEntries(instancesOf(value).map(([id, one]) => [id, describeValue(one)]));
}
