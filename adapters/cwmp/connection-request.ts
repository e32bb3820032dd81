/** Makes a CPE open a session: HTTP with its own credentials (TR-069 3.2.2), or a signed datagram (TR-069 annex G). */
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { Clock } from '../../src/support/clock.ts';
import { problemWithAddress, withoutMapping } from '../../src/support/device-address.ts';
import { authorize, isStale, type Credentials } from '../../src/support/http-authentication.ts';
import { sendFrom, type DatagramSender } from './stun-server.ts';

export type ConnectionResult =
  /** It said that it will come; only the Inform proves it. */
  | { result: 'accepted'; by: string }
  /** 503: in a session, or asked too often. Not an error of credentials (quirk 40). */
  | { result: 'busy'; why: string }
  | { result: 'unauthorized'; why: string }
  /** `isSilent`: nobody answered, but somebody may in a moment. */
  | { result: 'unreachable'; why: string; isSilent?: boolean }
  /** The address is none that we would go to. */
  | { result: 'forbidden'; why: string };

export interface ConnectionSettings {
  clock: Clock;
  /** ms for one exchange. */
  timeout: number;
  /** CIDR; empty = any address that is not local to this machine. */
  networks: readonly string[];
}

export interface HttpTarget {
  /** ConnectionRequestURL. */
  url: string;
  credentials?: Credentials;
  /** Where the last Inform came from: an address that is always plausible. */
  seenAt?: string;
}

const setting = 'cwmp.connectionRequestNetworks';

/** Never rejects. */
export async function requestConnection(target: HttpTarget, settings: ConnectionSettings): Promise<ConnectionResult> {
  let url: URL;
  try {
    url = new URL(target.url);
  } catch {
    return { result: 'forbidden', why: 'its ConnectionRequestURL is no URL' };
  }
  if (url.protocol !== 'http:') return { result: 'forbidden', why: 'its ConnectionRequestURL is not http' };
  const host = withoutMapping(url.hostname);
  let address = host;
  if (isIP(host) === 0) {
    try {
      ({ address } = await lookup(host));
    } catch {
      return { result: 'unreachable', why: `the name ${host} is not known` };
    }
  }
  const problem = problemWithAddress(address, { seenAt: target.seenAt, networks: settings.networks, setting });
  if (problem) return { result: 'forbidden', why: problem };
  return converse(url, address, target.credentials, settings);
}

const maximumExchanges = 4;

/** Without credentials first; then as challenged; once more when the connection is reset or the nonce is stale (quirk 39). */
async function converse(
  url: URL,
  address: string,
  credentials: Credentials | undefined,
  settings: ConnectionSettings,
): Promise<ConnectionResult> {
  let authorization: string | undefined;
  let resets = 0;
  for (let exchange = 0; exchange < maximumExchanges; exchange++) {
    const answer = await get(url, address, authorization, settings);
    if ('why' in answer) {
      if (answer.isReset && resets++ === 0) continue;
      return { result: 'unreachable', why: answer.why, isSilent: answer.isSilent };
    }
    const { status, challenges } = answer;
    if (status === 200 || status === 204) return { result: 'accepted', by: 'HTTP connection request' };
    if (status === 503) return { result: 'busy', why: 'it answered 503: busy, or asked too often' };
    if (status !== 401) return { result: 'unreachable', why: `it answered ${status} to the connection request` };
    if (!credentials) return { result: 'unauthorized', why: 'it asks for credentials, and none are known' };
    if (authorization !== undefined && !isStale(challenges)) break;
    authorization = authorize(challenges, credentials, { method: 'GET', uri: url.pathname + url.search, body: '' });
    if (authorization === undefined) return { result: 'unauthorized', why: 'its challenge is none that is known here' };
  }
  return { result: 'unauthorized', why: 'it refused the credentials of the connection request' };
}

type HttpAnswer = { status: number; challenges: string[] } | { why: string; isReset: boolean; isSilent: boolean };

/** Octets of an answer's head that are read. */
const maximumHead = 16_384;
/** The longest end of a head, CR LF CR LF, may have come in two pieces. */
const endOfHead = 4;

