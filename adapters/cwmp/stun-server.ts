/**
 * The STUN server of TR-069 annex G on one UDP socket, from which UDP connection requests leave, too: many NATs let in only what
 * comes from where their device has sent something. It tells everybody his own address. What a CPE proves with MESSAGE-INTEGRITY
 * is stored before it is answered.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import type { Clock } from '../../src/support/clock.ts';
import type { Log } from '../../src/support/log.ts';
import type { Metrics } from '../../src/support/metrics.ts';
import { StunAllowance, type StunLimits } from './stun-limits.ts';
import {
  addressAttribute,
  attributeOf,
  bindingError,
  bindingRequest,
  bindingResponse,
  errorAttribute,
  hasMagicCookie,
  provenStyle,
  readAddress,
  readStunMessage,
  readUsername,
  stunAttributes,
  unknownAttribute,
  writeStunMessage,
  xorAddressAttribute,
  type IntegrityProof,
  type StunAttribute,
  type StunMessage,
  type TransportAddress,
} from './stun-message.ts';

export interface StunServerSettings {
  host: string;
  /** 0 = any free port. */
  port: number;
  limits?: StunLimits;
}

const defaultLimits: StunLimits = { perAddress: 200, inAll: 20_000 };
/** Messages whose proof is looked at, or stored, at one time. */
const maximumProofs = 256;
const amplification = 3;

/** The devices behind the user names. */
export interface StunDevices {
  /** It is one that we give to a device, whether or not there is such a device. */
  isName(username: string): boolean;
  /** The device can prove itself, and this address (`host:port`) is not the one that is stored for it. */
  owesProof(username: string, address: string): Promise<boolean>;
  passwordOf(username: string): Promise<string | undefined>;
  /**
   * The device has proved that connection requests reach it at this address (`host:port`). Durable when it resolves.
   * @param transaction tells a message that somebody has kept and sends again
   */
  bound(username: string, address: string, transaction: string): Promise<'bound' | 'replayed'>;
}

/** Sends datagrams from a socket that is open anyway. */
export interface DatagramSender {
  /** It can send to addresses of this kind. */
  reaches(address: string): boolean;
  send(message: Buffer, port: number, address: string): Promise<void>;
}

