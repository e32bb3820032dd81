import type { AttributeTable } from './attributes.ts';
import { refuseOnRequest, silentOnRequest } from './faults.ts';
import type { Faults, Operation } from './faults.ts';
import { decodeBody, encodeBody, formats, senmlForm } from './formats.ts';
import type { Body, Coding } from './formats.ts';
import { describe } from './journal.ts';
import type { Journal } from './journal.ts';
import { discoverLinks } from './links.ts';
import type { EnablerVersion } from './links.ts';
import { decodeSenml, encodeSenml, entriesOf } from './senml.ts';
import type { SenmlForm } from './senml.ts';
import type { ResourceTree } from './tree.ts';
import { formatPath, isMultiple, parsePath, Refusal } from './value.ts';
import type { Entry, Resource } from './value.ts';

export interface Request {
  method: string;
  path: string;
  query: string[];
  format?: number;
  accept?: number;
  payload: Buffer;
  messageId: number;
}

export interface Answer {
  code: string;
  body?: Body;
  location?: string[];
  /** Runs when the answer is on its way. */
  after?: () => void;
  /** 'ack': an empty ACK and nothing more; 'nothing': not even that. */
  silent?: 'ack' | 'nothing';
}

/** What the device does by itself when a resource is written. `check` may throw a Refusal; `apply` answers true when it has stored. */
export interface WriteHook {
  check?(instance: number, value: Resource): void;
  apply(instance: number, value: Resource): boolean;
}

/** What an Execute does; the function that it gives back runs after the answer. May throw a Refusal. */
export type ExecuteHook = (instance: number, argumentText: string) => (() => void) | undefined;

/** What the device does while a body arrives in blocks. `started` may throw a Refusal. */
export interface UploadHook {
  started(instance: number): void;
  progress(instance: number, octets: number, total: number | undefined): void;
  failed(instance: number): void;
}

/** Behaviour by "object/resource". */
export interface Hooks {
  writes: Map<string, WriteHook>;
  executes: Map<string, ExecuteHook>;
  uploads: Map<string, UploadHook>;
  /** Instances came or went; the registration is to be updated. */
  objectsChanged(): void;
  /** An instance was made by the server: fills what the device sets by itself. */
  created(object: number, instance: number): void;
  crash(): void;
}

export interface OperationContext {
  tree: ResourceTree;
  attributes: AttributeTable;
  hooks: Hooks;
  faults: Faults;
  journal: Journal;
  coding: Coding;
  version: EnablerVersion;
  attributesWritten(path: number[]): void;
}

/** TS Core 6.3.5: digits 0 to 9, each with an optional quoted value. */
const executeArguments = /^(\d(='[!#-&(-[\]-~ ]*')?(,\d(='[!#-&(-[\]-~ ]*')?)*)?$/;

/** Which operation a request is (TS Transport table of operations). */
export function operationOf(request: Request, path: number[]): Operation {
  const { method } = request;
  if (method === 'GET') return request.accept === formats.link ? 'discover' : 'read';
  if (method === 'FETCH') return 'read-composite';
  if (method === 'iPATCH') return 'write-composite';
  if (method === 'DELETE') return 'delete';
  if (method === 'POST' && path.length === 1) return 'create';
  if (method === 'POST' && path.length === 3) return 'execute';
  if (method === 'POST' && path.length === 2) return 'write';
  if (method === 'PUT' && path.length >= 1) {
    const plain = request.payload.length === 0 && request.format === undefined;
    return plain && request.query.length > 0 ? 'attributes' : 'write';
  }
  throw new Refusal('4.05', `${method} ${request.path} is no operation`);
}

/** The path below the alternate root. Throws 4.04 for one that is elsewhere. */
export function pathBelowRoot(path: string, root: string): number[] {
  if (root === '') return parsePath(path);
  if (path !== root && !path.startsWith(`${root}/`)) throw new Refusal('4.04', `everything is below ${root}`);
  return parsePath(path.slice(root.length));
}

