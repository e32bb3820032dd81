import { EventEmitter } from 'node:events';

/** Something that happened, for people who watch. `progress` runs from 0 to 1. */
export interface DeviceEventOf<Kind extends string> {
  /** ms since 1970. */
  at: number;
  kind: Kind;
  text: string;
  path?: string;
  progress?: number;
}

const maximumEntries = 10_000;

/** The journal of a device and the events that its watchers get. The oldest entries go when there are more than 10,000. */
export class JournalOf<Entry extends object, Kind extends string> {
  /** `at` in ms since 1970. */
  readonly entries: ({ at: number } & Entry)[] = [];
  readonly events = new EventEmitter();

  record(entry: Entry): void {
    this.entries.push({ at: Date.now(), ...entry });
    if (this.entries.length > maximumEntries) this.entries.shift();
  }

  tell(kind: Kind, text: string, more: { path?: string; progress?: number } = {}): void {
    const event: DeviceEventOf<Kind> = { at: Date.now(), kind, text, ...more };
    this.events.emit('event', event);
  }
}
