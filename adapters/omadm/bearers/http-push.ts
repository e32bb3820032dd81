/** A notification as the body of a POST to the device itself (OTA-HTTP without PAP), for devices with a push agent. */
import { problemWithAddress } from '../../../src/support/device-address.ts';
import { notificationType } from '../notification.ts';
import { networksSetting, type Bearer, type BearerSettings } from './bearer.ts';
import { post } from './post.ts';

export function createHttpPushBearer({ clock, timeout, networks }: BearerSettings): Bearer {
  return {
    notify: ({ address, notification, seenAt }) =>
      post({
        url: address,
        headers: { 'Content-Type': notificationType, 'X-Wap-Application-Id': 'x-wap-application:syncml.dm' },
        body: notification,
        by: 'HTTP push',
        clock,
        timeout,
        problem: (to) => problemWithAddress(to, { seenAt, networks, setting: networksSetting }),
      }),
  };
}
