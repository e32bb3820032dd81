/** Sessions with devices that say anything: no message of theirs throws, repeats a question or leaves one without an answer. */
import assert from 'node:assert/strict';
import type { Request } from '../../adapters/omadm/exchange.ts';
import { DmSession, type SessionAction, type SessionEvent } from '../../adapters/omadm/session.ts';
import { readMessage, SyncmlError, writeMessage } from '../../adapters/omadm/syncml/codec.ts';
import { captureNames, createRandom, readCapture } from './captures.ts';
import {
  alert,
  headerStatus,
  item,
  packageOne,
  results,
  status,
  syncml,
  maxMsgSize,
  connectClient,
} from './scripted-client.ts';
import { SmallServer } from './small-server.ts';

const COURSES = 5_000;
const big = 'x'.repeat(3000);
const requests: Request[] = [
  { command: 'Get', path: './A' },
  { command: 'Replace', path: './B', value: { format: 'chr', text: big } },
  { command: 'Exec', path: './C', correlator: 'k' },
  { command: 'Atomic', requests: [{ command: 'Delete', path: './D' }] },
  { command: 'Alert', code: 1101, items: ['MINDT=10', 'Well?'] },
];

type Random = (below: number) => number;

/** Anything that a device could say in answer to our message. */
function anything(random: Random, message: number): string {
  const parts: string[] = [];
  for (let count = random(6); count > 0; count--) {
    const command = random(12);
    const reference = random(8) === 0 ? random(9) : message - 1;
    const code = [200, 200, 202, 212, 213, 401, 404, 406, 407, 0, 9999][random(11)]!;
    switch (random(7)) {
      case 0:
        parts.push(headerStatus(reference, code));
        break;
      case 1:
      case 2:
        parts.push(status(count, reference, command, ['Get', 'Replace', 'Exec', 'Alert'][random(4)]!, code));
        break;
      case 3:
      case 4: {
        const size = random(4) === 0 ? random(2000) : undefined;
        const data = 'y'.repeat(random(50));
        parts.push(
          results(
            count,
            reference,
            command,
            item({ path: ['./A', './B'][random(2)]!, data, size, moreData: random(2) === 0 }),
          ),
        );
        break;
      }
      case 5:
        parts.push(
          alert(
            count,
            [1200, 1201, 1222, 1222, 1223, 1224, 1225, 1226, 0][random(9)]!,
            item({ path: './M', data: 'z', moreData: random(3) === 0 }),
          ),
        );
        break;
      default:
        parts.push('<Get><CmdID>3</CmdID></Get><Foo><CmdID>8</CmdID></Foo><Replace><CmdID>7</CmdID></Replace>');
    }
  }
  return syncml(parts.join(''), { message, final: random(3) > 0 });
}

function mutated(random: Random, octets: Buffer): Buffer {
  if (random(4) > 0) return octets;
  const at = random(octets.length + 1);
  const end = at + random(30);
  return random(2) === 0
    ? Buffer.concat([octets.subarray(0, at), octets.subarray(end)])
    : Buffer.concat([octets.subarray(0, end), octets.subarray(at)]);
}

