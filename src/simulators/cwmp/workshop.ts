import type { ProtocolVersion } from './envelope.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { EventEntry, Outbox } from './outbox.ts';
import type { Quirk } from './quirks.ts';
import type { ParameterTree } from './tree.ts';

/** What the parts of a CPE share. */
export interface Workshop {
  readonly tree: ParameterTree;
  readonly outbox: Outbox;
  readonly faults: Faults;
  readonly quirks: ReadonlySet<Quirk>;
  readonly journal: Journal;
  readonly version: ProtocolVersion;
  readonly random: () => number;
  /** Device seconds to ms of waiting. */
  scale(seconds: number): number;
  /** The clock of the device, which may be wrong. */
  now(): Date;
  /** The full name below the root. */
  path(tail: string): string;
  /** Runs after a time on the device; waits for power when there is none. Gives what calls it off. */
  later(seconds: number, run: () => void): () => void;
  /** Aborted when the power goes. */
  readonly power: AbortSignal;
  /** Runs when the running session has ended well, or at once when there is none. */
  afterSession(run: () => void): void;
  /** Opens a session as soon as possible. */
  wantSession(): void;
  /** Goes down and comes back with 1 BOOT and the event of the cause. */
  reboot(why: string, cause?: EventEntry): void;
  factoryReset(): void;
}
