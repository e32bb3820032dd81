/** The course of a session without a socket: what happens, and what is done then. */
import assert from 'node:assert/strict';
import type { Verdict } from '../../adapters/omadm/authenticator.ts';
import type { Request } from '../../adapters/omadm/exchange.ts';
import { DmSession, type Phase, type SessionAction, type SessionEvent } from '../../adapters/omadm/session.ts';
import type { Command, SyncmlMessage } from '../../adapters/omadm/syncml/message.ts';
import { commandsOf, isFinal, statusesOf, textOf } from './scripted-client.ts';

const proven: Verdict = { proven: true, status: 212 };
const unproven: Verdict = { proven: false, status: 407, over: false, why: 'no Cred' };
const get: Request = { command: 'Get', path: './A' };
const exec: Request = { command: 'Exec', path: './X' };

const start: Command = { command: 'Alert', id: '1', code: 1201, items: [] };
const event: Command = { command: 'Alert', id: '2', code: 1226, items: [{ data: 'x' }] };
const next: Command = { command: 'Alert', id: '3', code: 1222, items: [] };
const abort: Command = { command: 'Alert', id: '4', code: 1223, items: [] };
const info: Command = { command: 'Replace', id: '5', items: [{ source: './DevInfo/Man', data: 'Acme' }] };

function statusOf(messageRef: number, commandRef: string, code: number): Command {
  return {
    command: 'Status',
    id: '9',
    messageRef: String(messageRef),
    commandRef,
    answered: commandRef === '0' ? 'SyncHdr' : 'Get',
    targetRefs: [],
    sourceRefs: [],
    code,
    items: [],
  };
}

class Course {
  readonly session: DmSession;
  #message = 0;

  constructor() {
    this.session = new DmSession(this.#header(1), {
      encoding: { form: 'xml', subtype: 'dm', representation: '1.2' },
      serverUri: 'http://gw/omadm',
      responseUri: 'http://gw/omadm?sid=1',
      usualMessageBytes: 16_384,
      maximumMessageBytes: 100_000,
      receivedMessageBytes: 1_000_000,
      maximumObjectBytes: 1_000_000,
      maximumPackageMessages: 5,
      maximumPackageBytes: 100_000,
    });
  }

  #header(message: number): SyncmlMessage['header'] {
    return {
      representation: '1.2',
      protocol: 'DM/1.2',
      sessionId: '1',
      messageId: String(message),
      target: { uri: 'http://gw/omadm' },
      source: { uri: 'dev' },
    };
  }

  say(
    commands: Command[],
    more: Partial<Extract<SessionEvent, { event: 'message' }>> & { final?: boolean } = {},
  ): string[] {
    const { final = true, ...rest } = more;
    const header = this.#header(++this.#message);
    return this.step({
      event: 'message',
      message: { header, commands, final },
      verdict: proven,
      own: {},
      size: 100,
      ...rest,
    });
  }

  step(happened: SessionEvent): string[] {
    return this.session.step(happened).map(inWords);
  }
}

/** `send 212 200, Get, final`. */
function inWords(action: SessionAction): string {
  switch (action.do) {
    case 'send': {
      const body = action.octets.toString();
      const codes = statusesOf(body).map((line) => line.split(' ').at(-1));
      const others = commandsOf(body)
        .filter(({ name }) => name !== 'Status')
        .map(({ name, text }) => (name === 'Alert' ? textOf(text, 'Data') : name));
      const parts = [codes.join(' '), ...others, ...(isFinal(body) ? ['final'] : [])];
      return `send ${parts.join(', ')}`;
    }
    case 'tell':
      return `tell ${action.answers.map(({ status, sent }) => `${status ?? 'none'}${sent ? '' : ' unsent'}`).join(' ')}`;
    case 'store':
      return `store${action.arrival ? ' arrival' : ''}${action.alerts.map(({ alert }) => ` ${alert.code}`).join('')}`;
    case 'refuse':
      return `refuse ${action.reason}`;
    case 'end':
      return `end: ${action.why}`;
    default:
      return action.do;
  }
}

