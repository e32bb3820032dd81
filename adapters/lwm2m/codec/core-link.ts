/**
 * CoRE link format (RFC 6690, Content-Format 40): lists of a Register, an Update and a Discover, e.g.
 * `</>;rt="oma.lwm2m";ct="110 112",</3>;ver=1.1,</3/0>`.
 */
import { CodecError, codecLimits, quote } from './codec-error.ts';
import { formatPath, readPath, withoutRoot } from './path.ts';

export interface Link {
  target: string;
  /** Names in lower case; an attribute without a value is ''. The first one wins. */
  attributes: Record<string, string>;
}

/** What a client says of itself in the list of a registration. */
export interface RegistrationLinks {
  /** Path below which the objects are: '' or, e.g., `/lwm2m`. */
  root: string;
  /** `ct` of the root: formats beyond the mandatory ones. */
  contentFormats: number[];
  /** Object instances, without the root; an object without instances is listed as `/16`. In order of the list. */
  objects: RegistrationObject[];
  /** Targets that are no object of the client: those of devices behind it, and what else it may list. */
  others: string[];
}

export interface RegistrationObject {
  path: string;
  /** Where the client says it; otherwise 1.0 is meant. */
  version?: string;
}

/** Octets of one list. */
const MAXIMUM_SIZE = 262_144;
const MAXIMUM_ATTRIBUTES = 32;

/** @throws CodecError when it is not a list of links within the limits. */
export function parseLinks(payload: Buffer | string): Link[] {
  const text = typeof payload === 'string' ? payload : payload.toString('utf8');
  if (text.length > MAXIMUM_SIZE) throw new CodecError(`The link list is longer than ${MAXIMUM_SIZE} octets`);
  const links: Link[] = [];
  let at = skipBlanks(text, 0);
  while (at < text.length) {
    if (links.length === codecLimits.records)
      throw new CodecError(`The link list has more than ${codecLimits.records} links`);
    const end = text.indexOf('>', at);
    if (text.charCodeAt(at) !== 60 || end < 0) throw new CodecError(`A link is expected at ${quote(text.slice(at))}`);
    const link: Link = { target: text.slice(at + 1, end), attributes: {} };
    links.push(link);
    at = skipBlanks(text, end + 1);
    for (let count = 0; text.charCodeAt(at) === 59; count++) {
      if (count === MAXIMUM_ATTRIBUTES) throw new CodecError(`A link has more than ${MAXIMUM_ATTRIBUTES} attributes`);
      at = skipBlanks(text, readAttribute(text, skipBlanks(text, at + 1), link.attributes));
    }
    if (at === text.length) break;
    if (text.charCodeAt(at) !== 44) throw new CodecError(`A comma is expected at ${quote(text.slice(at))}`);
    at = skipBlanks(text, at + 1);
    // A comma at the very end is written by some clients.
  }
  return links;
}

function skipBlanks(text: string, at: number): number {
  let next = at;
  for (let code = text.charCodeAt(next); code === 32 || (code >= 9 && code <= 13); code = text.charCodeAt(next)) next++;
  return next;
}

const isNameEnd = (code: number): boolean =>
  code === 61 || code === 59 || code === 44 || code === 32 || Number.isNaN(code);

/** Reads `name`, `name=token` or `name="quoted"`; answers the place after it. */
function readAttribute(text: string, start: number, attributes: Record<string, string>): number {
  let at = start;
  while (!isNameEnd(text.charCodeAt(at))) at++;
  if (at === start) throw new CodecError(`An attribute is expected at ${quote(text.slice(start))}`);
  const name = text.slice(start, at).toLowerCase();
  let value = '';
  if (text.charCodeAt(at) === 61) {
    at++;
    if (text.charCodeAt(at) === 34) {
      const from = at + 1;
      at = from;
      while (at < text.length && text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 ? 2 : 1;
      if (at >= text.length) throw new CodecError(`The value of ${quote(name)} has no closing quote`);
      value = text.slice(from, at).replace(/\\(.)/gs, '$1');
      at++;
    } else {
      const from = at;
      for (
        let code = text.charCodeAt(at);
        code !== 59 && code !== 44 && !Number.isNaN(code);
        code = text.charCodeAt(at)
      )
        at++;
      value = text.slice(from, at).trim();
    }
  }
  if (!Object.hasOwn(attributes, name)) attributes[name] = value;
  return at;
}

/**
 * Reads the list of a Register or Update (TS-Core 1.1, 6.2.1).
 * @throws CodecError
 */
export function parseRegistrationLinks(payload: Buffer | string): RegistrationLinks {
  const links = parseLinks(payload);
  const head = links.find((link) => (link.attributes['rt'] ?? '').split(' ').includes('oma.lwm2m'));
  const root = rootOf(head);
  const versions = new Map<number, string>();
  const bare = new Map<number, RegistrationObject>();
  const objects: RegistrationObject[] = [];
  const others: string[] = [];
  const seen = new Set<string>();
  const withInstances = new Set<number>();
  for (const link of links) {
    if (link === head) continue;
    const path = readPath(withoutRoot(link.target, root));
    const [objectId] = path ?? [];
    if (!path || objectId === undefined || path.length > 2) {
      if (link.target !== '/' && link.target !== '') others.push(link.target);
      continue;
    }
    const version = link.attributes['ver'];
    if (version !== undefined && /^\d{1,3}\.\d{1,3}$/.test(version)) versions.set(objectId, version);
    const object: RegistrationObject = { path: formatPath(path) };
    if (seen.has(object.path)) continue;
    seen.add(object.path);
    if (path.length === 1) bare.set(objectId, object);
    else withInstances.add(objectId);
    objects.push(object);
  }
  // An object link beside its instances only carries the version.
  const listed = objects.filter((object) => {
    const objectId = Number.parseInt(object.path.slice(1), 10);
    const version = versions.get(objectId);
    if (version !== undefined) object.version = version;
    return bare.get(objectId) !== object || !withInstances.has(objectId);
  });
  return { root, contentFormats: contentFormatsOf(head), objects: listed, others };
}

function rootOf(head: Link | undefined): string {
  const name = (head?.target ?? '').replace(/^\/+|\/+$/g, '');
  return name === '' ? '' : `/${name}`;
}

function contentFormatsOf(head: Link | undefined): number[] {
  const words = (head?.attributes['ct'] ?? '').split(/[ ,]+/);
  return words
    .filter((word) => /^\d{1,5}$/.test(word))
    .map(Number)
    .filter((number) => number <= 65_535);
}