describe('sessions of OMA DM under fuzzing', function () {
  this.timeout(120_000);

  it(`${COURSES} courses: every question has one answer, and every message of ours can be read and fits`, () => {
    const random = createRandom(20_261_122);
    const count = { over: 0, asked: 0, told: 0, sent: 0, stored: 0 };
    for (let round = 0; round < COURSES; round++) {
      const form = random(2) === 0 ? 'xml' : 'wbxml';
      const encode = (text: string): Buffer => {
        const { message, encoding } = readMessage(Buffer.from(text), undefined);
        if (form === 'xml') return Buffer.from(text);
        const commands = message.commands.filter(({ command }) => command !== 'unknown');
        return writeMessage({ ...message, commands }, { ...encoding, form });
      };
      const begin = readMessage(encode(packageOne({ meta: maxMsgSize(1500) })), undefined);
      const session = new DmSession(begin.message.header, {
        encoding: begin.encoding,
        serverUri: 'http://gw/omadm',
        responseUri: 'http://gw/omadm?sid=1',
        usualMessageBytes: 1500,
        maximumMessageBytes: 1500,
        receivedMessageBytes: 100_000,
        maximumObjectBytes: 1000,
        maximumPackageMessages: 12,
        maximumPackageBytes: 100_000,
      });
      const open = { questions: 0, ends: 0 };
      const step = (event: SessionEvent): void => {
        for (const action of session.step(event)) act(action);
      };
      const act = (action: SessionAction): void => {
        switch (action.do) {
          case 'send': {
            count.sent++;
            assert.ok(action.octets.length <= 1500, `${action.octets.length} octets`);
            const { warnings } = readMessage(action.octets, undefined);
            assert.deepEqual(warnings, []);
            break;
          }
          case 'store':
            count.stored++;
            step({ event: 'stored', codes: action.alerts.map(() => 200) });
            break;
          case 'think':
            go();
            break;
          case 'tell':
            count.told++;
            open.questions--;
            assert.ok(open.questions >= 0, 'an answer to nothing');
            // As the device half would: it asks once it has its answer.
            queued.push(go);
            break;
          case 'end':
            open.ends++;
        }
      };
      const queued: (() => void)[] = [];
      let left = 3;
      const go = (): void => {
        if (session.phase === 'over') return;
        if (left-- <= 0) return step({ event: 'nothing' });
        open.questions++;
        count.asked++;
        step({
          event: 'ask',
          requests: requests.slice(0, random(requests.length) + 1),
          options: { largeObjects: random(2) === 0 },
        });
      };
      const say = (octets: Buffer): void => {
        let message;
        try {
          message = readMessage(octets, undefined).message;
        } catch (error) {
          if (!(error instanceof SyncmlError)) throw error;
          return;
        }
        const told = (['accepted', 'accepted', 'again', 'refused'] as const)[random(4)];
        const isProven = random(10) > 0;
        const verdict = isProven
          ? ({ proven: true, status: 212 } as const)
          : ({ proven: false, status: 401, over: random(3) === 0, why: 'wrong' } as const);
        step({ event: 'message', message, verdict, told: isProven ? told : undefined, own: {}, size: octets.length });
        for (let next = queued.shift(); next; next = queued.shift()) next();
      };
      try {
        say(encode(packageOne({ meta: maxMsgSize(1500) })));
        for (let message = 2; message < 12 && session.phase !== 'over'; message++) {
          say(mutated(random, encode(anything(random, message))));
        }
        step({ event: 'lost', why: 'the test is over', delivered: true });
      } catch (error) {
        throw new Error(`course ${round}`, { cause: error });
      }
      assert.equal(open.questions, 0, `course ${round}: a question without an answer`);
      assert.equal(open.ends, 1, `course ${round}: ${open.ends} ends`);
      if (session.phase === 'over') count.over++;
    }
    assert.ok(count.told === count.asked && count.asked > COURSES / 4 && count.stored > COURSES, JSON.stringify(count));
  });

  it('2,000 mutated captures over HTTP: each is answered, and the server goes on', async () => {
    const small = await SmallServer.start({ asks: [[{ command: 'Get', path: './A' }]] });
    try {
      const random = createRandom(7);
      const statuses = new Map<number, number>();
      for (let round = 0; round < 2000; round++) {
        const connection = await connectClient(small.server.listeners[0]!.port);
        const seed = readCapture(captureNames[random(captureNames.length)]!);
        const at = random(seed.length);
        const body = Buffer.concat([seed.subarray(0, at), Buffer.from([random(256)]), seed.subarray(at + random(8))]);
        const answered = await connection.post(body, { to: random(3) === 0 ? '/omadm?sid=x' : '/omadm' });
        statuses.set(answered.status, (statuses.get(answered.status) ?? 0) + 1);
        connection.close();
      }
      assert.deepEqual(
        [...statuses.keys()].filter((code) => ![200, 400, 404].includes(code)),
        [],
      );
      assert.ok((statuses.get(200) ?? 0) > 200 && (statuses.get(400) ?? 0) > 100, JSON.stringify([...statuses]));
      const last = await small.connect();
      assert.equal((await last.post(packageOne({ device: 'last' }))).status, 200);
    } finally {
      await small.close();
    }
  });
});
