/** The CWMP leg: an embedded ACS, its sessions, and the way between them and management. */
import { randomBytes } from 'node:crypto';
import type {
  AdapterContext,
  CancelResult,
  Listener,
  ManagedDevice,
  ProtocolAdapter,
} from '../../src/management/adapter.ts';
import type { Operation } from '../../src/management/operation.ts';
import { cancelTransfer, whyNotCancellable } from './cancelling.ts';
import type { Conversation } from './conversation.ts';
import { CpeSession } from './cpe-session.ts';
import { createAuthenticator, type Authenticator } from '../../src/support/http-authentication.ts';
import { KnowledgeBase } from './knowledge.ts';
import type { Leg } from './leg.ts';
import { procedures } from './orders.ts';
import { openCwmpServer, type Arrival, type CwmpServer, type Welcome } from './server.ts';
import { cwmpDefaults, type CwmpSettings } from './settings.ts';
import { createStunDevices } from './stun-bindings.ts';
import { openStunServer, type StunServer } from './stun-server.ts';
import type { LiteralStyle } from './values.ts';
import { Waker } from './waking.ts';
import { isAsWished } from './watching.ts';
import { checkProof } from './welcome.ts';

export type { CwmpSettings } from './settings.ts';

const realm = 'trivet';

/** @param given over the defaults of `settings.ts`; `objects` default to none. */
export function createCwmpAdapter(given: Partial<CwmpSettings> = {}): ProtocolAdapter {
  const settings: CwmpSettings = { ...cwmpDefaults, ...given };
  let leg: Leg | undefined;
  let waker: Waker | undefined;
  let server: CwmpServer | undefined;
  let stun: StunServer | undefined;

  async function start(context: AdapterContext): Promise<Listener[]> {
    const started: Leg = {
      context,
      settings,
      knowledge: new KnowledgeBase(),
      sessions: new Map(),
      wishes: new Set(),
      observed: new Set(),
      estranged: new Set(),
      cancellations: new Map(),
      came: (id) => calls.came(id),
    };
    const calls = new Waker(started);
    const { nonceLifetime } = settings;
    // One key: a CPE may carry a nonce over to the other listener.
    const common = { realm, clock: context.clock, nonceLifetime, key: randomBytes(32) };
    const overTls = createAuthenticator({ ...common, basic: true });
    const inClear = createAuthenticator({ ...common, basic: settings.basic });
    const refused = (reason: string): void => {
      context.metrics.count('trivet_messages_refused_total', { technology: 'cwmp', reason });
    };
    const exchanged = (direction: 'in' | 'out'): void => {
      context.metrics.count('trivet_messages_total', { technology: 'cwmp', direction });
    };
    const host = {
      welcome: (arrival: Arrival) => welcome(started, arrival.encrypted ? overTls : inClear, arrival),
      exchanged,
      refused,
    };
    // Before the first CPE comes, for it is told of it.
    stun = await openStun(started);
    const opened = await openCwmpServer(host, settings, { clock: context.clock, log: context.log }).catch(
      async (error: unknown) => {
        await stun?.close();
        throw error;
      },
    );
    context.metrics.gauge('trivet_cwmp_sessions', () => [{ value: opened.sessions }]);
    server = opened;
    leg = started;
    waker = calls;
    const listeners = [...server.listeners];
    if (stun) {
      const { address: at, port: stunPort } = stun;
      // RFC 7064
      listeners.push({ name: 'stun', url: `stun:${bracketed(at)}:${stunPort}`, address: at, port: stunPort });
    }
    return listeners;
  }

  /** The device that holds the session: itself, or its proxy. */
  async function holderOf({ context }: Leg, device: ManagedDevice): Promise<ManagedDevice> {
    return device.lane === device.id ? device : ((await context.device(device.lane)) ?? device);
  }

  async function cancel(device: ManagedDevice, operation: Operation): Promise<CancelResult> {
    if (!leg || !waker) return { state: 'not-cancellable', why: 'the CWMP leg is not started' };
    const holder = await holderOf(leg, device);
    const why = whyNotCancellable(operation, holder);
    if (why !== undefined) return { state: 'not-cancellable', why };
    return cancelTransfer(leg, waker, holder, operation);
  }

  return {
    technology: 'cwmp',
    procedures,
    start,
    async wake(device) {
      if (!leg || !waker) return { state: 'impossible', why: 'the CWMP leg is not started' };
      return waker.wake(await holderOf(leg, device));
    },
    cancel,
    wishChanged(device) {
      if (!leg || !waker) return;
      const { context } = leg;
      leg.wishes.add(device.id);
      const session = leg.sessions.get(device.id);
      if (session?.isOpen) {
        session.workCame();
        return;
      }
      callForWishes(leg, waker, device).catch((error: unknown) => {
        context.log.warn({ err: error, device: device.id }, 'a CPE could not be called for its notifications');
      });
    },
    async stop(deadline) {
      leg = undefined;
      waker?.close();
      waker = undefined;
      await server?.close(deadline);
      server = undefined;
      await stun?.close();
      stun = undefined;
    },
  };
}

/** Not for what is set already: some CPEs can be called a few times an hour only. */
async function callForWishes(leg: Leg, waker: Waker, device: ManagedDevice): Promise<void> {
  if (!(await isAsWished(leg, device.id))) await waker.wakeOnce(device);
}

/** @throws a sentence: the port of the listener is another setting */
async function openStun(leg: Leg): Promise<StunServer | undefined> {
  const { context, settings } = leg;
  const { stunPort, stunHost: host = settings.host, stunAddress, stunKeepAlive: keepAlive } = settings;
  if (stunPort === undefined) return undefined;
  const opened = await openStunServer(createStunDevices(leg), { host, port: stunPort }, context).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Error(
        `the STUN server cannot open UDP port ${stunPort} on ${host} (${error.code ?? error.message}); see --cwmp-stun-port and --cwmp-stun-bind`,
        { cause: error },
      );
    },
  );
  // Bound to all addresses: a CPE that is told none takes the host of its ACS (TR-069 G.2.1.1).
  const bound = opened.address === '0.0.0.0' || opened.address === '::' ? '' : opened.address;
  leg.stun = { plan: { address: stunAddress ?? bound, port: opened.port, keepAlive }, sender: opened };
  return opened;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

async function welcome(leg: Leg, authenticator: Authenticator, arrival: Arrival): Promise<Welcome> {
  const { context, settings } = leg;
  try {
    const proof = await checkProof(arrival, authenticator, context, settings.authentication);
    if (proof.proof === 'missing') {
      const { challenges, why, wrong } = proof;
      return { admit: 'challenge', challenges, why, wrong };
    }
    if (proof.proof === 'impossible') return { admit: 'no', code: proof.code, why: proof.why };
    const { identity } = proof;
    const known = await context.deviceByIdentity(identity);
    const profile = known ? await context.profile(known.id) : {};
    const style = styleOf(profile);
    const { namespace } = arrival.envelope;
    const { address } = arrival;
    return {
      admit: 'yes',
      key: identity,
      declaration: profile['xmlDeclaration'] === true,
      host: (conversation: Conversation) => new CpeSession(leg, { identity, namespace, address, style }, conversation),
    };
  } catch (error) {
    context.log.error({ err: error }, 'a CPE could not be let in');
    return { admit: 'no', code: 8002, why: 'internal error of the gateway; try again' };
  }
}

/** Undefined: the profile says nothing of it. */
function styleOf({ booleans }: Record<string, unknown>): LiteralStyle | undefined {
  return booleans === 'digit' || booleans === 'word' ? { booleans } : undefined;
}
