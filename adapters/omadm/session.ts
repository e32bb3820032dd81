/**
 * The course of a session (DM Protocol 1.2.1, 6 to 9) without a socket, a store and a clock: what happened goes in, what is to be done
 * comes out. `conversation.ts` does what it says.
 */
import type { OwnProof, Verdict } from './authenticator.ts';
import type { Answer, Arrival, AskOptions, Request } from './exchange.ts';
import { ObjectAssembler } from './large-objects.ts';
import { MessageDraft } from './message-draft.ts';
import { OutgoingPackage } from './outgoing-package.ts';
import { isSuccess } from './status-codes.ts';
import { metaOf, type Encoding } from './syncml/codec.ts';
import type { Alert, Challenge, Command, Header, Item, Results, Status, SyncmlMessage } from './syncml/message.ts';

/**
 * - `setup`: package #1 is not complete, or not proven.
 * - `storing`: what the device said is made durable, and answered after that.
 * - `ours`: the device has handed us the word and waits.
 * - `asked`: commands of ours are out, or on their way in several messages.
 * - `closing`: we have nothing more, but for Statuses that did not fit.
 * - `over`: nothing is said any more.
 */
export type Phase = 'setup' | 'storing' | 'ours' | 'asked' | 'closing' | 'over';

export interface SessionSettings {
  /** Of the messages of the device, and so of ours. */
  encoding: Encoding;
  /** Who we are, and where the next message goes. */
  serverUri: string;
  responseUri: string;
  /** Octets of a message of ours when the device does not say how many it takes. */
  usualMessageBytes: number;
  /** Octets of a message of ours at most, and what we take: told to the device. */
  maximumMessageBytes: number;
  /** Octets of a message that we take. */
  receivedMessageBytes: number;
  /** Octets of one object that we take. */
  maximumObjectBytes: number;
  /** Messages and octets that a device may take for one package. */
  maximumPackageMessages: number;
  maximumPackageBytes: number;
}

export type SessionEvent =
  /**
   * A message that is no repeat. `told`: what our proofs make of its Status of our header; `own`: what the next message says of us;
   * `size` in octets.
   */
  | {
      event: 'message';
      message: SyncmlMessage;
      verdict: Verdict;
      told?: 'accepted' | 'again' | 'refused';
      own: OwnProof;
      size: number;
    }
  /** What was to be stored is durable; the status codes of the alerts in their order. */
  | { event: 'stored'; codes: readonly number[] }
  /** The device is not admitted. */
  | { event: 'refused'; status: number; why: string }
  | { event: 'ask'; requests: readonly Request[]; options: AskOptions }
  /** We have nothing to ask. */
  | { event: 'nothing' }
  /** Time-out, a newer session, the end of the gateway. `delivered`: our last message has left. */
  | { event: 'lost'; why: string; delivered: boolean };

export interface ReceivedAlert {
  alert: Alert;
  items: readonly Item[];
}

/**
 * - `no-question`: a Status or Results for nothing that was asked.
 * - `not-a-command`: a command that devices do not give, or nobody knows.
 * - `version`: neither DM 1.1, 1.2 nor 1.3.
 * - `broken-object`: a large object without its end, too large, or not as long as announced.
 * - `too-long`: a package that takes too many messages or octets.
 */
export type Refusal = 'no-question' | 'not-a-command' | 'version' | 'broken-object' | 'too-long';

export type SessionAction =
  | { do: 'store'; arrival?: Pick<Arrival, 'startedBy' | 'deviceInfo'>; alerts: readonly ReceivedAlert[] }
  /** `harmless`: sent to the device twice, it does no more than once. */
  | { do: 'send'; octets: Buffer; messageId: string; harmless: boolean }
  /** The device waits for us. */
  | { do: 'think' }
  | { do: 'tell'; answers: Answer[] }
  /** For the log and for counting. */
  | { do: 'refuse'; reason: Refusal; why: string }
  | { do: 'end'; why: string };

