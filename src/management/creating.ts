/** Objects that come to be on a device, and go. */
import { isDeepStrictEqual } from 'node:util';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { ManagedDevice } from './adapter.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-registry.ts';
import { settlingTime } from './alterations.ts';
import { operationFor } from './drafts.ts';
import { boundObjects } from './effects.ts';
import type { CreatedOnDevice, Management, Reply, Requester } from './facade.ts';
import type { Operation, Step } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { admissionRefused, enterStored, enterVolatile } from './queueing.ts';
import { refuse } from './replies.ts';
import type { AttributePatch, BoundObject } from './resource-side.ts';
import { valuesOf, type CreatePlan } from './translation.ts';
import { realign } from './sightings.ts';
import { requesterOf } from './updating.ts';

type CreateReply = Awaited<ReturnType<Management['create']>>;
type Plan = CreatePlan & { mapping: string };

export async function create(
  core: Core,
  device: ManagedDevice,
  mgmtDefinition: number,
  attributes: AttributePatch,
  wanted: { objectIDs?: string[]; objectPaths?: string[] },
  requester: Requester,
): Promise<CreateReply> {
  const entry = await core.devices.find(device.id);
  const refused = admissionRefused(core, entry, requester.blocking);
  if (refused || !entry) return refused ?? refuse('not-reachable');
  const { technology } = entry.device;
  const profiles = core.translator.profilesFor(entry.device);
  const links = core.translator.linksAmong(await boundObjects(core, device.id));
  // No await from here until the places are taken: two creations at one time must not choose the same.
  const inventory = core.alterations.withPlacesTaken(device.id, entry.device.inventory);
  const plan = core.translator.planCreate(mgmtDefinition, profiles, attributes, {
    technology,
    inventory,
    wanted,
    links,
  });
  if (!plan.ok) return { done: false, responseStatusCode: plan.responseStatusCode, explanation: plan.explanation };
  const bound = (created?: string) => ({ ...plan.bind(created), mapping: plan.mapping, profiles });
  if (plan.existing) return compare(core, entry, plan, bound(), mgmtDefinition, attributes, requester);
  if (plan.steps.length === 0) return { done: true, patch: plan.attributes, created: bound() };
  const operation = operationFor(core, entry.device, {
    kind: 'create',
    steps: plan.steps,
    repeatable: false,
    purpose: { what: 'create', mapping: plan.mapping },
    requester: requesterOf(requester),
    expiresAt: requester.expiresAt,
    volatile: false,
  });
  core.alterations.ask(device.id, plan.steps, inventory, requester.expiresAt);
  const completed = (outcome: Outcome): void => {
    core.alterations.created(device.id, plan.steps, inventory, outcome);
    if (outcome.status !== 'succeeded') return;
    decideLinks(core, entry, plan.steps);
    // By then the requester's CREATE has made the resource; when there was no requester any more, onboarding does.
    core.clock.after(settlingTime + 100, () => realign(core, device.id));
  };
  return new Promise((resolve) => {
    const told = (reply: Reply, outcome?: Outcome): void =>
      resolve(reply.done === true ? { ...reply, patch: plan.attributes, created: bound(outcome?.created) } : reply);
    void enterStored(core, entry, operation, requester, told, { completed });
  });
}

/** Which object belongs to which is known without reading it: the gateway itself has written it. */
function decideLinks(core: Core, entry: DeviceEntry, steps: readonly Step[]): void {
  const links = steps
    .flatMap((step) => (step.action === 'create' ? step.assignments : []))
    .filter(({ value }) => typeof value === 'object' && value !== null && 'link' in value)
    .map(({ path, value }) => ({ path, value }));
  if (links.length === 0) return;
  const written = new Set(links.map(({ path }) => path));
  // At once: the next contact of the device, and another creation, may come before this is stored.
  entry.decisions = [...entry.decisions.filter(({ path }) => !written.has(path)), ...links];
  core.devices.change(entry, { decisions: entry.decisions }).catch((error: unknown) => {
    core.log.error({ err: error, device: entry.device.id }, 'links of a new object could not be stored; they are read');
  });
}

/** The device has it already: the same is a success, other values are ALREADY_EXISTS (TS-0004 7.4.15.2.1). */
function compare(
  core: Core,
  device: DeviceEntry,
  plan: Plan,
  created: CreatedOnDevice & { mapping: string; profiles: string[] },
  mgmtDefinition: number,
  attributes: AttributePatch,
  requester: Requester,
): Promise<CreateReply> {
  const object: BoundObject = {
    resourceID: '',
    path: '',
    mapping: plan.mapping,
    mgmtDefinition,
    names: created.names,
    objects: created.objects,
    attributes,
    profiles: created.profiles,
    deviceId: device.device.id,
    technology: device.device.technology,
  };
  const { targets } = core.translator.planRead(object, Object.keys(attributes));
  const exists: CreateReply = { done: true, patch: plan.attributes, created };
  if (targets.length === 0) return Promise.resolve(exists);
  const operation = operationFor(core, device.device, {
    kind: 'read',
    steps: [{ action: 'read', targets }],
    repeatable: true,
    purpose: { what: 'retrieve' },
    requester: requesterOf(requester),
    expiresAt: requester.expiresAt,
    volatile: requester.blocking,
  });
  return new Promise((resolve) => {
    const told = (reply: Reply, outcome?: Outcome): void => {
      if (reply.done !== true || !outcome) return resolve(reply);
      const { patch } = core.translator.patchFromValues(object, valuesOf(outcome.results));
      const different = Object.keys(patch).filter(
        (name) => name in attributes && !isDeepStrictEqual(patch[name], attributes[name]),
      );
      if (different.length === 0) return resolve(exists);
      resolve({
        done: false,
        responseStatusCode: statusCodes.ALREADY_EXISTS,
        explanation: `the device has this object already, with another ${different.join(', ')}; give equal values, or update it`,
        operation: operation.id,
      });
    };
    if (requester.blocking) enterVolatile(core, device, operation, requester, told);
    else void enterStored(core, device, operation, requester, told);
  });
}

export async function remove(core: Core, object: BoundObject, requester: Requester): Promise<Reply> {
  const plan = core.translator.planDelete(object);
  if (!plan.ok) return { done: false, responseStatusCode: plan.responseStatusCode, explanation: plan.explanation };
  const device = await core.devices.find(object.deviceId);
  const refused = admissionRefused(core, device, requester.blocking);
  if (refused || !device) return refused ?? refuse('not-reachable');
  const operation: Operation = operationFor(core, device.device, {
    kind: 'delete',
    steps: plan.steps,
    repeatable: false,
    resource: object.resourceID,
    purpose: { what: 'delete' },
    requester: requesterOf(requester),
    expiresAt: requester.expiresAt,
    volatile: false,
  });
  const isGone = (outcome?: Outcome): boolean =>
    // What is not there any more is deleted.
    outcome?.status === 'succeeded' || outcome?.failure?.cause === 'not-found';
  const completed = (outcome: Outcome): void => {
    if (isGone(outcome)) core.alterations.removed(object.deviceId, plan.steps);
  };
  return new Promise((resolve) => {
    const told = (reply: Reply, outcome?: Outcome): void =>
      resolve(isGone(outcome) ? { done: true, patch: {}, operation: operation.id } : reply);
    void enterStored(core, device, operation, requester, told, { completed });
  });
}
