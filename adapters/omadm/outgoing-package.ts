/**
 * The requests of one `ask` on their way: into as many messages as they need, and their answers back, by the numbers of message and
 * command (DM Protocol 1.2.1, 7 and 8). A command never crosses the border of a message, unless the device knows large objects.
 */
import type { Answer, AskOptions, Found, Problem, Request } from './exchange.ts';
import { cutData, sizeOf } from './large-objects.ts';
import type { MessageDraft } from './message-draft.ts';
import { dataOfValue, isEncoded, metaOfValue, readNodeValue } from './node-values.ts';
import { commandOf } from './requests.ts';
import { isSuccess } from './status-codes.ts';
import { metaOf } from './syncml/codec.ts';
import type { Command, Data, Item, Results, Status } from './syncml/message.ts';

interface Entry {
  readonly request: Request;
  readonly children: readonly Entry[];
  status: number | undefined;
  evidence: string | undefined;
  found: Found[];
  problem: Problem | undefined;
  /** It stands in a message; `partly`: the rest of its value follows. */
  progress: 'waiting' | 'partly' | 'sent' | 'given-up';
  /** Of a value that is cut: where the next part begins. */
  offset: number;
}

interface Awaited {
  entry: Entry;
  /** It was a part of a large object, and not the last one. */
  part: boolean;
}

/** Octets that every later message needs for the Status of the header and of an alert 1222. */
const reserve = 512;
/** Smaller parts are not worth a message. */
const minimumPart = 64;

export class OutgoingPackage {
  readonly #entries: readonly Entry[];
  readonly #options: AskOptions;
  readonly #maximumObject: number | undefined;
  /** By `message/command`. */
  readonly #awaited = new Map<string, Awaited>();
  #next = 0;
  #sentAny = false;
  #heardAny = false;
  #lastMessage = '';

  /** @param maximumObject octets of one object, as the device says (MaxObjSize) */
  constructor(requests: readonly Request[], options: AskOptions, maximumObject: number | undefined) {
    this.#entries = requests.map(entryOf);
    this.#options = options;
    this.#maximumObject = maximumObject;
  }

