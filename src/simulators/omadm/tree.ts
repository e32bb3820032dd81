/** Formats of a node (OMA DM TND 1.2, 7.7.2). */
export const formats = ['b64', 'bin', 'bool', 'chr', 'int', 'node', 'null', 'xml', 'float', 'date', 'time'] as const;
export type NodeFormat = (typeof formats)[number];

export const isFormat = (text: string): text is NodeFormat => formats.some((format) => format === text);

/** What was asked for, and the device keeps: a status code of OMA DM and why. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: number;

  constructor(code: number, why: string) {
    super(why);
    this.code = code;
  }
}

export interface ExecOrder {
  path: string;
  data: string;
  correlator: string;
}

export interface TreeNode {
  readonly name: string;
  readonly parent: TreeNode | undefined;
  readonly format: NodeFormat;
  /** MIME type of a leaf, name of the management object of an interior node. */
  readonly type: string;
  /** Of a leaf. */
  value: string | Buffer;
  /** Of an interior node. */
  children: Map<string, TreeNode> | undefined;
  /** Which of Add (of children), Copy, Delete, Exec, Get, Replace: letters of `ACDEGR`. */
  access: string;
  /** '' inherits. */
  acl: string;
  title: string;
  /** ms since 1970. */
  changedAt: number;
  version: number;
  /** Carries out an Exec and gives its status code. May throw a Refusal. */
  run?: (order: ExecOrder) => number | Promise<number>;
}

export interface Definition {
  format?: NodeFormat;
  type?: string;
  access?: string;
  value?: string | number | boolean | Buffer;
  acl?: string;
  run?: (order: ExecOrder) => number | Promise<number>;
}

export type TreeEvent = { kind: 'added' | 'changed' | 'deleted'; path: string; node: TreeNode; byServer: boolean };

const textOf = (value: string | number | boolean | Buffer | undefined): string | Buffer =>
  Buffer.isBuffer(value) ? value : String(value ?? '');

/** Segments of a URI, without `.` in front; undefined: it is none (DM TND 1.2, 6.1). */
export function segmentsOf(uri: string): string[] | undefined {
  if (uri === '.' || uri === './') return [];
  const path = uri.startsWith('./') ? uri.slice(2) : uri;
  const segments = path.split('/');
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..') ? undefined : segments;
}

/** The management tree. What changes while a transaction is open can be taken back. */
export class ManagementTree {
  readonly root: TreeNode;
  /** Hears of every change, before the command is answered. */
  heard: (event: TreeEvent) => void = () => undefined;
  #undo: (() => void)[] | undefined;

  constructor(acl: string) {
    this.root = this.#make('.', undefined, { format: 'node', access: 'AGR', acl });
  }

  #make(name: string, parent: TreeNode | undefined, definition: Definition): TreeNode {
    const { format = 'chr', access = 'G', acl = '', run } = definition;
    return {
      name,
      parent,
      format,
      type: definition.type ?? (format === 'node' || format === 'null' ? '' : 'text/plain'),
      value: textOf(definition.value),
      children: undefined,
      access,
      acl,
      title: '',
      changedAt: Date.now(),
      version: 0,
      ...(run ? { run } : {}),
    };
  }

  find(uri: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.root;
    for (const segment of segmentsOf(uri) ?? ['']) node = node?.children?.get(segment);
    return node;
  }

  pathOf(node: TreeNode): string {
    return node.parent ? `${this.pathOf(node.parent)}/${node.name}` : node.name;
  }

  /** Puts a node there as the factory would; interior nodes on the way are made, and what is there is replaced. */
  define(uri: string, definition: Definition): TreeNode {
    const segments = segmentsOf(uri) ?? [];
    const last = segments.pop() ?? '';
    let parent = this.root;
    for (const segment of segments) {
      const known = parent.children?.get(segment);
      const next: TreeNode = known ?? this.#make(segment, parent, { format: 'node' });
      if (!known) this.#attach(parent, next);
      parent = next;
    }
    const node = this.#make(last, parent, definition);
    const before = parent.children?.get(last);
    if (before?.children && definition.format === 'node') node.children = before.children;
    this.#attach(parent, node);
    return node;
  }

  #attach(parent: TreeNode, node: TreeNode): void {
    parent.children ??= new Map();
    parent.children.set(node.name, node);
  }

  /** As a server adds: the parent has been judged. */
  add(parent: TreeNode, name: string, definition: Definition): TreeNode {
    const node = this.#make(name, parent, definition);
    this.#attach(parent, node);
    this.#undo?.push(() => parent.children?.delete(name));
    this.heard({ kind: 'added', path: this.pathOf(node), node, byServer: true });
    return node;
  }

  /** Sets the value of a leaf; `byServer` is not the device itself. */
  set(node: TreeNode, value: string | Buffer, byServer = false): void {
    const { value: before, changedAt, version } = node;
    this.#undo?.push(() => Object.assign(node, { value: before, changedAt, version }));
    node.value = value;
    node.changedAt = Date.now();
    node.version = (version + 1) % 65_536;
    this.heard({ kind: 'changed', path: this.pathOf(node), node, byServer });
  }

  /** Sets a property of a node. */
  mark(node: TreeNode, change: Partial<Pick<TreeNode, 'acl' | 'title' | 'access'>>): void {
    const before = { acl: node.acl, title: node.title, access: node.access };
    this.#undo?.push(() => Object.assign(node, before));
    Object.assign(node, change);
  }

  rename(node: TreeNode, name: string): void {
    const { parent, name: before } = node;
    if (!parent) return;
    const give = (to: string): void => {
      const order = [...(parent.children ?? [])].map(([key, child]) => [child === node ? to : key, child] as const);
      Object.assign(node, { name: to });
      parent.children = new Map(order);
    };
    this.#undo?.push(() => give(before));
    give(name);
  }

  remove(node: TreeNode, byServer = false): void {
    const { parent, name } = node;
    if (!parent) return;
    const path = this.pathOf(node);
    parent.children?.delete(name);
    this.#undo?.push(() => this.#attach(parent, node));
    this.heard({ kind: 'deleted', path, node, byServer });
  }

  /** Begins to remember; the result takes everything back. */
  begin(): { rollBack(): void; keep(): void } {
    const undo: (() => void)[] = [];
    this.#undo = undo;
    return {
      keep: () => void (this.#undo = undefined),
      rollBack: () => {
        this.#undo = undefined;
        for (const step of undo.reverse()) step();
      },
    };
  }

  /** A node and all below it, parents first. */
  *below(node: TreeNode): Generator<TreeNode> {
    yield node;
    for (const child of node.children?.values() ?? []) yield* this.below(child);
  }

  /** The access control list that holds for a node: its own or that of the nearest ancestor with one, as a whole (DM TND 1.2, 7.7.1). */
  aclOf(node: TreeNode): string {
    return node.acl !== '' || !node.parent ? node.acl : this.aclOf(node.parent);
  }

  allows(node: TreeNode, right: 'Add' | 'Delete' | 'Exec' | 'Get' | 'Replace', serverId: string): boolean {
    const entry = this.aclOf(node)
      .split('&')
      .find((one) => one.startsWith(`${right}=`));
    const ids = entry?.slice(right.length + 1).split('+') ?? [];
    return ids.includes('*') || ids.includes(serverId);
  }
}
