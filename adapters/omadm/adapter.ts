/** The OMA DM leg: an embedded DM server, its sessions, and the way between them and management. */
import type { AdapterContext, Listener, ManagedDevice, ProtocolAdapter } from '../../src/management/adapter.ts';
import type { DeviceId } from '../../src/management/operation.ts';
import { createAuthenticator } from './authentication.ts';
import { createBearers } from './bearers/bearers.ts';
import { DeviceSession, watchSilence } from './device-session.ts';
import type { Leg } from './leg.ts';
import { createNotifier } from './notifying.ts';
import { procedures } from './orders.ts';
import { createPolls } from './polls.ts';
import { openOmadmServer, type OmadmServer } from './server.ts';
import { omadmDefaults, type OmadmSettings } from './settings.ts';
import { Waker, type Notifier } from './waking.ts';
import { workStateOf } from './work.ts';

export type { OmadmSettings } from './settings.ts';

/** @param given over the defaults of `settings.ts`; `objects` default to none. `notifier` replaces notifications, in tests. */
export function createOmadmAdapter(given: Partial<OmadmSettings> = {}, notifier?: Notifier): ProtocolAdapter {
  const settings: OmadmSettings = { ...omadmDefaults, ...given };
  let leg: Leg | undefined;
  let waker: Waker | undefined;
  let server: OmadmServer | undefined;
  let polls: ReturnType<typeof createPolls> | undefined;

  async function start(context: AdapterContext): Promise<Listener[]> {
    const { clock, log, metrics } = context;
    const { notificationNetworks: networks, notificationTimeout: timeout, webhook } = settings;
    const timed = createPolls(clock, settings.pollInterval, (id) => call(id));
    const started: Leg = {
      context,
      settings,
      notifier: notifier ?? createNotifier(context, createBearers({ clock, timeout, networks, webhook })),
      sessions: new Map(),
      wishes: new Set(),
      unwatched: new Set(),
      versionsRead: new Map(),
      polls: timed,
      silences: new Map(),
      came: (id) => calls.came(id),
    };
    const calls = new Waker(started);
    const { authentication, basic } = settings;
    const host = {
      authenticator: createAuthenticator({
        authentication,
        basic,
        credentials: context.credentials,
        notes: context.notes,
        now: () => context.now(),
        log,
      }),
      begin: () => new DeviceSession(started),
      exchanged: (direction: 'in' | 'out') =>
        metrics.count('trivet_messages_total', { technology: 'omadm', direction }),
      refused: (reason: string) => metrics.count('trivet_messages_refused_total', { technology: 'omadm', reason }),
    };
    const opened = await openOmadmServer(host, settings, { clock, log });
    metrics.gauge('trivet_omadm_sessions', () => [{ value: opened.sessions }]);
    [server, leg, waker, polls] = [opened, started, calls, timed];
    resumeSilences(started).catch((error: unknown) => {
      log.error({ err: error }, 'orders of the last run that end in silence could not be looked up');
    });
    return [...opened.listeners];
  }

  /** The device that holds the session: itself, or its gateway. */
  async function holderOf({ context }: Leg, device: ManagedDevice): Promise<ManagedDevice> {
    return device.lane === device.id ? device : ((await context.device(device.lane)) ?? device);
  }

  /** For its values; when nothing reaches it, they are read in its next session. */
  function call(id: DeviceId): void {
    const [current, calls] = [leg, waker];
    if (!current || !calls) return;
    current.context
      .device(id)
      .then((device) => device && calls.wake(device))
      .catch((error: unknown) => {
        current.context.log.warn({ err: error, device: id }, 'a device could not be called for its values');
      });
  }

  return {
    technology: 'omadm',
    procedures,
    start,
    async wake(device) {
      if (!leg || !waker) return { state: 'impossible', why: 'the OMA DM leg is not started' };
      return waker.wake(await holderOf(leg, device));
    },
    cancel: async () => ({
      state: 'not-cancellable',
      why: 'OMA DM has no command that stops what a device has accepted; wait for its result, or for the deadline',
    }),
    wishChanged({ id, lane }) {
      if (!leg) return;
      // A device behind a gateway is read through it.
      for (const one of new Set([id, lane])) {
        leg.wishes.add(one);
        leg.unwatched.delete(one);
      }
      const session = leg.sessions.get(lane);
      if (session?.isOpen) session.workCame();
      else call(lane);
    },
    async stop(deadline) {
      const { silences } = leg ?? {};
      leg = undefined;
      waker?.close();
      waker = undefined;
      polls?.close();
      for (const cancel of silences?.values() ?? []) cancel();
      await server?.close(deadline);
      server = undefined;
    },
  };
}

/** Orders of a run before. */
async function resumeSilences(leg: Leg): Promise<void> {
  for await (const device of leg.context.devices()) {
    for (const operation of await leg.context.pending(device.id)) {
      if (workStateOf(operation)?.isSilent) watchSilence(leg, operation);
    }
  }
}
