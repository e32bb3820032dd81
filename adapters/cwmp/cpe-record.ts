/** The CPE of a session: its device, and what the leg keeps with it. A change is durable when it resolves. */
import type { AdapterContext, Inventory, ManagedDevice } from '../../src/management/adapter.ts';
import { writeFacts, type CpeFacts } from './facts.ts';
import type { Start } from './starts.ts';

const technology = 'cwmp';

export class CpeRecord {
  readonly facts: CpeFacts;
  readonly #context: AdapterContext;
  readonly #address: string;
  #device: ManagedDevice;

  /** @param address where the CPE speaks from in this session */
  constructor(context: AdapterContext, device: ManagedDevice, facts: CpeFacts, address: string) {
    this.#context = context;
    this.#device = device;
    this.facts = facts;
    this.#address = address;
  }

  get device(): ManagedDevice {
    return this.#device;
  }

  get id(): string {
    return this.#device.id;
  }

  remember(): Promise<void> {
    return this.#context.remember(this.id, writeFacts(this.facts));
  }

  setDiscovered(discovered: boolean): Promise<void> {
    this.facts.discovered = discovered;
    return this.remember();
  }

  /** @param start undefined: nothing that would need it as a proof was sent in this session; it may end */
  async noteStart(start: Start | undefined): Promise<void> {
    if (this.facts.start === start) return;
    this.facts.start = start;
    await this.remember();
  }

  /** Its objects are these now; with the facts in the same commit where they are given. */
  async noteInventory(inventory: Inventory, facts?: CpeFacts): Promise<void> {
    const admission = await this.#context.deviceSeen({
      identity: this.#device.identity,
      technology,
      presence: { state: 'reachable', address: this.#address },
      inventory,
      restarted: false,
      ...(facts ? { facts: writeFacts(facts) } : {}),
    });
    if (admission.admitted) this.#device = admission.device;
  }

  /** A CPE tells its objects when it has started; what we make and take away in between we know ourselves. */
  async noteObjects(made: readonly string[], removed: readonly string[]): Promise<void> {
    const { inventory } = this.#device;
    const kept = inventory.objects.filter(({ path }) => !removed.some((gone) => path.startsWith(gone)));
    const known = new Set(kept.map(({ path }) => path));
    const objects = [...kept, ...made.filter((path) => !known.has(path)).map((path) => ({ path }))];
    await this.noteInventory({ ...inventory, objects });
  }
}
