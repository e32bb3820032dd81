import { createHmac, randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { Timers } from '../lwm2m/timers.ts';

export interface StunServer {
  host: string;
  port: number;
  username: string;
  password: string;
}

export interface StunSide {
  send(bytes: Buffer, port: number, address: string): void;
  /** The server has told an address that is not the one of before. */
  bound(address: string): void;
  /** For the journal. */
  told(what: string): void;
}

const magic = Buffer.from('dslforum.org/TR-111 ');
const types = {
  mappedAddress: 0x00_01,
  userName: 0x00_06,
  messageIntegrity: 0x00_08,
  errorCode: 0x00_09,
  connectionRequestBinding: 0xc0_01,
  bindingChange: 0xc0_02,
};
/** RFC 3489 9.3: ms after the first message at which it is sent again. */
const repeats = [100, 300, 700, 1500, 3100];

interface Question {
  server: StunServer;
  /** It tells that the binding has changed (TR-069 G.2.1.3). */
  change: boolean;
  signed: boolean;
  end(): void;
}

/** The STUN side of a CPE (TR-069 annex G on RFC 3489): asks for its binding, tells when it has changed, and proves itself when it is asked to. */
export class StunClient {
  readonly #side: StunSide;
  readonly #timers = new Timers();
  readonly #questions = new Map<string, Question>();
  #binding = '';

  constructor(side: StunSide) {
    this.#side = side;
  }

  /** Keeps the binding alive; its answer comes to `bound` when it is news. */
  keep(server: StunServer): Promise<void> {
    return this.#ask(server, false, false);
  }

  forget(): void {
    this.#binding = '';
    this.#questions.clear();
    this.#timers.clear();
  }

  async #ask(server: StunServer, change: boolean, signed: boolean): Promise<void> {
    const { address } = await lookup(server.host);
    const transaction = randomBytes(16);
    const octets = request(transaction, server, change, signed);
    const key = transaction.toString('hex');
    const send = (): void => this.#side.send(octets, server.port, address);
    const ends = repeats.map((after) => this.#timers.after(after, send));
    const giveUp = this.#timers.after(repeats.at(-1)! * 2, () => {
      this.#questions.delete(key);
      this.#side.told('no answer');
    });
    const end = (): void => {
      for (const one of [...ends, giveUp]) one();
      this.#questions.delete(key);
    };
    this.#questions.set(key, { server, change, signed, end });
    send();
  }

  hear(octets: Buffer, from: string): void {
    const key = octets.subarray(4, 20).toString('hex');
    const question = this.#questions.get(key);
    if (octets.length < 20 || !question) return this.#side.told(`an unknown message from ${from}`);
    const { server, change, signed } = question;
    const kind = octets.readUInt16BE(0);
    const found = attributesOf(octets);
    if (kind === 0x01_11) {
      question.end();
      const error = found.get(types.errorCode);
      const code = error && error.length >= 4 ? error[2]! * 100 + error[3]! : 0;
      this.#side.told(`refused with ${code}`);
      if (code === 401 && !signed && server.password !== '') void this.#ask(server, change, true).catch(this.#failed);
      return;
    }
    if (kind !== 0x01_01) return this.#side.told(`an unknown message from ${from}`);
    // RFC 3489 9.4: who has signed his question takes signed answers only.
    if (signed && !isSigned(octets, server.password)) return this.#side.told('an answer without the right signature');
    const mapped = found.get(types.mappedAddress);
    if (mapped?.length !== 8) return this.#side.told('an answer without an address');
    question.end();
    const address = `${[...mapped.subarray(4)].join('.')}:${mapped.readUInt16BE(2)}`;
    if (signed) this.#side.told(`proved ${address}`);
    if (address === this.#binding) return;
    this.#binding = address;
    this.#side.told(`binding ${address}`);
    this.#side.bound(address);
    void this.#ask(server, true, false).catch(this.#failed);
  }

  readonly #failed = (problem: unknown): void => this.#side.told(`failed: ${String(problem)}`);
}

function request(transaction: Buffer, { username, password }: StunServer, change: boolean, signed: boolean): Buffer {
  const attributes = [attribute(types.connectionRequestBinding, magic)];
  if (change) attributes.push(attribute(types.bindingChange, Buffer.alloc(0)));
  const user = Buffer.from(username);
  const padding = Buffer.alloc((4 - (user.length % 4)) % 4, ' ');
  if (user.length > 0) attributes.push(attribute(types.userName, Buffer.concat([user, padding])));
  const body = Buffer.concat(attributes);
  const length = body.length + (signed ? 24 : 0);
  const text = Buffer.concat([Buffer.of(0, 1, length >> 8, length & 0xff), transaction, body]);
  return signed ? Buffer.concat([text, attribute(types.messageIntegrity, signatureOf(text, password))]) : text;
}

function attribute(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.of(type >> 8, type & 0xff, value.length >> 8, value.length & 0xff), value]);
}

/** RFC 3489 11.2.8: zeros up to a multiple of 64 octets belong to what is signed. */
function signatureOf(text: Buffer, password: string): Buffer {
  const blocks = Buffer.alloc(Math.ceil(text.length / 64) * 64);
  text.copy(blocks);
  return createHmac('sha1', password).update(blocks).digest();
}

function isSigned(octets: Buffer, password: string): boolean {
  const text = octets.subarray(0, -24);
  const given = octets.subarray(-24);
  return (
    octets.length >= 44 &&
    given.readUInt16BE(0) === types.messageIntegrity &&
    given.subarray(4).equals(signatureOf(text, password))
  );
}

function attributesOf(octets: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 20; at + 4 <= octets.length;) {
    const length = octets.readUInt16BE(at + 2);
    found.set(octets.readUInt16BE(at), octets.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return found;
}
