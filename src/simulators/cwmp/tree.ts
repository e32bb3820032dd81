import type { Definition, ObjectDefinition, ParameterDefinition, TableDefinition } from './model.ts';
import { canonical } from './values.ts';

export interface ParameterNode extends ParameterDefinition {
  path: string;
  /** 0 off, 1 passive, 2 active. */
  notification: number;
  accessList: string[];
  /** Computed when read. */
  live?: () => string;
}

export interface ObjectNode {
  kind: 'object';
  path: string;
  children: Map<string, Node>;
  /** Set in a table: how its rows are made. Its children are the rows by number. */
  table?: TableDefinition;
  /** The number of the next row; numbers are not used again. */
  next: number;
}

export type Node = ParameterNode | ObjectNode;

/** One line of the answer to GetParameterNames. */
export interface NameInfo {
  name: string;
  writable: boolean;
}

function parameterNode(path: string, definition: ParameterDefinition): ParameterNode {
  return { ...definition, path, notification: definition.forced ? 2 : 0, accessList: [] };
}

function objectNode(path: string, definition: ObjectDefinition | TableDefinition): ObjectNode {
  const node: ObjectNode = { kind: 'object', path, children: new Map(), next: 1 };
  if (definition.kind === 'object') {
    for (const [name, child] of Object.entries(definition.children)) addChild(node, name, child);
    return node;
  }
  node.table = definition;
  for (const [number, row] of Object.entries(definition.rows)) addRow(node, Number(number), row);
  return node;
}

function addChild(parent: ObjectNode, name: string, definition: Definition): void {
  if (definition.kind === 'parameter') {
    parent.children.set(name, parameterNode(`${parent.path}${name}`, definition));
    return;
  }
  const child = objectNode(`${parent.path}${name}.`, definition);
  parent.children.set(name, child);
  if (definition.kind !== 'table') return;
  const counter = `${name}NumberOfEntries`;
  const count: ParameterDefinition = { kind: 'parameter', type: 'unsignedInt', value: '0', writable: false };
  parent.children.set(counter, {
    ...parameterNode(`${parent.path}${counter}`, count),
    live: () => String(child.children.size),
  });
}

function addRow(parent: ObjectNode, number: number, row: Record<string, string>): void {
  if (!parent.table) throw new Error(`${parent.path} has no rows`);
  const instance = objectNode(`${parent.path}${number}.`, { kind: 'object', children: parent.table.template });
  parent.children.set(String(number), instance);
  parent.next = Math.max(parent.next, number + 1);
  for (const [name, value] of Object.entries(row)) {
    const child = instance.children.get(name);
    if (child?.kind !== 'parameter') throw new Error(`${instance.path} has no parameter ${name}`);
    child.value = value;
  }
}

/** The parameters of a CPE. Paths are full names; those of objects end with a dot. */
export class ParameterTree {
  readonly name: string;
  #root: ObjectNode;
  /** Called when the device itself changed a value, after the change. */
  onChange: ((node: ParameterNode) => void) | undefined;

  /** `name` is the root with its dot. */
  constructor(name: string, definition: ObjectDefinition) {
    this.name = name;
    this.#root = objectNode(name, definition);
  }

  /** Back to the factory. */
  reset(definition: ObjectDefinition): void {
    this.#root = objectNode(this.name, definition);
  }