/** A status that waits for a message; 0: for its code. */
type QueuedStatus = Omit<Status, 'id'>;

interface Held {
  status: QueuedStatus;
  received: ReceivedAlert;
}

/** Smaller ones could not carry even the Statuses. */
const leastMessageBytes = 1024;
const maximumDeviceInfo = 1024;
const maximumLeafLength = 4096;
const maximumHeldAlerts = 256;
/** Messages in a row that say only that the device is still at work. */
const maximumInterims = 20;
const maximumRewinds = 3;
/** Octets that are kept free for our alert 1222. */
const nextMessageReserve = 128;

export class DmSession {
  #phase: Phase = 'setup';
  /** The phase after storing. */
  #resume: Phase = 'ours';
  readonly #settings: SessionSettings;
  readonly #header: Header;
  readonly #assembler: ObjectAssembler;
  #limit: number;
  #maximumObject: number | undefined;
  #own: OwnProof = {};
  #messages = 0;
  #requests = 0;
  #startedBy: 'server' | 'client' = 'client';
  #deviceInfo = new Map<string, string>();
  #arrived = false;
  /** Limits of ours that the device has not seen yet. */
  #untold = true;
  #statuses: QueuedStatus[] = [];
  #notices: Omit<Alert, 'id'>[] = [];
  #held: Held[] = [];
  /** What the last draft has left over; it counts once that draft is sent. */
  #left: { statuses: QueuedStatus[]; notices: Omit<Alert, 'id'>[] } = { statuses: [], notices: [] };
  /** Parts of a large object belong to it. */
  #openAlert: { alert: Alert; items: Item[] } | undefined;
  #openResults: Results | undefined;
  #package: OutgoingPackage | undefined;
  /** Alerts of ours (1222, 1225), whose Statuses say nothing. */
  #ownAlerts = new Set<string>();
  /** The last message of the device was the last of its package. */
  #isFinal = false;
  /** Our package has had its end. */
  #isOurEndSent = false;
  #told: 'accepted' | 'again' | 'refused' | undefined;
  #headerCode: number | undefined;
  #sawAlerts = false;
  #interims = 0;
  #rewinds = 0;
  #packageMessages = 0;
  #packageBytes = 0;
  #abort: string | undefined;

