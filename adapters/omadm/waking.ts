/** How a device is called: a notification (package #0) where there is a way to it, else it is waited for. */
import type { ManagedDevice, WakeResult } from '../../src/management/adapter.ts';
import type { DeviceId } from '../../src/management/operation.ts';
import type { Leg } from './leg.ts';

export type Notified =
  | { sent: true; by: string }
  /** `why`: a sentence. */
  | { sent: false; why: string };

/** Sends notifications. Never rejects. */
export interface Notifier {
  /** @param zeroNonce proven by the nonce of zeros: the device may have lost the one that it was given (DM Security 1.2.1, 5.3) */
  notify(device: ManagedDevice, options: { zeroNonce: boolean }): Promise<Notified>;
}

interface Call {
  cancel: () => void;
}

const maximumCalls = 10_000;

export class Waker {
  readonly #leg: Leg;
  /** Notified, and not come yet. */
  readonly #called = new Map<DeviceId, Call>();

  constructor(leg: Leg) {
    this.#leg = leg;
  }

  /** @param device the one that holds the session: a device behind a gateway is woken through it */
  async wake(device: ManagedDevice): Promise<WakeResult> {
    const { context, settings, sessions } = this.#leg;
    if (sessions.get(device.id)?.isOpen) return { state: 'awake' };
    const expectedBefore = context.now() + 2 * settings.notificationPatience;
    // One is under way: a second one would begin a second session.
    if (this.#called.has(device.id)) return { state: 'asked', by: 'notification', expectedBefore };
    const notified = await this.#notify(device, false);
    if (!notified.sent) return { state: 'waiting', why: `${notified.why}; it is served in its next session` };
    this.#watch(device);
    return { state: 'asked', by: notified.by, expectedBefore };
  }

  /** The device is there. */
  came(id: DeviceId): void {
    this.#called.get(id)?.cancel();
    this.#called.delete(id);
  }

  close(): void {
    for (const { cancel } of this.#called.values()) cancel();
    this.#called.clear();
  }

  /** Once more, with the other nonce, when it does not come. */
  #watch(device: ManagedDevice): void {
    const { context, settings } = this.#leg;
    if (this.#called.size >= maximumCalls) return;
    const again = context.clock.after(settings.notificationPatience, () => {
      const later = context.clock.after(settings.notificationPatience, () => void this.#called.delete(device.id));
      this.#called.set(device.id, { cancel: later });
      void this.#notify(device, true);
    });
    this.#called.set(device.id, { cancel: again });
  }

  async #notify(device: ManagedDevice, zeroNonce: boolean): Promise<Notified> {
    const { context, notifier } = this.#leg;
    let notified: Notified;
    try {
      notified = await notifier.notify(device, { zeroNonce });
    } catch (error) {
      context.log.warn({ err: error, device: device.id }, 'a device could not be notified');
      notified = { sent: false, why: 'the notification could not be sent' };
    }
    context.metrics.count('trivet_omadm_notifications_total', { result: notified.sent ? 'sent' : 'failed' });
    const summary = `notification: ${notified.sent ? notified.by : notified.why}${zeroNonce ? ' (nonce of zeros)' : ''}`;
    context.trace.record(device.id, { direction: 'out', summary });
    return notified;
  }
}
