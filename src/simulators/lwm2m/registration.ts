import type { ClientRequest, ClientResponse, Exchange } from './exchange.ts';
import { formats } from './formats.ts';
import type { Journal } from './journal.ts';
import { registrationLinks } from './links.ts';
import type { EnablerVersion } from './links.ts';
import { Timers } from './timers.ts';
import type { ResourceTree } from './tree.ts';

/** The server did not take the registration; `code` is its CoAP answer. */
export class RegistrationRefused extends Error {
  readonly code: string;

  constructor(code: string, sentence: string) {
    super(sentence);
    this.name = 'RegistrationRefused';
    this.code = code;
  }
}

export interface RegistrationOptions {
  endpoint: string;
  host: string;
  port: number;
  version: EnablerVersion;
  queueMode: boolean;
  root: string;
  /** Seconds between Updates; undefined: a little less than the lifetime. */
  updateEvery?: number;
  /** Ms for each answer. */
  timeout: number;
  exchange: Exchange;
  tree: ResourceTree;
  journal: Journal;
}

const longestPause = 60_000;

/** Register, Update and De-register with one server, and the timers that keep the registration alive. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #timers = new Timers();
  #location: string | undefined;
  #sentLinks = '';
  #sentLifetime = 0;
  #sentBinding = '';
  #stopped = false;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** The path that the server gave, for example 'rd/x7'; undefined while not registered. */
  get location(): string | undefined {
    return this.#location;
  }

  get #lifetime(): number {
    return Number(this.#options.tree.get([1, 0, 1]) ?? 86_400);
  }

  get #binding(): string {
    return String(this.#options.tree.get([1, 0, 7]) ?? 'U');
  }

  #send(request: Omit<ClientRequest, 'host' | 'port' | 'timeout'>): Promise<ClientResponse> {
    const { host, port, timeout, exchange } = this.#options;
    return exchange.request({ ...request, host, port, timeout });
  }

  /** Rejects with RegistrationRefused, or NoAnswer when the server is silent. */
  async register(): Promise<void> {
    const { endpoint, version, queueMode, tree, root, journal } = this.#options;
    this.forget();
    journal.tell('registration', `registers at coap://${this.#options.host}:${this.#options.port}`);
    const links = registrationLinks(tree, version, root);
    const binding = this.#binding;
    const query = [`ep=${endpoint}`, `lt=${this.#lifetime}`, `lwm2m=${version}`];
    // Queue mode is a letter of the binding in 1.0 and a parameter of its own from 1.1.
    query.push(`b=${queueMode && version === '1.0' && !binding.includes('Q') ? `${binding}Q` : binding}`);
    if (queueMode && version !== '1.0') query.push('Q');
    const answer = await this.#send({
      method: 'POST',
      path: 'rd',
      query,
      format: formats.link,
      payload: Buffer.from(links),
    });
    if (answer.code !== '2.01' || answer.location.length === 0) {
      throw new RegistrationRefused(
        answer.code,
        `the server answered ${answer.code} to the registration of ${endpoint}`,
      );
    }
    this.#location = answer.location.join('/');
    this.#sentLinks = links;
    this.#sentLifetime = this.#lifetime;
    this.#sentBinding = binding;
    journal.tell('registration', `registered as ${endpoint} at /${this.#location} for ${this.#lifetime} s`);
    this.#schedule();
  }

  /** Sends what has changed; registers anew when the server does not know the device any more. */
  async update(): Promise<void> {
    if (this.#location === undefined) {
      await this.register();
      return;
    }
    const { tree, version, root, journal } = this.#options;
    const links = registrationLinks(tree, version, root);
    const query: string[] = [];
    if (this.#lifetime !== this.#sentLifetime) query.push(`lt=${this.#lifetime}`);
    if (this.#binding !== this.#sentBinding) query.push(`b=${this.#binding}`);
    const changed = links !== this.#sentLinks;
    const answer = await this.#send({
      method: 'POST',
      path: this.#location,
      query,
      ...(changed ? { format: formats.link, payload: Buffer.from(links) } : {}),
    });
    if (answer.code === '4.04') {
      journal.tell('registration', 'the server has forgotten the registration');
      await this.register();
      return;
    }
    if (answer.code !== '2.04')
      throw new RegistrationRefused(answer.code, `the server answered ${answer.code} to the Update`);
    this.#sentLinks = links;
    this.#sentLifetime = this.#lifetime;
    this.#sentBinding = this.#binding;
    journal.tell('registration', `updated the registration${changed ? ' with a new object list' : ''}`);
    this.#schedule();
  }

  async deregister(): Promise<void> {
    const location = this.#location;
    this.forget();
    if (location === undefined) return;
    const answer = await this.#send({ method: 'DELETE', path: location });
    if (answer.code !== '2.02')
      throw new RegistrationRefused(answer.code, `the server answered ${answer.code} to the De-register`);
    this.#options.journal.tell('registration', 'de-registered');
  }

  /** Forgets the registration without a word to the server, as a reboot does. */
  forget(): void {
    this.#timers.clear();
    this.#location = undefined;
  }

  /** Ends for good. */
  stop(): void {
    this.#stopped = true;
    this.forget();
  }

  /** An Update soon, for changes that come in a row. */
  updateSoon(ms: number): void {
    this.#timers.clear();
    this.#timers.after(ms, () => this.#keep(() => this.update(), 2000));
  }

  /** Registers, and tries again with growing pauses until it succeeds or something else is decided. */
  keepRegistering(): void {
    this.#timers.clear();
    this.#keep(() => this.register(), 2000);
  }

  #schedule(): void {
    const { updateEvery } = this.#options;
    const lifetime = this.#lifetime;
    // Lifetime 0 is "for ever" from 1.1: nothing to keep alive.
    if (updateEvery === undefined && lifetime <= 0) return;
    const every = updateEvery ?? Math.max(lifetime * 0.5, lifetime - 30);
    this.#timers.clear();
    this.#timers.after(every * 1000, () => this.#keep(() => this.update(), 2000));
  }

  #keep(attempt: () => Promise<void>, pause: number): void {
    attempt().catch((problem: unknown) => {
      if (this.#stopped) return;
      const sentence = problem instanceof Error ? problem.message : String(problem);
      this.#options.journal.tell('fault', `${sentence}; next try in ${pause / 1000} s`);
      this.#timers.after(pause, () => this.#keep(() => this.register(), Math.min(pause * 2, longestPause)));
    });
  }
}
