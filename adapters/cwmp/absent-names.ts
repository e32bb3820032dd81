/**
 * Names below instances that single CPEs do not know (quirk 21). What is below an instance may differ from one to the next, and changes
 * with the device, so it is nobody else's, and forgotten when the device starts anew. In memory only.
 */
import type { DeviceId } from '../../src/management/operation.ts';

const maximumNames = 500_000;
const maximumNamesOfDevice = 500;

export class AbsentNames {
  readonly #devices = new Map<DeviceId, Set<string>>();
  #count = 0;

  has(device: DeviceId, name: string): boolean {
    return this.#devices.get(device)?.has(name) ?? false;
  }

  add(device: DeviceId, name: string): void {
    const names = this.#devices.get(device) ?? new Set();
    if (names.has(name) || names.size >= maximumNamesOfDevice) return;
    // The device that learnt last is the last one; the first one makes room.
    this.#devices.delete(device);
    while (this.#count >= maximumNames) this.forget(this.#devices.keys().next().value!);
    this.#devices.set(device, names.add(name));
    this.#count += 1;
  }

  delete(device: DeviceId, name: string): void {
    if (this.#devices.get(device)?.delete(name)) this.#count -= 1;
  }

  /** @param below only names that begin so */
  forget(device: DeviceId, below = ''): void {
    const names = this.#devices.get(device);
    if (!names) return;
    for (const name of names) if (name.startsWith(below)) this.delete(device, name);
    if (names.size === 0) this.#devices.delete(device);
  }
}
