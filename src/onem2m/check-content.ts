/** What the checks of a CREATE and of an UPDATE share: the root of the content, and sentences. */
import type { Json, JsonObject } from './primitive.ts';
import type { Checked, Refusal } from './vocabulary.ts';
import type { CompiledAttribute, CompiledDefinition } from './compile-definition.ts';
import { Problem, shown } from './compile-type.ts';
import { hintFor } from './nearest-name.ts';
import { statusCodes } from './status-codes.ts';

/** Most attributes of one resource on the wire. */
export const maximumAttributes = 256;

export function refusal(
  explanation: string,
  responseStatusCode: number = statusCodes.BAD_REQUEST,
): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { responseStatusCode, explanation } };
}

/** Content of a CREATE or UPDATE is an object with one member, the root, whose value is an object. */
export function readRoot(content: Json | undefined): Checked<{ root: string; members: JsonObject }> {
  if (content === undefined || content === null) {
    return refusal('the request has no content; send {"m2m:…": { … }} with the attributes in short names');
  }
  if (typeof content !== 'object' || Array.isArray(content)) {
    return refusal(`the content is ${shown(content)}; it is an object with one member such as "m2m:ae"`);
  }
  const roots = Object.keys(content);
  const [root] = roots;
  if (root === undefined || roots.length > 1) {
    return refusal(`the content has ${roots.length} members; it has exactly one, the root, such as "m2m:ae"`);
  }
  const members = content[root];
  if (members === null || typeof members !== 'object' || Array.isArray(members)) {
    return refusal(`the root ${shown(root)} has the value ${shown(members)}; it is an object of attributes`);
  }
  if (Object.keys(members).length > maximumAttributes) {
    return refusal(`${shown(root)} has more than ${maximumAttributes} attributes`);
  }
  return { ok: true, value: { root, members } };
}

/** Validates one value; answers it as it is held. */
export function readAttribute(attribute: CompiledAttribute, value: Json): Checked<Json> {
  const held = attribute.read(value);
  if (!(held instanceof Problem)) return { ok: true, value: held };
  const place = held.place === '' ? '' : ` at '${attribute.shortName}${held.place}'`;
  return refusal(`attribute ${attribute.label}${place} ${held.sentence}`, held.responseStatusCode);
}

export function unknownAttribute(compiled: CompiledDefinition, shortName: string): { ok: false; refusal: Refusal } {
  const { definition, attributes } = compiled;
  return refusal(`${definition.name} got the attribute ${shown(shortName)}${hintFor(shortName, attributes)}`);
}

export function unsupportedAttribute(attribute: CompiledAttribute): { ok: false; refusal: Refusal } {
  return refusal(
    `attribute ${attribute.label} is not implemented by this gateway; leave it out`,
    statusCodes.NOT_IMPLEMENTED,
  );
}

/** A name that a class 0 may give to an attribute of its own. */
export function isFreeName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(name);
}
