/** Register, Update and De-register (TS-Core 1.1, 6.2): what a device says of itself is stored before it is answered. */
import { randomFillSync } from 'node:crypto';
import type { Inventory, ManagedDevice, ToldPresence } from '../../src/management/adapter.ts';
import { afterAnswer, notAllowed, say } from './answers.ts';
import type { Answer, IncomingRequest } from './coap/responder.ts';
import { DeviceSession } from './device-session.ts';
import { readFacts, writeFacts, type DeviceFacts } from './facts.ts';
import { goOn, reconcile, resumeProcedures } from './going-on.ts';
import type { Leg } from './leg.ts';
import {
  digestOf,
  parseBody,
  parseRegister,
  parseUpdate,
  type Refusal,
  type RegisterMessage,
  type RegistrationBody,
} from './registration.ts';
import { tellRegister, tellUpdate, updateEntry } from './registration-words.ts';

const technology = 'lwm2m';

/** Requests at `/rd` and below. */
export function serveRegistration(leg: Leg, request: IncomingRequest): Answer | Promise<Answer> {
  const location = request.path[1];
  if (request.path.length === 1) return request.method === 'POST' ? register(leg, request) : notAllowed();
  if (request.path.length > 2 || location === undefined) return say('4.04', 'there is nothing here');
  if (request.method !== 'POST' && request.method !== 'DELETE') return notAllowed();
  const session = leg.fleet.byLocation(location);
  if (!session || session.over || session.device.presence.state === 'gone') {
    session?.end('its registration ran out');
    return say('4.04', 'this registration is unknown or has run out: register again');
  }
  return request.method === 'POST' ? update(leg, session, request) : deregister(leg, session);
}

function register(leg: Leg, request: IncomingRequest): Answer | Promise<Answer> {
  const parsed = parseRegister(request.query, leg.settings.maximumLifetime);
  if (!parsed.ok) return refuse(parsed);
  return leg.turns.take(parsed.message.endpoint, () => admit(leg, request, parsed.message));
}

async function admit(leg: Leg, request: IncomingRequest, message: RegisterMessage): Promise<Answer> {
  const { context } = leg;
  const { endpoint, version, lifetime, binding, queueMode, sms } = message;
  const old = leg.fleet.byIdentity(endpoint);
  // Management has ended its lane, and would end what follows with it.
  if (old?.isGone) old.end(old.device.presence.why ?? 'its registration ran out');
  // A device that was removed is gone here and unknown there: then its list of objects is news, whatever it was before.
  const before = old && !old.over ? old.facts : await storedFacts(leg, endpoint);
  const links = digestOf(request.payload);
  const isSame = before !== undefined && before.links === links;
  let body: RegistrationBody | undefined;
  if (!isSame) {
    const list = parseBody(request.payload, request.contentFormat, leg.settings.maximumObjects);
    if (!list.ok) return refuse(list);
    body = list.message;
  }
  const facts: DeviceFacts = {
    location: '',
    peer: request.peer,
    version,
    lifetime,
    binding,
    queueMode,
    root: body?.root ?? before?.root ?? '',
    contentFormats: body?.contentFormats ?? before?.contentFormats ?? [],
    links,
    // Another list may mean another client: what was learned of the old one is not believed.
    learned: isSame && before.version === version ? before.learned : {},
  };
  if (sms !== undefined) facts.sms = sms;
  const isUnchanged = old !== undefined && !old.over && equalButForLocation(old.facts, facts);
  facts.location = isUnchanged ? old.facts.location : newLocation();
  // What waits for its turn was not sent, and must not be taken for done because the device comes back.
  if (old && !old.over) pause(leg, old);
  const seen = context.deviceSeen({
    identity: endpoint,
    technology,
    presence: presenceOf(leg, facts),
    inventory: body?.inventory,
    restarted: true,
    facts: isUnchanged ? undefined : writeFacts(facts),
  });
  const admission = await seen.finally(() => {
    if (old) old.isPaused = false;
  });
  if (!admission.admitted) {
    old?.listen();
    return say('4.03', admission.why);
  }
  const session = install(leg, admission.device, facts);
  context.trace.record(admission.device.id, () => tellRegister(message, body?.inventory));
  afterAnswer(() => greet(session));
  return { code: '2.01', locationPath: ['rd', facts.location] };
}

