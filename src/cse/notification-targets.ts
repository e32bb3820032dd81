/** Where a notification goes: a URL as it is, or the points of access of the AE that a resource ID names. */
import type { CseParts } from './parts.ts';
import { resourceTypes as resourceType } from '../onem2m/resource-types.ts';
import { stringsOf } from './json-values.ts';

const scheme = /^([a-z][a-z0-9+.-]*):\/\//i;

/** The scheme of a URL in small letters; undefined: the reference is a resource ID or an address in the CSE. */
export function schemeOf(reference: string): string | undefined {
  return scheme.exec(reference)?.[1]?.toLowerCase();
}

export function isHttp(reference: string): boolean {
  const found = schemeOf(reference);
  return found === 'http' || found === 'https';
}

/** http(s) URLs in the order in which they are tried; none when the AE has no such point of access or is not there. */
export async function targetsOf(reference: string, parts: CseParts): Promise<string[]> {
  if (isHttp(reference)) return [withoutSerialization(reference)];
  if (schemeOf(reference) !== undefined) return [];
  const resource = await parts.tree.resolve(reference);
  if (resource?.resourceType !== resourceType.AE) return [];
  return stringsOf(resource.attributes['pointOfAccess']).filter(isHttp).map(withoutSerialization);
}

/** `?ct=json` tells the gateway how to write, not the receiver (TS-0004 7.5.1.2.2, step 2.5). */
function withoutSerialization(url: string): string {
  return url.replace(/([?&])ct=json(&|$)/, (_whole, before: string, after: string) => (after === '&' ? before : ''));
}
