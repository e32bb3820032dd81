/** CPEs over raw sockets, as a worker: a new connection for every session, fixed strings both ways. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { knownAnswer, runSessions } from './cwmp-sessions.ts';
import { answerOf, createCpe, informOf, post, urlOf, type Cpe, type Occasion } from './cwmp-strings.ts';
import type { Tally } from './rounds.ts';
import { serveCommands } from './worker.ts';

/** How a session ended: 204, or 503 to the Inform. */
type End = 'served' | 'busy';

/** One message of the server as it came. */
export interface RawAnswer {
  status: number;
  /** Lines of the head, without the first. */
  headers: string[];
  body: string;
}

const lengthOf = /content-length: *(\d+)/i;
const cookieOf = /set-cookie: *([^;\r]*)/i;

/** One session of one CPE: Inform, empty POST, whatever is asked, until the server has nothing more. */
function converse(
  { port, cpe, occasion }: { port: number; cpe: Cpe; occasion: Occasion },
  heard?: (answer: RawAnswer) => void,
): Promise<End> {
  return new Promise((resolve, reject) => {
    let text = '';
    let cookie = '';
    let isWelcome = false;
    let heardOf = 0;
    const began = performance.now();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const end = (how: End): void => {
      socket.destroy();
      resolve(how);
    };
    const fail = (why: string): void => {
      socket.destroy();
      const after = `${heardOf} answers, ${((performance.now() - began) / 1000).toFixed(1)} s`;
      reject(new Error(`CPE ${cpe.index}, after ${after}: ${why}`));
    };
    const say = (body: string): void => void socket.write(post(body, cookie), 'latin1');
    const take = (status: number, head: string, body: string): void => {
      heardOf += 1;
      heard?.({ status, headers: head.split('\r\n').slice(1), body });
      if (status === 204) return isWelcome ? end('served') : fail('204 to an Inform');
      if (status === 503 && !isWelcome) return end('busy');
      if (status !== 200 || body.includes('Fault>')) return fail(`answered ${status}: ${body.slice(0, 300)}`);
      if (isWelcome) return say(answerOf(cpe, body));
      isWelcome = true;
      const given = cookieOf.exec(head)?.[1];
      if (given !== undefined) cookie = `Cookie: ${given}\r\n`;
      say('');
    };
    socket.on('connect', () => say(informOf(cpe, occasion)));
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1');
      const at = text.indexOf('\r\n\r\n');
      if (at < 0) return;
      const head = text.slice(0, at);
      const length = Number(lengthOf.exec(head)?.[1] ?? 0);
      if (text.length < at + 4 + length) return;
      const body = text.slice(at + 4, at + 4 + length);
      text = '';
      take(Number(head.slice(9, 12)), head, body);
    });
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('the server closed the connection'));
  });
}

const cpes = new Map<number, Cpe>();
/** Where connection requests go; nobody listens on 1. */
let callPort = 1;

function cpeOf(index: number): Cpe {
  let cpe = cpes.get(index);
  if (!cpe) cpes.set(index, (cpe = createCpe(index, urlOf(callPort, index))));
  return cpe;
}

/** What a server says in one session. */
async function answers({ port, occasion }: { port: number; occasion: Occasion }): Promise<RawAnswer[]> {
  const heard: RawAnswer[] = [];
  await converse({ port, cpe: cpeOf(0), occasion }, (answer) => heard.push(answer));
  return heard;
}

interface SessionsOf {
  port: number;
  /** The CPEs 0 … count - 1, in turn. */
  count: number;
  /** At one time. */
  connections: number;
  seconds: number;
}

/** Periodic Informs as fast as it goes. */
async function sessions({ port, count, connections, seconds }: SessionsOf): Promise<Tally> {
  const [first] = await answers({ port, occasion: '2 PERIODIC' });
  const answer = knownAnswer(['HTTP/1.1 200 OK', ...first!.headers].join('\r\n'), first!.body);
  const all = Array.from({ length: count }, (_, index) => cpeOf(index));
  return runSessions({ port, cpes: all, answer, connections, seconds });
}

