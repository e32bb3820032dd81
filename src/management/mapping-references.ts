/** References inside a mapping file, and the sentences about those that lead nowhere. */
import type { Reference } from './mapping-types.ts';

/** Takes a problem and where in the file it is. */
export type Report = (path: string[], problem: string) => void;

/** What a class must know of the others. */
export interface ClassNames {
  mgmtDefinitionOf(name: string): number | undefined;
  hasAttribute(name: string, attribute: string): boolean;
}

/** `device/9`, split at the first slash. */
export function referenceFrom(text: string): Reference {
  const slash = text.indexOf('/');
  return { object: text.slice(0, slash), resource: text.slice(slash + 1) };
}

export function unknownObject(name: string, objects: ReadonlyMap<string, unknown> | readonly string[]): string {
  const known = Array.isArray(objects) ? objects : [...(objects as ReadonlyMap<string, unknown>).keys()];
  return `the leg has no object "${name}"; its objects: ${known.length > 0 ? known.join(', ') : 'none'}`;
}
