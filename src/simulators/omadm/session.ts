import { setTimeout as wait } from 'node:timers/promises';
import { AwaitedStatuses } from './awaited-statuses.ts';
import { Assembler } from './assembler.ts';
import type { Assembly } from './assembler.ts';
import { SilentEnd } from './commands.ts';
import type { CommandOutcome, Executor } from './commands.ts';
import { isDue } from './faults.ts';
import { messageFaults } from './judge.ts';
import { messageOf } from './message.ts';
import type { ServerCommand, ServerMessage, ServerStatus } from './message.ts';
import type { GenericAlert, Outbox } from './outbox.ts';
import { fill, finalPart } from './package.ts';
import type { Filled } from './package.ts';
import type { Part } from './part.ts';
import type { Proofs, Verdict } from './proofs.ts';
import { alertEntry, headerStatus, repliesTo } from './replies.ts';
import type { Entry } from './replies.ts';
import { deviceInfo, genericAlert, writeMessage } from './statements.ts';
import { forgedAddress, spoilt } from './spoiling.ts';
import { SessionFailure } from './transport.ts';
import type { Answer, Transport } from './transport.ts';
import { contentTypeOf, decode, namespaceOf, representationOf } from './wire.ts';
import type { Wire } from './wire.ts';
import type { Workshop } from './workshop.ts';

/** The client died on request (fault `die`). */
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
  transport: Transport;
  executor: Executor;
  proofs: Proofs;
  outbox: Outbox;
  wire: Wire;
  deviceId: string;
  /** Address of the server. */
  server: string;
  sessionId: string;
  /** 1200 or 1201. */
  begin: number;
  /** Octets; undefined: nothing is said of it. */
  maximumMessageSize: number | undefined;
  maximumObjectSize: number;
  /** A RespURI of an older session, for a fault. */
  olderResponseUri: string | undefined;
  /** Text of LoginStatus. */
  login: string;
  signal: AbortSignal;
}

const mostTurns = 2000;
const defaultLimit = 1024 * 1024;

