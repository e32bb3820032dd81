/** Which Content-Format to write in: what the client has shown first, then what its version should know. */
import type { Value, ValueType } from '../../src/management/operation.ts';
import { canonicalContentFormat, ContentFormat } from './codec/codec.ts';
import type { DeviceFacts, EnablerVersion } from './facts.ts';

const byVersion: Readonly<Record<EnablerVersion, readonly number[]>> = Object.freeze({
  '1.0': [ContentFormat.TLV, ContentFormat.JSON],
  // 1.1 clients "should not" use TLV, but nearly all have it, and it is all that some have.
  '1.1': [ContentFormat.TLV, ContentFormat.SENML_CBOR, ContentFormat.SENML_JSON],
  '1.2': [ContentFormat.SENML_CBOR, ContentFormat.LWM2M_CBOR, ContentFormat.SENML_JSON, ContentFormat.TLV],
});

const structured: ReadonlySet<number> = new Set([
  ContentFormat.TLV,
  ContentFormat.JSON,
  ContentFormat.SENML_JSON,
  ContentFormat.SENML_CBOR,
  ContentFormat.LWM2M_CBOR,
]);

export function isStructured(contentFormat: number | undefined): boolean {
  return contentFormat !== undefined && structured.has(canonicalContentFormat(contentFormat));
}

/** For object instances and multiple resources, best first. */
export function structuredFormats(facts: DeviceFacts): number[] {
  const { structured: shown, refused = [] } = facts.learned;
  const named = facts.contentFormats.filter((format) => structured.has(format));
  const all = [...(shown === undefined ? [] : [shown]), ...byVersion[facts.version], ...named];
  const open = [...new Set(all)].filter((format) => !refused.includes(format));
  // A client that refused everything may have been updated since.
  return open.length > 0 ? open : [...byVersion[facts.version]];
}

/** For one resource. Plain text is what every client takes (TS-Transport 6.4), but for octets and several instances. */
export function resourceFormats(
  facts: DeviceFacts,
  value: Value,
  type: ValueType | undefined,
  multiple: boolean,
): number[] {
  const isTagged = typeof value === 'object' && value !== null;
  if (multiple || (isTagged && 'instances' in value)) return structuredFormats(facts);
  const single = type === 'opaque' || (isTagged && 'bytes' in value) ? ContentFormat.OPAQUE : ContentFormat.TEXT;
  return [single, ...structuredFormats(facts)];
}

/** For composite operations and Send (TS-Transport 1.1, 6.4). */
export function compositeFormats(facts: DeviceFacts): number[] {
  const { structured: shown } = facts.learned;
  return shown === ContentFormat.SENML_JSON
    ? [ContentFormat.SENML_JSON, ContentFormat.SENML_CBOR]
    : [ContentFormat.SENML_CBOR, ContentFormat.SENML_JSON];
}
