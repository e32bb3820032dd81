/**
 * Sends what is in the outbox: at least once, in order for each subscription and target, a slow or dead target never in the way of
 * another. A row leaves the outbox when the receiver has it, when the receiver keeps refusing it, when it has expired, or when too
 * many wait for its target (the oldest go).
 */
import { randomUUID } from 'node:crypto';
import type { Bus } from '../bus/bus.ts';
import type { Json, JsonObject } from '../onem2m/primitive.ts';
import type { Row, Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import { createDeliverer } from './deliver.ts';
import type { Deliver } from './deliver.ts';
import { createOutboxLines } from './outbox-lines.ts';
import type { Line, Target } from './outbox-lines.ts';

export interface NotifierSettings {
  /** Notifications that may wait for one target. */
  maximumPerTarget: number;
  /** ms for a target to answer. */
  timeout: number;
  /** ms before the second, third … attempt; the last one repeats. */
  retryDelays: readonly number[];
  /** Attempts that a receiver may refuse (4xx) before the notification is dropped. */
  refusals: number;
  /** ms between two looks at the outbox when nobody calls. */
  pollInterval: number;
  /** Deliveries at once, and to one target. */
  concurrency: number;
  concurrencyPerTarget: number;
}

export const defaultNotifierSettings: Readonly<NotifierSettings> = Object.freeze({
  maximumPerTarget: 10_000,
  timeout: 10_000,
  retryDelays: [1000, 2000, 5000, 15_000, 60_000, 300_000],
  refusals: 3,
  pollInterval: 5000,
  concurrency: 64,
  concurrencyPerTarget: 4,
});

/** The data of a row of the outbox; its columns are the subscription's resource ID and the target's URL. */
export interface OutboxData {
  content: JsonObject;
  /** notification, deletion or response; only a notification counts against expirationCounter. */
  kind: string;
  originator: string;
  /** ms since 1970. */
  expires?: number;
  eventCategory?: number;
}

export interface NotifierOptions {
  store: Store;
  bus: Bus;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  cseId: string;
  releaseVersion: string;
  settings?: Partial<NotifierSettings>;
  /** Replaces HTTP. */
  deliver?: Deliver;
  /** A notification of that subscription has been received (expirationCounter). */
  onDelivered?: (subscription: string) => void;
}

export interface Notifier {
  /** Takes up what waits from before. */
  start(): Promise<void>;
  /** Starts no more deliveries; those on their way may end until the deadline. What is left waits for the next start. */
  stop(deadline: Date): Promise<void>;
  /** One notification at once, without outbox and retry. `why` is a sentence when it was not received. Never rejects. */
  sendNow(url: string, content: Json): Promise<{ ok: boolean; why?: string }>;
}

const rowsPerLine = 32;
const rowsPerPage = 500;

export function createNotifier(options: NotifierOptions): Notifier {
  const { store, bus, log, metrics, clock, cseId, releaseVersion, onDelivered } = options;
  const settings: NotifierSettings = { ...defaultNotifierSettings, ...options.settings };
  const http = createDeliverer(
    {
      timeout: settings.timeout,
      connectionsPerTarget: settings.concurrencyPerTarget,
    },
    clock,
  );
  const deliver = options.deliver ?? http.deliver;
  const lines = createOutboxLines(rowsPerLine);
  const timers = new Set<() => void>();
  const active = new Set<Promise<void>>();
  /** Rows that went while the store was being read: what was read before must not bring them back. */
  const gone = new Set<string>();
  const state = { running: false, scanWanted: false };
  let reading: Promise<void> = Promise.resolve();
  let cursor = 0;
  /** Where the last looks began: another process's row may become visible behind the cursor. */
  let recentCursors = [0, 0];
  let unsubscribe = (): void => {};

  metrics.gauge('trivet_outbox_depth', () => [{ value: lines.depth() }]);

  function count(result: string, by = 1): void {
    metrics.count('trivet_notifications_total', { result }, by);
  }

  function later(milliseconds: number, run: () => void): void {
    if (!state.running) return;
    const cancel = clock.after(milliseconds, () => {
      timers.delete(cancel);
      if (state.running) run();
    });
    timers.add(cancel);
  }

  /** Reads of the outbox come one after the other. A failing store is asked again at the next poll. */
  function read(what: () => Promise<void>): Promise<void> {
    reading = reading.then(async () => {
      try {
        await what();
      } catch (error) {
        log.error({ error }, 'the outbox could not be read; it is tried again');
      }
    });
    return reading;
  }

  function scan(): Promise<void> {
    if (state.scanWanted) return reading;
    state.scanWanted = true;
    return read(async () => {
      state.scanWanted = false;
      for (;;) {
        const rows = await store.find<Json>({
          table: 'outbox',
          where: [{ column: 'key', is: '>', value: cursor }],
          orderBy: [{ column: 'key' }],
          limit: rowsPerPage,
        });
        for (const row of rows) if (!gone.has(row.key)) lines.add(row);
        const last = rows.at(-1);
        if (last) cursor = Number(last.key);
        dispatch();
        if (rows.length < rowsPerPage) break;
      }
      for (const target of lines.targets()) if (target.waiting > settings.maximumPerTarget) await trim(target);
    });
  }

  function poll(): void {
    const [oldest = 0, newer = 0] = recentCursors;
    recentCursors = [newer, cursor];
    cursor = oldest;
    void scan();
    later(settings.pollInterval, poll);
  }

  /** Drops the oldest rows of a target beyond its bound; one that is on its way stays. Runs inside a read. */
  async function trim(target: Target): Promise<void> {
    let dropped = 0;
    for (;;) {
      const excess = target.waiting - settings.maximumPerTarget;
      if (excess <= 0) break;
      const oldest = await store.find<Json>({
        table: 'outbox',
        where: [{ column: 'target', is: '=', value: target.url }],
        orderBy: [{ column: 'key' }],
        limit: Math.min(excess, rowsPerPage) + target.active,
      });
      const sending = lines.sendingTo(target);
      const keys = oldest
        .map((row) => row.key)
        .filter((key) => !gone.has(key) && !sending.includes(key))
        .slice(0, excess);
      if (keys.length === 0) break;
      lines.forget(target, new Set(keys));
      await remove(keys);
      dropped += keys.length;
    }
    count('dropped', dropped);
    log.warn({ target: target.url, dropped }, 'too many notifications wait for a target; the oldest were dropped');
  }

  async function remove(keys: string[]): Promise<void> {
    for (const key of keys) gone.add(key);
    try {
      await store.commit({ delete: keys.map((key) => ({ table: 'outbox', key })) });
    } finally {
      // A read that began before this commit may still hold the rows; one that begins now does not.
      void reading.then(() => {
        for (const key of keys) gone.delete(key);
      });
    }
  }

  function dispatch(): void {
    while (state.running && active.size < settings.concurrency) {
      const line = lines.next(settings.concurrencyPerTarget);
      if (!line) return;
      const sending = sendFirst(line).catch((error: unknown) => {
        // Only the store can fail here; the row is still there and is sent again.
        log.error(
          { error, target: line.target.url },
          'a notification was sent and could not be taken out of the outbox',
        );
        metrics.count('trivet_faults_total', { part: 'notifier' });
        lines.finish(line, false);
        rest(line);
      });
      active.add(sending);
      void sending.then(() => {
        active.delete(sending);
        dispatch();
      });
    }
  }

  /** Sends the first row of a line and says to the line what became of it. */
  async function sendFirst(line: Line): Promise<void> {
    const { target } = line;
    const row = line.rows[0] ?? (await refilled(line));
    if (!row) {
      lines.finish(line, false);
      line.placed = false;
      lines.place(line);
      return;
    }
    line.sending = row.key;
    const data = readData(row);
    if (!data || (data.expires !== undefined && data.expires <= clock.now())) {
      if (!data) log.error({ key: row.key }, 'a row of the outbox is not a notification; it is dropped');
      await settle(line, row, data ? 'expired' : 'dropped');
      return;
    }
    const { result, why } = await deliver(target.url, {
      body: JSON.stringify(data.content),
      originator: data.originator,
      requestIdentifier: `notification-${row.key}`,
      releaseVersion,
      eventCategory: data.eventCategory,
    });
    line.attempts++;
    if (result === 'delivered') {
      target.failures = 0;
      await settle(line, row, 'delivered');
      if (data.kind === 'notification') tell(line.subscription);
      return;
    }
    const fields = { subscription: line.subscription, target: target.url, attempt: line.attempts, why };
    if (result === 'refused' && line.attempts >= settings.refusals) {
      log.warn(fields, 'a notification was refused for good and is dropped');
      target.failures = 0;
      await settle(line, row, 'refused');
      return;
    }
    log.debug(fields, 'a notification was not received; it is tried again');
    count('retried');
    lines.finish(line, false);
    if (result === 'unreachable') restTarget(line);
    else {
      target.failures = 0;
      rest(line);
    }
  }

  function tell(subscription: string): void {
    try {
      onDelivered?.(subscription);
    } catch (error) {
      log.error({ error, subscription }, 'a delivered notification could not be counted');
      metrics.count('trivet_faults_total', { part: 'notifier' });
    }
  }

  /** The first row is done with: it leaves the outbox before the next is sent, so that a restart repeats in order. */
  async function settle(line: Line, row: Row<Json>, result: string): Promise<void> {
    await remove([row.key]);
    count(result);
    lines.finish(line, true);
    line.placed = false;
    lines.place(line);
  }

  async function refilled(line: Line): Promise<Row<Json> | undefined> {
    await read(async () => {
      const rows = await store.find<Json>({
        table: 'outbox',
        where: [
          { column: 'subscription', is: '=', value: line.subscription },
          { column: 'target', is: '=', value: line.target.url },
        ],
        orderBy: [{ column: 'key' }],
        limit: rowsPerLine + 1,
      });
      lines.refill(
        line,
        rows.filter((row) => !gone.has(row.key)),
      );
    });
    return line.rows[0];
  }

  /** The line alone waits: the receiver answers, but does not take this notification now. */
  function rest(line: Line): void {
    later(delayOf(line.attempts), () => {
      line.placed = false;
      lines.place(line);
      dispatch();
    });
  }

  /** Nobody answers at the target: all its lines wait, then one delivery at a time tries it. */
  function restTarget(line: Line): void {
    const { target } = line;
    line.placed = false;
    lines.place(line);
    // Deliveries that were on their way together fail together; they count once.
    if (target.resting) return;
    target.failures++;
    target.resting = true;
    later(delayOf(target.failures), () => {
      lines.awaken(target);
      dispatch();
    });
  }

  function delayOf(failures: number): number {
    const { retryDelays } = settings;
    const delay = retryDelays[Math.min(failures, retryDelays.length) - 1] ?? 1000;
    // Spread, so that what failed together does not come back together.
    return delay * (0.9 + Math.random() * 0.2);
  }

  return {
    async start() {
      state.running = true;
      unsubscribe = bus.subscribe('outbox', () => void scan());
      await scan();
      later(settings.pollInterval, poll);
    },
    async stop(deadline) {
      state.running = false;
      unsubscribe();
      for (const cancel of timers) cancel();
      timers.clear();
      const timer = setTimeout(() => http.close(), Math.max(0, deadline.getTime() - Date.now()));
      await Promise.all(active);
      await reading;
      clearTimeout(timer);
      http.close();
    },
    async sendNow(url, content) {
      const { result, why } = await deliver(url, {
        body: JSON.stringify(content),
        originator: cseId,
        requestIdentifier: randomUUID(),
        releaseVersion,
      });
      return result === 'delivered' ? { ok: true } : { ok: false, why };
    },
  };
}

function readData({ data }: Row<Json>): OutboxData | undefined {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) return undefined;
  const { content, originator, kind, expires, eventCategory } = data;
  if (content === null || typeof content !== 'object' || Array.isArray(content)) return undefined;
  if (typeof originator !== 'string' || typeof kind !== 'string') return undefined;
  return {
    content: content ?? {},
    kind,
    originator,
    ...(typeof expires === 'number' && { expires }),
    ...(typeof eventCategory === 'number' && { eventCategory }),
  };
}
