/** What we owe the device: a Status for each of its commands, and alerts of ours that are no answer (1222, 1223, 1225). */
import type { MessageDraft } from './message-draft.ts';
import type { Alert, Challenge, Command, Header, Item, Status, SyncmlMessage } from './syncml/message.ts';

export type QueuedStatus = Omit<Status, 'id'>;
type Notice = Omit<Alert, 'id'>;

/** Statuses that may wait for a message with room for them. */
const maximumOwed = 8192;
/** Octets that are kept free for alert 1222. */
const nextMessageReserve = 128;

export class Replies {
  #statuses: QueuedStatus[] = [];
  #notices: Notice[] = [];
  /** Those whose code is not known yet. */
  readonly #open = new Set<QueuedStatus>();
  /** Alerts of ours, by message and command: their Statuses say nothing. */
  readonly #ownAlerts = new Set<string>();

  /** @param command undefined: the header */
  add(header: Header, command: Command | undefined, code: number, challenge?: Challenge): QueuedStatus | undefined {
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

  /** A Status in its place, whose code is told by `settle`; until then it is not sent. */
  addOpen(header: Header, command: Command): QueuedStatus | undefined {
    const status = this.add(header, command, 0);
    if (status) this.#open.add(status);
    return status;
  }

  settle(status: QueuedStatus, code: number): void {
    status.code = code;
    this.#open.delete(status);
  }

  /** Every command of a message has the same answer; Status and Results have none. */
  addAll(message: SyncmlMessage, code: number, challenge?: Challenge): void {
    this.add(message.header, undefined, code, challenge);
    for (const command of message.commands) {
      if (command.command !== 'Status' && command.command !== 'Results') this.add(message.header, command, code);
    }
  }

  /** Everything that is owed now has this answer. */
  overrule(code: number): void {
    for (const status of this.#statuses) this.settle(status, code);
  }

  /** More is owed than a device could want to know. */
  get isTooMuch(): boolean {
    return this.#statuses.length > maximumOwed;
  }

  /** Nothing is owed any more. */
  clear(): void {
    this.#statuses = [];
    this.#open.clear();
  }

  /** What has no code yet will never have one. */
  dropOpen(): void {
    this.#statuses = this.#statuses.filter((status) => !this.#open.has(status));
    this.#open.clear();
  }

  notify(code: number, item?: Item): void {
    this.#notices.push({ command: 'Alert', code, items: item ? [item] : [] });
  }

  isOwnAlert(messageRef: string, commandRef: string): boolean {
    return this.#ownAlerts.has(keyOf(messageRef, commandRef));
  }

  forgetOwnAlerts(): void {
    this.#ownAlerts.clear();
  }

  /**
   * Puts into a message what there is room for, in the order of the commands. Nothing is taken out before `taken` is called.
   * @param next the message ends with alert 1222
   */
  putInto(draft: MessageDraft, next: boolean): { isFull: boolean; taken(): void } {
    const reserve = next ? nextMessageReserve : 0;
    const statuses: QueuedStatus[] = [];
    const own: string[] = [];
    let isFull = false;
    for (const status of this.#statuses) {
      if (this.#open.has(status)) statuses.push(status);
      else if (isFull || !draft.add((nextId) => ({ ...status, id: nextId() }), { reserve, force: draft.isEmpty })) {
        isFull = true;
        statuses.push(status);
      }
    }
    const notices: Notice[] = [];
    for (const notice of this.#notices) {
      const alert = isFull ? undefined : draft.add((nextId) => ({ ...notice, id: nextId() }), { reserve });
      if (alert) own.push(keyOf(draft.messageId, alert.id));
      else notices.push(notice);
    }
    if (notices.length > 0) isFull = true;
    if (next) {
      const make = (nextId: () => string): Alert => ({ command: 'Alert', id: nextId(), code: 1222, items: [] });
      const alert = draft.add(make, { force: true });
      if (alert) own.push(keyOf(draft.messageId, alert.id));
    }
    return {
      isFull,
      taken: () => {
        this.#statuses = statuses;
        this.#notices = notices;
        for (const key of own) this.#ownAlerts.add(key);
      },
    };
  }
}

function keyOf(messageRef: string, commandRef: string): string {
  return `${messageRef}/${commandRef}`;
}
