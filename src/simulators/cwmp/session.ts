import { setTimeout as wait } from 'node:timers/promises';
import { SessionFailure } from './answer.ts';
import { argumentsOf } from './arguments.ts';
import type { Answer } from './answer.ts';
import { CpeFault } from './cpe-fault.ts';
import { readEnvelope, writeEnvelope } from './envelope.ts';
import type { Content, Incoming } from './envelope.ts';
import { isDue } from './faults.ts';
import type { Faults } from './faults.ts';
import { perform } from './methods.ts';
import type { Methods } from './methods.ts';
import type { CpeRequest } from './outbox.ts';
import type { Transport } from './transport.ts';
import { spoil } from './wire-quirks.ts';
import type { Workshop } from './workshop.ts';

/** The device died on request (fault `die`). */
export class Died extends Error {
  override name = 'Died';
  readonly how: 'power' | 'connection';

  constructor(message: number, how: 'power' | 'connection') {
    super(`died at message ${message} of the session (fault on request)`);
    this.how = how;
  }
}

export interface SessionOptions {
  workshop: Workshop;
  methods: Methods;
  transport: Transport;
  /** Aborted when the device goes down. */
  signal: AbortSignal;
  /** The content of the Inform, made once. */
  inform: Content;
  /** The server has confirmed the Inform. */
  informed(): void;
  nextId(): string;
  /** RPCs that were refused once (quirk 46). */
  seen: Set<string>;
}

const maximumMessages = 10_000;
const refusals = 3;

/** One session from the Inform to its end. `run` rejects with SessionFailure, XmlError or Died. */
export class Session {
  readonly #options: SessionOptions;
  #count = 0;
  #hold = false;
  #dead: Died | undefined;
  #interrupted = false;
  /** RPCs that the server has asked for, in order. */
  readonly methods: string[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get #faults(): Faults {
    return this.#options.workshop.faults;
  }

