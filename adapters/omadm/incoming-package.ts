/**
 * What a device says, package after package: answers to our commands, alerts, the leaves of DevInfo, and objects that come in parts
 * (DM Protocol 1.2.1, 7 and 8).
 */
import { ObjectAssembler } from './large-objects.ts';
import type { OutgoingPackage } from './outgoing-package.ts';
import type { QueuedStatus, Replies } from './replies.ts';
import { isSuccess } from './status-codes.ts';
import { metaOf } from './syncml/codec.ts';
import type { Alert, Header, Item, Results, Status, SyncmlMessage, TreeCommand } from './syncml/message.ts';

export interface ReceivedAlert {
  alert: Alert;
  items: readonly Item[];
}

/**
 * - `no-question`: a Status or Results for nothing that was asked.
 * - `not-a-command`: a command that devices do not give, or nobody knows.
 * - `broken-object`: a large object without its end, too large, or not as long as announced.
 */
export type ReadingRefusal = 'no-question' | 'not-a-command' | 'broken-object';
export type Refuse = (reason: ReadingRefusal, why: string) => void;

/** Characters of DevInfo that are kept, with the paths. */
const maximumDeviceInfo = 65_536;
const maximumLeafLength = 4096;
/** Refusals that one message is worth: a log must not grow faster than what comes in. */
const maximumRefusals = 8;
const maximumHeldAlerts = 256;

export class IncomingPackage {
  readonly #replies: Replies;
  readonly #assembler: ObjectAssembler;
  #held: { status: QueuedStatus | undefined; received: ReceivedAlert }[] = [];
  /** Parts of a large object belong to it. */
  #openAlert: { items: Item[] } | undefined;
  #openResults: Results | undefined;
  /** Leaves are kept until package #1 is complete. */
  #isFirst = true;
  #deviceInfoSize = 0;

  startedBy: 'server' | 'client' = 'client';
  readonly deviceInfo = new Map<string, string>();
  /** The last message was the last of its package. */
  isFinal = false;
  /** Alert 1223. */
  isAborted = false;
  /** Status of our header in the last message, when it is no success. */
  headerCode: number | undefined;
  /** Alerts that tell something, since this was set to false. */
  hasAlerts = false;

  /** @param maximumObject octets of one object */
  constructor(replies: Replies, maximumObject: number) {
    this.#replies = replies;
    this.#assembler = new ObjectAssembler(maximumObject);
  }

  /** Alerts that wait to be stored, in their order. */
  get alerts(): ReceivedAlert[] {
    return this.#held.map(({ received }) => received);
  }