  /** Nothing more is to be sent. */
  get isSent(): boolean {
    for (let at = this.#next; at < this.#entries.length; at++) {
      if (this.#entries[at]!.progress !== 'given-up') return false;
    }
    return true;
  }

  /** At least one command stands in a message. */
  get hasBegun(): boolean {
    return this.#sentAny;
  }

  /** The device has answered at least one command. */
  get isHeard(): boolean {
    return this.#heardAny;
  }

  /** Reading a second time does no harm; anything else might. */
  get isHarmless(): boolean {
    return this.#entries.every(({ request }) => request.command === 'Get');
  }

  /** Puts into a message what there is room for. */
  putInto(draft: MessageDraft): void {
    this.#lastMessage = draft.messageId;
    while (!this.isSent) {
      const entry = this.#entries[this.#next]!;
      if (entry.progress === 'given-up') this.#next++;
      else if (entry.progress === 'partly') {
        if (!this.#addPart(entry, draft)) return;
        this.#next++;
      } else if (this.#addWhole(entry, draft)) this.#next++;
      else {
        const size = draft.measure((nextId) => commandOf(entry.request, draft.encoding, nextId));
        const capacity = draft.capacity - reserve;
        // It fits into a message that it has for itself: the next one.
        if (size <= capacity) return;
        const obstacle = this.#obstacleToCutting(entry, size, draft);
        if (obstacle !== undefined) {
          entry.progress = 'given-up';
          entry.problem = { kind: 'too-large', explanation: obstacle };
          this.#next++;
          continue;
        }
        if (!this.#addPart(entry, draft)) return;
        this.#next++;
      }
    }
  }

  /** True: it answers a command of this package. */
  takeStatus(status: Status): boolean {
    const awaited = this.#awaited.get(keyOf(status.messageRef, status.commandRef));
    if (!awaited) return false;
    this.#heardAny = true;
    const { entry, part } = awaited;
    const { code } = status;
    if (part) {
      takePartStatus(entry, status);
      return true;
    }
    // Several Statuses of one command: what went wrong is never hidden by what went well.
    if (entry.status === undefined || (isSuccess(entry.status) && !isSuccess(code))) {
      entry.status = code;
      if (status.originalError !== undefined) entry.evidence = status.originalError;
    }
    if (entry.request.command === 'Alert') {
      for (const item of status.items) entry.found.push({ path: '', ...readNodeValue(item.meta ?? {}, item.data) });
    }
    return true;
  }

  /** True: it answers a command of this package. */
  takeResults(results: Results, items: readonly Item[]): boolean {
    const entry = this.#entryOf(results);
    if (!entry || entry.request.command !== 'Get') return false;
    this.#heardAny = true;
    const asked = entry.request.path;
    for (const item of items) {
      const path = item.source ?? item.target ?? results.sourceRefs[0] ?? results.targetRefs[0] ?? asked;
      entry.found.push({ path: path.trim(), ...readNodeValue(metaOf(results, item), item.data) });
    }
    return true;
  }

  /** A value in the answer to a command was not taken. */
  missResults(results: Results, why: string): void {
    const entry = this.#entryOf(results);
    if (entry) entry.problem = { kind: 'not-received', explanation: why };
  }

  /** The device says that it waits for the rest of an object no more (1225). */
  breakParts(): void {
    for (const entry of this.#entries) {
      if (entry.offset === 0 || entry.status !== undefined) continue;
      entry.status = 424;
      entry.evidence = 'alert 1225: the end of the value did not come';
      if (entry.progress === 'partly') entry.progress = 'given-up';
    }
  }

  /** The device has not taken our message for lack of a proof: what it did not carry out is sent again. */
  rewind(): void {
    this.#awaited.clear();
    this.#next = 0;
    this.#sentAny = false;
    this.#heardAny = false;
    for (const entry of this.#entries) rewindEntry(entry);
  }

  /**
   * What became of each request.
   * @param header status of our last header where the device took it for wrong: what has no status of its own has this one
   * @param delivered false: our last message has left for nowhere
   */
  finish({ header, delivered = true }: { header?: number; delivered?: boolean } = {}): Answer[] {
    const unsent = new Set<Entry>();
    if (!delivered) {
      for (const [key, { entry }] of this.#awaited) if (key.startsWith(`${this.#lastMessage}/`)) unsent.add(entry);
    }
    return this.#entries.map((entry) => answerOf(entry, header, unsent));
  }

  #entryOf({ messageRef, commandRef }: Results): Entry | undefined {
    return this.#awaited.get(keyOf(messageRef ?? this.#lastMessage, commandRef))?.entry;
  }

  #addWhole(entry: Entry, draft: MessageDraft): boolean {
    const command = draft.add((nextId) => commandOf(entry.request, draft.encoding, nextId));
    if (!command) return false;
    this.#await(entry, command, draft.messageId);
    return true;
  }

  #await(entry: Entry, command: Command, messageId: string): void {
    entry.progress = 'sent';
    this.#sentAny = true;
    this.#awaited.set(keyOf(messageId, command.id), { entry, part: false });
    if (command.command !== 'Atomic' && command.command !== 'Sequence') return;
    command.commands.forEach((child, index) => this.#await(entry.children[index]!, child, messageId));
  }

  /** Why a command that is too large cannot be sent in parts; undefined: it can. */
  #obstacleToCutting(entry: Entry, size: number, draft: MessageDraft): string | undefined {
    const { request } = entry;
    const capacity = draft.capacity - reserve;
    const tooLarge = `the command has ${size} octets, and a message to this device has room for ${Math.max(0, capacity)}`;
    if (request.command !== 'Add' && request.command !== 'Replace') return `${tooLarge}; ask for less at once`;
    if (!this.#options.largeObjects) return `${tooLarge}; it does not take large objects (DevDetail/LrgObj)`;
    const value = sizeOf(request.value.octets ?? request.value.text ?? '');
    if (this.#maximumObject !== undefined && value > this.#maximumObject) {
      return `the value has ${value} octets, and the device takes ${this.#maximumObject} (MaxObjSize)`;
    }
    const addressing = draft.measure((nextId) => partOf(entry, '', true, nextId()));
    return capacity - addressing < 2 * minimumPart ? tooLarge : undefined;
  }

  /** The next part of a value, as the last command of its message. True: it was the last part. */
  #addPart(entry: Entry, draft: MessageDraft): boolean {
    const { request } = entry;
    if (request.command !== 'Add' && request.command !== 'Replace') return true;
    const data = dataOfValue(request.value, draft.encoding);
    const whole: string | Uint8Array = typeof data === 'string' || data instanceof Uint8Array ? data : data.markup;
    const room = draft.room - draft.measure((nextId) => partOf(entry, '', true, nextId())) - 16;
    // A value begins in a message of its own when little is left of this one.
    if (room < minimumPart) return false;
    const base64 = typeof whole === 'string' && isEncoded(request.value.format);
    const { part, end } = cutData(whole, entry.offset, room, { form: draft.encoding.form, base64 });
    const isLast = end >= whole.length;
    const command = draft.add((nextId) => partOf(entry, part, !isLast, nextId()));
    if (!command) return false;
    entry.offset = end;
    entry.progress = isLast ? 'sent' : 'partly';
    this.#sentAny = true;
    this.#awaited.set(keyOf(draft.messageId, command.id), { entry, part: !isLast });
    return isLast;
  }
}

/** Size stands in the first part only. */
function partOf(entry: Entry, data: Data, moreData: boolean, id: string): Command {
  const { request, offset } = entry as Entry & { request: Extract<Request, { command: 'Add' | 'Replace' }> };
  const size = offset === 0 ? { size: sizeOf(request.value.octets ?? request.value.text ?? '') } : undefined;
  const item: Item = { target: request.path, meta: { ...metaOfValue(request.value), ...size }, data };
  if (moreData) item.moreData = true;
  return { command: request.command, id, items: [item] };
}

/** 213: go on. Anything that says yes means that the device takes the first part for the whole. */
function takePartStatus(entry: Entry, { code, originalError }: Status): void {
  if (code === 213 || entry.status !== undefined) return;
  if (isSuccess(code)) {
    entry.status = 406;
    const explanation =
      `the device answered ${code} to the first part of a value: it does not know large objects, and its node holds only the ` +
      'beginning now; write a value that fits into one message';
    entry.problem = { kind: 'truncated', explanation };
  } else {
    entry.status = code;
    entry.evidence = originalError;
  }
  if (entry.progress === 'partly') entry.progress = 'given-up';
}

function entryOf(request: Request): Entry {
  const isGroup = request.command === 'Atomic' || request.command === 'Sequence';
  return {
    request,
    children: isGroup ? request.requests.map(entryOf) : [],
    status: undefined,
    evidence: undefined,
    found: [],
    problem: undefined,
    progress: 'waiting',
    offset: 0,
  };
}

function rewindEntry(entry: Entry): void {
  if (entry.problem?.kind === 'too-large') return;
  if (entry.status !== undefined && entry.status !== 401 && entry.status !== 407) {
    entry.progress = 'given-up';
    return;
  }
  Object.assign(entry, { status: undefined, evidence: undefined, found: [], progress: 'waiting', offset: 0 });
  for (const child of entry.children) Object.assign(child, { status: undefined, evidence: undefined, found: [] });
}

function answerOf(entry: Entry, header: number | undefined, unsent: ReadonlySet<Entry>): Answer {
  const wasSent = entry.progress !== 'waiting' && entry.problem?.kind !== 'too-large';
  const isGroup = entry.request.command === 'Atomic' || entry.request.command === 'Sequence';
  const told = entry.children.some(({ status }) => status !== undefined);
  const answer: Answer = {
    status: entry.status ?? (wasSent && !told ? header : undefined),
    found: entry.found,
    // A value whose parts were not all sent is not a value that was never sent.
    sent: wasSent && !(unsent.has(entry) && entry.status === undefined && entry.offset === 0),
  };
  if (entry.evidence !== undefined) answer.evidence = entry.evidence;
  if (entry.problem) answer.problem = entry.problem;
  if (isGroup && told) answer.children = entry.children.map((child) => answerOf(child, undefined, unsent));
  return answer;
}

function keyOf(messageRef: string, commandRef: string): string {
  return `${messageRef}/${commandRef}`;
}