/** Performs one operation on the device. Throws a Refusal for every answer that is not a success. */
export function perform(request: Request, context: OperationContext): Answer {
  const { faults, coding } = context;
  const path = pathBelowRoot(request.path, coding.root);
  const operation = operationOf(request, path);
  const name = formatPath(path);
  if (silentOnRequest(faults, operation, name)) {
    context.journal.tell('fault', `acknowledges ${operation} ${name} and stays silent`, { path: name });
    return { code: '0.00', silent: 'ack' };
  }
  refuseOnRequest(faults, operation, name);
  switch (operation) {
    case 'read':
      return read(request, path, context);
    case 'discover':
      return discover(path, context);
    case 'write':
      return write(request, path, context);
    case 'attributes':
      return writeAttributes(request, path, context);
    case 'execute':
      return execute(request, path, context);
    case 'create':
      return create(request, path, context);
    case 'delete':
      return remove(request, path, context);
    case 'read-composite':
      return readComposite(request, context);
    case 'write-composite':
      return writeComposite(request, context);
  }
}

function read(request: Request, path: number[], context: OperationContext): Answer {
  const body = encodeBody(path, context.tree.read(path), request.accept, context.coding);
  context.journal.tell('read', `read ${formatPath(path)} (${body.payload.length} octets)`, { path: formatPath(path) });
  return { code: '2.05', body };
}

function discover(path: number[], context: OperationContext): Answer {
  if (path.length === 0 || path.length > 3)
    throw new Refusal('4.05', 'an object, an instance or a resource can be discovered');
  const links = discoverLinks(context.tree, context.attributes, path, context.version, context.coding.root);
  context.journal.tell('read', `discovered ${formatPath(path)}`, { path: formatPath(path) });
  return { code: '2.05', body: { format: formats.link, payload: Buffer.from(links) } };
}

function store(entries: Entry[], context: OperationContext): void {
  for (const { object, instance, resource, value } of entries) {
    const hook = context.hooks.writes.get(`${object}/${resource}`);
    if (!hook?.apply(instance, value)) context.tree.set([object, instance, resource], value);
  }
}

function check(entries: Entry[], context: OperationContext, creating = false): void {
  context.tree.checkWrite(entries, creating);
  for (const { object, instance, resource, value } of entries) {
    context.hooks.writes.get(`${object}/${resource}`)?.check?.(instance, value);
  }
}

function recordWrites(entries: Entry[], messageId: number, context: OperationContext): void {
  for (const { object, instance, resource, value } of entries) {
    const path = formatPath([object, instance, resource]);
    context.journal.record({ kind: 'write', path, value: describe(value), messageId });
    const shown = value instanceof Uint8Array ? `${value.length} octets` : JSON.stringify(describe(value));
    context.journal.tell('write', `written ${path} = ${shown}`, { path });
  }
}

/** A resource in text or opaque to a multiple resource: the one instance of a path of four ids joins the others. */
function merged(entries: Entry[], path: number[], tree: ResourceTree): Entry[] {
  if (path.length !== 4) return entries;
  return entries.map((entry) => {
    const before = tree.get([entry.object, entry.instance, entry.resource]);
    const known = before !== undefined && isMultiple(before) ? before : {};
    return isMultiple(entry.value) ? { ...entry, value: { ...known, ...entry.value } } : entry;
  });
}

