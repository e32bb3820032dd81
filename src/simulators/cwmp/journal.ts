import { JournalOf } from '../journal.ts';
import type { DeviceEventOf } from '../journal.ts';

/** What was done to the device, or by it. A `complaint` is something that the server may not do. */
export type Deed =
  | 'write'
  | 'attributes'
  | 'create'
  | 'delete'
  | 'method'
  | 'download'
  | 'upload'
  | 'transfer-cancelled'
  | 'firmware-installed'
  | 'firmware-failed'
  | 'software-installed'
  | 'software-updated'
  | 'software-uninstalled'
  | 'software-failed'
  | 'reboot'
  | 'factory-reset'
  | 'connection-request'
  | 'stun'
  | 'session'
  | 'session-failed'
  | 'died'
  | 'complaint';

export interface JournalEntry {
  /** ms since 1970. */
  at: number;
  kind: Deed;
  path?: string;
  value?: string;
  /** The RPC. */
  method?: string;
  /** cwmp:ID of the RPC. */
  id?: string;
  commandKey?: string;
  /** Arguments of an RPC that has a CommandKey. */
  arguments?: Record<string, string>;
  /** Fault code with which it was answered or ended. */
  fault?: number;
  /** Event codes of the session. */
  events?: string[];
  detail?: string;
}

export type DeviceEvent = DeviceEventOf<
  'session' | 'message' | 'write' | 'transfer' | 'software' | 'wake' | 'life' | 'fault'
>;

export class Journal extends JournalOf<Omit<JournalEntry, 'at'>, DeviceEvent['kind']> {
  /** The server did what the protocol does not allow. */
  complain(sentence: string): void {
    this.record({ kind: 'complaint', detail: sentence });
    this.tell('fault', `the server is wrong: ${sentence}`);
  }
}
