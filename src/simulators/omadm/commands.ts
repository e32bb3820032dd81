import { faultFor } from './faults.ts';
import { agreeableUser, interactionOf, malformation } from './interaction.ts';
import type { User } from './interaction.ts';
import type { Deed } from './journal.ts';
import type { ServerCommand, ServerItem } from './message.ts';
import { foundList, foundNode, foundProperty } from './queries.ts';
import type { Asker, Found } from './queries.ts';
import { Refusal, isFormat, segmentsOf } from './tree.ts';
import type { TreeNode } from './tree.ts';
import { keptValue } from './values.ts';
import type { Form } from './values.ts';
import type { Workshop } from './workshop.ts';

/** What became of one Item. */
export interface ItemOutcome {
  code: number;
  target: string | undefined;
  source: string | undefined;
  found: Found[];
  /** Of a user interaction. */
  texts: string[];
  /** The client's own number of what went wrong. */
  originalError?: string;
}

export interface CommandOutcome {
  command: ServerCommand;
  items: ItemOutcome[];
  /** Of Atomic and Sequence: its own status. */
  code?: number;
  children: CommandOutcome[];
  /** No Status is sent. */
  silent: boolean;
}

/** The client is gone in the middle of a command. */
export class Crash extends Error {
  override name = 'Crash';
}

/** The client ends the session without a word. */
export class SilentEnd extends Error {
  override name = 'SilentEnd';
}

export interface ExecutorOptions {
  serverId: string;
  form: Form;
  user: User | undefined;
  lists: boolean;
}

const newNode = 'ACDGR';

/** Carries out the commands of a server in one session. */
export class Executor {
  readonly #workshop: Workshop;
  readonly #options: ExecutorOptions;
  readonly #asker: Asker;
  /** The user has cancelled: nothing more of this message, or group. */
  #cancelled = false;

  constructor(workshop: Workshop, options: ExecutorOptions) {
    this.#workshop = workshop;
    this.#options = options;
    this.#asker = { tree: workshop.tree, quirks: workshop.quirks, serverId: options.serverId, form: options.form };
  }

  /** A new message begins. */
  begin(): void {
    this.#cancelled = false;
  }

  /** The next command of the message. Rejects with Crash or SilentEnd only. */
  perform(command: ServerCommand): Promise<CommandOutcome> {
    return this.#perform(command, '');
  }

  /** Every command gets the same code, for instance because the server did not prove who it is. */
  refuseAll(commands: readonly ServerCommand[], code: number): CommandOutcome[] {
    return commands.map((command) => {
      const group = command.name === 'Atomic' || command.name === 'Sequence';
      const items = command.items.length > 0 ? command.items : [undefined];
      return {
        command,
        items: group ? [] : items.map((item) => this.#outcome(item, code)),
        ...(group ? { code } : {}),
        children: this.refuseAll(command.commands, code),
        silent: false,
      };
    });
  }

  #outcome(item: ServerItem | undefined, code: number, more: Partial<ItemOutcome> = {}): ItemOutcome {
    return { code, target: item?.target, source: item?.source, found: [], texts: [], ...more };
  }