function write(request: Request, path: number[], context: OperationContext): Answer {
  const { tree, coding } = context;
  const [object = 0, instance, resource] = path;
  if (instance === undefined) throw new Refusal('4.05', 'an object cannot be written, its instances can');
  tree.instance(object, instance);
  const entries = merged(decodeBody(path, request.payload, request.format, coding), path, tree);
  if (resource !== undefined && entries.some((entry) => entry.resource !== resource)) {
    throw new Refusal('4.00', 'the body has another resource than the path');
  }
  check(entries, context);
  const replacing = request.method === 'PUT' && resource === undefined;
  if (replacing) {
    const kept = new Set(entries.map((entry) => entry.resource));
    for (const row of tree.definition(object).resources.values()) {
      if (row.write && !row.mandatory && !kept.has(row.id)) tree.set([object, instance, row.id], undefined);
    }
  }
  recordWrites(entries, request.messageId, context);
  store(entries, context);
  return { code: '2.04' };
}

function writeAttributes(request: Request, path: number[], context: OperationContext): Answer {
  const { tree } = context;
  if (path.length === 1) tree.definition(path[0] ?? 0);
  else tree.instance(path[0] ?? 0, path[1] ?? 0);
  if (path.length > 2) tree.resource(path[0] ?? 0, path[2] ?? 0);
  context.attributes.write(path, request.query);
  const name = formatPath(path);
  context.journal.record({
    kind: 'attributes',
    path: name,
    value: request.query.join('&'),
    messageId: request.messageId,
  });
  context.journal.tell('attributes', `attributes of ${name}: ${request.query.join(' ')}`, { path: name });
  context.attributesWritten(path);
  return { code: '2.04' };
}

function execute(request: Request, path: number[], context: OperationContext): Answer {
  const { tree, hooks, faults, journal } = context;
  const [object = 0, instance = 0, resource = 0] = path;
  const name = formatPath(path);
  tree.instance(object, instance);
  if (!tree.resource(object, resource).execute) throw new Refusal('4.05', `${name} cannot be executed`);
  if (request.format !== undefined && request.format !== formats.text) throw new Refusal('4.15', 'arguments are text');
  const argumentText = request.payload.toString('utf8');
  if (!executeArguments.test(argumentText)) throw new Refusal('4.00', `the arguments of ${name} cannot be read`);
  if (faults.crash === 'before-execute') {
    journal.record({ kind: 'crash', path: name, messageId: request.messageId, detail: 'before Execute' });
    return { code: '0.00', silent: 'nothing', after: () => hooks.crash() };
  }
  const after = hooks.executes.get(`${object}/${resource}`)?.(instance, argumentText);
  journal.record({ kind: 'execute', path: name, arguments: argumentText, messageId: request.messageId });
  journal.tell('execute', `executed ${name}${argumentText === '' ? '' : ` with ${argumentText}`}`, { path: name });
  if (faults.crash === 'after-execute') {
    journal.record({ kind: 'crash', path: name, messageId: request.messageId, detail: 'after Execute' });
    return { code: '0.00', silent: 'nothing', after: () => hooks.crash() };
  }
  const reboot = object === 3 && (resource === 4 || resource === 5);
  if (reboot && faults.silentReboot) return { code: '0.00', silent: 'nothing', after };
  return { code: '2.04', after };
}

function create(request: Request, path: number[], context: OperationContext): Answer {
  const { tree, hooks, journal } = context;
  const [object = 0] = path;
  const definition = tree.definition(object);
  if (!definition.creatable) throw new Refusal('4.05', `instances of object ${object} cannot be created`);
  const decoded = request.payload.length === 0 ? [] : decodeBody(path, request.payload, request.format, context.coding);
  const ids = new Set(decoded.map((entry) => entry.instance));
  if (ids.size > 1) throw new Refusal('4.00', 'one Create makes one instance');
  const [given = -1] = ids;
  const used = tree.instances(object);
  const instance = given >= 0 ? given : ([...used.keys(), used.length].find((id) => !used.includes(id)) ?? used.length);
  const entries = decoded.map((entry) => ({ ...entry, instance }));
  if (used.includes(instance)) throw new Refusal('4.00', `/${object}/${instance} exists already`);
  check(entries, context, true);
  for (const row of definition.resources.values()) {
    const missing = row.mandatory && row.write && row.read && !entries.some((entry) => entry.resource === row.id);
    if (missing) throw new Refusal('4.00', `/${object}/${instance}/${row.id} (${row.name}) is mandatory`);
  }
  tree.addInstance(object, instance);
  hooks.created(object, instance);
  store(entries, context);
  const name = formatPath([object, instance]);
  const value = Object.fromEntries(entries.map((entry) => [entry.resource, describe(entry.value)]));
  journal.record({ kind: 'create', path: name, value, messageId: request.messageId });
  journal.tell('create', `created ${name}`, { path: name });
  hooks.objectsChanged();
  return { code: '2.01', location: [String(object), String(instance)] };
}