export interface StunServer extends DatagramSender {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What became of a message; a label of `trivet_stun_messages_total`. */
type Result =
  | 'answered'
  | 'bound'
  | 'challenged'
  | 'unauthorized'
  | 'refused'
  | 'malformed'
  | 'unexpected'
  | 'reflection'
  | 'limited'
  | 'failed';

/** A request, and where its answer goes. */
interface Question {
  octets: Buffer;
  message: StunMessage;
  from: TransportAddress;
  to: TransportAddress;
}

/** @throws the error of the socket when the port cannot be had */
export async function openStunServer(
  devices: StunDevices,
  settings: StunServerSettings,
  { clock, log, metrics }: { clock: Clock; log: Log; metrics: Metrics },
): Promise<StunServer> {
  const family = isIPv6(settings.host) ? 'udp6' : 'udp4';
  const socket = createSocket(family);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(settings.port, settings.host, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
  const own = socket.address();
  const isAnywhere = own.address === '0.0.0.0' || own.address === '::';
  const source = isAnywhere ? undefined : { address: own.address, port: own.port };
  const allowance = new StunAllowance(clock, settings.limits ?? defaultLimits);
  let isClosed = false;
  let proofs = 0;

  const count = (result: Result): void => metrics.count('trivet_stun_messages_total', { result });
  const failed = (error: Error): void => log.debug({ err: error }, 'a STUN message could not be sent or received');
  socket.on('error', failed);
  socket.on('message', (octets, from) => {
    if (!allowance.take(from.address)) return count('limited');
    hear(octets, from);
  });

  function hear(octets: Buffer, peer: RemoteInfo): void {
    const message = readStunMessage(octets);
    if (!message) return count('malformed');
    // Answers among them: a server that answers answers goes round in circles.
    if (message.type !== bindingRequest) return count('unexpected');
    const from = { address: withoutMapping(peer.address), port: peer.port };
    const to = returnAddress(message, from);
    if (!to) return count('reflection');
    const question = { octets, message, from, to };
    const unknown = unknownTypes(message);
    if (unknown.length > 0) {
      // RFC 3489 8.1
      count('refused');
      return refuse(question, 420, 'Unknown Attribute', [unknownAttribute(unknown)]);
    }
    const binding = message.integrityAt === undefined ? ownBindingIn(question) : undefined;
    if (message.integrityAt === undefined && binding === undefined) {
      answer(question);
      return count('answered');
    }
    if (proofs >= maximumProofs) return count('limited');
    proofs += 1;
    (binding === undefined ? answerDevice(question) : answerUnproved(question, binding))
      .catch((error: unknown): Result => {
        log.error({ err: error }, 'the binding of a CPE could not be stored');
        refuse(question, 500, 'Server Error');
        return 'failed';
      })
      .then(count)
      .finally(() => (proofs -= 1));
  }

  /** The name of a device of ours that says that it takes connection requests here. */
  function ownBindingIn({ message, from, to }: Question): string | undefined {
    const name = nameIn(message);
    const isBinding = to === from && attributeOf(message, stunAttributes.connectionRequestBinding) !== undefined;
    return isBinding && name !== undefined && devices.isName(name) ? name : undefined;
  }

  /**
   * A change that shall be known is asked to be proved (TR-069 G.2.1.1), also one that was not told or got lost: a device that keeps
   * another binding alive than the one that is stored.
   */
  async function answerUnproved(question: Question, name: string): Promise<Result> {
    const isChange = attributeOf(question.message, stunAttributes.bindingChange) !== undefined;
    if (isChange || (await devices.owesProof(name, textOf(question.from)))) {
      refuse(question, 401, 'Unauthorized');
      return 'challenged';
    }
    answer(question);
    return 'answered';
  }

  async function answerDevice(question: Question): Promise<Result> {
    const { octets, message, from } = question;
    const name = nameIn(message);
    const key = name === undefined ? undefined : await devices.passwordOf(name);
    const style = key === undefined ? undefined : provenStyle(octets, message, key);
    if (name === undefined || key === undefined || style === undefined) return refuseProof(question);
    const takesRequests = attributeOf(message, stunAttributes.connectionRequestBinding) !== undefined;
    // With RESPONSE-ADDRESS it comes from another port of the device, and asks how long its binding lives.
    const isBinding = takesRequests && attributeOf(message, stunAttributes.responseAddress) === undefined;
    if (isBinding) {
      const transaction = message.transaction.toString('base64');
      if ((await devices.bound(name, textOf(from), transaction)) === 'replayed') return refuseProof(question);
    }
    answer(question, { key, style });
    return isBinding ? 'bound' : 'answered';
  }

  /** One answer for a wrong name and a wrong signature, so that names cannot be tried out. */
  function refuseProof(question: Question): Result {
    if (hasMagicCookie(question.message)) refuse(question, 401, 'Unauthorized');
    else refuse(question, 431, 'Integrity Check Failure');
    return 'unauthorized';
  }

  /** What does not fit three times into the question of a stranger is left out. */
  function answer({ octets, message, from, to }: Question, proof?: IntegrityProof): void {
    const { transaction } = message;
    const mapped = addressAttribute(stunAttributes.mappedAddress, from);
    const attributes = hasMagicCookie(message) ? [xorAddressAttribute(from, transaction), mapped] : [mapped];
    if (to !== from) attributes.push(addressAttribute(stunAttributes.reflectedFrom, from));
    if (source) attributes.push(addressAttribute(stunAttributes.sourceAddress, source));
    const write = (): Buffer => writeStunMessage({ type: bindingResponse, transaction, attributes }, proof);
    const longest = proof ? Infinity : octets.length * amplification;
    let written = write();
    while (written.length > longest && attributes.length > 1) {
      attributes.pop();
      written = write();
    }
    pass(written, to);
  }

  function refuse({ message, from }: Question, code: number, reason: string, more: StunAttribute[] = []): void {
    const attributes = [errorAttribute(code, reason), ...more];
    pass(writeStunMessage({ type: bindingError, transaction: message.transaction, attributes }), from);
  }

  function pass(octets: Buffer, { address, port }: TransportAddress): void {
    if (!isClosed) send(octets, port, address).catch(failed);
  }

  /** A socket of both kinds takes IPv4 in its IPv6 form. */
  function send(octets: Buffer, port: number, address: string): Promise<void> {
    return sendFrom(socket, octets, port, family === 'udp6' && isIP(address) === 4 ? `::ffff:${address}` : address);
  }

  return {
    address: own.address,
    port: own.port,
    reaches: (address) =>
      !isClosed && (isIP(address) === 4 ? family === 'udp4' || own.address === '::' : family === 'udp6'),
    send,
    close() {
      if (isClosed) return Promise.resolve();
      isClosed = true;
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}

/** Rejects when the system refuses it. */
export function sendFrom(socket: Socket, message: Buffer, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, port, address, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * RESPONSE-ADDRESS is for CPEs that find out how long their binding lives: another port of the same address (RFC 3489 10.2.3).
 * Undefined: it leads to somebody else, and nothing is sent.
 */
function returnAddress(message: StunMessage, from: TransportAddress): TransportAddress | undefined {
  const value = attributeOf(message, stunAttributes.responseAddress);
  if (!value) return from;
  const wanted = readAddress(value);
  if (!wanted || wanted.port === 0 || wanted.address !== from.address) return undefined;
  return { address: from.address, port: wanted.port };
}

const understood: ReadonlySet<number> = new Set([...Object.values(stunAttributes), 0x00_07, 0x00_14, 0x00_15]);
const maximumUnknown = 4;

/** Types that must be understood and are not; CHANGE-REQUEST asks for a second address, which this server does not have. */
function unknownTypes({ attributes }: StunMessage): number[] {
  const types = attributes
    .filter(({ type, value }) =>
      type === stunAttributes.changeRequest
        ? value.some((octet) => octet !== 0)
        : type < 0x80_00 && !understood.has(type),
    )
    .map(({ type }) => type);
  return [...new Set(types)].slice(0, maximumUnknown);
}

function nameIn(message: StunMessage): string | undefined {
  const value = attributeOf(message, stunAttributes.username);
  return value && readUsername(value);
}

/** As UDPConnectionRequestAddress has it. */
function textOf({ address, port }: TransportAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
