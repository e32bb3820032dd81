/** Devices of which values are read at an interval, because they tell nothing by themselves: called for when it is time. */
import type { Clock } from '../../src/support/clock.ts';
import type { DeviceId } from '../../src/management/operation.ts';
import type { Polls } from './leg.ts';

const maximumDevices = 200_000;

/** One timer for all. @param call opens a session with a device, when that can be done */
export function createPolls(clock: Clock, interval: number, call: (id: DeviceId) => void): Polls & { close(): void } {
  /** In the order of their times, for all have the same interval. */
  const due = new Map<DeviceId, number>();
  /** Their time has come, and they have not. */
  const missed = new Set<DeviceId>();
  /** Read once; from then on they tell. */
  const resting = new Set<DeviceId>();
  let cancel: (() => void) | undefined;

  function watch(): void {
    const first = due.values().next().value;
    if (cancel || first === undefined) return;
    cancel = clock.after(Math.max(1_000, first - clock.monotonic()), () => {
      cancel = undefined;
      const now = clock.monotonic();
      for (const [id, at] of due) {
        if (at > now) break;
        // Its session, when it comes, sets the next time; until then it is called once in each interval.
        due.delete(id);
        due.set(id, now + interval);
        missed.add(id);
        call(id);
      }
      watch();
    });
  }
  return {
    isDue: (id) => missed.has(id) || !(due.has(id) || resting.has(id)),
    read(id) {
      missed.delete(id);
      due.delete(id);
      resting.delete(id);
      if (due.size >= maximumDevices) return;
      due.set(id, clock.monotonic() + interval);
      watch();
    },
    rest(id) {
      missed.delete(id);
      due.delete(id);
      if (resting.size < maximumDevices) resting.add(id);
    },
    forget(id) {
      missed.delete(id);
      due.delete(id);
      resting.delete(id);
    },
    close() {
      cancel?.();
      cancel = undefined;
      due.clear();
      missed.clear();
      resting.clear();
    },
  };
}