function remove(request: Request, path: number[], context: OperationContext): Answer {
  const { tree, hooks, journal } = context;
  const [object = 0, instance, resource, item] = path;
  const name = formatPath(path);
  if (instance === undefined) throw new Refusal('4.05', 'only instances can be deleted');
  tree.instance(object, instance);
  if (resource === undefined) {
    if (!tree.definition(object).creatable) throw new Refusal('4.05', `${name} cannot be deleted`);
    tree.removeInstance(object, instance);
    hooks.objectsChanged();
  } else {
    const value = tree.get([object, instance, resource]);
    const row = tree.resource(object, resource);
    if (item === undefined || !row.multiple || !row.write) throw new Refusal('4.05', `${name} cannot be deleted`);
    if (value === undefined || !isMultiple(value) || !(item in value))
      throw new Refusal('4.04', `${name} is not there`);
    const { [item]: _gone, ...rest } = value;
    tree.set([object, instance, resource], rest);
  }
  journal.record({ kind: 'delete', path: name, messageId: request.messageId });
  journal.tell('delete', `deleted ${name}`, { path: name });
  return { code: '2.02' };
}

function compositeForm(request: Request, context: OperationContext): SenmlForm {
  if (!context.coding.senml) throw new Refusal('4.05', 'composite operations need LwM2M 1.1');
  const form = senmlForm(request.format);
  if (!form) throw new Refusal('4.15', 'composite operations take SenML-JSON (110) or SenML-CBOR (112)');
  return form;
}

/** The paths of a composite read or observe. Throws what the answer is to be. */
export function compositePaths(request: Request, context: OperationContext): number[][] {
  const form = compositeForm(request, context);
  return decodeSenml(form, request.payload, context.coding.root).map((record) => record.path);
}

/** The entries of several paths; what is not there is left out (TS Core 6.3.8). */
export function readPaths(paths: number[][], tree: ResourceTree): Entry[] {
  return paths.flatMap((path) => {
    try {
      return tree.read(path);
    } catch (refusal) {
      if (refusal instanceof Refusal) return [];
      throw refusal;
    }
  });
}

/** Several paths in one SenML pack. */
export function encodeComposite(entries: Entry[], accept: number | undefined, context: OperationContext): Body {
  const { tree, coding } = context;
  const format = accept ?? formats.senmlJson;
  const form = senmlForm(format);
  if (!form) throw new Refusal('4.06', `content format ${format} cannot say this`);
  const payload = encodeSenml(form, [], entries, (entry) => tree.typeOf(entry.object, entry.resource), coding.root);
  return { format, payload };
}

function readComposite(request: Request, context: OperationContext): Answer {
  const paths = compositePaths(request, context);
  context.journal.tell('read', `read ${paths.map(formatPath).join(' ')}`);
  return { code: '2.05', body: encodeComposite(readPaths(paths, context.tree), request.accept, context) };
}

function writeComposite(request: Request, context: OperationContext): Answer {
  const { tree, coding } = context;
  const form = compositeForm(request, context);
  const entries = entriesOf(decodeSenml(form, request.payload, coding.root), (object, id) => tree.typeOf(object, id));
  check(entries, context);
  recordWrites(entries, request.messageId, context);
  store(entries, context);
  return { code: '2.04' };
}
