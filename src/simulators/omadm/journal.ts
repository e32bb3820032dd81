import { JournalOf } from '../journal.ts';
import type { DeviceEventOf } from '../journal.ts';

/** What was done to the client, or by it. A `complaint` is something that the server may not do. */
export type Deed =
  | 'get'
  | 'add'
  | 'replace'
  | 'delete'
  | 'copy'
  | 'exec'
  | 'interaction'
  | 'alert'
  | 'download'
  | 'firmware-installed'
  | 'firmware-failed'
  | 'software-installed'
  | 'software-removed'
  | 'software-failed'
  | 'activated'
  | 'deactivated'
  | 'lock'
  | 'wipe'
  | 'capability'
  | 'diagnosis'
  | 'restart'
  | 'factory-reset'
  | 'notification'
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
  /** Status code with which a command was answered. */
  status?: number;
  /** Result code of an operation, or code of an alert. */
  code?: number;
  correlator?: string;
  /** SessionID. */
  session?: string;
  detail?: string;
}

export type ClientEvent = DeviceEventOf<
  'session' | 'message' | 'write' | 'firmware' | 'software' | 'operation' | 'wake' | 'life' | 'fault'
>;

export class Journal extends JournalOf<Omit<JournalEntry, 'at'>, ClientEvent['kind']> {
  /** The server did what the protocol does not allow. */
  complain(sentence: string): void {
    this.record({ kind: 'complaint', detail: sentence });
    this.tell('fault', `the server is wrong: ${sentence}`);
  }
}
