import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

/** Reports the delay of the event loop since the last look at the metric. @returns ends the watch */
export function watchEventLoop(metrics: Metrics): () => void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  metrics.gauge('trivet_event_loop_delay_seconds', () => {
    // The monitor counts its own interval of 10 ms into every sample.
    const seconds = Math.max(0, delay.percentile(99) / 1e9 - 0.01);
    delay.reset();
    return [{ value: Number.isFinite(seconds) ? seconds : 0 }];
  });
  return () => void delay.disable();
}
