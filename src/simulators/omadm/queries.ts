import type { Quirk } from './quirks.ts';
import { Refusal } from './tree.ts';
import type { ManagementTree, TreeNode } from './tree.ts';
import { wireValue } from './values.ts';
import type { Form } from './values.ts';

/** One Item of Results. */
export interface Found {
  uri: string;
  format: string;
  type: string;
  data: string | Buffer | undefined;
}

export interface Asker {
  tree: ManagementTree;
  serverId: string;
  form: Form;
  quirks: ReadonlySet<Quirk>;
}

const mayGet = (asker: Asker, node: TreeNode): boolean =>
  node.access.includes('G') && asker.tree.allows(node, 'Get', asker.serverId);

const compactTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;

const namesIn = (node: TreeNode): string => [...(node.children?.keys() ?? [])].join('/');

/** A node as the answer to a plain Get. */
export function foundNode(asker: Asker, node: TreeNode, uri: string): Found {
  if (node.format === 'node') {
    const end = asker.quirks.has('nul-in-data') && node.children ? '\0' : '';
    return { uri, format: 'node', type: node.type, data: `${namesIn(node)}${end}` };
  }
  return { uri, type: node.type, ...wireValue(node, asker.form) };
}

const sizeOf = ({ value }: TreeNode): number => Buffer.byteLength(value);

/** A property; 406 when there is no such. */
export function foundProperty(asker: Asker, node: TreeNode, property: string, uri: string): Found {
  const text = (data: string, format = 'chr'): Found => ({ uri, format, type: 'text/plain', data });
  switch (property) {
    case 'ACL':
      return text(node.acl);
    case 'Format':
      return text(`${node.format}${asker.quirks.has('nul-in-data') ? '\0' : ''}`);
    case 'Name':
      return text(node.name);
    case 'Type':
      return text(node.type);
    case 'Title':
      return text(node.title);
    case 'TStamp':
      return text(compactTime(node.changedAt));
    case 'VerNo':
      return text(String(node.version), 'int');
    case 'Size':
      if (node.format === 'node') throw new Refusal(406, 'an interior node has no Size');
      return text(String(sizeOf(node)), 'int');
    default:
      throw new Refusal(406, `there is no property ${property}`);
  }
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const tndsParts = ['ACL', 'Format', 'Name', 'Size', 'Title', 'TStamp', 'Type', 'VerNo', 'Value'] as const;
type TndsPart = (typeof tndsParts)[number];

/** The parts that `?list=TNDS+ACL+Value` or `?list=TNDS-ACL` asks for. */
function partsOf(query: string): ReadonlySet<TndsPart> {
  const named = query.slice(4).split(/[+-]/).slice(1);
  const unknown = named.find((one) => !tndsParts.some((known) => known === one));
  if (unknown !== undefined) throw new Refusal(406, `TNDS has no ${unknown}`);
  if (named.length === 0) return new Set(tndsParts);
  const without = query[4] === '-';
  return new Set(tndsParts.filter((one) => named.includes(one) !== without));
}

function tnds(asker: Asker, node: TreeNode, wanted: ReadonlySet<TndsPart>, path?: string): string {
  const element = (name: TndsPart, content: string): string =>
    wanted.has(name) ? `<${name}>${content}</${name}>` : '';
  const leaf = node.format !== 'node';
  const properties = [
    node.acl === '' ? '' : element('ACL', escape(node.acl)),
    element('Format', `<${node.format}/>`),
    element('Name', escape(node.name)),
    leaf ? element('Size', String(sizeOf(node))) : '',
    element('TStamp', compactTime(node.changedAt)),
    node.type === ''
      ? ''
      : element('Type', leaf ? `<MIME>${escape(node.type)}</MIME>` : `<DDFName>${escape(node.type)}</DDFName>`),
    element('VerNo', String(node.version)),
  ].join('');
  const children = [...(node.children?.values() ?? [])].filter((child) => mayGet(asker, child));
  const value = Buffer.isBuffer(node.value) ? node.value.toString('base64') : node.value;
  return `<Node><NodeName>${escape(node.name)}</NodeName>${path === undefined ? '' : `<Path>${escape(path)}</Path>`}${
    properties === '' ? '' : `<RTProperties>${properties}</RTProperties>`
  }${leaf ? element('Value', escape(value)) : children.map((child) => tnds(asker, child, wanted)).join('')}</Node>`;
}

/** The Items that answer a Get with `?list=` (DM TND 1.2, 6.6). Nodes that the server may not read are left out. */
export function foundList(asker: Asker, node: TreeNode, query: string, uri: string): Found[] {
  const { tree } = asker;
  if (query.startsWith('TNDS')) {
    const wanted = partsOf(query);
    const path = node.parent ? tree.pathOf(node.parent) : '';
    const man = tree.find('./DevInfo/Man')?.value.toString() ?? '';
    const document = `<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Man>${escape(man)}</Man>${tnds(asker, node, wanted, path)}</MgmtTree>`;
    return [{ uri, format: 'xml', type: 'application/vnd.syncml.dmtnds+xml', data: document }];
  }
  if (query !== 'Struct' && query !== 'StructData') throw new Refusal(406, `?list=${query} is not known`);
  const shown: Found[] = [];
  const walk = (one: TreeNode): void => {
    if (!mayGet(asker, one)) return;
    const leaf = one.format !== 'node';
    const { format, data } = leaf ? wireValue(one, asker.form) : { format: 'node', data: '' };
    shown.push({
      uri: tree.pathOf(one),
      format,
      type: one.type,
      data: leaf && query === 'StructData' ? data : undefined,
    });
    for (const child of one.children?.values() ?? []) walk(child);
  };
  walk(node);
  return shown;
}
