/**
 * Sessions without news with as little work of the load as can be, so that it is the server that is measured by the clock: octets that are
 * made once, answers of a length that is known, no parsing.
 */
import { connect, type Socket } from 'node:net';
import { informOf, post, type Cpe } from './cwmp-strings.ts';
import type { Tally } from './rounds.ts';

/** The answer to an Inform, as a server has given it once: the same but for the value of its cookie. */
export interface KnownAnswer {
  length: number;
  cookieAt: number;
  cookieLength: number;
}

export interface SessionLoad {
  port: number;
  cpes: readonly Cpe[];
  answer: KnownAnswer;
  /** At one time. */
  connections: number;
  seconds: number;
}

const ok = 0x32_30_30; // 200
const noContent = 0x32_30_34; // 204
const statusAt = 'HTTP/1.1 '.length;
const cookieMark = 'Cookie: ';

export function knownAnswer(head: string, body: string): KnownAnswer {
  const found = /set-cookie: *([^;\r]*)/i.exec(head);
  if (!found) throw new Error('the answer to an Inform has no cookie');
  return {
    length: head.length + 4 + body.length,
    cookieAt: found.index + found[0].length - found[1]!.length,
    cookieLength: found[1]!.length,
  };
}

/** A new connection for every session, the CPEs in turn, as fast as it goes. */
export async function runSessions({ port, cpes, answer, connections, seconds }: SessionLoad): Promise<Tally> {
  const informs = cpes.map((cpe) => Buffer.from(post(informOf(cpe, '2 PERIODIC'), ''), 'latin1'));
  const started = performance.now();
  const until = started + seconds * 1000;
  let next = 0;
  let done = 0;
  const slot = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const heard = Buffer.alloc(16_384);
      const empty = Buffer.from(post('', `${cookieMark}${'x'.repeat(answer.cookieLength)}\r\n`), 'latin1');
      const cookieAt = empty.indexOf(cookieMark) + cookieMark.length;
      const begin = (): void => {
        if (performance.now() >= until) return resolve();
        const inform = informs[next++ % informs.length]!;
        let isWelcome = false;
        let kept = 0;
        const fail = (why: string): void => {
          socket.destroy();
          reject(new Error(`a session without news: ${why}`));
        };
        const take = (length: number): boolean => {
          kept += length;
          const status = heard.readUIntBE(statusAt, 3);
          if (!isWelcome) {
            if (kept < answer.length) {
              fail('the answer to an Inform came in pieces, or is a shorter one');
              return false;
            }
            if (kept !== answer.length || status !== ok) {
              fail(`the answer to an Inform has the status ${heard.toString('latin1', statusAt, statusAt + 3)}`);
              return false;
            }
            isWelcome = true;
            kept = 0;
            heard.copy(empty, cookieAt, answer.cookieAt, answer.cookieAt + answer.cookieLength);
            socket.write(empty);
          } else if (status === noContent) {
            done += 1;
            socket.destroy();
            begin();
          } else fail('there were news');
          return true;
        };
        const socket: Socket = connect({ port, host: '127.0.0.1', onread: { buffer: heard, callback: take } });
        socket.on('error', (error) => fail(error.message));
        socket.write(inform);
      };
      begin();
    });
  await Promise.all(Array.from({ length: connections }, slot));
  return { count: done, seconds: (performance.now() - started) / 1000 };
}