export interface ArrivalLoad {
  port: number;
  from: number;
  count: number;
  /** At one time; the others stand before the door. */
  connections: number;
  occasion: Occasion;
}

export interface Arrived extends Tally {
  /** Informs that were answered 503. */
  refused: number;
  /** Sessions whose connection broke. */
  broken: number;
  /** s, from the first Inform to the last write. */
  lastWrite: number;
}

/** s; TR-069 3.2.1.1, of the first retry and of each further one: at least this, at most twice as much. */
const retryWaits = [5, 10, 20, 40];
const patience = 8;

/** Every CPE once; one that is refused, or whose connection breaks, comes back as TR-069 says. */
async function arrive({ port, from, count, connections, occasion }: ArrivalLoad): Promise<Arrived> {
  let next = from;
  let refused = 0;
  let broken = 0;
  const started = performance.now();
  const isServed = async (cpe: Cpe): Promise<boolean> => {
    try {
      const end = await converse({ port, cpe, occasion });
      if (end === 'busy') refused += 1;
      return end === 'served';
    } catch (error) {
      // The first tells why; there may be thousands.
      if (broken === 0) process.stderr.write(`${(error as Error).message}\n`);
      broken += 1;
      return false;
    }
  };
  const returns: Promise<void>[] = [];
  const comeBack = async (cpe: Cpe, tries: number): Promise<void> => {
    if (tries >= patience) throw new Error(`CPE ${cpe.index} came ${tries} times in vain`);
    const wait = retryWaits[Math.min(tries, retryWaits.length - 1)]!;
    await new Promise((resolve) => setTimeout(resolve, wait * 1000 * (1 + Math.random())));
    if (!(await isServed(cpe))) await comeBack(cpe, tries + 1);
  };
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < from + count) {
        const cpe = cpeOf(next++);
        if (!(await isServed(cpe))) returns.push(comeBack(cpe, 0));
      }
    }),
  );
  await Promise.all(returns);
  const seconds = (performance.now() - started) / 1000;
  const lastWrite = Math.max(...Array.from({ length: count }, (_, at) => cpeOf(from + at).writtenAt));
  return { count, refused, broken, seconds, lastWrite: (lastWrite - started) / 1000 };
}

/** Value and number of writes of the own parameter, CPE by CPE. */
function written({ from, count }: { from: number; count: number }): [value: number, writes: number][] {
  return Array.from({ length: count }, (_, at) => {
    const { value, writes } = cpeOf(from + at);
    return [value, writes];
  });
}

const challenge =
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="CPE", qop="auth", nonce="0123456789abcdef"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
const accepted = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** Where sessions go that a connection request asks for. */
let acs = 0;
let calls = 0;
let lastCall: RawAnswer[] = [];

/** Listens for connection requests, `/index`: one with credentials is taken, and answered by a session. */
async function listen(): Promise<number> {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', (part: Buffer) => {
      const text = part.toString('latin1');
      if (!/\r\nauthorization:/i.test(text)) return void socket.end(challenge);
      socket.end(accepted);
      calls += 1;
      const heard: RawAnswer[] = [];
      lastCall = heard;
      const cpe = cpeOf(Number(/^GET \/(\d+) /.exec(text)?.[1]));
      converse({ port: acs, cpe, occasion: '6 CONNECTION REQUEST' }, (answer) => heard.push(answer)).catch(
        (error: Error) => process.stderr.write(`${error.message}\n`),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  callPort = (server.address() as AddressInfo).port;
  return callPort;
}

/** What the server said in the session after the last connection request, once that is over. */
async function answersToLastCall(): Promise<RawAnswer[]> {
  const deadline = Date.now() + 5_000;
  while (lastCall.at(-1)?.status !== 204) {
    if (Date.now() > deadline) throw new Error('the session after the last connection request does not end');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return lastCall;
}

serveCommands({
  answers,
  sessions,
  arrive,
  written,
  listen,
  callsGoTo: (port: number) => void (acs = port),
  calls: () => calls,
  lastCall: answersToLastCall,
});
