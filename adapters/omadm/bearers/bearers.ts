/** Which bearer an address is for. */
import type { Bearer, BearerSettings } from './bearer.ts';
import { createHttpPushBearer } from './http-push.ts';
import { createUdpBearer } from './udp.ts';
import { createWebhookBearer } from './webhook.ts';

export interface BearersSettings extends BearerSettings {
  /** Takes all addresses that are neither `udp:` nor `http:`; undefined = there is none. */
  webhook?: { url: string; secret?: string; timeToLive: number };
}

export function createBearers(settings: BearersSettings): Bearer {
  const udp = createUdpBearer(settings);
  const http = createHttpPushBearer(settings);
  const webhook = settings.webhook && createWebhookBearer({ ...settings, ...settings.webhook });
  return {
    async notify(call) {
      const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(call.address.trim())?.[1]?.toLowerCase();
      if (scheme === 'udp') return udp.notify(call);
      if (scheme === 'http' || scheme === 'https') return http.notify(call);
      return (
        webhook?.notify(call) ?? {
          result: 'forbidden',
          why: `nothing carries a notification to ${call.address}; omadm.notificationWebhook names a gateway that does`,
        }
      );
    },
  };
}
