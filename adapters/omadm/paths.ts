/** Paths of nodes: `./DevInfo/DevId`; the root is `.` (OMA DM TND 1.2, 7.1). */

export const root = '.';

export function childOf(path: string, name: string): string {
  return `${path.replace(/\/$/, '')}/${name}`;
}

export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? root : path.slice(0, at);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path itself, or one below it. */
export function isWithin(path: string, above: string): boolean {
  return path === above || path.startsWith(above === root ? './' : `${above.replace(/\/$/, '')}/`);
}

/** As a device says it: without a query, and with `./` where it left that out. */
export function plainPath(said: string): string {
  const path = said.split('?')[0]!.replace(/\/+$/, '');
  if (path === '' || path === root) return root;
  return path.startsWith('./') ? path : `./${path.replace(/^\/+/, '')}`;
}

/** Names of children that a Get of an interior node tells, joined by `/`. */
export function namesIn(text: string): string[] {
  const names = text.split('/').map((name) => name.replace(/\0+$/, '').trim());
  return [...new Set(names)].filter((name) => name !== '' && name.length <= 255 && !/^\.{1,2}$|[?\p{Cc}]/u.test(name));
}
