/**
 * A notification as JSON to a gateway of the operator that sends SMS, WAP pushes or whatever reaches the device. The URL is a
 * setting, so it is gone to wherever it leads.
 */
import { createHmac } from 'node:crypto';
import { notificationType, wrapInPush, wrapInSms } from '../notification.ts';
import type { Bearer, BearerSettings } from './bearer.ts';
import { post } from './post.ts';

export interface WebhookSettings extends Pick<BearerSettings, 'clock' | 'timeout'> {
  url: string;
  /** Signs the body; undefined = it is not signed. */
  secret?: string;
  /** s for which the gateway of the operator may go on trying. */
  timeToLive: number;
}

export function createWebhookBearer({ url, secret, timeToLive, clock, timeout }: WebhookSettings): Bearer {
  return {
    notify({ deviceId, address, notification }) {
      const push = wrapInPush(notification);
      return postSigned(
        {
          device: deviceId,
          address,
          bearer: /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1]?.toLowerCase() ?? '',
          contentType: notificationType,
          notification: Buffer.from(notification).toString('base64'),
          push: push.toString('base64'),
          sms: wrapInSms(push).map((part) => part.toString('base64')),
          timeToLive,
        },
        { url, secret, clock, timeout },
      );
    },
  };
}

/** `X-Trivet-Signature`: HMAC-SHA256 in hex over the value of `X-Trivet-Timestamp` (s since 1970), a full stop and the body. */
export function postSigned(
  content: object,
  { url, secret, clock, timeout }: Pick<WebhookSettings, 'url' | 'secret' | 'clock' | 'timeout'>,
): ReturnType<Bearer['notify']> {
  const body = Buffer.from(JSON.stringify(content));
  const timestamp = String(Math.floor(clock.now() / 1000));
  const headers: Record<string, string> = { 'Content-Type': 'application/json', 'X-Trivet-Timestamp': timestamp };
  if (secret !== undefined) {
    const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
    headers['X-Trivet-Signature'] = `sha256=${signature}`;
  }
  return post({ url, headers, body, by: 'webhook', clock, timeout, problem: () => undefined });
}
