import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { GenericAlert } from './outbox.ts';
import type { Quirk } from './quirks.ts';
import type { ManagementTree } from './tree.ts';

/** What the parts of a client share. */
export interface Workshop {
  readonly tree: ManagementTree;
  readonly faults: Faults;
  readonly quirks: ReadonlySet<Quirk>;
  readonly journal: Journal;
  readonly random: () => number;
  /** Device seconds to ms of waiting. */
  scale(seconds: number): number;
  /** Runs after a time on the device, unless power goes before. Gives what calls it off. */
  later(seconds: number, run: () => void): () => void;
  /** Aborted when the power goes. */
  readonly power: AbortSignal;
  /** Runs when the running session has ended, or at once when there is none; after the boot when the device is down. */
  afterSession(run: () => void): void;
  /** Opens a session as soon as possible. */
  wantSession(): void;
  /** Puts an alert into the outbox and wants a session. */
  alert(alert: Partial<GenericAlert> & { type: string }): void;
  /** Goes down and comes back; `meanwhile` runs while it is down. */
  restart(why: string, meanwhile?: () => void): void;
  factoryReset(): void;
}