  async #perform(command: ServerCommand, inside: string): Promise<CommandOutcome> {
    const { quirks, faults } = this.#workshop;
    const { name, items } = command;
    if (this.#cancelled) return this.refuseAll([command], 215)[0]!;
    if (name === 'Atomic' || name === 'Sequence') return this.#group(command, inside);
    if (name === 'Alert') return this.#alert(command, inside);
    const path = items[0]?.target ?? '';
    const silent = faultFor(faults.unanswered, name, path) !== undefined;
    if (name === 'Copy' && quirks.has('copy-ends-session')) throw new SilentEnd('Copy (quirk copy-ends-session)');
    if (inside === 'Atomic' && ['Get', 'Exec'].includes(name))
      return { command, items: items.map((item) => this.#outcome(item, 500)), children: [], silent };
    const outcomes: ItemOutcome[] = [];
    for (const item of items) outcomes.push(await this.#item(command, item));
    if (items.length === 0) outcomes.push(this.#outcome(undefined, 412));
    return { command, items: outcomes, children: [], silent };
  }

  async #item(command: ServerCommand, item: ServerItem): Promise<ItemOutcome> {
    const { faults, journal, quirks } = this.#workshop;
    const { name } = command;
    const path = item.target ?? '';
    const meta = { ...command.meta, ...definedIn(item.meta) };
    const refused = faultFor(faults.refuse, name, path);
    let code: number;
    let found: Found[] = [];
    let why: string | undefined;
    let originalError = refused?.originalError;
    try {
      if (refused) throw new Refusal(refused.code, 'on request');
      if (quirks.has('crashes-without-data') && name === 'Add' && item.data === undefined)
        throw new Crash('an Add without Data (quirk crashes-without-data)');
      const answer = await this.#deeds[name]?.({ ...item, meta }, command);
      code = answer === undefined ? 406 : typeof answer === 'number' ? answer : 200;
      if (Array.isArray(answer)) found = answer;
      if (code === 200 && name === 'Replace' && quirks.has('replace-202')) code = 202;
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      code = problem.code;
      why = problem.message;
    }
    if (code >= 400 && quirks.has('original-error')) originalError ??= `0x8600${code.toString(16).padStart(4, '0')}`;
    const kind = name.toLowerCase() as Deed;
    const value = name === 'Add' || name === 'Replace' ? String(item.data ?? '').slice(0, 200) : undefined;
    const correlator = command.correlator === '' ? undefined : command.correlator;
    journal.record({ kind, path, status: code, ...dropUndefined({ value, correlator, detail: why }) });
    journal.tell(
      kind === 'get' ? 'message' : 'write',
      `${name} ${path}: ${code}${why === undefined ? '' : ` ${why}`}`,
      { path },
    );
    return this.#outcome(item, code, { found, ...(originalError === undefined ? {} : { originalError }) });
  }

  readonly #deeds: Readonly<
    Record<string, (item: ServerItem, command: ServerCommand) => number | Promise<number> | Found[]>
  > = {
    Get: (item) => this.#get(item),
    Add: (item) => this.#add(item),
    Replace: (item) => this.#replace(item),
    Delete: (item) => this.#delete(item),
    Copy: (item) => this.#copy(item),
    Exec: (item, command) => this.#exec(item, command),
  };

  #node(uri: string | undefined): TreeNode {
    const path = uri ?? '';
    if (segmentsOf(path) === undefined) throw new Refusal(404, `${path} is not a URI of a node`);
    this.#checkLength(path);
    const node = this.#workshop.tree.find(path);
    if (!node) throw new Refusal(404, `there is no ${path}`);
    return node;
  }

  // DevDetail/URI; 0 is no limit.
  #checkLength(path: string): void {
    const limit = (name: string): number =>
      Number(this.#workshop.tree.find(`./DevDetail/URI/${name}`)?.value ?? 0) || Infinity;
    const segments = segmentsOf(path) ?? [];
    if (
      segments.length > limit('MaxDepth') ||
      Buffer.byteLength(path) > limit('MaxTotLen') ||
      segments.some((segment) => Buffer.byteLength(segment) > limit('MaxSegLen'))
    )
      throw new Refusal(414, `${path} is longer or deeper than DevDetail/URI allows`);
  }

  #need(node: TreeNode, right: 'Add' | 'Delete' | 'Exec' | 'Get' | 'Replace', judged = node): void {
    const { tree } = this.#workshop;
    const letter = right[0] ?? '';
    if (!node.access.includes(letter)) throw new Refusal(405, `${tree.pathOf(node)} does not take ${right}`);
    if (!tree.allows(judged, right, this.#options.serverId))
      throw new Refusal(
        425,
        `the access control list of ${tree.pathOf(judged)} does not let ${this.#options.serverId} ${right}`,
      );
  }

  #get({ target }: ServerItem): Found[] {
    const { quirks } = this.#workshop;
    const [path = '', query] = (target ?? '').split('?', 2);
    const uri = target ?? '';
    const node = this.#node(path);
    this.#need(node, 'Get');
    if (query === undefined) return [foundNode(this.#asker, node, uri)];
    const [name, value = ''] = query.split('=', 2);
    if (name === 'prop') return [foundProperty(this.#asker, node, value, uri)];
    if (name !== 'list' || quirks.has('no-list') || !this.#options.lists)
      throw new Refusal(406, `?${query} is not supported`);
    return foundList(this.#asker, node, value, uri);
  }

  #add({ target, meta, data }: ServerItem): number {
    const { tree } = this.#workshop;
    const path = target ?? '';
    if (path.includes('?')) throw new Refusal(405, 'properties are not added');
    const segments = segmentsOf(path);
    const name = segments?.pop();
    if (!segments || name === undefined) throw new Refusal(404, `${path} is not a URI of a node`);
    this.#checkLength(path);
    const parent = this.#node(['.', ...segments].join('/'));
    if (parent.format !== 'node') throw new Refusal(405, `${tree.pathOf(parent)} is a leaf`);
    if (parent.children?.has(name)) throw new Refusal(418, `there is a ${path}`);
    this.#need(parent, 'Add');
    const format = meta.format ?? 'chr';
    if (!isFormat(format)) throw new Refusal(415, `${format} is not a format`);
    if (format === 'node') {
      const acl = this.#aclOfNew(parent);
      tree.add(parent, name, { format, type: meta.type ?? '', access: newNode, acl });
      return 200;
    }
    const value = keptValue(format, meta, data, this.#options.form);
    tree.add(parent, name, { format, type: meta.type ?? 'text/plain', access: newNode, value });
    return 200;
  }

  /** DM TND 1.2, 7.7.1.3: who may not replace below the parent gets the rights over what he has made. */
  #aclOfNew(parent: TreeNode): string {
    const { tree } = this.#workshop;
    const { serverId } = this.#options;
    if (tree.allows(parent, 'Replace', serverId)) return '';
    const rights = new Map(
      tree
        .aclOf(parent)
        .split('&')
        .filter((one) => one.includes('='))
        .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
    );
    for (const right of ['Add', 'Delete', 'Replace']) {
      const ids = rights.get(right);
      if (ids !== '*') rights.set(right, ids === undefined ? serverId : `${ids}+${serverId}`);
    }
    return [...rights].map(([right, ids]) => `${right}=${ids}`).join('&');
  }

  #replace({ target, meta, data }: ServerItem): number {
    const { tree, quirks } = this.#workshop;
    const [path = '', query] = (target ?? '').split('?', 2);
    const node = this.#node(path);
    if (query === undefined) {
      if (node.format === 'node') throw new Refusal(405, `${path} is an interior node`);
      this.#need(node, 'Replace');
      tree.set(node, keptValue(node.format, meta, data, this.#options.form), true);
      return 200;
    }
    const [name, property = ''] = query.split('=', 2);
    if (name !== 'prop') throw new Refusal(406, `?${query} is not supported`);
    const { serverId } = this.#options;
    const text = String(data ?? '');
    const above = node.parent ?? node;
    if (property === 'ACL') {
      const interior = node.format === 'node' && tree.allows(node, 'Replace', serverId);
      if (!interior && !tree.allows(above, 'Replace', serverId))
        throw new Refusal(425, 'the access control list of the parent does not allow it');
      if (!/^((Add|Delete|Exec|Get|Replace)=[^&=]+(&|$))*$/.test(text)) throw new Refusal(415, `${text} is not an ACL`);
      tree.mark(node, { acl: text });
    } else if (property === 'Title') {
      this.#need(node, 'Replace');
      tree.mark(node, { title: text });
    } else if (property === 'Name') {
      if (quirks.has('no-rename') || !node.parent) throw new Refusal(405, 'the name cannot be changed');
      this.#need(node, 'Replace');
      if (node.parent.children?.has(text)) throw new Refusal(418, `there is a ${text}`);
      tree.rename(node, text);
    } else if (['Format', 'Type', 'Size', 'TStamp', 'VerNo'].includes(property))
      throw new Refusal(405, `${property} is read only`);
    else throw new Refusal(406, `there is no property ${property}`);
    return 200;
  }

  #delete({ target }: ServerItem): number {
    const { tree } = this.#workshop;
    if (target?.includes('?')) throw new Refusal(405, 'properties are not deleted');
    const node = this.#node(target);
    if (!node.parent) throw new Refusal(405, 'the root stays');
    for (const one of tree.below(node)) this.#need(one, 'Delete');
    tree.remove(node, true);
    return 200;
  }

  #copy({ target, source }: ServerItem): number {
    const { tree, quirks } = this.#workshop;
    if (quirks.has('no-copy')) throw new Refusal(quirks.has('login-status') ? 406 : 501, 'Copy is not implemented');
    const from = this.#node(source);
    this.#need(from, 'Get');
    const segments = segmentsOf(target ?? '') ?? [];
    const name = segments.pop() ?? '';
    const parent = this.#node(['.', ...segments].join('/'));
    if (parent.children?.has(name)) throw new Refusal(418, `there is a ${target}`);
    this.#need(parent, 'Add');
    const copy = (node: TreeNode, under: TreeNode, as: string): void => {
      const { format, type, value } = node;
      const made = tree.add(under, as, { format, type, value, access: newNode });
      for (const child of node.children?.values() ?? []) copy(child, made, child.name);
    };
    copy(from, parent, name);
    return 200;
  }

  #exec({ target, data }: ServerItem, { correlator }: ServerCommand): number | Promise<number> {
    if (target?.includes('?')) throw new Refusal(405, 'properties are not executed');
    const node = this.#node(target);
    this.#need(node, 'Exec');
    if (!node.run) throw new Refusal(405, `${target} does nothing`);
    return node.run({ path: target ?? '', data: String(data ?? ''), correlator });
  }

  async #group(command: ServerCommand, inside: string): Promise<CommandOutcome> {
    const { quirks, tree } = this.#workshop;
    const { name, commands } = command;
    if (name === 'Sequence' && quirks.has('crashes-on-sequence'))
      throw new Crash('a Sequence (quirk crashes-on-sequence)');
    if (name === 'Atomic' && quirks.has('no-atomic'))
      return { command, items: [], code: 406, children: this.refuseAll(commands, 215), silent: false };
    if (inside === 'Atomic')
      return { command, items: [], code: 500, children: this.refuseAll(commands, 215), silent: false };
    const children: CommandOutcome[] = [];
    if (name === 'Sequence') {
      for (const child of commands) children.push(await this.#perform(child, name));
      this.#cancelled = false;
      return { command, items: [], code: 200, children, silent: false };
    }
    const loose = quirks.has('atomic-unanswered');
    const transaction = loose ? undefined : tree.begin();
    let failed = false;
    for (const child of commands) {
      const outcome: CommandOutcome =
        failed && !loose ? this.refuseAll([child], 215)[0]! : await this.#perform(child, name);
      children.push(outcome);
      failed ||= codesOf(outcome).some((code) => code >= 214);
    }
    this.#cancelled = false;
    if (failed && transaction) {
      transaction.rollBack();
      for (const child of children)
        for (const item of child.items) if (item.code >= 200 && item.code <= 213) item.code = 216;
    } else transaction?.keep();
    return { command, items: [], code: failed ? 507 : 200, children, silent: loose };
  }

  async #alert(command: ServerCommand, inside: string): Promise<CommandOutcome> {
    const { journal, quirks } = this.#workshop;
    const one = (code: number, texts: string[] = []): CommandOutcome => ({
      command,
      items: [this.#outcome(undefined, code, { texts })],
      children: [],
      silent: false,
    });
    const question = interactionOf(command);
    if (!question) {
      if (command.data === '1223') return one(quirks.has('refuses-abort') ? 406 : 200);
      return one(['1222', '1225'].includes(command.data) ? 200 : 406);
    }
    if (quirks.has('crashes-without-data') && String(command.items[0]?.data ?? '') === '')
      throw new Crash('a user interaction with an empty first Item (quirk crashes-without-data)');
    if (quirks.has('no-interaction')) return one(406);
    if (malformation(question) !== undefined) return one(412);
    const reply = await (this.#options.user ?? agreeableUser)(question);
    const texts = reply.texts ?? [];
    journal.record({
      kind: 'interaction',
      code: question.code,
      status: reply.status,
      value: question.text,
      detail: texts.join(', '),
    });
    journal.tell('message', `asks the user: ${question.text} → ${reply.status} ${texts.join(', ')}`);
    // DM Protocol 1.2, 8.2: a cancelled alert ends the message; a no ends the group that it is in.
    this.#cancelled = reply.status === 214 || (reply.status === 304 && question.code === 1101 && inside !== '');
    return one(reply.status, texts);
  }
}

const codesOf = (outcome: CommandOutcome): number[] => [
  ...(outcome.code === undefined ? [] : [outcome.code]),
  ...outcome.items.map((item) => item.code),
];

const dropUndefined = <Fields extends object>(fields: Fields): Partial<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>;

const definedIn = dropUndefined;
