import type { XmlElement } from './xml.ts';

/** The types of TR-106 that this device has. */
export type ParameterType =
  | 'string'
  | 'int'
  | 'unsignedInt'
  | 'long'
  | 'unsignedLong'
  | 'boolean'
  | 'dateTime'
  | 'base64'
  | 'hexBinary';

/** TR-106: the time is not known. */
export const unknownTime = '0001-01-01T00:00:00Z';

const ranges: Partial<Record<ParameterType, [bigint, bigint]>> = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  unsignedInt: [0n, 2n ** 32n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  unsignedLong: [0n, 2n ** 64n - 1n],
};

/** Whether the text is a value of the type as it goes over the wire. */
export function isLexical(type: ParameterType, text: string): boolean {
  const range = ranges[type];
  if (range) {
    if (!/^[+-]?\d{1,20}$/.test(text)) return false;
    const value = BigInt(text.replace(/^\+/, ''));
    return value >= range[0] && value <= range[1];
  }
  if (type === 'boolean') return ['true', 'false', '0', '1'].includes(text);
  if (type === 'dateTime') return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/.test(text);
  if (type === 'base64') return /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text);
  if (type === 'hexBinary') return /^([0-9a-fA-F]{2})*$/.test(text);
  return true;
}

/** The form in which the device keeps a value: booleans as true and false, numbers without a sign or zeros in front. */
export function canonical(type: ParameterType, text: string): string {
  if (type === 'boolean') return text === '1' || text === 'true' ? 'true' : 'false';
  return ranges[type] ? BigInt(text.replace(/^\+/, '')).toString() : text;
}

export const xsiType = (type: ParameterType): string => (type === 'base64' ? 'soap-enc:base64' : `xsd:${type}`);

/** The xsi:type of a value without its prefix, or undefined. */
export const typeNameOf = (value: XmlElement): string | undefined => value.attributes['type']?.replace(/^.*:/, '');

/** A moment as the wire has it: UTC, no fraction. */
export const wireTime = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, 'Z');
