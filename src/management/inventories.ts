/** Devices of one model have equal inventories: one copy is kept for all of them. */
import { createHash } from 'node:crypto';
import type { Inventory } from './adapter.ts';

export interface SharedInventory {
  readonly digest: string;
  readonly inventory: Inventory;
  uses: number;
}

export class Inventories {
  readonly #shared = new Map<string, SharedInventory>();

  /** The copy that is kept of an equal inventory; the given one when there is none. */
  equal(inventory: Inventory): Inventory {
    return this.#shared.get(digestOf(inventory))?.inventory ?? inventory;
  }

  take(inventory: Inventory): SharedInventory {
    const digest = digestOf(inventory);
    let shared = this.#shared.get(digest);
    if (!shared) {
      shared = { digest, inventory, uses: 0 };
      this.#shared.set(digest, shared);
    }
    shared.uses++;
    return shared;
  }

  release(shared: SharedInventory): void {
    if (--shared.uses === 0) this.#shared.delete(shared.digest);
  }
}

function digestOf(inventory: Inventory): string {
  return createHash('sha1').update(JSON.stringify(inventory)).digest('base64url');
}