  /** @param first header of the message that begins the session */
  constructor(first: Header, settings: SessionSettings) {
    this.#header = first;
    this.#settings = settings;
    this.#limit = settings.usualMessageBytes;
    this.#assembler = new ObjectAssembler(settings.maximumObjectBytes);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Package #1 is complete, proven and stored, or about to be. */
  get hasArrived(): boolean {
    return this.#arrived;
  }

  /** Requests of ours so far. */
  get count(): number {
    return this.#requests;
  }

  step(event: SessionEvent): SessionAction[] {
    if (this.#phase === 'over') return event.event === 'ask' ? [unsent(event.requests)] : [];
    switch (event.event) {
      case 'message':
        return this.#takeMessage(event);
      case 'stored':
        return this.#phase === 'storing' ? this.#takeStored(event.codes) : [];
      case 'refused':
        return this.#phase === 'storing' ? this.#refuse(event) : [];
      case 'ask':
        return this.#phase === 'ours' ? this.#ask(event) : [unsent(event.requests)];
      case 'nothing':
        if (this.#phase !== 'ours') return [];
        this.#phase = 'closing';
        return this.#close('the session is over');
      case 'lost':
        return this.#lose(event);
    }
  }

  #takeMessage(event: Extract<SessionEvent, { event: 'message' }>): SessionAction[] {
    const { message, verdict } = event;
    const { header } = message;
    this.#own = event.own;
    const version = versionProblem(header);
    if (version) return this.#reject(message, version.status, undefined, 'version', version.why);
    if (!verdict.proven) return this.#challenge(message, verdict);
    this.#takeLimits(header);
    this.#pushStatus(header, undefined, verdict.status, verdict.challenge);
    this.#packageMessages++;
    this.#packageBytes += event.size;
    const { maximumPackageMessages, maximumPackageBytes } = this.#settings;
    if (this.#packageMessages > maximumPackageMessages || this.#packageBytes > maximumPackageBytes) {
      return this.#breakOff(message, `a package of more than ${this.#packageMessages - 1} messages, and still no end`);
    }
    const actions: SessionAction[] = [];
    this.#readCommands(message, actions);
    this.#isFinal = message.final && !this.#assembler.isOpen;
    this.#told = event.told ?? this.#told;
    if (this.#phase === 'setup') {
      if (!this.#isFinal && !this.#abort) return [...actions, ...this.#proceed()];
      if (this.#abort) return [...actions, ...this.#close(this.#abort)];
      this.#arrived = true;
      this.#phase = 'storing';
      const arrival = { startedBy: this.#startedBy, deviceInfo: this.#deviceInfo };
      return [...actions, { do: 'store', arrival, alerts: this.#heldAlerts() }];
    }
    if (this.#held.length === 0) return [...actions, ...this.#proceed()];
    this.#resume = this.#phase;
    this.#phase = 'storing';
    return [...actions, { do: 'store', alerts: this.#heldAlerts() }];
  }

  #heldAlerts(): ReceivedAlert[] {
    return this.#held.map(({ received }) => received);
  }

  #takeStored(codes: readonly number[]): SessionAction[] {
    this.#held.forEach(({ status }, index) => (status.code = codes[index] ?? 500));
    this.#held = [];
    this.#phase = this.#resume;
    if (this.#phase === 'ours') {
      this.#beginPackage();
      return [{ do: 'think' }];
    }
    return this.#proceed();
  }

  /** The device is not admitted: every command of package #1 has the same answer, and the session is over. */
  #refuse({ status, why }: { status: number; why: string }): SessionAction[] {
    for (const queued of this.#statuses) queued.code = status;
    this.#held = [];
    return this.#close(why);
  }

  #takeLimits({ meta }: Header): void {
    const { maximumMessageBytes, usualMessageBytes } = this.#settings;
    if (meta?.maximumMessageSize !== undefined && meta.maximumMessageSize > 0) {
      this.#limit = Math.max(leastMessageBytes, Math.min(meta.maximumMessageSize, maximumMessageBytes));
    } else if (this.#messages === 0) this.#limit = Math.min(usualMessageBytes, maximumMessageBytes);
    if (meta?.maximumObjectSize !== undefined) this.#maximumObject = meta.maximumObjectSize;
  }

  #readCommands(message: SyncmlMessage, actions: SessionAction[]): void {
    const wasOpen = this.#assembler.isOpen;
    const refuse = (reason: Refusal, why: string): void => void actions.push({ do: 'refuse', reason, why });
    this.#headerCode = undefined;
    for (const command of message.commands) {
      switch (command.command) {
        case 'Status':
          this.#takeStatus(command, refuse);
          break;
        case 'Results':
          this.#takeResults(message.header, command, refuse);
          break;
        case 'Alert':
          this.#takeAlert(message.header, command, refuse);
          break;
        case 'Replace':
          this.#pushStatus(message.header, command, this.#takeReplace(command.items, command));
          break;
        case 'unknown':
          refuse('not-a-command', `the command ${command.name.slice(0, 40)} is not known`);
          this.#pushStatus(message.header, command, 501);
          break;
        default:
          refuse('not-a-command', `a device may not give the command ${command.command}`);
          this.#pushStatus(message.header, command, 406);
      }
    }
    // The end that was to come with this package did not come.
    if (wasOpen && message.final && this.#assembler.isOpen && !hasMore(message)) this.#dropObject(refuse);
  }

  #takeStatus(status: Status, refuse: (reason: Refusal, why: string) => void): void {
    if (status.commandRef === '0' || status.answered === 'SyncHdr') {
      this.#headerCode = isSuccess(status.code) ? undefined : status.code;
      return;
    }
    if (this.#package?.takeStatus(status)) return;
    if (this.#ownAlerts.has(`${status.messageRef}/${status.commandRef}`)) return;
    const { messageRef, commandRef } = status;
    refuse('no-question', `a Status for command ${commandRef.slice(0, 20)} of message ${messageRef.slice(0, 20)}`);
  }

  #takeResults(header: Header, results: Results, refuse: (reason: Refusal, why: string) => void): void {
    const owner = `Results ${results.messageRef ?? ''}/${results.commandRef}`;
    const whole: Item[] = [];
    for (const item of results.items) {
      if (this.#assembler.isInterruptedBy(owner, item)) this.#dropObject(refuse);
      const taken = this.#assembler.take(owner, item, metaOf(results, item));
      if (taken.state === 'whole') whole.push(taken.item);
      else if (taken.state === 'part') {
        this.#openResults = results;
        this.#pushStatus(header, results, 213);
      } else {
        refuse('broken-object', taken.why);
        this.#package?.missResults(results, taken.why);
        this.#pushStatus(header, results, taken.status);
      }
    }
    if (whole.length === 0) return;
    if (!this.#package?.takeResults(results, whole)) {
      refuse('no-question', `Results for command ${results.commandRef.slice(0, 20)}, which was not asked`);
    }
  }

  #takeAlert(header: Header, alert: Alert, refuse: (reason: Refusal, why: string) => void): void {
    switch (alert.code) {
      case 1200:
      case 1201:
        if (!this.#arrived) this.#startedBy = alert.code === 1200 ? 'server' : 'client';
        break;
      case 1222:
        break;
      case 1223:
        this.#abort = 'the device has aborted the session (alert 1223)';
        break;
      case 1225:
        this.#package?.breakParts();
        break;
      case 0:
        this.#pushStatus(header, alert, 412);
        return;
      default:
        this.#sawAlerts = true;
        this.#holdAlert(header, alert, refuse);
        return;
    }
    this.#pushStatus(header, alert, 200);
  }

  #holdAlert(header: Header, alert: Alert, refuse: (reason: Refusal, why: string) => void): void {
    const owner = `Alert ${alert.code} ${alert.correlator ?? ''}`;
    const items: Item[] = [];
    for (const item of alert.items) {
      if (this.#assembler.isInterruptedBy(owner, item)) this.#dropObject(refuse);
      const begun = this.#openAlert;
      const taken = this.#assembler.take(owner, item, metaOf(alert, item));
      switch (taken.state) {
        case 'whole':
          if (begun) items.push(...begun.items);
          items.push(taken.item);
          this.#openAlert = undefined;
          break;
        case 'part':
          this.#openAlert = { alert, items: begun ? begun.items : items };
          this.#pushStatus(header, alert, 213);
          return;
        case 'refused':
          refuse('broken-object', taken.why);
          this.#openAlert = undefined;
          this.#pushStatus(header, alert, taken.status);
          return;
      }
    }
    if (this.#held.length >= maximumHeldAlerts) {
      this.#pushStatus(header, alert, 503);
      return;
    }
    const status = this.#pushStatus(header, alert, 0);
    if (status) this.#held.push({ status, received: { alert, items } });
  }

  /** Leaves of DevInfo in package #1; devices send interior nodes, too. */
  #takeReplace(items: readonly Item[], command: { meta?: Header['meta'] }): number {
    let isDeviceInfo = true;
    for (const item of items) {
      const path = nodePath(item.source ?? item.target ?? '');
      if (!path.startsWith('./DevInfo')) isDeviceInfo = false;
      else if (!this.#arrived && metaOf(command, item).format !== 'node') this.#keepLeaf(path, item);
    }
    return isDeviceInfo ? 200 : 405;
  }

  #keepLeaf(path: string, { data }: Item): void {
    if (typeof data !== 'string' || data.length > maximumLeafLength || path.length > maximumLeafLength) return;
    if (this.#deviceInfo.size < maximumDeviceInfo) this.#deviceInfo.set(path, data.trim());
  }

  /** Says that an object has no end (alert 1225). */
  #dropObject(refuse: (reason: Refusal, why: string) => void): void {
    const item = this.#assembler.abandon();
    if (this.#openResults)
      this.#package?.missResults(this.#openResults, 'the device did not send the end of the value');
    this.#openResults = undefined;
    this.#openAlert = undefined;
    if (!item) return;
    refuse('broken-object', 'something else came before the end of a large object');
    const { source, target } = item;
    const named: Item = {};
    if (target !== undefined) named.target = target;
    if (source !== undefined) named.source = source;
    this.#notices.push({ command: 'Alert', code: 1225, items: [named] });
  }

  /** What comes next once the message is read, and what it reports is durable. */
  #proceed(): SessionAction[] {
    if (this.#abort !== undefined) return this.#close(this.#abort);
    if (this.#phase === 'closing') return this.#close('the session is over');
    const mine = this.#package;
    if (mine && this.#told === 'again' && (this.#isFinal || !mine.isSent) && this.#rewinds < maximumRewinds) {
      this.#rewinds++;
      this.#told = undefined;
      this.#isOurEndSent = false;
      mine.rewind();
    }
    if (mine && !mine.isSent && this.#told !== 'refused') {
      const { draft, spoke } = this.#draft(false);
      // Only what cannot be sent was left: a message without commands would end the session.
      if (spoke || !mine.isSent) return [this.#commit(draft, mine.isSent)];
    }
    // A device that was told that more would come waits for it, and does not close its own package.
    const isOursOver = mine !== undefined && (this.#told === 'refused' || (mine.isSent && !this.#isOurEndSent));
    const handedOver = this.#isFinal || isOursOver;
    if (!handedOver) return [this.#sendNext()];
    this.#beginTheirs();
    if (!mine) return [this.#sendNext()];
    if (this.#isInterim(mine)) {
      this.#interims++;
      return [this.#commit(this.#draft(false).draft, true)];
    }
    return this.#handOver(mine);
  }

  /** A device that needs longer says so with an alert, and nothing of what was asked (keep-alive of Windows). */
  #isInterim(mine: OutgoingPackage): boolean {
    const isInterim = !mine.isHeard && this.#sawAlerts && this.#headerCode === undefined && this.#told !== 'refused';
    this.#sawAlerts = false;
    return isInterim && this.#interims < maximumInterims;
  }

  #handOver(mine: OutgoingPackage): SessionAction[] {
    this.#package = undefined;
    this.#phase = 'ours';
    const actions: SessionAction[] = [{ do: 'tell', answers: mine.finish({ header: this.#headerCode }) }];
    if (this.#told !== 'refused') return actions;
    this.#phase = 'closing';
    return [...actions, ...this.#close('the device does not take the credentials of the gateway')];
  }

  #ask({ requests, options }: Extract<SessionEvent, { event: 'ask' }>): SessionAction[] {
    const mine = new OutgoingPackage(requests, options, this.#maximumObject);
    this.#package = mine;
    this.#isOurEndSent = false;
    this.#beginPackage();
    const { draft, spoke } = this.#draft(false);
    if (!spoke && mine.isSent) {
      this.#package = undefined;
      return [{ do: 'tell', answers: mine.finish() }];
    }
    this.#phase = 'asked';
    this.#requests += requests.length;
    return [this.#commit(draft, mine.isSent)];
  }

  #beginPackage(): void {
    this.#told = undefined;
    this.#sawAlerts = false;
    this.#interims = 0;
    this.#rewinds = 0;
    this.#ownAlerts.clear();
    this.#beginTheirs();
  }

  #beginTheirs(): void {
    this.#packageMessages = 0;
    this.#packageBytes = 0;
  }

  /** Only Statuses, and with the last of them the session is over (DM Protocol 8.1.4). */
  #close(why: string): SessionAction[] {
    const mine = this.#package;
    this.#package = undefined;
    this.#phase = 'closing';
    const actions: SessionAction[] = mine ? [{ do: 'tell', answers: mine.finish({ header: this.#headerCode }) }] : [];
    const { draft, rest } = this.#draft(false);
    actions.push(this.#commit(draft, rest === 0));
    if (rest > 0) return actions;
    this.#phase = 'over';
    return [...actions, { do: 'end', why }];
  }

  /** We cannot go on: alert 1223. */
  #breakOff(message: SyncmlMessage, why: string): SessionAction[] {
    this.#notices.push({ command: 'Alert', code: 1223, items: [] });
    return this.#reject(message, undefined, undefined, 'too-long', why);
  }

  #challenge(message: SyncmlMessage, verdict: Extract<Verdict, { proven: false }>): SessionAction[] {
    if (verdict.over) return this.#reject(message, verdict.status, verdict.challenge, undefined, verdict.why);
    this.#pushAll(message, verdict.status, verdict.challenge);
    return [this.#commit(this.#drafted(), true)];
  }

  /** Every command has the same answer, and the session is over. */
  #reject(
    message: SyncmlMessage,
    status: number | undefined,
    challenge: Challenge | undefined,
    reason: Refusal | undefined,
    why: string,
  ): SessionAction[] {
    if (status !== undefined) this.#pushAll(message, status, challenge);
    const actions: SessionAction[] = reason === undefined ? [] : [{ do: 'refuse', reason, why }];
    this.#held = [];
    return [...actions, ...this.#close(why)];
  }

  #lose({ why, delivered }: { why: string; delivered: boolean }): SessionAction[] {
    const mine = this.#package;
    this.#package = undefined;
    this.#phase = 'over';
    const end: SessionAction = { do: 'end', why };
    return mine ? [{ do: 'tell', answers: mine.finish({ delivered }) }, end] : [end];
  }

  #pushAll(message: SyncmlMessage, status: number, challenge: Challenge | undefined): void {
    this.#pushStatus(message.header, undefined, status, challenge);
    for (const command of message.commands) {
      if (command.command !== 'Status' && command.command !== 'Results') {
        this.#pushStatus(message.header, command, status);
      }
    }
  }

  /** @param command undefined: the header */
  #pushStatus(
    header: Header,
    command: Command | undefined,
    code: number,
    challenge?: Challenge,
  ): QueuedStatus | undefined {
    // What has no number cannot be answered.
    if (command?.id === '') return undefined;
    const status: QueuedStatus = {
      command: 'Status',
      messageRef: header.messageId,
      commandRef: command?.id ?? '0',
      answered: command === undefined ? 'SyncHdr' : command.command === 'unknown' ? command.name : command.command,
      targetRefs: command === undefined ? [header.target.uri] : [],
      sourceRefs: command === undefined ? [header.source.uri] : [],
      ...(challenge && { challenge }),
      code,
      items: [],
    };
    this.#statuses.push(status);
    return status;
  }

  /** Asks for the next message of the device (alert 1222). */
  #sendNext(): SessionAction {
    return this.#commit(this.#draft(true).draft, false);
  }

  #drafted(): MessageDraft {
    return this.#draft(false).draft;
  }

  /**
   * The next message: Statuses first, then alerts of ours, then commands.
   * @param next ends with alert 1222 in place of commands
   */
  #draft(next: boolean): { draft: MessageDraft; spoke: boolean; rest: number } {
    const draft = new MessageDraft(this.#nextHeader(), this.#settings.encoding, this.#limit);
    const reserve = next ? nextMessageReserve : 0;
    const waiting: QueuedStatus[] = [];
    let isFull = false;
    for (const status of this.#statuses) {
      // One that waits for its code stays.
      if (status.code === 0 && this.#isHeld(status)) waiting.push(status);
      else if (isFull || !draft.add((nextId) => ({ ...status, id: nextId() }), { reserve, force: draft.isEmpty })) {
        isFull = true;
        waiting.push(status);
      }
    }
    const notices: Omit<Alert, 'id'>[] = [];
    for (const notice of this.#notices) {
      const alert = isFull ? undefined : draft.add((nextId) => ({ ...notice, id: nextId() }), { reserve });
      if (alert) this.#ownAlerts.add(`${draft.messageId}/${alert.id}`);
      else notices.push(notice);
    }
    let spoke = false;
    if (next) {
      const make = (nextId: () => string): Alert => ({ command: 'Alert', id: nextId(), code: 1222, items: [] });
      const alert = draft.add(make, { force: true });
      if (alert) this.#ownAlerts.add(`${draft.messageId}/${alert.id}`);
    } else if (!isFull && this.#package && !this.#package.isSent) {
      const before = draft.room;
      this.#package.putInto(draft);
      spoke = draft.room < before;
    }
    // Full of Statuses, it is worth sending in any case.
    this.#left = { statuses: waiting, notices };
    return { draft, spoke: spoke || isFull, rest: isFull ? waiting.length + notices.length : notices.length };
  }

  #isHeld(status: QueuedStatus): boolean {
    return this.#held.some((held) => held.status === status);
  }

  #commit(draft: MessageDraft, final: boolean): SessionAction {
    this.#statuses = this.#left.statuses;
    this.#notices = this.#left.notices;
    this.#messages++;
    if (this.#arrived) this.#untold = false;
    const isFinal = final && (this.#statuses.length === 0 || this.#held.length > 0);
    if (isFinal) this.#isOurEndSent = true;
    return {
      do: 'send',
      octets: draft.finish(isFinal),
      messageId: draft.messageId,
      harmless: this.#package?.isHarmless ?? true,
    };
  }

  #nextHeader(): Header {
    const { serverUri, responseUri, receivedMessageBytes, maximumObjectBytes } = this.#settings;
    const first = this.#header;
    const { credential, name } = this.#own;
    return {
      // In the version that the device speaks.
      representation: first.representation,
      protocol: first.protocol,
      sessionId: first.sessionId,
      messageId: String(this.#messages + 1),
      target: { uri: first.source.uri },
      source: { uri: serverUri, ...(name === undefined ? undefined : { name }) },
      responseUri,
      ...(credential && { credential }),
      ...(this.#untold && {
        meta: { maximumMessageSize: receivedMessageBytes, maximumObjectSize: maximumObjectBytes },
      }),
    };
  }
}

/** The session is over, or it is not our turn: nothing is sent. */
function unsent(requests: readonly Request[]): SessionAction {
  return { do: 'tell', answers: requests.map(() => ({ status: undefined, found: [], sent: false })) };
}

function versionProblem({ representation, protocol }: Header): { status: number; why: string } | undefined {
  if (!/^1\.[12]$/.test(representation)) {
    return { status: 505, why: `the device speaks SyncML ${representation.slice(0, 20)}, and we speak 1.1 and 1.2` };
  }
  if (!/^DM\/1\.[123]$/.test(protocol)) {
    return { status: 513, why: `the device speaks ${protocol.slice(0, 20)}, and we speak DM 1.1 to 1.3` };
  }
  return undefined;
}

/** Devices leave out `./`. */
function nodePath(uri: string): string {
  const path = uri.trim();
  return path.startsWith('./') || path === '.' ? path : `./${path.replace(/^\/+/, '')}`;
}

function hasMore({ commands }: SyncmlMessage): boolean {
  return commands.some((command) => 'items' in command && command.items.some(({ moreData }) => moreData));
}

/** It begins a session. */
export function startsSession({ commands }: SyncmlMessage): boolean {
  return commands.some((command) => command.command === 'Alert' && (command.code === 1200 || command.code === 1201));
}