/**
 * The same client at the same address keeps its location (RFC 9176 5.1), so that nothing is to be stored: one that is lost in a crash
 * would make the device register anew, which proves a restart to operations that wait for one.
 */
function equalButForLocation(before: DeviceFacts, after: DeviceFacts): boolean {
  return (
    before.links === after.links &&
    before.peer === after.peer &&
    before.version === after.version &&
    before.lifetime === after.lifetime &&
    before.binding === after.binding &&
    before.queueMode === after.queueMode &&
    before.sms === after.sms
  );
}

function pause(leg: Leg, session: DeviceSession): void {
  session.isPaused = true;
  if (leg.fleet.isAlone(session)) leg.endpoint.recall(session.facts.peer, 'the device registers anew');
}

async function storedFacts(leg: Leg, endpoint: string): Promise<DeviceFacts | undefined> {
  const device = await leg.context.deviceByIdentity(endpoint);
  return device && readFacts(device.facts);
}

const locationLength = 9; // octets: 72 bits, which nobody guesses
const randomPool = Buffer.alloc(locationLength * 256);
let randomAt = randomPool.length;

function newLocation(): string {
  if (randomAt >= randomPool.length) {
    randomFillSync(randomPool);
    randomAt = 0;
  }
  randomAt += locationLength;
  return randomPool.toString('base64url', randomAt - locationLength, randomAt);
}

/** A new registration takes the place of the old one, whose exchanges and observations are void. */
function install(leg: Leg, device: ManagedDevice, facts: DeviceFacts): DeviceSession {
  const old = leg.fleet.byId(device.id);
  if (old && old.facts.peer === facts.peer && old.facts.queueMode === facts.queueMode && old.isQuiet) {
    // Nothing of the old registration is under way: only its location changes.
    takePlace(leg, leg.fleet.rename(old, facts));
    old.heard();
    return old;
  }
  old?.end('the device registered anew');
  // What the old one still noted while the registration was stored is void as well.
  if (old?.observations) leg.context.observing(device.id, []);
  const session = new DeviceSession(leg, device, facts);
  takePlace(leg, leg.fleet.add(session));
  session.heard();
  return session;
}

/**
 * An address that another device had: whatever is asked there now, the newcomer would answer. The other one has no address until it
 * says where it is.
 */
function takePlace(leg: Leg, loser: DeviceSession | undefined): void {
  if (!loser) return;
  if (!leg.fleet.isShared(loser.facts.peer))
    leg.endpoint.forget(loser.facts.peer, 'another device has this address now');
  loser.observations?.end();
  leg.context.observing(loser.device.id, []);
  leg.context.trace.record(loser.device.id, { direction: 'note', summary: 'another device has its address now' });
  loser.lose();
}

/** After a Register: lane, observations, procedures. */
function greet(session: DeviceSession): void {
  if (session.over) return;
  session.listen();
  if (!session.isObserved || session.observations) reconcile(session);
  resumeProcedures(session, true);
}

function update(leg: Leg, session: DeviceSession, request: IncomingRequest): Answer | Promise<Answer> {
  const { facts, device } = session;
  const parsed = parseUpdate(request.query, leg.settings.maximumLifetime);
  if (!parsed.ok) return refuse(parsed);
  const moved = request.peer !== facts.peer;
  // The location is a secret between the device and us, but without DTLS it is all that proves the device.
  if (moved && leg.settings.addressChange === 'register') {
    session.end('it came from another address, and has to register again');
    return say('4.04', 'the address changed: register again');
  }
  // It is there after all, and the one that took its address is not.
  if (session.isDisplaced && !moved) {
    takePlace(leg, leg.fleet.claim(session));
    session.heard(true);
  }
  const { lifetime, binding, queueMode, sms } = parsed.message;
  const changed: Partial<DeviceFacts> = {};
  if (lifetime !== undefined && lifetime !== facts.lifetime) changed.lifetime = lifetime;
  if (binding !== undefined && binding !== facts.binding) changed.binding = binding;
  if (queueMode !== undefined && queueMode !== facts.queueMode) changed.queueMode = queueMode;
  if (sms !== undefined && sms !== facts.sms) changed.sms = sms;
  const links = request.payload.length > 0 ? digestOf(request.payload) : facts.links;
  if (links !== facts.links) return updateObjects(leg, session, request, { ...changed, links });
  if (moved || Object.keys(changed).length > 0) return takeOver(leg, session, request, changed);
  leg.context.trace.record(device.id, updateEntry);
  leg.context.deviceRenewed(device.id, presenceOf(leg, facts));
  afterAnswer(() => goOn(session));
  return { code: '2.04' };
}