/** Not by node:http: some CPEs end lines with LF alone, fold them, and close, or wait, without the empty line. */
function get(
  url: URL,
  address: string,
  authorization: string | undefined,
  { clock, timeout }: ConnectionSettings,
): Promise<HttpAnswer> {
  const port = Number(url.port || 80);
  const where = `${address}:${port}`;
  const lines = [`GET ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`, 'Connection: close'];
  if (authorization !== undefined) lines.push(`Authorization: ${authorization}`);
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    let text = '';
    const settle = (answer: HttpAnswer): void => {
      cancel();
      socket.destroy();
      resolve(answer);
    };
    /** Whatever has come must do. */
    const settleWithout = (why: string, isReset: boolean): void =>
      settle(text === '' ? { why, isReset, isSilent: true } : readAnswer(text, where));
    const cancel = clock.after(timeout, () =>
      settleWithout(`no connection to ${where} (no answer in ${Math.round(timeout / 1000)} s)`, false),
    );
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
    socket.on('data', (chunk: string) => {
      text += chunk;
      // A body is not read: some CPEs send one (quirk 39).
      const isComplete = /\n\r?\n/.test(text.slice(-chunk.length - endOfHead));
      if (isComplete || text.length > maximumHead) settle(readAnswer(text.slice(0, maximumHead), where));
    });
    socket.on('end', () => settleWithout(`${where} closed the connection without an answer`, true));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      settleWithout(`no connection to ${where} (${error.code ?? error.message})`, isReset);
    });
  });
}

function readAnswer(text: string, where: string): HttpAnswer {
  const [head = ''] = text.split(/\r?\n\r?\n/, 1);
  const [first = '', ...fields] = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r\n?|\n/);
  const status = /^HTTP\/\d\.\d +(\d{3})/.exec(first)?.[1];
  if (status === undefined)
    return { why: `${where} answered something that is no HTTP`, isReset: false, isSilent: false };
  const challenges = fields.flatMap((field) => /^www-authenticate:\s*(.*)$/i.exec(field)?.[1] ?? []);
  return { status: Number(status), challenges };
}

export interface UdpTarget {
  /** UDPConnectionRequestAddress: `host:port`. */
  address: string;
  credentials: Credentials;
  seenAt?: string;
}

const copies = 3;
let lastId = 0;

/** The datagram of annex G.2.1.2.3: signed, with an id that grows. */
export function udpMessage(host: string, credentials: Credentials, now: number, id: number, cnonce: string): string {
  const time = Math.floor(now / 1000);
  const signed = `${time}${id}${credentials.username}${cnonce}`;
  const signature = createHmac('sha1', credentials.password).update(signed).digest('hex');
  const query = `ts=${time}&id=${id}&un=${encodeURIComponent(credentials.username)}&cn=${cnonce}&sig=${signature}`;
  return `GET http://${host}?${query} HTTP/1.1\r\n\r\n`;
}

/** `host:port`, `[host]:port`, or the host alone for port 80 (TR-181, UDPConnectionRequestAddress); undefined when it is neither. */
export function readUdpAddress(text: string): { host: string; port: number } | undefined {
  const [, bracketed, plain, port = '80'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  return host === undefined ? undefined : { host, port: Number(port) };
}

/**
 * Sends three copies; nobody answers. Never rejects.
 * @param shared the socket to which CPEs keep a way open, where there is one; else one of its own
 */
export async function requestConnectionByUdp(
  target: UdpTarget,
  settings: ConnectionSettings,
  shared?: DatagramSender,
): Promise<ConnectionResult> {
  const { host, port } = readUdpAddress(target.address) ?? { host: '', port: 0 };
  const problem = problemWithAddress(host, { seenAt: target.seenAt, networks: settings.networks, setting });
  if (problem) return { result: 'forbidden', why: problem };
  if (port < 1 || port > 65_535) return { result: 'forbidden', why: 'its UDP address has no port' };
  const now = settings.clock.now();
  lastId = Math.max(lastId + 1, Math.floor(now / 1000));
  const text = udpMessage(target.address.trim(), target.credentials, now, lastId, randomBytes(8).toString('hex'));
  const message = Buffer.from(text, 'latin1');
  const own = shared?.reaches(host) ? undefined : createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  // Errors come with the datagram that they concern.
  own?.on('error', () => {});
  try {
    for (let copy = 0; copy < copies; copy++) {
      await (own ? sendFrom(own, message, port, host) : shared!.send(message, port, host));
    }
    return { result: 'accepted', by: 'UDP connection request' };
  } catch (error) {
    return { result: 'unreachable', why: `the datagram could not be sent: ${(error as Error).message}` };
  } finally {
    own?.close();
  }
}
