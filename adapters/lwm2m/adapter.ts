/** The LwM2M leg: a CoAP endpoint, the fleet of registered devices, and the way between them and management. */
import type {
  AdapterContext,
  CancelResult,
  Listener,
  ManagedDevice,
  ProtocolAdapter,
  WakeResult,
} from '../../src/management/adapter.ts';
import type { Operation } from '../../src/management/operation.ts';
import { Turns } from '../../src/support/turns.ts';
import { createEndpoint } from './coap/endpoint.ts';
import { openUdpTransport } from './coap/transport.ts';
import { DeviceSession } from './device-session.ts';
import { readFacts } from './facts.ts';
import { Fleet } from './fleet.ts';
import type { Leg } from './leg.ts';
import { objectModel } from './object-model.ts';
import { ProcedureRunner } from './procedure-runner.ts';
import { goOn, reconcile } from './going-on.ts';
import { createServer } from './server.ts';
import { lwm2mDefaults, type Lwm2mSettings } from './settings.ts';

export type { Lwm2mSettings } from './settings.ts';

/** @param given over the defaults of `settings.ts`; `procedures` default to none. */
export function createLwm2mAdapter(given: Partial<Lwm2mSettings> = {}): ProtocolAdapter {
  const settings: Lwm2mSettings = { ...lwm2mDefaults, ...given };
  let leg: Leg | undefined;

  async function start(context: AdapterContext): Promise<Listener[]> {
    const { host, port } = settings;
    const transport = settings.transport ?? (await openUdpTransport({ host, port }));
    const endpoint = createEndpoint({
      transport,
      clock: context.clock,
      log: context.log,
      metrics: context.metrics,
      settings: { maximumObservationsPerPeer: 256, ackTimeout: settings.ackTimeout, ...settings.endpoint },
    });
    const fleet = new Fleet(context.clock);
    const started: Leg = {
      context,
      endpoint,
      settings,
      model: objectModel,
      fleet,
      procedures: new ProcedureRunner(settings.procedures),
      turns: new Turns(),
    };
    const serve = createServer(started);
    // Until the fleet is known, an Update waits for it: 4.04 would make every device register anew.
    const recovered = recover(started);
    let isRecovered = false;
    endpoint.onRequest((request) => (isRecovered ? serve(request) : recovered.then(() => serve(request))));
    endpoint.onHeard((peer, isRequest) => {
      const session = fleet.byPeer(peer);
      session?.heard(isRequest);
      // After a restart of the gateway any message will do: a notification of before it, for example.
      if (session && !isRequest && !session.isResumed) setImmediate(() => goOn(session));
    });
    await recovered;
    isRecovered = true;
    fleet.watchGone((session) => session.end(session.device.presence.why ?? 'its registration ran out'));
    leg = started;
    void resumeAll(started);
    const address = transport.address();
    const name = address.address.includes(':') ? `[${address.address}]` : address.address;
    return [{ name: 'lwm2m', url: `coap://${name}:${address.port}`, ...address }];
  }

  async function wake(device: ManagedDevice): Promise<WakeResult> {
    const session = leg?.fleet.byId(device.id);
    if (!session || session.over || device.presence.state === 'gone') {
      return { state: 'impossible', why: `${device.identity} is not registered` };
    }
    if (session.isAwake) {
      session.listen();
      return { state: 'awake' };
    }
    return session.facts.queueMode
      ? { state: 'waiting', why: 'it sleeps and is served at its next message', nextContact: device.presence.until }
      : { state: 'waiting', why: 'it did not answer; it is asked again soon, and at its next message' };
  }

  function cancel(device: ManagedDevice, operation: Operation): Promise<CancelResult> {
    if (!leg) return Promise.resolve({ state: 'not-cancellable', why: 'the LwM2M leg is not started' });
    return leg.procedures.cancel(leg.fleet.byId(device.id), device, operation);
  }

  return {
    technology: 'lwm2m',
    procedures: Object.fromEntries(settings.procedures.map(({ name, signature }) => [name, signature])),
    start,
    wake,
    cancel,
    wishChanged(device) {
      const session = leg?.fleet.byId(device.id);
      if (!session || session.over) return;
      if (session.observations) session.observations.wishChanged();
      else reconcile(session);
    },
    async stop(deadline) {
      if (!leg) return;
      const { context, endpoint, fleet, procedures } = leg;
      leg = undefined;
      fleet.close();
      const left = Math.max(0, deadline.getTime() - context.now());
      await Promise.race([procedures.stop(), new Promise<void>((resolve) => void context.clock.after(left, resolve))]);
      // A session that goes on would take what a closed endpoint refuses to send, again and again.
      for (const session of fleet.all()) session.end('the gateway is stopping');
      await endpoint.close();
    },
  };
}

/** Registrations of before a restart: a device that does not know of it sends an Update, and is answered 2.04. */
async function recover(leg: Leg): Promise<void> {
  const sessions: DeviceSession[] = [];
  for await (const device of leg.context.devices()) {
    const facts = readFacts(device.facts);
    if (facts && device.presence.state !== 'gone') sessions.push(new DeviceSession(leg, device, facts));
  }
  // Of two that had the same address, it belongs to the one that was heard last.
  sessions.sort((one, other) => one.device.presence.lastSeen - other.device.presence.lastSeen);
  for (const session of sessions) leg.fleet.add(session);
}

/** Devices that one turn of `resumeAll` looks at, and ms until the next turn. */
const turnSize = 100;
const turnPause = 100;

/**
 * After a start: devices that listen all the time are not waited for, their procedures and observations go on at once. In turns, so that a big
 * fleet is not asked all at the same moment. Never rejects.
 */
async function resumeAll(leg: Leg): Promise<void> {
  let count = 0;
  for (const session of leg.fleet.all()) {
    if (session.over || session.isResumed || session.facts.queueMode) continue;
    try {
      goOn(session);
    } catch (error) {
      leg.context.log.error({ err: error, device: session.device.id }, 'a device could not be served after the start');
    }
    if (++count % turnSize === 0) {
      await new Promise<void>((resolve) => void leg.context.clock.after(turnPause, resolve));
    }
  }
}
