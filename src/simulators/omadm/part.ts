/** An element that is to be written. Its namespace follows from its name: children of Meta belong to MetInf. */
export interface Part {
  name: string;
  /** Text, octets (WBXML only), or elements. */
  content: string | Buffer | Part[];
  attributes?: Readonly<Record<string, string>>;
}

/** An element; children that are undefined are left out. */
export function part(name: string, content: string | Buffer | (Part | undefined)[] = ''): Part {
  if (!Array.isArray(content)) return { name, content };
  return { name, content: content.filter((one) => one !== undefined) };
}

/** `<Target><LocURI>…`, with a LocName where there is one. */
export const address = (name: 'Target' | 'Source', uri: string, locName?: string): Part =>
  part(name, [part('LocURI', uri), locName === undefined ? undefined : part('LocName', locName)]);

/** Names of MetInf 1.2 that are used in DM. */
export const metaNames: ReadonlySet<string> = new Set([
  'Format',
  'Type',
  'Mark',
  'Size',
  'NextNonce',
  'MaxMsgSize',
  'MaxObjSize',
  'Version',
]);