  async run(): Promise<void> {
    await this.#inform();
    this.#options.informed();
    const { outbox, quirks } = this.#options.workshop;
    if (quirks.has(32)) await this.#inform();
    for (;;) {
      if (!quirks.has(26)) await this.#sendRequests();
      let answer = await this.#post(this.#faults.unasked ? this.#unasked() : undefined, 'empty POST');
      while (answer) answer = await this.#answer(answer);
      if (!outbox.next || this.#hold || this.#faults.unasked) break;
      // Quirk 26: the server has already said that it has nothing more.
      if (quirks.has(26)) await this.#sendRequests();
    }
    if (this.#hold) this.#options.workshop.journal.complain('HoldRequests was not lifted at the end of the session');
    if (this.#dead) throw this.#dead;
  }

  #unasked(): Buffer {
    return this.#write('GetParameterValuesResponse', { ParameterList: '' }, 'nobody');
  }

  #write(method: string, content: Content, id: string | undefined): Buffer {
    const { version, quirks } = this.#options.workshop;
    return writeEnvelope({ method, content, id, version, quirks });
  }

  /** Sends a message and reads what comes back; undefined when the server has nothing. */
  async #post(body: Buffer | undefined, name: string): Promise<Incoming | undefined> {
    const { workshop, transport, signal } = this.#options;
    const { journal } = workshop;
    if (this.#dead) throw this.#dead;
    if (signal.aborted) throw new SessionFailure('the device went down');
    this.#count += 1;
    if (this.#count > maximumMessages)
      throw new SessionFailure(`the session has more than ${maximumMessages} messages`);
    if (this.#faults.delay !== undefined) await wait(this.#faults.delay, undefined, { signal }).catch(() => undefined);
    const { die, malformed } = this.#faults;
    const dies = isDue(die, this.#count) ? new Died(this.#count, die?.how ?? 'power') : undefined;
    if (dies && die?.moment === 'unsent') throw dies;
    let bytes = body;
    if (bytes && malformed && isDue(malformed, this.#count)) bytes = spoil(bytes, malformed.how);
    journal.tell('message', `→ ${name}`);
    const lost = dies !== undefined && die?.moment === 'sent';
    let answer: Answer;
    try {
      answer = await transport.post(bytes, { abandon: lost, trickle: this.#faults.trickle });
    } catch (problem) {
      throw lost ? dies : problem;
    }
    if (dies) this.#dead = dies;
    return this.#read(answer);
  }

  #read(answer: Answer): Incoming | undefined {
    const { workshop } = this.#options;
    const { journal, version, quirks } = workshop;
    if (answer.headers['transfer-encoding'] !== undefined)
      journal.complain('an answer came in chunks; many CPEs cannot read them');
    const text = answer.body.toString('utf8');
    if (text.trim() === '') {
      journal.tell('message', '← nothing');
      return undefined;
    }
    if (answer.status === 204) journal.complain('204 has a body');
    const message = readEnvelope(text, version, quirks, (sentence) => journal.complain(sentence));
    journal.tell('message', `← ${message.method}${message.fault === undefined ? '' : ` ${message.fault}`}`);
    this.#hold = message.holdRequests;
    return message;
  }

  /** A response to a request of the device, or the fault code of the refusal. 8005 is tried again (TR-069 A.5.2). */
  async #ask(method: string, content: Content): Promise<Incoming | number> {
    const { nextId, workshop } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const id = nextId();
      const answer = await this.#post(this.#write(method, content, id), method);
      if (!answer) throw new SessionFailure(`the server had nothing to say to ${method}`);
      if (answer.method === 'Fault') {
        if (answer.fault === 8005 && attempt < refusals) continue;
        return answer.fault ?? 8002;
      }
      if (answer.method !== `${method}Response`)
        throw new SessionFailure(`the server answered ${method} with ${answer.method}`);
      if (answer.id === undefined) workshop.journal.complain(`${answer.method} has no cwmp:ID`);
      else if (answer.id !== id)
        throw new SessionFailure(`the server answered ${method} ${id} with the ID ${answer.id}`);
      return answer;
    }
  }

  async #inform(): Promise<void> {
    const answer = await this.#ask('Inform', this.#options.inform);
    if (typeof answer === 'number') throw new SessionFailure(`the server refused the Inform with ${answer}`);
    const envelopes = answer.element.children.find((child) => child.local === 'MaxEnvelopes');
    if (envelopes?.text.trim() !== '1')
      this.#options.workshop.journal.complain('InformResponse has no MaxEnvelopes of 1');
  }

  async #sendRequests(): Promise<void> {
    const { outbox } = this.#options.workshop;
    for (let next = outbox.next; next && !this.#hold; next = outbox.next) await this.#sendRequest(next);
  }

  async #sendRequest(request: CpeRequest): Promise<void> {
    const { journal, outbox } = this.#options.workshop;
    const answer = await this.#ask(request.method, request.content);
    const fault = typeof answer === 'number' ? answer : undefined;
    if (fault !== undefined) {
      journal.record({ kind: 'method', method: request.method, fault });
      journal.tell('fault', `the server refused ${request.method} with ${fault}`);
    }
    outbox.answered(request, fault);
  }

  /** Does an RPC of the server, answers it, and gives what comes next. */
  async #answer(message: Incoming): Promise<Incoming | undefined> {
    const { workshop, methods, seen } = this.#options;
    const { journal, outbox, quirks } = workshop;
    const { method, id } = message;
    if (method === 'Fault') throw new SessionFailure(`the server sent a fault ${message.fault} where an RPC is due`);
    this.methods.push(method);
    if (id === undefined) journal.complain(`${method} has no cwmp:ID`);
    let response: Buffer | undefined;
    let name = `${method}Response`;
    const commandKey = message.element.children.find((child) => child.local === 'CommandKey')?.text;
    try {
      const content = perform(methods, workshop, message.element, id, seen);
      const given = commandKey === undefined ? {} : { arguments: argumentsOf(message.element) };
      journal.record({ kind: 'method', method, id, commandKey, ...given });
      if (content !== undefined) {
        const sent = this.#faults.wrongResponse ? 'RebootResponse' : name;
        response = this.#write(sent, content, this.#faults.wrongId && id !== undefined ? `${id}-wrong` : id);
      } else name = 'empty POST';
    } catch (problem) {
      const fault = problem instanceof CpeFault ? problem : new CpeFault(9002, String(problem));
      journal.record({ kind: 'method', method, id, commandKey, fault: fault.code, detail: fault.message });
      journal.tell('fault', `${method} is refused: ${fault.code} ${fault.message}`);
      response = this.#write('Fault', faultContent(fault), id);
      name = `Fault ${fault.code}`;
    }
    // Quirk 26: once in a session, before the answer.
    if (quirks.has(26) && outbox.next && !this.#interrupted && !this.#hold) {
      this.#interrupted = true;
      await this.#sendRequest(outbox.next);
    }
    return this.#post(response, name);
  }
}

function faultContent(fault: CpeFault): Content {
  const server = [9002, 9004, 9009].includes(fault.code);
  return {
    faultcode: server ? 'Server' : 'Client',
    faultstring: 'CWMP fault',
    detail: {
      'cwmp:Fault': {
        FaultCode: String(fault.code),
        FaultString: fault.message.slice(0, 256),
        ...(fault.parameters.length > 0
          ? {
              SetParameterValuesFault: fault.parameters.map(({ name, code, text }) => ({
                ParameterName: name,
                FaultCode: String(code),
                FaultString: text,
              })),
            }
          : {}),
      },
    },
  };
}
