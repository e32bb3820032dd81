/**
 * The course of a session (DM Protocol 1.2.1, 6 to 9) without a socket, a store and a clock: what happened goes in, what is to be done
 * comes out. `conversation.ts` does what it says.
 */
import type { OwnProof, Verdict } from './authenticator.ts';
import type { Answer, Arrival, AskOptions, Request } from './exchange.ts';
import { IncomingPackage, type ReadingRefusal, type ReceivedAlert } from './incoming-package.ts';
import { MessageDraft } from './message-draft.ts';
import { OutgoingPackage } from './outgoing-package.ts';
import { Replies } from './replies.ts';
import type { Encoding } from './syncml/codec.ts';
import type { Header, SyncmlMessage } from './syncml/message.ts';

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

/**
 * - `version`: neither DM 1.1, 1.2 nor 1.3.
 * - `too-long`: a package that takes too many messages or octets.
 */
export type Refusal = ReadingRefusal | 'version' | 'too-long';

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

/** A message that is made and may still be thrown away. */
interface Draft {
  message: MessageDraft;
  /** Not all that we owe has found room. */
  isFull: boolean;
  hasCommands: boolean;
  /** It is sent. */
  taken(): void;
}

/** Smaller ones could not carry even the Statuses. */
const leastMessageBytes = 1024;
/** Messages in a row that say only that the device is still at work. */
const maximumInterims = 20;
const maximumRewinds = 3;

export class DmSession {
  #phase: Phase = 'setup';
  /** The phase after storing. */
  #resume: Phase = 'ours';
  readonly #settings: SessionSettings;
  readonly #header: Header;
  readonly #replies = new Replies();
  readonly #theirs: IncomingPackage;
  #limit: number;
  #maximumObject: number | undefined;
  #own: OwnProof = {};
  #messages = 0;
  #requests = 0;
  #arrived = false;
  /** Limits of ours that the device has not seen yet. */
  #untold = true;
  #package: OutgoingPackage | undefined;
  /** Our package has had its end. */
  #isOurEndSent = false;
  #told: 'accepted' | 'again' | 'refused' | undefined;
  #interims = 0;
  #rewinds = 0;
  #packageMessages = 0;
  #packageBytes = 0;

