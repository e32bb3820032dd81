import type { Content } from './envelope.ts';

export interface EventEntry {
  code: string;
  /** '' except for M events. */
  commandKey: string;
}

/** An RPC that the device has for the server. Its events are told with every Inform until the server has answered it. */
export interface CpeRequest {
  method: string;
  content: Content;
  events: EventEntry[];
  /** Called with the fault code of the server's answer, or undefined when it was a response. */
  answered?: (fault: number | undefined) => void;
}

const maximumEvents = 64;

/** Events and RPCs that the server has not confirmed. They survive a reboot; a factory reset takes them away. */
export class Outbox {
  #events: EventEntry[] = [];
  #requests: CpeRequest[] = [];

  /** Adds an event. Only M events are kept several times (TR-069 3.7.1.5). */
  add(code: string, commandKey = ''): void {
    if (!code.startsWith('M ') && this.#events.some((event) => event.code === code)) return;
    this.#events.push({ code, commandKey });
  }

  /** 0 BOOTSTRAP takes the place of everything undelivered. */
  bootstrap(): void {
    this.#events = [{ code: '0 BOOTSTRAP', commandKey: '' }];
    this.#requests = [];
  }

  request(request: CpeRequest): void {
    this.#requests.push(request);
  }

  /** At most 64, as EventStruct[64]. */
  forInform(): EventEntry[] {
    const all = [...this.#events];
    for (const event of this.#requests.flatMap((request) => request.events)) {
      if (event.code.startsWith('M ') || !all.some((one) => one.code === event.code)) all.push(event);
    }
    return all.slice(0, maximumEvents);
  }

  /** The server has confirmed an Inform with these events. */
  informed(told: readonly EventEntry[]): void {
    this.#events = this.#events.filter((event) => !told.includes(event));
  }

  /** 6 CONNECTION REQUEST is never told again. */
  sessionEnded(): void {
    this.#events = this.#events.filter((event) => event.code !== '6 CONNECTION REQUEST');
  }

  get next(): CpeRequest | undefined {
    return this.#requests[0];
  }

  answered(request: CpeRequest, fault: number | undefined): void {
    this.#requests = this.#requests.filter((one) => one !== request);
    request.answered?.(fault);
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#requests.length === 0;
  }
}
