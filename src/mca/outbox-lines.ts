/**
 * What waits in the outbox, as the notifier sees it in memory: one line per subscription and target, in order of the rows. Only the
 * heads of long lines are held; the rest stays in the store. No I/O.
 */
import type { Row } from '../store/store.ts';

export interface Target {
  readonly url: string;
  /** Rows in the store, as far as they were seen. */
  waiting: number;
  /** Deliveries on their way. */
  active: number;
  /** Deliveries in a row that nobody answered. */
  failures: number;
  /** Not before its back-off has passed. */
  resting: boolean;
  /** Lines of which a row could be sent now, in turn. */
  ready: Line[];
}

export interface Line {
  readonly key: string;
  readonly subscription: string;
  readonly target: Target;
  /** Heads of the line, by ascending key. */
  rows: Row[];
  /** Key from which on the rows are in the store only; undefined: all are in `rows`. */
  overflowFrom: number | undefined;
  /** Highest key that was counted. */
  last: number;
  /** Being sent, resting or in `target.ready`: it is not to be put there again. */
  placed: boolean;
  /** Key of the row on its way; it may not be dropped. */
  sending?: string;
  /** Failed attempts of the first row. */
  attempts: number;
}

export interface OutboxLines {
  /** Takes a row that was found in the store; one that is known already changes nothing. */
  add(row: Row): void;
  /** Rows of a line whose memory ran empty, one more than fits where there are more. */
  refill(line: Line, rows: Row[]): void;
  /** The next line to send from, with the target's share of concurrent deliveries respected; marks it active. */
  next(perTarget: number): Line | undefined;
  /** The line's delivery has ended: its first row is gone (`done`) or stays. */
  finish(line: Line, done: boolean): void;
  /** Puts a line in place again, or forgets it when it is empty. */
  place(line: Line): void;
  /** A target may be used again. */
  awaken(target: Target): void;
  /** Removes rows that were deleted from the store. Rows being sent are not among them. */
  forget(target: Target, keys: ReadonlySet<string>): void;
  /** Keys of the rows that are on their way to the target. */
  sendingTo(target: Target): string[];
  targets(): Iterable<Target>;
  /** Rows that wait. */
  depth(): number;
}

/** `rowsPerLine`: most rows of one line in memory. */
export function createOutboxLines(rowsPerLine: number): OutboxLines {
  const lines = new Map<string, Line>();
  const targets = new Map<string, Target>();
  const readyTargets = new Set<Target>();

  function targetOf(url: string): Target {
    let target = targets.get(url);
    if (!target) {
      target = { url, waiting: 0, active: 0, failures: 0, resting: false, ready: [] };
      targets.set(url, target);
    }
    return target;
  }

  function lineOf(subscription: string, url: string): Line {
    const key = `${subscription}\n${url}`;
    let line = lines.get(key);
    if (!line) {
      const target = targetOf(url);
      line = { key, subscription, target, rows: [], overflowFrom: undefined, last: 0, placed: false, attempts: 0 };
      lines.set(key, line);
    }
    return line;
  }

  function forgetIfEmpty(line: Line): boolean {
    if (line.rows.length > 0 || line.overflowFrom !== undefined || line.sending !== undefined) return false;
    lines.delete(line.key);
    return true;
  }

  const own: OutboxLines = {
    add(row) {
      const line = lineOf(String(row.columns['subscription']), String(row.columns['target']));
      const key = Number(row.key);
      if (line.overflowFrom !== undefined && key >= line.overflowFrom) {
        // Refilling finds it; it only has to be counted, and once.
        if (key <= line.last) return;
      } else if (line.rows.some((known) => known.key === row.key)) {
        return;
      } else if (line.rows.length < rowsPerLine) {
        insert(line, row);
      } else {
        line.overflowFrom = key;
      }
      line.last = Math.max(line.last, key);
      line.target.waiting++;
      own.place(line);
    },
    refill(line, rows) {
      line.overflowFrom = undefined;
      for (const row of rows.slice(0, rowsPerLine)) insert(line, row);
      const next = rows[rowsPerLine];
      if (next) line.overflowFrom = Number(next.key);
      for (const row of rows) {
        if (Number(row.key) <= line.last) continue;
        line.last = Number(row.key);
        line.target.waiting++;
      }
    },
    next(perTarget) {
      for (const target of readyTargets) {
        const share = target.failures > 0 ? 1 : perTarget;
        if (target.resting || target.active >= share) continue;
        const line = target.ready.shift();
        readyTargets.delete(target);
        if (target.ready.length > 0) readyTargets.add(target);
        if (!line) continue;
        target.active++;
        return line;
      }
      return undefined;
    },
    finish(line, done) {
      line.target.active--;
      line.sending = undefined;
      if (done) {
        line.rows.shift();
        line.attempts = 0;
        line.target.waiting = Math.max(0, line.target.waiting - 1);
      }
    },
    place(line) {
      if (line.placed || forgetIfEmpty(line)) return;
      line.placed = true;
      line.target.ready.push(line);
      readyTargets.add(line.target);
    },
    awaken(target) {
      target.resting = false;
      if (target.ready.length > 0) readyTargets.add(target);
    },
    forget(target, keys) {
      target.waiting = Math.max(0, target.waiting - keys.size);
      for (const line of lines.values()) {
        if (line.target !== target) continue;
        const [first] = line.rows;
        line.rows = line.rows.filter((row) => !keys.has(row.key));
        if (line.rows[0] !== first) line.attempts = 0;
      }
    },
    sendingTo(target) {
      const keys: string[] = [];
      for (const line of lines.values()) {
        if (line.target === target && line.sending !== undefined) keys.push(line.sending);
      }
      return keys;
    },
    targets() {
      for (const target of targets.values()) {
        if (target.waiting === 0 && target.active === 0 && target.ready.length === 0 && !target.resting) {
          targets.delete(target.url);
        }
      }
      return targets.values();
    },
    depth() {
      let depth = 0;
      for (const target of targets.values()) depth += target.waiting;
      return depth;
    },
  };
  return own;
}

/** A row that became visible late goes to its place, but never before the one that is on its way. */
function insert(line: Line, row: Row): void {
  const key = Number(row.key);
  let index = line.rows.length;
  while (index > 0 && Number(line.rows[index - 1]?.key) > key && line.rows[index - 1]?.key !== line.sending) index--;
  line.rows.splice(index, 0, row);
}