  /** @param first header of the message that begins the session */
  constructor(first: Header, settings: SessionSettings) {
    this.#header = first;
    this.#settings = settings;
    this.#limit = settings.usualMessageBytes;
    this.#theirs = new IncomingPackage(this.#replies, settings.maximumObjectBytes);
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
    if (version) {
      this.#replies.addAll(message, version.status);
      return this.#reject('version', version.why);
    }
    if (!verdict.proven) return this.#challenge(message, verdict);
    this.#takeLimits(header);
    this.#replies.add(header, undefined, verdict.status, verdict.challenge);
    this.#packageMessages++;
    this.#packageBytes += event.size;
    const { maximumPackageMessages, maximumPackageBytes } = this.#settings;
    if (this.#packageMessages > maximumPackageMessages || this.#packageBytes > maximumPackageBytes) {
      this.#replies.notify(1223);
      return this.#reject('too-long', `a package of more than ${this.#packageMessages - 1} messages, and still no end`);
    }
    const actions: SessionAction[] = [];
    const theirs = this.#theirs;
    theirs.read(message, this.#package, (reason, why) => void actions.push({ do: 'refuse', reason, why }));
    if (this.#replies.isTooMuch) {
      this.#replies.clear();
      this.#replies.notify(1223);
      return this.#reject('too-long', 'more commands than anybody could answer');
    }
    this.#told = event.told ?? this.#told;
    if (this.#phase === 'setup') {
      if (theirs.isAborted || !theirs.isFinal) return [...actions, ...this.#proceed()];
      theirs.endFirst();
      this.#arrived = true;
      this.#phase = 'storing';
      const { startedBy, deviceInfo, alerts } = theirs;
      return [...actions, { do: 'store', arrival: { startedBy, deviceInfo }, alerts }];
    }
    const { alerts } = theirs;
    if (alerts.length === 0) return [...actions, ...this.#proceed()];
    this.#resume = this.#phase;
    this.#phase = 'storing';
    return [...actions, { do: 'store', alerts }];
  }

  #takeStored(codes: readonly number[]): SessionAction[] {
    this.#theirs.settle(codes);
    this.#phase = this.#resume;
    if (this.#phase === 'ours') {
      this.#beginPackage();
      return [{ do: 'think' }];
    }
    return this.#proceed();
  }

  /** The device is not admitted: every command of package #1 has the same answer, and the session is over. */
  #refuse({ status, why }: { status: number; why: string }): SessionAction[] {
    this.#replies.overrule(status);
    return this.#close(why);
  }

  #takeLimits({ meta }: Header): void {
    const { maximumMessageBytes, usualMessageBytes } = this.#settings;
    if (meta?.maximumMessageSize !== undefined && meta.maximumMessageSize > 0) {
      this.#limit = Math.max(leastMessageBytes, Math.min(meta.maximumMessageSize, maximumMessageBytes));
    } else if (this.#messages === 0) this.#limit = Math.min(usualMessageBytes, maximumMessageBytes);
    if (meta?.maximumObjectSize !== undefined) this.#maximumObject = meta.maximumObjectSize;
  }

  /** What comes next once the message is read, and what it reports is durable. */
  #proceed(): SessionAction[] {
    if (this.#theirs.isAborted) return this.#close('the device has aborted the session (alert 1223)');
    if (this.#phase === 'closing') return this.#close('the session is over');
    const mine = this.#package;
    if (mine && this.#told === 'again' && (this.#theirs.isFinal || !mine.isSent) && this.#rewinds < maximumRewinds) {
      this.#rewinds++;
      this.#told = undefined;
      this.#isOurEndSent = false;
      mine.rewind();
    }
    if (mine && !mine.isSent && this.#told !== 'refused') {
      const draft = this.#draft(false);
      // Only what cannot be sent was left: a message without commands would end the session.
      if (draft.hasCommands || !mine.isSent) return [this.#commit(draft, mine.isSent)];
    }
    // A device that was told that more would come waits for it, and does not close its own package.
    const isOursOver = mine !== undefined && (this.#told === 'refused' || (mine.isSent && !this.#isOurEndSent));
    const handedOver = this.#theirs.isFinal || isOursOver;
    if (!handedOver) return [this.#sendNext()];
    this.#beginTheirs();
    if (!mine) return [this.#sendNext()];
    if (this.#isInterim(mine)) {
      this.#interims++;
      return [this.#commit(this.#draft(false), true)];
    }
    return this.#handOver(mine);
  }

  /** A device that needs longer says so with an alert, and nothing of what was asked (keep-alive of Windows). */
  #isInterim(mine: OutgoingPackage): boolean {
    const { hasAlerts, headerCode } = this.#theirs;
    this.#theirs.hasAlerts = false;
    if (mine.isHeard || !hasAlerts || headerCode !== undefined || this.#told === 'refused') return false;
    return this.#interims < maximumInterims;
  }

  #handOver(mine: OutgoingPackage): SessionAction[] {
    this.#package = undefined;
    this.#phase = 'ours';
    const actions: SessionAction[] = [{ do: 'tell', answers: mine.finish({ header: this.#theirs.headerCode }) }];
    if (this.#told !== 'refused') return actions;
    this.#phase = 'closing';
    return [...actions, ...this.#close('the device does not take the credentials of the gateway')];
  }

  #ask({ requests, options }: Extract<SessionEvent, { event: 'ask' }>): SessionAction[] {
    const mine = new OutgoingPackage(requests, options, this.#maximumObject);
    this.#package = mine;
    this.#isOurEndSent = false;
    this.#beginPackage();
    const draft = this.#draft(false);
    if (!draft.hasCommands && mine.isSent) {
      this.#package = undefined;
      return [{ do: 'tell', answers: mine.finish() }];
    }
    this.#phase = 'asked';
    this.#requests += requests.length;
    return [this.#commit(draft, mine.isSent)];
  }

  #beginPackage(): void {
    this.#told = undefined;
    this.#theirs.hasAlerts = false;
    this.#interims = 0;
    this.#rewinds = 0;
    this.#replies.forgetOwnAlerts();
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
    const actions: SessionAction[] = mine
      ? [{ do: 'tell', answers: mine.finish({ header: this.#theirs.headerCode }) }]
      : [];
    const draft = this.#draft(false);
    actions.push(this.#commit(draft, true));
    if (draft.isFull) return actions;
    this.#phase = 'over';
    return [...actions, { do: 'end', why }];
  }

  #challenge(message: SyncmlMessage, verdict: Extract<Verdict, { proven: false }>): SessionAction[] {
    this.#replies.addAll(message, verdict.status, verdict.challenge);
    if (verdict.over) return this.#reject(undefined, verdict.why);
    return [this.#commit(this.#draft(false), true)];
  }

  /** The session is over; what the device has not been told to be stored has to come again. */
  #reject(reason: Refusal | undefined, why: string): SessionAction[] {
    this.#replies.dropOpen();
    const closing = this.#close(why);
    return reason === undefined ? closing : [{ do: 'refuse', reason, why }, ...closing];
  }

  #lose({ why, delivered }: { why: string; delivered: boolean }): SessionAction[] {
    const mine = this.#package;
    this.#package = undefined;
    this.#phase = 'over';
    const end: SessionAction = { do: 'end', why };
    return mine ? [{ do: 'tell', answers: mine.finish({ delivered }) }, end] : [end];
  }

  /** Asks for the next message of the device (alert 1222). */
  #sendNext(): SessionAction {
    return this.#commit(this.#draft(true), false);
  }

  /**
   * The next message: Statuses first, then alerts of ours, then commands.
   * @param next ends with alert 1222 in place of commands
   */
  #draft(next: boolean): Draft {
    const message = new MessageDraft(this.#nextHeader(), this.#settings.encoding, this.#limit);
    const { isFull, taken } = this.#replies.putInto(message, next);
    let hasCommands = false;
    if (!next && !isFull && this.#package && !this.#package.isSent) {
      const before = message.room;
      this.#package.putInto(message);
      hasCommands = message.room < before;
    }
    return { message, isFull, taken, hasCommands };
  }

  /** @param final nothing more of our package follows */
  #commit({ message, isFull, taken }: Draft, final: boolean): SessionAction {
    taken();
    this.#messages++;
    if (this.#arrived) this.#untold = false;
    const isFinal = final && !isFull;
    if (isFinal) this.#isOurEndSent = true;
    return {
      do: 'send',
      octets: message.finish(isFinal),
      messageId: message.messageId,
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
