/**
 * The six forms of addressing of TS-0001 9.3.1 (CSE-relative, SP-relative, absolute; structured or unstructured), `-` for the
 * name of the CSEBase, and the hybrid `resourceID/la`. Pure: what exists is the CSE's question.
 */
export interface CseIdentity {
  /** With the slash: `/id-in`. */
  cseID: string;
  /** resourceID of the CSEBase: `id-in`. */
  resourceID: string;
  /** resourceName of the CSEBase: `cse-in`. */
  resourceName: string;
  /** M2M-SP-ID without the slashes, e.g. `sp.example`; absent: every SP-ID is foreign. */
  serviceProviderID?: string;
}

/** What existing oneM2M tools expect of a CSE. */
export const defaultIdentity: CseIdentity = { cseID: '/id-in', resourceID: 'id-in', resourceName: 'cse-in' };

export type VirtualName = 'la' | 'ol' | 'fopt' | 'pcu';

interface Virtual {
  virtual?: VirtualName;
  /** fopt only: the path below each member, e.g. `firmware` of `group/fopt/firmware`. */
  relativePath?: string;
}

export type Address =
  /** `path` from the real name of the CSEBase down, as in `Resource.path`; without the virtual part. */
  | ({ kind: 'structured'; path: string; segments: string[] } & Virtual)
  | ({ kind: 'unstructured'; resourceID: string } & Virtual)
  /** Hosted by another CSE or another service provider. */
  | { kind: 'foreign'; cseID: string; serviceProviderID?: string }
  | { kind: 'malformed'; explanation: string };

/** Longest address in characters, and its most segments. */
export const addressLimits = Object.freeze({ length: 2048, segments: 64 });

// RFC 3986 pchar without percent encoding: a binding has decoded it already.
const segmentPattern = /^[A-Za-z0-9\-._~:@!$&'()*+,;=]+$/;
const endsWithName = new Set<string>(['la', 'ol', 'pcu']);

function malformed(explanation: string): Address {
  return { kind: 'malformed', explanation };
}

/** Reads the To of a request. Never throws. One trailing slash is tolerated (TS-0009 6.2.2.1 prints one). */
export function parseAddress(to: string, cse: CseIdentity): Address {
  if (to.length > addressLimits.length) {
    return malformed(`the address has ${to.length} characters; at most ${addressLimits.length} are read`);
  }
  const text = to.length > 1 && to.endsWith('/') ? to.slice(0, -1) : to;
  if (text === '' || text === '/') return malformed(`the address is empty; '${cse.resourceName}' is the CSEBase`);

  if (text.startsWith('//')) {
    const [serviceProviderID = '', csePart, ...rest] = text.slice(2).split('/');
    if (serviceProviderID === '' || !csePart) {
      return malformed(`'${to}' is absolute, but does not go on with //<M2M-SP-ID>/<CSE-ID>/<resource>`);
    }
    if (serviceProviderID !== cse.serviceProviderID) {
      return { kind: 'foreign', cseID: `/${csePart}`, serviceProviderID };
    }
    return underCse(to, csePart, rest, cse);
  }
  if (text.startsWith('/')) {
    const [csePart = '', ...rest] = text.slice(1).split('/');
    return underCse(to, csePart, rest, cse);
  }
  return cseRelative(to, text.split('/'), cse);
}

function underCse(to: string, csePart: string, rest: string[], cse: CseIdentity): Address {
  const cseID = `/${csePart}`;
  if (cseID !== cse.cseID) return { kind: 'foreign', cseID };
  if (rest.length === 0) {
    return malformed(`'${to}' names a CSE and no resource of it; '${cseID}/${cse.resourceName}' is its CSEBase`);
  }
  return cseRelative(to, rest, cse);
}

function cseRelative(to: string, segments: string[], cse: CseIdentity): Address {
  if (segments.length > addressLimits.segments) {
    return malformed(`the address has ${segments.length} segments; at most ${addressLimits.segments} are read`);
  }
  for (const segment of segments) {
    if (!segmentPattern.test(segment)) {
      return malformed(
        segment === ''
          ? `'${to}' has an empty segment; remove the doubled slash`
          : `'${to}' has a segment with a character that no resource name or ID has`,
      );
    }
  }
  const { own, virtual, relativePath } = splitVirtual(segments);
  const first = own[0] as string;
  const part: Virtual = virtual === undefined ? {} : relativePath ? { virtual, relativePath } : { virtual };
  if (first === '-' || first === cse.resourceName) {
    own[0] = cse.resourceName;
    return { kind: 'structured', path: own.join('/'), segments: own, ...part };
  }
  if (own.length > 1) {
    return malformed(
      `'${to}' starts with neither the CSEBase ('${cse.resourceName}' or '-') nor does it consist of one resource ID; ` +
        `write the whole structured path or the resource ID alone`,
    );
  }
  return { kind: 'unstructured', resourceID: first, ...part };
}

function splitVirtual(segments: string[]): { own: string[]; virtual?: VirtualName; relativePath?: string } {
  const fanOut = segments.indexOf('fopt', 1);
  if (fanOut > 0) {
    return { own: segments.slice(0, fanOut), virtual: 'fopt', relativePath: segments.slice(fanOut + 1).join('/') };
  }
  const last = segments[segments.length - 1] as string;
  if (segments.length > 1 && endsWithName.has(last)) {
    return { own: segments.slice(0, -1), virtual: last as VirtualName };
  }
  return { own: segments };
}

/** Names that a resource may not have, for its parent uses them: virtual resources (TS-0004 6.8). */
export const reservedNames: ReadonlySet<string> = new Set(['la', 'ol', 'fopt', 'sfop', 'pcu', 'ntsr']);