/** One session from package 1 to its end. `run` rejects when it does not come to its end. */
export class Session {
  /** Names of the commands that the server has sent. */
  readonly commands: string[] = [];
  responseUri: string | undefined;
  readonly #options: SessionOptions;
  readonly #assembler: Assembler;
  readonly #awaited: AwaitedStatuses;
  #messageId = 0;
  #serverMessageId = 0;
  #limit = defaultLimit;
  #challenged = false;
  #aborted = false;
  #verdict: Verdict = { accepted: true, code: 200, challenge: undefined };
  #told = new Set<GenericAlert>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#awaited = new AwaitedStatuses((sentence) => this.#complain(sentence));
    this.#assembler = new Assembler(options.maximumObjectSize, (sentence) => this.#complain(sentence));
  }

  #complain(sentence: string): void {
    this.#options.workshop.journal.complain(
      `${sentence} (session ${this.#options.sessionId}, message ${this.#serverMessageId})`,
    );
  }

  async run(): Promise<void> {
    try {
      await this.#turns();
    } catch (problem) {
      // Observed on real clients: they stop and say nothing.
      if (!(problem instanceof SilentEnd)) throw problem;
    }
  }

  async #turns(): Promise<void> {
    const { proofs, workshop } = this.#options;
    let entries = this.#packageOne();
    for (let turn = 0; turn < mostTurns; turn += 1) {
      let message = await this.#sendPackage(entries);
      if (!message || this.#aborted) return;
      if (this.#challenged) {
        if (proofs.triedEnough) throw new SessionFailure('the server does not take the credentials');
        if (message.commands.length > 0) this.#complain('commands come together with a challenge');
        if (!message.final) this.#complain('a challenge comes without Final');
        this.#challenged = false;
        entries = [this.#statusOfHeader(message), ...this.#packageOne()];
        continue;
      }
      let asked = message.commands.length > 0;
      const replies = await this.#carryOut(message);
      while (!message.final && !this.#aborted) {
        if (message.commands.length === 0) this.#complain('a message without commands comes without Final');
        const { now, later } = this.#sort(replies.splice(0));
        const next = await this.#sendMessage([...now, alertEntry(1222)], false);
        if (!next || this.#challenged) throw new SessionFailure('the server does not go on with its package');
        message = next.message;
        asked ||= message.commands.length > 0;
        replies.push(...later, ...next.rest, ...(await this.#carryOut(message)));
        if (turn > mostTurns) return;
        turn += 1;
      }
      if (this.#assembler.isOpen && message.final) this.#complain('the package ends in the middle of a large object');
      if (this.#aborted || (!asked && this.#verdict.accepted)) return;
      if (proofs.triedEnough) throw new SessionFailure('the server does not prove who it is');
      if (!asked) return;
      entries = [...replies, ...this.#newAlerts()];
      workshop.journal.tell('message', `answers ${this.commands.length} commands`);
    }
    throw new SessionFailure(`the session has more than ${mostTurns} turns`);
  }

  /** Statuses go at once; Results may wait for the end of the server's package. */
  #sort(replies: Entry[]): { now: Entry[]; later: Entry[] } {
    return {
      now: replies.filter((entry) => entry.name !== 'Results'),
      later: replies.filter((entry) => entry.name === 'Results'),
    };
  }

  // ── what the client says

  #packageOne(): Entry[] {
    const { workshop, begin, login } = this.#options;
    const { quirks } = workshop;
    this.#told.clear();
    const entries = [alertEntry(begin)];
    if (quirks.has('login-status'))
      entries.push(
        genericAlert(
          quirks,
          { code: 1224, type: 'com.microsoft/MDM/LoginStatus', correlator: '', data: login },
          () => undefined,
        ),
      );
    return [...entries, ...this.#newAlerts(), deviceInfo(workshop)];
  }

  /** Alerts that this session has not told yet. */
  #newAlerts(): Entry[] {
    const { outbox } = this.#options;
    const fresh = outbox.waiting.filter((alert) => !this.#told.has(alert));
    return fresh.map((alert) => {
      this.#told.add(alert);
      return genericAlert(this.#options.workshop.quirks, alert, (code) => {
        // 412 and 415: it would be refused for ever.
        if (code < 300 || code === 412 || code === 415) outbox.taken(alert);
        this.#options.workshop.journal.record({
          kind: 'alert',
          code: alert.code,
          status: code,
          value: alert.data,
          correlator: alert.correlator,
          detail: alert.type,
          ...(alert.source === undefined ? {} : { path: alert.source }),
        });
      });
    });
  }

  #statusOfHeader(message: ServerMessage): Entry {
    const { code, challenge } = this.#verdict;
    return headerStatus(this.#options.workshop, message, code, challenge);
  }

  // ── messages

  /** Sends a whole package and gives the answer to its last message. */
  async #sendPackage(entries: Entry[]): Promise<ServerMessage | undefined> {
    let rest = entries;
    for (let messages = 0; messages < mostTurns; messages += 1) {
      const answer = await this.#sendMessage(rest, true);
      if (!answer) return undefined;
      if (answer.complete || this.#challenged || this.#aborted) return answer.message;
      const { message } = answer;
      const asks = message.commands.some((command) => command.name === 'Alert' && command.data === '1222');
      if (!asks) this.#complain('a package without Final is not answered with the alert 1222');
      if (message.final) this.#complain('a package without Final is answered with Final');
      const others = message.commands.filter((command) => command.name !== 'Alert');
      if (others.length > 0) this.#complain(`${others[0]?.name} comes in the middle of a package of the client`);
      rest = [...(await this.#carryOut(message)), ...answer.rest];
    }
    throw new SessionFailure(`a package has more than ${mostTurns} messages`);
  }

  /** Sends one message with as many entries as fit. `complete`: it was the last of its package. */
  async #sendMessage(
    entries: Entry[],
    mayEnd: boolean,
  ): Promise<{ message: ServerMessage; rest: Entry[]; complete: boolean } | undefined> {
    const { workshop, transport } = this.#options;
    const { faults, quirks, journal } = workshop;
    const number = this.#messageId + 1;
    this.#messageId = number;
    const aborts = isDue(faults.abort, number);
    const firstId = quirks.has('command-ids-from-2') && number === 1 ? 2 : 1;
    const wanted = aborts ? [...entries.filter((entry) => entry.name === 'Status'), alertEntry(1223)] : entries;
    const whole = this.#whole(number, wanted, firstId, mayEnd || aborts);
    const filled =
      whole ??
      fill({
        entries: wanted,
        limit: this.#limit,
        measure: (parts) => this.#encode(number, [...parts, finalPart]).length,
        firstId,
        faults,
      });
    const complete = mayEnd && filled.rest.length === 0 && !(filled.cut && faults.endlessMoreData === true);
    const ends = (complete || aborts) && !faults.withoutFinal;
    this.#awaited.sent(number, filled.sent);
    const octets = whole?.octets ?? this.#encode(number, [...filled.parts, ...(ends ? [finalPart] : [])]);
    const body = spoilt(octets, faults, number);
    if (faults.delay !== undefined) await wait(faults.delay, undefined, { signal: this.#options.signal });
    journal.tell('message', `message ${number}: ${[...filled.sent.values()].map((entry) => entry.name).join(', ')}`);
    const { die } = faults;
    const moment = die?.moment ?? 'answered';
    const dies = isDue(die, number);
    const how = die?.how ?? 'power';
    if (dies && moment === 'unsent') throw new Died(number, how);
    const url = this.#address(number);
    const post = (): Promise<Answer> =>
      transport.post(url, body, {
        headers: {
          'Content-Type': contentTypeOf(this.#options.wire),
          Accept: contentTypeOf(this.#options.wire),
          'Accept-Charset': 'utf-8',
          'Cache-Control': 'no-store',
          'User-Agent': 'TrivetOmadmClient/1.0',
          ...this.#options.proofs.headers(body),
        },
        ...(dies && moment === 'sent' ? { abandon: true } : {}),
        ...(faults.trickle === undefined ? {} : { trickle: faults.trickle }),
      });
    let answer: Answer;
    try {
      answer = await post();
    } catch (problem) {
      if (dies) throw new Died(number, how);
      throw problem;
    }
    if (isDue(faults.repeatMessage, number)) {
      const again = await post();
      if (!again.body.equals(answer.body)) this.#complain('a message that was repeated is answered in another way');
    }
    if (dies) throw new Died(number, how);
    if (answer.body.length === 0) {
      this.#complain('a message is answered with nothing');
      return undefined;
    }
    const message = this.#read(answer, number, complete);
    if (aborts) this.#aborted = true;
    return { message, rest: filled.rest, complete };
  }

  /** All entries in one message, with its octets, when they fit: most do. */
  #whole(number: number, entries: Entry[], firstId: number, ends: boolean): (Filled & { octets: Buffer }) | undefined {
    const { faults } = this.#options.workshop;
    if (faults.hugeSize || faults.endlessMoreData) return undefined;
    const sent = new Map(entries.map((entry, at) => [String(firstId + at), entry] as const));
    const parts = [...sent].map(([id, entry]) => entry.write(id));
    const octets = this.#encode(number, [...parts, ...(ends && !faults.withoutFinal ? [finalPart] : [])]);
    return octets.length <= this.#limit ? { parts, sent, rest: [], cut: false, octets } : undefined;
  }

  #address(number: number): string {
    const { server, workshop, olderResponseUri } = this.#options;
    const { faults, quirks } = workshop;
    if (isDue(faults.responseUri, number)) {
      const how = faults.responseUri?.how;
      if (how === 'forged') return forgedAddress(this.responseUri ?? server);
      return (how === 'older' ? olderResponseUri : undefined) ?? server;
    }
    return quirks.has('ignores-response-uri') ? server : (this.responseUri ?? server);
  }

  #encode(number: number, body: Part[]): Buffer {
    const { server, proofs, workshop } = this.#options;
    const wrong = workshop.faults.wrongMessageId;
    const id = wrong?.message === number ? wrong.id : String(number);
    return writeMessage(this.#options, { id, target: this.responseUri ?? server, own: proofs.own(), body });
  }

  // ── what the server says

  #read(answer: Answer, number: number, complete: boolean): ServerMessage {
    const { wire, proofs, workshop, sessionId, deviceId, maximumMessageSize } = this.#options;
    const { journal } = workshop;
    const message = messageOf(decode(wire, answer.body, answer.contentType));
    this.#serverMessageId += 1;
    for (const fault of messageFaults(message, namespaceOf(wire.version))) {
      this.#complain(fault);
      if (workshop.quirks.has('strict-order') && fault.endsWith('comes too late'))
        throw new SilentEnd(`${fault} (quirk strict-order)`);
    }
    const facts: [string, string, string][] = [
      ['VerDTD', message.representation, representationOf(wire.version)],
      ['VerProto', message.protocol, `DM/${wire.version}`],
      ['SessionID', message.sessionId, sessionId],
      ['MsgID', message.messageId, String(this.#serverMessageId)],
      ['Target', message.target, deviceId],
    ];
    for (const [name, found, wanted] of facts)
      if (found !== wanted) this.#complain(`${name} is ${found || '(none)'}, not ${wanted}`);
    if (maximumMessageSize !== undefined && answer.body.length > maximumMessageSize)
      this.#complain(`a message has ${answer.body.length} octets, more than ${maximumMessageSize}`);
    if (message.maximumMessageSize !== undefined && message.maximumMessageSize > 0)
      this.#limit = message.maximumMessageSize;
    if (message.responseUri !== undefined) this.responseUri = message.responseUri;
    this.#verdict = proofs.judge(message, answer.hmac, answer.body);
    if (!this.#verdict.accepted) journal.tell('fault', `the server has not proved who it is: ${this.#verdict.code}`);
    this.#hearStatuses(message, number, complete);
    return message;
  }

  #hearStatuses({ statuses }: ServerMessage, number: number, complete: boolean): void {
    const header = statuses.filter((status) => status.commandRef === '0');
    if (header.length !== 1) this.#complain(`the header has ${header.length} Statuses`);
    const refused = header.some((status) => !this.#hearHeader(status, number));
    const challenge = this.#challenged ? header[0]?.code : undefined;
    this.#awaited.hear(statuses, challenge);
    if (complete || this.#challenged) this.#awaited.end();
    if (refused) throw new SessionFailure(`the server answers the header with ${header[0]?.code}`);
  }

  /** False: there is no use in going on. */
  #hearHeader(status: ServerStatus, number: number): boolean {
    if (status.answered !== 'SyncHdr') this.#complain(`the Status of the header says ${status.answered || '(none)'}`);
    if (status.messageRef !== String(number) && !this.#options.workshop.faults.wrongMessageId)
      this.#complain(`the Status of the header is about message ${status.messageRef}, not ${number}`);
    const what = this.#options.proofs.told(status.code, status.challenge);
    this.#challenged = what === 'again';
    return what !== 'refused';
  }

  /** Carries out the commands of a message, and gives what there is to say of it. */
  async #carryOut(message: ServerMessage): Promise<Entry[]> {
    const { executor, workshop } = this.#options;
    const { quirks } = workshop;
    const replies = [this.#statusOfHeader(message)];
    const say = (outcome: CommandOutcome): void => void replies.push(...repliesTo(workshop, message, outcome));
    this.commands.push(...message.commands.map((command) => command.name));
    if (!this.#verdict.accepted) {
      for (const outcome of executor.refuseAll(message.commands, this.#verdict.code)) say(outcome);
      return replies;
    }
    if (quirks.has('needs-server-credential') && !message.credential && message.messageId === '1') {
      for (const outcome of executor.refuseAll(message.commands, 0)) say(outcome);
      return replies;
    }
    executor.begin();
    for (const [at, command] of message.commands.entries()) {
      this.#endIfOdd(command);
      if (command.name === 'Alert' && command.data === '1223' && !quirks.has('refuses-abort')) this.#aborted = true;
      const last = at === message.commands.length - 1;
      const part = command.items.some((item) => item.moreData);
      if (part && (!last || message.final))
        this.#complain('a part of a large object is not the last of a message without Final');
      if (quirks.has('ignores-more-data')) {
        say(await executor.perform(command));
        continue;
      }
      let assembly: Assembly = this.#assembler.take(command);
      if (assembly.kind === 'broken') {
        this.#complain(`the large object for ${assembly.target} has no end`);
        replies.push(alertEntry(1225));
        assembly = assembly.next;
      }
      if (assembly.kind === 'whole') say(await executor.perform(assembly.command));
      else if (assembly.kind === 'answered')
        for (const outcome of executor.refuseAll([command], assembly.code)) say(outcome);
    }
    return replies;
  }

  #endIfOdd(command: ServerCommand): void {
    const { quirks } = this.#options.workshop;
    const sized = command.items.some((item) => item.moreData || item.meta.size !== undefined);
    if (quirks.has('size-ends-session') && sized) throw new SilentEnd('Size or MoreData (quirk size-ends-session)');
  }
}