const stored: SessionEvent = { event: 'stored', codes: [200] };
const ask = (...requests: Request[]): SessionEvent => ({ event: 'ask', requests, options: {} });
const lost = (delivered: boolean): SessionEvent => ({ event: 'lost', why: 'silence', delivered });

/** The course to a phase. */
function courseTo(phase: Phase): Course {
  const course = new Course();
  if (phase === 'setup') return course;
  course.say([start, info]);
  if (phase === 'storing') return course;
  course.step(stored);
  if (phase === 'asked') course.step(ask(get));
  if (phase === 'over') course.step({ event: 'nothing' });
  return course;
}

describe('the course of a session of OMA DM', () => {
  for (const [sentence, before, happens, expected, after] of [
    ['package 1 is stored before it is answered', 'setup', (c) => c.say([start, info]), ['store arrival'], 'storing'],
    ['with its alerts', 'setup', (c) => c.say([start, event, info]), ['store arrival 1226'], 'storing'],
    ['once stored, the device half has the word', 'storing', (c) => c.step(stored), ['think'], 'ours'],
    [
      'a device that is not admitted has the same answer to everything',
      'storing',
      (c) => c.step({ event: 'refused', status: 403, why: 'unknown' }),
      ['send 403 403 403, final', 'end: unknown'],
      'over',
    ],
    [
      'package 1 without its end: the next message, please',
      'setup',
      (c) => c.say([start], { final: false }),
      ['send 212 200, 1222'],
      'setup',
    ],
    [
      'package 1 without a proof is stored nowhere',
      'setup',
      (c) => c.say([start, event, info], { verdict: unproven }),
      ['send 407 407 407 407, final'],
      'setup',
    ],
    [
      'the last try without a proof ends it',
      'setup',
      (c) => c.say([start], { verdict: { ...unproven, over: true } as Verdict }),
      ['send 407 407, final', 'end: no Cred'],
      'over',
    ],
    [
      'package 1 that is aborted by the device',
      'setup',
      (c) => c.say([start, abort, info]),
      ['send 212 200 200 200, final', 'end: the device has aborted the session (alert 1223)'],
      'over',
    ],
    [
      'a question goes out with the Statuses',
      'ours',
      (c) => c.step(ask(get)),
      ['send 212 200 200, Get, final'],
      'asked',
    ],
    [
      'nothing to ask: Statuses alone, and the end',
      'ours',
      (c) => c.step({ event: 'nothing' }),
      ['send 212 200 200, final', 'end: the session is over'],
      'over',
    ],
    [
      'an answer hands the word back',
      'asked',
      (c) => c.say([statusOf(1, '0', 212), statusOf(1, '4', 404)]),
      ['tell 404'],
      'ours',
    ],
    [
      'an alert beside it is stored first',
      'asked',
      (c) => c.say([statusOf(1, '4', 404), event]),
      ['store 1226'],
      'storing',
    ],
    [
      'the answer to nothing is counted',
      'asked',
      (c) => c.say([statusOf(7, '4', 404), statusOf(1, '4', 200)]),
      ['refuse no-question', 'tell 200'],
      'ours',
    ],
    ['no answer at all is no status', 'asked', (c) => c.say([statusOf(1, '0', 200)]), ['tell none'], 'ours'],
    [
      'an alert, and nothing else: it needs longer',
      'asked',
      (c) => (c.say([event]), c.step(stored)),
      ['send 212 200, final'],
      'asked',
    ],
    [
      'an answer without its end',
      'asked',
      (c) => c.say([statusOf(1, '4', 404)], { final: false }),
      ['send 212, 1222'],
      'asked',
    ],
    [
      'an abort tells what is not known',
      'asked',
      (c) => c.say([abort]),
      ['tell none', 'send 212 200, final', 'end: the device has aborted the session (alert 1223)'],
      'over',
    ],
    [
      'a challenge of the device: once more',
      'asked',
      (c) => c.say([statusOf(1, '0', 407), statusOf(1, '4', 407)], { told: 'again' }),
      ['send 212, Get, final'],
      'asked',
    ],
    [
      'a device that takes no proof of ours',
      'asked',
      (c) => c.say([statusOf(1, '0', 401)], { told: 'refused' }),
      ['tell 401', 'send 212, final', 'end: the device does not take the credentials of the gateway'],
      'over',
    ],
    ['silence while it has the word', 'asked', (c) => c.step(lost(true)), ['tell none', 'end: silence'], 'over'],
    [
      'silence of one who never got the question',
      'asked',
      (c) => c.step(lost(false)),
      ['tell none unsent', 'end: silence'],
      'over',
    ],
    ['silence when nothing was asked', 'ours', (c) => c.step(lost(true)), ['end: silence'], 'over'],
    [
      'a question out of turn is not sent',
      'storing',
      (c) => c.step(ask(get, exec)),
      ['tell none unsent none unsent'],
      'storing',
    ],
    ['a question after the end is not sent', 'over', (c) => c.step(ask(get)), ['tell none unsent'], 'over'],
    ['what is stored too late changes nothing', 'over', (c) => c.step(stored), [], 'over'],
    [
      'to end twice is to end once',
      'over',
      (c) => [...c.step({ event: 'nothing' }), ...c.step(lost(true))],
      [],
      'over',
    ],
  ] as readonly (readonly [string, Phase, (course: Course) => string[], string[], Phase])[]) {
    it(`${before}: ${sentence}`, () => {
      const course = courseTo(before);
      assert.deepEqual(happens(course), expected);
      assert.equal(course.session.phase, after);
    });
  }

  it('a package without end is broken off with alert 1223', () => {
    const course = new Course();
    for (let message = 1; message <= 5; message++) course.say([start, next], { final: false });
    assert.deepEqual(course.say([next], { final: false }), [
      'refuse too-long',
      'send 212, 1223, final',
      'end: a package of more than 5 messages, and still no end',
    ]);
  });

  it('as is one of too many octets', () => {
    const course = new Course();
    assert.deepEqual(course.say([start], { size: 100_001 }).slice(0, 1), ['refuse too-long']);
  });

  it('a device that always wants another proof is given up: its 401 is the answer', () => {
    const course = courseTo('asked');
    let said: string[] = [];
    for (let round = 1; round <= 4; round++) said = course.say([statusOf(round, '0', 401)], { told: 'again' });
    assert.deepEqual(said, ['tell 401']);
  });

  it('our limits are told until the device has arrived, and not again', () => {
    const course = new Course();
    const metas: boolean[] = [];
    const look = (actions: SessionAction[]): void => {
      for (const action of actions) if (action.do === 'send') metas.push(action.octets.includes('<MaxMsgSize'));
    };
    const message = (id: string, commands: Command[]): SessionEvent => ({
      event: 'message',
      message: {
        header: {
          representation: '1.2',
          protocol: 'DM/1.2',
          sessionId: '1',
          messageId: id,
          target: { uri: '' },
          source: { uri: 'd' },
        },
        commands,
        final: true,
      },
      verdict: id === '1' ? unproven : proven,
      own: {},
      size: 1,
    });
    look(course.session.step(message('1', [start, info])));
    look(course.session.step(message('2', [start, info])));
    look(course.session.step(stored));
    look(course.session.step(ask(get)));
    look(course.session.step(message('3', [statusOf(2, '4', 404)])));
    look(course.session.step(ask(get)));
    assert.deepEqual(metas, [true, true, false]);
  });

  it('only questions that read are harmless when they come twice', () => {
    for (const [request, harmless] of [
      [get, true],
      [exec, false],
    ] as const) {
      const [send] = courseTo('ours').session.step(ask(request));
      assert.equal(send?.do === 'send' && send.harmless, harmless);
    }
  });
});
