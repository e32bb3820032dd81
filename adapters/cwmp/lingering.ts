/** A moment before the end of a session in which more work may come: whoever asks one thing after the other need not call for each. */
import type { Clock } from '../../src/support/clock.ts';

export class Lingering {
  #stop: (() => void) | undefined;

  /** Resolves after `time` ms, or as soon as it is stirred. */
  wait(clock: Clock, time: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(time, () => this.stir());
      this.#stop = () => {
        cancel();
        resolve();
      };
    });
  }

  /** There is work, or nothing to wait for any more. */
  stir(): void {
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.();
  }
}