function updateObjects(
  leg: Leg,
  session: DeviceSession,
  request: IncomingRequest,
  changed: Partial<DeviceFacts>,
): Answer | Promise<Answer> {
  const list = parseBody(request.payload, request.contentFormat, leg.settings.maximumObjects);
  if (!list.ok) return refuse(list);
  const { root, contentFormats, inventory } = list.message;
  return takeOver(leg, session, request, { ...changed, root, contentFormats }, inventory);
}

/** An Update with news: stored first, in force after that. */
function takeOver(
  leg: Leg,
  session: DeviceSession,
  request: IncomingRequest,
  changed: Partial<DeviceFacts>,
  inventory?: Inventory,
): Promise<Answer> {
  return leg.turns.take(session.device.identity, () => takeOverNow(leg, session, request, changed, inventory));
}

async function takeOverNow(
  leg: Leg,
  session: DeviceSession,
  request: IncomingRequest,
  changed: Partial<DeviceFacts>,
  inventory?: Inventory,
): Promise<Answer> {
  if (session.over) return replaced();
  const next: DeviceFacts = { ...session.facts, ...changed, peer: request.peer };
  const admission = await leg.context.deviceSeen({
    identity: session.device.identity,
    technology,
    presence: presenceOf(leg, next),
    inventory,
    restarted: false,
    facts: writeFacts(next),
  });
  if (!admission.admitted) return say('4.03', admission.why);
  if (session.over) return replaced();
  const moved = request.peer !== session.facts.peer;
  leg.context.trace.record(session.device.id, tellUpdate(changed, inventory, moved));
  if (moved) {
    if (leg.fleet.isAlone(session)) leg.endpoint.forget(session.facts.peer, 'the device has another address now');
    session.observations?.end();
    leg.context.observing(session.device.id, []);
  }
  const { root = session.facts.root } = changed;
  if (moved || root !== session.facts.root) takePlace(leg, leg.fleet.move(session, request.peer, root));
  Object.assign(session.facts, changed);
  session.heard();
  afterAnswer(() => {
    goOn(session);
    if (moved || inventory) reconcile(session);
  });
  return { code: '2.04' };
}

function replaced(): Answer {
  return say('4.04', 'this registration was replaced: register again');
}

function deregister(leg: Leg, session: DeviceSession): Promise<Answer> {
  return leg.turns.take(session.device.identity, () => leave(leg, session));
}

async function leave(leg: Leg, session: DeviceSession): Promise<Answer> {
  if (session.over) return replaced();
  leg.context.trace.record(session.device.id, { direction: 'in', summary: 'De-register' });
  await leg.context.deviceGone(session.device.id, 'the device de-registered');
  session.end('the device de-registered');
  return { code: '2.02' };
}

/** Registered until its lifetime and some grace are over; lifetime 0 is unlimited (1.1, 6.2.1). */
function presenceOf(leg: Leg, facts: DeviceFacts): ToldPresence {
  const { context, settings, endpoint } = leg;
  const until = facts.lifetime === 0 ? undefined : context.now() + facts.lifetime * 1000 + settings.lifetimeGrace;
  return { state: 'reachable', until, address: endpoint.transport.describe(facts.peer) };
}

function refuse({ code, explanation }: Refusal): Answer {
  return say(code, explanation);
}
