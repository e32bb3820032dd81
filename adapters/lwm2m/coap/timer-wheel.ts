/** Deadlines of many exchanges on one timer: adding and removing cost the same, however many there are. */
import type { Clock } from '../../../src/support/clock.ts';

/** Something with a deadline. The links are the wheel's business. */
export abstract class WheelEntry {
  next: WheelEntry | undefined = undefined;
  previous: WheelEntry | undefined = undefined;
  dueTick = 0;
  armed = false;

  /** Called once when the time has come; may add the entry again. */
  abstract due(): void;
}

class Slot extends WheelEntry {
  override next: WheelEntry = this;
  override previous: WheelEntry = this;
  override due(): void {}
}

const tickLength = 50; // ms
const slotCount = 2048; // × 50 ms = 102 s for one turn; longer deadlines stay for another turn

export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots: Slot[] = Array.from({ length: slotCount }, () => new Slot());
  #size = 0;
  #position = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /** Sets or moves the deadline of an entry: `ms` from now, at most 50 ms late. */
  add(entry: WheelEntry, ms: number): void {
    if (entry.armed) this.remove(entry);
    const now = this.#clock.monotonic();
    if (this.#size === 0) this.#position = Math.floor(now / tickLength);
    entry.dueTick = Math.max(Math.ceil((now + ms) / tickLength), this.#position + 1);
    entry.armed = true;
    const slot = this.#slots[entry.dueTick % slotCount]!;
    entry.previous = slot.previous;
    entry.next = slot;
    slot.previous.next = entry;
    slot.previous = entry;
    this.#size++;
    if (!this.#cancel) this.#arm();
  }

  remove(entry: WheelEntry): void {
    if (!entry.armed) return;
    entry.armed = false;
    if (!entry.next || !entry.previous) return; // taken out by the present turn, not called yet
    this.#unlink(entry);
  }

  /** Forgets all deadlines. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const slot of this.#slots) {
      while (slot.next !== slot) {
        slot.next.armed = false;
        this.#unlink(slot.next);
      }
    }
  }

  #unlink(entry: WheelEntry): void {
    if (entry.previous) entry.previous.next = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    entry.next = undefined;
    entry.previous = undefined;
    this.#size--;
  }

  #arm(): void {
    this.#cancel = this.#clock.after(tickLength, this.#turn);
  }

  readonly #turn = (): void => {
    this.#cancel = undefined;
    const now = Math.floor(this.#clock.monotonic() / tickLength);
    const first = Math.max(this.#position + 1, now - slotCount + 1);
    this.#position = now;
    const due: WheelEntry[] = [];
    for (let tick = first; tick <= now; tick++) {
      const slot = this.#slots[tick % slotCount]!;
      for (let entry: WheelEntry = slot.next; entry !== slot;) {
        const following = entry.next!;
        if (entry.dueTick <= now) {
          this.#unlink(entry);
          due.push(entry);
        }
        entry = following;
      }
    }
    for (const entry of due) {
      // An entry that was removed or moved by one before it is not called.
      if (!entry.armed || entry.next) continue;
      entry.armed = false;
      entry.due();
    }
    if (this.#size > 0 && !this.#cancel) this.#arm();
  };
}
