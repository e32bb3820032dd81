/** Makes a device open a session, and tells those who wait when that is impossible. */
import type { WakeResult } from './adapter.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-registry.ts';
import type { LaneEntry } from './lane.ts';
import { withdrawnFor } from './drafts.ts';
import { withdraw } from './withdrawal.ts';

/** Asks the leg, at most once per `wakeInterval` and device; the answer of the last attempt stands in between. */
export function wakeFor(core: Core, device: DeviceEntry): void {
  const adapter = core.adapters.get(device.device.technology);
  if (!adapter) return;
  const now = core.clock.now();
  if (now - device.wokenAt < core.settings.wakeInterval) {
    if (device.wake) react(core, device, device.wake);
    return;
  }
  device.wokenAt = now;
  device.wake = undefined;
  // A leg that throws at once is treated like one that rejects.
  const asked = new Promise<WakeResult>((resolve) => resolve(adapter.wake(device.device)));
  device.waking = asked.then(
    (result) => {
      device.wake = result;
      react(core, device, result);
    },
    (error: unknown) => {
      core.log.error({ err: error, device: device.device.id }, 'a leg failed to wake a device');
      device.wake = { state: 'impossible', why: 'the leg failed to wake it; look at the log of the gateway' };
      react(core, device, device.wake);
    },
  );
}

function react(core: Core, device: DeviceEntry, result: WakeResult): void {
  if (result.state !== 'impossible') return;
  const lane = core.lanes.existing(device.device.lane);
  if (!lane) return;
  const explanation = `the device cannot be woken (${result.why}); nothing was sent, use a non-blocking request to wait for it`;
  for (const entry of [...lane.queue, ...lane.inFlight]) {
    if (entry.operation.device !== device.device.id || !waitsBlocking(entry)) continue;
    withdraw(core, entry, withdrawnFor('no-session', explanation));
  }
}

function waitsBlocking(entry: LaneEntry): boolean {
  return entry.waiters.length > 0 && entry.waiters.every(({ blocking }) => blocking);
}
