/** Paths of LwM2M: object, instance, resource, resource instance; each 0..65535. */
import { CodecError, quote } from './codec-error.ts';

/** 65535 as instance of a new object instance: the device chooses (it is reserved, no instance can have it). */
export const UNASSIGNED_INSTANCE = 65_535;

/**
 * `/3/0/9` → [3, 0, 9]; `` and `/` → []. The first slash may be missing, a last one is ignored.
 * @returns undefined when it is not a path of at most four numbers.
 */
export function readPath(text: string): number[] | undefined {
  const path: number[] = [];
  let at = text.charCodeAt(0) === 47 ? 1 : 0;
  while (at < text.length) {
    const start = at;
    let id = 0;
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (digit === -1) break;
      if (digit < 0 || digit > 9) return undefined;
      id = id * 10 + digit;
      if (id > 65_535) return undefined;
    }
    // An empty segment, or 09: no number is written like that.
    if (at === start || (text.charCodeAt(start) === 48 && at > start + 1)) return undefined;
    if (path.length === 4) return undefined;
    path.push(id);
    at++;
  }
  return path;
}

/** @throws CodecError when it is not a path. */
export function parsePath(text: string): number[] {
  const path = readPath(text);
  if (!path) throw new CodecError(`${quote(text)} is not a path: one to four numbers from 0 to 65535 are expected`);
  return path;
}

export function formatPath(path: readonly number[]): string {
  const [objectId, instanceId, resourceId] = path;
  // The common case: joining an array takes four times as long.
  return path.length === 3 ? `/${objectId}/${instanceId}/${resourceId}` : `/${path.join('/')}`;
}

/**
 * Takes the alternate root off a name: (`/lwm2m/3/0`, `/lwm2m`) → `/3/0`. A name without it stays as it is: clients
 * write it or not.
 */
export function withoutRoot(name: string, root: string): string {
  if (root === '' || root === '/') return name;
  const absolute = name.startsWith('/') ? name : `/${name}`;
  if (absolute === root) return '/';
  return absolute.startsWith(`${root}/`) ? absolute.slice(root.length) : name;
}

export function isBelow(path: readonly number[], base: readonly number[]): boolean {
  if (path.length < base.length) return false;
  for (let index = 0; index < base.length; index++) if (path[index] !== base[index]) return false;
  return true;
}
