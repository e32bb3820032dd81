/** Makes a device open a session, and tells those who wait when that is impossible. */
import type { ProtocolAdapter, WakeResult } from './adapter.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-registry.ts';
import type { LaneEntry } from './lane.ts';
import { withdrawnFor } from './drafts.ts';
import { withdraw } from './withdrawal.ts';

/**
 * Asks the leg, at most once per `wakeInterval` and device; the answer of the last attempt stands in between. That it was awake
 * does not: the session that served the last operation may be over, and nobody would call the device for this one.
 */
export function wakeFor(core: Core, device: DeviceEntry): void {
  const adapter = core.adapters.get(device.device.technology);
  if (!adapter) return;
  const now = core.clock.now();
  if (now - device.wokenAt < core.settings.wakeInterval && device.wake?.state !== 'awake') {
    if (device.wake) react(core, device, device.wake);
    return;
  }
  call(core, device, adapter, 1);
}

/** Calls of a device that says that it comes and does not; then it is waited for. */
const maximumCalls = 2;

function call(core: Core, device: DeviceEntry, adapter: ProtocolAdapter, attempt: number): void {
  device.wokenAt = core.clock.now();
  device.wake = undefined;
  // A leg that throws at once is treated like one that rejects.
  const asked = new Promise<WakeResult>((resolve) => resolve(adapter.wake(device.device)));
  device.waking = asked.then(
    (result) => {
      device.wake = result;
      react(core, device, result);
      if (result.state === 'asked') expectSession(core, device, adapter, result, attempt);
    },
    (error: unknown) => {
      core.log.error({ err: error, device: device.device.id }, 'a leg failed to wake a device');
      device.wake = { state: 'impossible', why: 'the leg failed to wake it; look at the log of the gateway' };
      react(core, device, device.wake);
    },
  );
}

/** Whoever took the call may not come all the same: only its session proves it. */
function expectSession(
  core: Core,
  device: DeviceEntry,
  adapter: ProtocolAdapter,
  result: Extract<WakeResult, { state: 'asked' }>,
  attempt: number,
): void {
  if (result.expectedBefore === undefined) return;
  core.clock.after(result.expectedBefore - core.clock.now(), () => {
    // It came, or it was called anew.
    if (device.wake !== result) return;
    if (!core.lanes.existing(device.device.lane)?.queue.length) return;
    if (attempt < maximumCalls) call(core, device, adapter, attempt + 1);
    else device.wake = { state: 'waiting', why: `it took the ${result.by} ${maximumCalls} times and did not come` };
  });
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