  #segments(path: string): string[] | undefined {
    if (!path.startsWith(this.name)) return undefined;
    const rest = path.slice(this.name.length);
    return rest === '' ? [] : (rest.endsWith('.') ? rest.slice(0, -1) : rest).split('.');
  }

  /** The object or parameter of that name; `[alias]` stands for a number where Alias-Based Addressing is on (TR-069 3.6.1). */
  find(path: string): Node | undefined {
    const segments = this.#segments(path);
    if (!segments) return undefined;
    let node: Node | undefined = this.#root;
    for (const segment of segments) {
      if (node?.kind !== 'object') return undefined;
      const alias: string | undefined = /^\[(.+)\]$/.exec(segment)?.[1];
      node = alias === undefined ? node.children.get(segment) : this.#byAlias(node, alias);
    }
    // A name with a dot at its end is an object, one without is a parameter.
    return node?.kind === (path.endsWith('.') ? 'object' : 'parameter') ? node : undefined;
  }

  #byAlias(parent: ObjectNode, alias: string): Node | undefined {
    const enabled = this.find(`${this.name}ManagementServer.AliasBasedAddressing`);
    if (!parent.table || enabled?.kind !== 'parameter' || enabled.value !== 'true') return undefined;
    return [...parent.children.values()].find((row) => {
      const own = row.kind === 'object' ? row.children.get('Alias') : undefined;
      return own?.kind === 'parameter' && own.value === alias;
    });
  }

  parameter(path: string): ParameterNode | undefined {
    const node = this.find(path);
    return node?.kind === 'parameter' ? node : undefined;
  }

  object(path: string): ObjectNode | undefined {
    const node = this.find(path);
    return node?.kind === 'object' ? node : undefined;
  }

  /** The value, also of a secret; undefined when there is none. */
  get(path: string): string | undefined {
    const node = this.parameter(path);
    return node && (node.live ? node.live() : node.value);
  }

  /** Sets a value as the device itself does. Throws when there is no such parameter. */
  set(path: string, value: string): void {
    const node = this.parameter(path);
    if (!node) throw new Error(`there is no parameter ${path}`);
    if (node.value === value) return;
    node.value = value;
    this.onChange?.(node);
  }

  /** The parameters at or below a name; '' is everything. undefined when nothing has that name. */
  below(path: string): ParameterNode[] | undefined {
    const start = path === '' ? this.#root : this.find(path);
    if (!start) return undefined;
    const found: ParameterNode[] = [];
    const walk = (node: Node): void => {
      if (node.kind === 'parameter') found.push(node);
      else for (const child of node.children.values()) walk(child);
    };
    walk(start);
    return found;
  }

  /** What GetParameterNames tells; undefined when nothing has that name. */
  names(path: string, nextLevel: boolean): NameInfo[] | undefined {
    const info = (node: Node): NameInfo => ({ name: node.path, writable: this.#isWritable(node) });
    if (path === '' && nextLevel) return [info(this.#root)];
    const start = path === '' ? this.#root : this.find(path);
    if (!start) return undefined;
    if (nextLevel) return start.kind === 'object' ? [...start.children.values()].map(info) : undefined;
    const found: NameInfo[] = [];
    const walk = (node: Node): void => {
      found.push(info(node));
      if (node.kind === 'object') for (const child of node.children.values()) walk(child);
    };
    walk(start);
    return found;
  }

  // A table is writable when AddObject is possible, a row when DeleteObject is (TR-069 A.3.2.3).
  #isWritable(node: Node): boolean {
    if (node.kind === 'parameter') return node.writable;
    if (node.table) return node.table.addable;
    return this.parentOf(node)?.table?.addable ?? false;
  }

  parentOf(node: ObjectNode): ObjectNode | undefined {
    const at = node.path.lastIndexOf('.', node.path.length - 2);
    return at < 0 ? undefined : this.object(node.path.slice(0, at + 1));
  }

  /** Makes a row with the values of the template and gives its number. Throws when the object is no table. */
  addRow(tablePath: string, row: Record<string, string> = {}): number {
    const parent = this.object(tablePath);
    if (!parent?.table) throw new Error(`${tablePath} has no rows`);
    const number = parent.next;
    addRow(parent, number, row);
    return number;
  }

  /** Takes a row away; true when it was there. */
  removeRow(path: string): boolean {
    const node = this.object(path);
    const parent = node && this.parentOf(node);
    if (!node || !parent?.table) return false;
    return parent.children.delete(node.path.slice(parent.path.length, -1));
  }

  /**
   * Values over those of the factory. A name that is not there is made, as a string, boolean or number by what is given; null takes a parameter or,
   * with a dot at the end, an object away.
   */
  override(values: Record<string, string | number | boolean | null>): void {
    for (const [path, value] of Object.entries(values)) {
      const segments = this.#segments(path);
      if (!segments || segments.length === 0) throw new Error(`${path} is not below ${this.name}`);
      let parent = this.#root;
      const last = segments.pop() ?? '';
      for (const segment of segments) {
        let next = parent.children.get(segment);
        if (!next && value !== null) {
          next = { kind: 'object', path: `${parent.path}${segment}.`, children: new Map(), next: 1 };
          parent.children.set(segment, next);
        }
        if (next?.kind !== 'object')
          throw new Error(`${path} is not possible: there is no object ${parent.path}${segment}.`);
        parent = next;
      }
      const known = parent.children.get(last);
      if (value === null) parent.children.delete(last);
      else if (known?.kind === 'parameter') known.value = canonical(known.type, String(value));
      else if (known) throw new Error(`${path} is an object; it has no value`);
      else {
        const type = typeof value === 'boolean' ? 'boolean' : typeof value === 'number' ? 'int' : 'string';
        parent.children.set(
          last,
          parameterNode(`${parent.path}${last}`, { kind: 'parameter', type, value: String(value), writable: true }),
        );
      }
    }
  }
}
