/**
 * What the gateway itself has lately made and removed on devices. A device tells its objects some time after it has changed
 * them, and what it told before may arrive later still: until it has caught up, its word is corrected by what we know.
 */
import type { Clock } from '../support/clock.ts';
import type { Inventory, InventoryObject } from './adapter.ts';
import type { DeviceId, Step } from './operation.ts';
import type { Outcome } from './outcome.ts';
import type { MappedObject } from './resource-side.ts';

/** How long a device may take to tell, in ms. */
const grace = 300_000;
/** How long the CSE may take to make the resource of what was created, in ms. */
export const settlingTime = 5_000;
/** More alterations than this are forgotten, the oldest first. */
const maximumPerDevice = 1000;

interface Alteration {
  object: InventoryObject;
  state: 'asked' | 'made' | 'removed';
  at: number;
  until: number;
}

export class Alterations {
  readonly #clock: Clock;
  readonly #byDevice = new Map<DeviceId, Map<string, Alteration>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the places of these instances, so that a second creation finds others. `until`: ms since 1970. */
  ask(device: DeviceId, steps: readonly Step[], inventory: Inventory, until: number): void {
    for (const object of instancesIn(steps, inventory)) this.#put(device, object, 'asked', until + grace);
  }

  /** How the creation ended. */
  created(device: DeviceId, steps: readonly Step[], inventory: Inventory, outcome: Outcome): void {
    // Nobody knows: the places stay taken for a while.
    if (outcome.status === 'unknown') return;
    const objects = instancesIn(steps, inventory);
    if (outcome.status !== 'succeeded') {
      for (const { path } of objects) this.#byDevice.get(device)?.delete(path);
      return;
    }
    const { created } = outcome;
    const known = created === undefined || objects.some(({ path }) => path === created);
    for (const object of known ? objects : [...objects, { path: created }]) this.#put(device, object, 'made');
  }

  removed(device: DeviceId, steps: readonly Step[]): void {
    for (const step of steps) if (step.action === 'delete') this.#put(device, { path: step.path }, 'removed');
  }

  /**
   * Objects that a requester is creating, or has just created: the requester's CREATE brings the resource, not onboarding. The same array
   * where there is none.
   */
  leaveToRequesters(device: DeviceId, objects: MappedObject[]): MappedObject[] {
    const alterations = this.#byDevice.get(device);
    if (!alterations) return objects;
    const now = this.#clock.now();
    let isSettling = false;
    const left = objects.map((object) => {
      const alteration = alterations.get(Object.values(object.objects)[0] ?? '');
      if (!alteration || alteration.state === 'removed') return object;
      if (alteration.state === 'made' && now - alteration.at >= settlingTime) return object;
      isSettling = true;
      return { ...object, onlyIfPresent: true };
    });
    return isSettling ? left : objects;
  }

  /** The word of the device is being corrected by this process. */
  concern(device: DeviceId): boolean {
    const now = this.#clock.now();
    for (const { until } of this.#byDevice.get(device)?.values() ?? []) if (until > now) return true;
    return false;
  }

  /** What the device tells, corrected; the same object where there is nothing to correct. */
  corrected(device: DeviceId, told: Inventory): Inventory {
    return this.#apply(device, told, false);
  }

  /** As `corrected`, with the places that are taken and not yet filled. */
  withPlacesTaken(device: DeviceId, told: Inventory): Inventory {
    return this.#apply(device, told, true);
  }

  forget(device: DeviceId): void {
    this.#byDevice.delete(device);
  }

  #apply(device: DeviceId, told: Inventory, places: boolean): Inventory {
    const alterations = this.#byDevice.get(device);
    if (!alterations) return told;
    const now = this.#clock.now();
    const missing = new Map<string, InventoryObject>();
    const removed = new Set<string>();
    for (const [path, { object, state, until }] of alterations) {
      if (until <= now) alterations.delete(path);
      else if (state === 'removed') removed.add(path);
      else if (state === 'made' || places) missing.set(path, object);
    }
    if (alterations.size === 0) this.#byDevice.delete(device);
    for (const { path } of told.objects) missing.delete(path);
    const gone = told.objects.filter(({ path }) => removed.has(path));
    if (gone.length === 0 && missing.size === 0) return told;
    const objects = [...told.objects.filter(({ path }) => !removed.has(path)), ...missing.values()];
    for (const object of gone) {
      // An object of LwM2M without instances is listed by itself.
      const parent = object.path.slice(0, Math.max(0, object.path.lastIndexOf('/')));
      const listed = objects.some(({ path }) => path === parent || path.startsWith(`${parent}/`));
      if (!listed && parent !== '') objects.push({ ...object, path: parent });
    }
    return { ...told, objects };
  }

  #put(device: DeviceId, object: InventoryObject, state: Alteration['state'], until = this.#clock.now() + grace): void {
    let alterations = this.#byDevice.get(device);
    if (!alterations) this.#byDevice.set(device, (alterations = new Map()));
    if (alterations.size >= maximumPerDevice) alterations.delete(alterations.keys().next().value!);
    alterations.set(object.path, { object, state, at: this.#clock.now(), until });
  }
}

/** Instances that the steps make at a place that we chose. */
function instancesIn(steps: readonly Step[], inventory: Inventory): InventoryObject[] {
  return steps.flatMap((step) => {
    if (step.action !== 'create' || step.instance === undefined) return [];
    const sibling = inventory.objects.find(({ path }) => path === step.path || path.startsWith(`${step.path}/`));
    return [{ ...sibling, path: `${step.path}/${step.instance}` }];
  });
}
