import { argument, arrayArgument, booleanArgument, keyArgument, soapArray } from './call.ts';
import type { Handler } from './call.ts';
import { CpeFault, faultTexts } from './cpe-fault.ts';
import type { ParameterFault } from './cpe-fault.ts';
import type { Content } from './envelope.ts';
import type { Quirk } from './quirks.ts';
import type { ParameterNode } from './tree.ts';
import { canonical, isLexical, typeNameOf, xsiType } from './values.ts';
import type { Workshop } from './workshop.ts';
import { childOf, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** What a value is on the wire; secrets are empty. Quirks 8, 10 and 11. */
export function wireValue(node: ParameterNode, quirks: ReadonlySet<Quirk>): string {
  const value = node.secret ? '' : node.live ? node.live() : node.value;
  if (quirks.has(8) && (value === 'false' || value === '0' || node.type === 'dateTime')) return '';
  if (quirks.has(10) && node.type === 'boolean') return value === 'true' ? 'True' : 'False';
  if (quirks.has(11) && node.type === 'dateTime') return value.replace(/Z$/, '');
  return value;
}

/** A ParameterValueStruct under the name that was asked for. */
export const valueStruct = (node: ParameterNode, quirks: ReadonlySet<Quirk>, name = node.path): Content => ({
  Name: name,
  Value: { '@xsi:type': xsiType(node.type), '#': wireValue(node, quirks) },
});

interface Asked {
  /** As the server may know it: with the alias that it used. */
  name: string;
  node: ParameterNode;
}

/** The parameters at or below each name. Throws 9005. */
function asked(workshop: Workshop, names: readonly string[]): Asked[] {
  const { tree, quirks } = workshop;
  return names.flatMap((name) => {
    const below = tree.below(name);
    if (!below) {
      if (quirks.has(20)) return [];
      throw new CpeFault(9005, quirks.has(21) ? undefined : name);
    }
    const start = tree.find(name)?.path ?? '';
    return below.map((node) => ({ name: `${name}${node.path.slice(start.length)}`, node }));
  });
}

function limited(workshop: Workshop, count: number): void {
  const most = workshop.faults.maximumNames;
  if (most !== undefined && count > most) throw new CpeFault(9004, `at most ${most} names at a time`);
}

const namesOf = (rpc: XmlElement): string[] => arrayArgument(rpc, 'ParameterNames').map((child) => child.text);

export const getParameterValues: Handler = (workshop, rpc) => {
  const names = namesOf(rpc);
  limited(workshop, names.length);
  const values = asked(workshop, names).map(({ name, node }) => valueStruct(node, workshop.quirks, name));
  return { ParameterList: soapArray('cwmp:ParameterValueStruct', values) };
};

// Quirk 22: an object that has itself below it, however deep one looks.
const endless = /\.X_TRIVET_Endless\.(Endless\.)*$/;

export const getParameterNames: Handler = ({ tree, quirks }, rpc) => {
  const path = argument(rpc, 'ParameterPath', 256);
  const nextLevel = booleanArgument(rpc, 'NextLevel');
  if (quirks.has(22) && path === '') throw new CpeFault(9005, 'the root has to be named');
  let names = tree.names(path, nextLevel);
  if (quirks.has(22)) {
    if (endless.test(path)) names = [{ name: `${path}Endless.`, writable: false }];
    else if (path === tree.name) names?.push({ name: `${path}X_TRIVET_Endless.`, writable: false });
  }
  if (!names) {
    // TR-069 A.3.2.3: NextLevel needs the name of an object.
    if (nextLevel && tree.parameter(path)) throw new CpeFault(9003, 'NextLevel needs a name that ends with a dot');
    throw new CpeFault(9005, quirks.has(21) ? undefined : path);
  }
  const truth = quirks.has(24) ? 'false' : 'true';
  const lie = quirks.has(24) ? 'true' : 'false';
  const list = names.map(({ name, writable }) => ({ Name: name, Writable: writable ? truth : lie }));
  return { ParameterList: soapArray('cwmp:ParameterInfoStruct', list) };
};

interface Change {
  name: string;
  node: ParameterNode;
  text: string;
}

function checkChange(
  node: ParameterNode | undefined,
  value: XmlElement | undefined,
  quirks: ReadonlySet<Quirk>,
): number | undefined {
  if (!node) return 9005;
  if (!node.writable) return 9008;
  if (!value) return 9007;
  const given = typeNameOf(value);
  // Quirk 13: its own type is what it reports and takes.
  const own = quirks.has(13) && node.type === 'string' ? 'json' : xsiType(node.type).replace(/^.*:/, '');
  if (given !== undefined && given !== own) return 9006;
  const { type, length, allowed, range } = node;
  const text = value.text;
  if (!isLexical(type, text)) return 9007;
  if (quirks.has(10) && type === 'boolean' && !/^[01]$/.test(text)) return 9007;
  if (quirks.has(11) && type === 'dateTime' && text.includes('.')) return 9007;
  if (length !== undefined && text.length > length) return 9007;
  if (allowed && !allowed.includes(text)) return 9007;
  if (range && (Number(text) < range[0] || Number(text) > range[1])) return 9007;
  return undefined;
}

/** Names that no server may set to these values together, for example a second enabled CMDH policy. */
function conflicts({ tree }: Workshop, changes: readonly Change[]): string[] {
  const policy = /^(.*\.CMDH\.Policy\.)\d+\.Enable$/;
  const enabled = changes.filter(({ node, text }) => policy.test(node.path) && canonical('boolean', text) === 'true');
  return enabled
    .filter(({ node }) => {
      // TS-0006 7.12.1: at most one policy is enabled.
      const rows = tree.below(policy.exec(node.path)?.[1] ?? '') ?? [];
      const on = rows
        .filter((row) => policy.test(row.path))
        .filter((row) => {
          const change = changes.find((one) => one.node === row);
          return canonical('boolean', change?.text ?? row.value) === 'true';
        });
      return on.length > 1;
    })
    .map(({ name }) => name);
}

/** TR-069 A.3.2.1: all or nothing; a fault names each parameter that is wrong. `written` hears of each value that was set. */
export const setParameterValues =
  (written: (path: string, value: string) => void): Handler =>
  (workshop, rpc, id) => {
    const { tree, quirks, journal, faults } = workshop;
    const list = arrayArgument(rpc, 'ParameterList');
    const key = keyArgument(rpc, 'ParameterKey');
    limited(workshop, list.length);
    const changes: Change[] = [];
    const wrong: ParameterFault[] = [];
    const blame = (name: string, code: number): void => void wrong.push({ name, code, text: faultTexts[code] ?? '' });
    for (const item of list) {
      const name = textOf(item, 'Name') ?? '';
      const value = childOf(item, 'Value');
      const node = tree.parameter(name);
      const code = changes.some((change) => change.node === node) ? 9003 : checkChange(node, value, quirks);
      if (code !== undefined) blame(name, code);
      else if (node && value) changes.push({ name, node, text: value.text });
    }
    for (const name of conflicts(workshop, changes)) blame(name, 9007);
    if (wrong.length > 0 && quirks.has(18)) throw new CpeFault(wrong[0]?.code ?? 9003);
    if (wrong.length > 0) throw new CpeFault(9003, undefined, wrong);
    const ignored = quirks.has(41) ? /\.ConnectionRequest(Username|Password)$/ : undefined;
    for (const { node, text } of changes) {
      const value = canonical(node.type, text);
      if (!ignored?.test(node.path)) node.value = value;
      journal.record({ kind: 'write', path: node.path, value: node.secret ? '(secret)' : value, id });
      journal.tell('write', `${node.path} = ${node.secret ? '(secret)' : value}`, { path: node.path });
    }
    setKey(workshop, key);
    for (const { node } of changes) written(node.path, node.value);
    return { Status: faults.appliesLater ? '1' : '0' };
  };

/** ParameterKey is stored when the call has succeeded (TR-069 A.3.2.1). */
export function setKey({ tree, path }: Workshop, key: string): void {
  const node = tree.parameter(path('ManagementServer.ParameterKey'));
  if (node) node.value = key;
}

export const getParameterAttributes: Handler = (workshop, rpc) => {
  const list = asked(workshop, namesOf(rpc)).map(({ name, node }) => ({
    Name: name,
    Notification: String(node.notification),
    AccessList: soapArray('xsd:string', node.accessList),
  }));
  return { ParameterList: soapArray('cwmp:ParameterAttributeStruct', list) };
};

/** All or nothing. Lightweight notification (3 to 6) is refused. */
export const setParameterAttributes: Handler = (workshop, rpc, id) => {
  const { journal } = workshop;
  const apply: (() => void)[] = [];
  for (const item of arrayArgument(rpc, 'ParameterList')) {
    const name = argument(item, 'Name', 256);
    const notification = Number(argument(item, 'Notification'));
    const changes = booleanArgument(item, 'NotificationChange');
    const accessChanges = booleanArgument(item, 'AccessListChange');
    const access = (childOf(item, 'AccessList')?.children ?? []).map((one) => one.text);
    if (accessChanges && access.some((one) => one !== 'Subscriber'))
      throw new CpeFault(9003, 'AccessList takes Subscriber only');
    if (changes && !(notification >= 0 && notification <= 6)) throw new CpeFault(9003, `Notification ${notification}`);
    for (const { node } of asked(workshop, [name])) {
      if (changes && (notification > 2 || (node.forced && notification !== 2))) throw new CpeFault(9009, node.path);
      apply.push(() => {
        if (changes) node.notification = notification;
        if (accessChanges) node.accessList = access;
        journal.record({ kind: 'attributes', path: node.path, value: String(node.notification), id });
      });
    }
  }
  for (const one of apply) one();
  return '';
};