  /** The alerts are durable. @param codes in their order */
  settle(codes: readonly number[]): void {
    this.#held.forEach(({ status }, index) => {
      if (status) this.#replies.settle(status, codes[index] ?? 500);
    });
    this.#held = [];
  }

  /** Package #1 is complete. */
  endFirst(): void {
    this.#isFirst = false;
  }

  /** Reads a proven message. @param mine what the device is asked now */
  read(message: SyncmlMessage, mine: OutgoingPackage | undefined, refused: Refuse): void {
    const { header } = message;
    let refusals = 0;
    const refuse: Refuse = (reason, why) => {
      if (refusals++ < maximumRefusals) refused(reason, why);
    };
    const wasOpen = this.#assembler.isOpen;
    this.headerCode = undefined;
    for (const command of message.commands) {
      switch (command.command) {
        case 'Status':
          this.#takeStatus(command, mine, refuse);
          break;
        case 'Results':
          this.#takeResults(header, command, mine, refuse);
          break;
        case 'Alert':
          this.#takeAlert(header, command, mine, refuse);
          break;
        case 'Replace':
          this.#replies.add(header, command, this.#takeReplace(command));
          break;
        case 'unknown':
          refuse('not-a-command', `the command ${command.name.slice(0, 40)} is not known`);
          this.#replies.add(header, command, 501);
          break;
        default:
          refuse('not-a-command', `a device may not give the command ${command.command}`);
          this.#replies.add(header, command, 406);
      }
    }
    // The end that was to come with this package did not come.
    if (wasOpen && message.final && this.#assembler.isOpen && !hasMore(message)) this.#dropObject(mine, refuse);
    this.isFinal = message.final && !this.#assembler.isOpen;
  }

  #takeStatus(status: Status, mine: OutgoingPackage | undefined, refuse: Refuse): void {
    if (isHeaderStatus(status)) {
      this.headerCode = isSuccess(status.code) ? undefined : status.code;
      return;
    }
    const { messageRef, commandRef } = status;
    if (mine?.takeStatus(status) || this.#replies.isOwnAlert(messageRef, commandRef)) return;
    refuse('no-question', `a Status for command ${commandRef.slice(0, 20)} of message ${messageRef.slice(0, 20)}`);
  }

  #takeResults(header: Header, results: Results, mine: OutgoingPackage | undefined, refuse: Refuse): void {
    const owner = `Results ${results.messageRef ?? ''}/${results.commandRef}`;
    const whole: Item[] = [];
    for (const item of results.items) {
      if (this.#assembler.isInterruptedBy(owner, item)) this.#dropObject(mine, refuse);
      const taken = this.#assembler.take(owner, item, metaOf(results, item));
      if (taken.state === 'whole') whole.push(taken.item);
      else if (taken.state === 'part') {
        this.#openResults = results;
        this.#replies.add(header, results, 213);
      } else {
        refuse('broken-object', taken.why);
        mine?.missResults(results, taken.why);
        this.#replies.add(header, results, taken.status);
      }
    }
    if (whole.length === 0 || mine?.takeResults(results, whole)) return;
    refuse('no-question', `Results for command ${results.commandRef.slice(0, 20)}, which was not asked`);
  }

  #takeAlert(header: Header, alert: Alert, mine: OutgoingPackage | undefined, refuse: Refuse): void {
    switch (alert.code) {
      case 1200:
      case 1201:
        if (this.#isFirst) this.startedBy = alert.code === 1200 ? 'server' : 'client';
        break;
      case 1222:
        break;
      case 1223:
        this.isAborted = true;
        break;
      case 1225:
        mine?.breakParts();
        break;
      case 0:
        this.#replies.add(header, alert, 412);
        return;
      default:
        this.hasAlerts = true;
        this.#holdAlert(header, alert, mine, refuse);
        return;
    }
    this.#replies.add(header, alert, 200);
  }

  #holdAlert(header: Header, alert: Alert, mine: OutgoingPackage | undefined, refuse: Refuse): void {
    const owner = `Alert ${alert.code} ${alert.correlator ?? ''}`;
    const items: Item[] = [];
    for (const item of alert.items) {
      if (this.#assembler.isInterruptedBy(owner, item)) this.#dropObject(mine, refuse);
      const begun = this.#openAlert;
      const taken = this.#assembler.take(owner, item, metaOf(alert, item));
      switch (taken.state) {
        case 'whole':
          if (begun) items.push(...begun.items);
          items.push(taken.item);
          this.#openAlert = undefined;
          break;
        case 'part':
          this.#openAlert = begun ?? { items };
          this.#replies.add(header, alert, 213);
          return;
        case 'refused':
          refuse('broken-object', taken.why);
          this.#openAlert = undefined;
          this.#replies.add(header, alert, taken.status);
          return;
      }
    }
    if (this.#held.length >= maximumHeldAlerts) {
      this.#replies.add(header, alert, 503);
      return;
    }
    // Without a number it cannot be answered, and is told all the same.
    this.#held.push({ status: this.#replies.addOpen(header, alert), received: { alert, items } });
  }

  /** Devices send interior nodes, too. */
  #takeReplace(command: TreeCommand): number {
    let isDeviceInfo = true;
    for (const item of command.items) {
      const path = nodePath(item.source ?? item.target ?? '');
      if (path !== './DevInfo' && !path.startsWith('./DevInfo/')) isDeviceInfo = false;
      else if (this.#isFirst && metaOf(command, item).format !== 'node') this.#keepLeaf(path, item);
    }
    return isDeviceInfo ? 200 : 405;
  }

  #keepLeaf(path: string, { data }: Item): void {
    if (typeof data !== 'string' || data.length > maximumLeafLength || path.length > maximumLeafLength) return;
    this.#deviceInfoSize += path.length + data.length;
    if (this.#deviceInfoSize <= maximumDeviceInfo) this.deviceInfo.set(path, data.trim());
  }

  /** Says that an object has no end (alert 1225). */
  #dropObject(mine: OutgoingPackage | undefined, refuse: Refuse): void {
    const item = this.#assembler.abandon();
    if (this.#openResults) mine?.missResults(this.#openResults, 'the device did not send the end of the value');
    this.#openResults = undefined;
    this.#openAlert = undefined;
    if (!item) return;
    refuse('broken-object', 'something else came before the end of a large object');
    const { source, target } = item;
    const named: Item = {};
    if (target !== undefined) named.target = target;
    if (source !== undefined) named.source = source;
    this.#replies.notify(1225, named);
  }
}

/** It answers our header, and so our proof. */
export function isHeaderStatus({ commandRef, answered }: Status): boolean {
  return commandRef === '0' || answered === 'SyncHdr';
}

/** It begins a session. */
export function startsSession({ commands }: SyncmlMessage): boolean {
  return commands.some((command) => command.command === 'Alert' && (command.code === 1200 || command.code === 1201));
}

/** Devices leave out `./`. */
function nodePath(uri: string): string {
  const path = uri.trim();
  return path.startsWith('./') || path === '.' ? path : `./${path.replace(/^\/+/, '')}`;
}

function hasMore({ commands }: SyncmlMessage): boolean {
  return commands.some((command) => 'items' in command && command.items.some(({ moreData }) => moreData));
}
