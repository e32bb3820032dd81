/** Notifications (package #0) to devices whose credentials say where they are reached, and who the gateway is to them. */
import type { AdapterContext } from '../../src/management/adapter.ts';
import type { Bearer } from './bearers/bearer.ts';
import { prepareNotification } from './notification.ts';
import type { Notifier } from './waking.ts';

export function createNotifier(context: AdapterContext, bearer: Bearer): Notifier {
  return {
    async notify({ identity, presence }, { zeroNonce: withZeroNonce }) {
      const credentials = await context.credentials.forDevice('omadm', identity);
      const { notificationAddress: address, server } = credentials ?? {};
      if (address === undefined) return { sent: false, why: 'its credentials name no address for notifications' };
      if (!server) return { sent: false, why: 'the gateway has no credentials to prove a notification by' };
      const { notification } = await prepareNotification(context.notes, context.now(), {
        deviceId: identity,
        server,
        withZeroNonce,
      });
      const result = await bearer.notify({ deviceId: identity, address, notification, seenAt: presence.address });
      return result.result === 'sent' ? { sent: true, by: result.by } : { sent: false, why: result.why };
    },
  };
}
