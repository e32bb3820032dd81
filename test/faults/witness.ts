/**
 * Traffic besides the request under test: an application that fills a container, a subscriber of it, and a device that sends values.
 * Each keeps in mind what the gateway has acknowledged.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { ChildGateway } from '../support/child-gateway.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from './ask.ts';
import type { Patient } from './patient.ts';
import type { Receiver } from './receiver.ts';
import type { StoreContent } from './stored-operations.ts';

const pause = 25;

export class Witness {
  readonly #gateway: ChildGateway;
  readonly #receiver: Receiver;
  readonly #sender: Patient;
  readonly #container: string;
  /** Contents of acknowledged content instances. */
  readonly #filled: string[] = [];
  /** The last battery level that was acknowledged. */
  #acknowledged = 0;
  /** Those sent after it: they may have been stored all the same, and only their acknowledgement is missing. */
  #unanswered: number[] = [];
  #stopped = false;
  #loops: Promise<void>[] = [];

  private constructor(gateway: ChildGateway, receiver: Receiver, sender: Patient, container: string) {
    this.#gateway = gateway;
    this.#receiver = receiver;
    this.#sender = sender;
    this.#container = container;
  }

  static async open(gateway: ChildGateway, receiver: Receiver, sender: Patient): Promise<Witness> {
    const name = `log-${sender.device.endpoint}`;
    await gateway.mca.create('cse-in', 3, { 'm2m:cnt': { rn: name } });
    const subscription = { rn: 'all', nu: [`${receiver.url}/notify`], enc: { net: [3] }, nct: 1 };
    const answer = await gateway.mca.create(`cse-in/${name}`, 23, { 'm2m:sub': subscription });
    if (answer.rsc !== 2001) throw new Error(`the subscription was answered ${answer.rsc} ${answer.text}`);
    const witness = new Witness(gateway, receiver, sender, `cse-in/${name}`);
    witness.#loops = [witness.#fill(), witness.#send()];
    return witness;
  }

  /** What of the acknowledged is not in the store. */
  missingIn(content: StoreContent): string[] {
    const stored = new Set(content.childrenOf(this.#container).map(({ attributes }) => attributes['content']));
    const missing = this.#filled
      .filter((text) => !stored.has(text))
      .map((text) => `the content instance ${text} was acknowledged and is not in the store`);
    const level = Number(content.resource(`${this.#sender.node}/battery`)?.attributes['batteryLevel']);
    if (this.#acknowledged > 0 && level !== this.#acknowledged && !this.#unanswered.includes(level)) {
      missing.push(`the battery level ${this.#acknowledged} was acknowledged, the store has ${level}`);
    }
    return missing;
  }

  /** Waits for the notifications. @returns what is missing or out of order */
  async finish(): Promise<string[]> {
    this.#stopped = true;
    const faults: string[] = [];
    const mine = new Set(this.#filled);
    const arrived = (): string[] => [...new Set(this.#receiver.contents)].filter((text) => mine.has(text));
    await eventually('all notifications', () => arrived().length === mine.size, 20_000).catch(() =>
      faults.push(`${mine.size - arrived().length} of ${mine.size} acknowledged content instances were never notified`),
    );
    const order = arrived().map((text) => this.#filled.indexOf(text));
    if (order.some((at, index) => index > 0 && at < order[index - 1]!)) faults.push('notifications came out of order');
    await Promise.all(this.#loops);
    return faults;
  }

  get counts(): string {
    return `${this.#filled.length} content instances, battery level ${this.#acknowledged}`;
  }

  async #fill(): Promise<void> {
    for (let number = 1; !this.#stopped; number++) {
      const text = `${this.#container}.${number}`;
      const request = { method: 'POST' as const, path: this.#container, ty: 4, body: { 'm2m:cin': { con: text } } };
      const answer = await ask(this.#gateway.urls.mca, text, request);
      if (answer?.rsc === 2001) this.#filled.push(text);
      await wait(pause);
    }
  }

  async #send(): Promise<void> {
    const { device } = this.#sender;
    // 0..100 %: the one before and the one after differ.
    for (let level = 1; !this.#stopped; level = (level % 100) + 1) {
      device.setResource('/3/0/9', level);
      this.#unanswered.push(level);
      await device.send(['/3/0/9']).then(
        () => {
          this.#acknowledged = level;
          this.#unanswered = [];
        },
        () => {},
      );
      await wait(pause);
    }
  }
}
