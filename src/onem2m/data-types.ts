/**
 * The simple data types of TS-0004 6.3.2 to 6.3.4 as data; the complex ones are in `complex-types.ts`. A type is named by the
 * word that the attribute tables use; `list of X` is a list of any of them. `compile-type.ts` makes validators of them.
 */
import { enumerations } from './enumerations.ts';
import { complexTypes } from './complex-types.ts';
import { compileScheduleEntry } from './schedule-entry.ts';
import { parseDuration, parseTimestamp } from './timestamp.ts';

export interface StringType {
  kind: 'string';
  /** After "expects": `a oneM2M timestamp such as 20260401T081500`. */
  expects: string;
  pattern?: RegExp;
  /** For rules that a pattern cannot say, e.g. a date that exists. */
  holds?: (text: string) => boolean;
  minimumLength?: number;
  maximumLength?: number;
}

export interface IntegerType {
  kind: 'integer';
  minimum: number;
  maximum: number;
}

export interface EnumerationType {
  kind: 'enumeration';
  values: Record<string, number>;
  /** A range of numbers that is allowed besides, e.g. event categories 100..999. */
  also?: [number, number];
  /** Response status code of a wrong value; BAD_REQUEST when absent. */
  refusedWith?: number;
}

export interface ListType {
  kind: 'list';
  of: string;
  minimumItems?: number;
  maximumItems?: number;
  /** One item without the brackets is taken as a list of one. */
  orSingle?: boolean;
}

export interface Member {
  name: string;
  shortName: string;
  /** Another spelling that requesters use; read, never written. */
  alias?: string;
  type: string;
  required?: boolean;
}

export interface ObjectType {
  kind: 'object';
  members: Member[];
  /** Exactly one member. */
  choice?: boolean;
  /** Response status code when a required member is missing; BAD_REQUEST when absent. */
  missingRefusedWith?: number;
  /** Response status code of any other fault; BAD_REQUEST when absent. */
  refusedWith?: number;
}

export type DataType =
  | StringType
  | IntegerType
  | EnumerationType
  | ListType
  | ObjectType
  | { kind: 'number' }
  | { kind: 'boolean' }
  | { kind: 'any' };

/** Most items of a list when its type does not say. */
export const defaultMaximumItems = 10_000;

const greatest = Number.MAX_SAFE_INTEGER;

const noBlank = /^[^\s\p{Cc}]*$/u;
const noBlankAndNotEmpty = /^[^\s\p{Cc}]+$/u;

function text(expects: string, extra: Omit<StringType, 'kind' | 'expects'> = {}): StringType {
  return { kind: 'string', expects, ...extra };
}

function integer(minimum: number, maximum: number): IntegerType {
  return { kind: 'integer', minimum, maximum };
}

function listOf(of: string, extra: Omit<ListType, 'kind' | 'of'> = {}): ListType {
  return { kind: 'list', of, ...extra };
}

const identifier = text('an identifier without blanks', { pattern: noBlankAndNotEmpty, maximumLength: 2048 });
const uri = text('a URI without blanks', { pattern: noBlank, maximumLength: 8192 });

const octet = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;

function isIpv6(text: string): boolean {
  const [address = '', prefix] = text.split('/');
  return URL.canParse(`http://[${address}]/`) && (prefix === undefined || Number(prefix) <= 128);
}

const enumerationTypes: Record<string, EnumerationType> = Object.fromEntries(
  Object.entries(enumerations).map(([name, values]): [string, EnumerationType] => [
    name,
    { kind: 'enumeration', values },
  ]),
);

const simpleTypes: Record<string, DataType> = {
  ...enumerationTypes,
  eventCat: { kind: 'enumeration', values: enumerations.eventCat, also: [100, 999] },
  eventCatWithDef: { kind: 'enumeration', values: { DEFAULT: 0, ...enumerations.eventCat }, also: [100, 999] },
  // TS-0004 7.4.16.2.1: INVALID_CMDTYPE
  cmdType: { kind: 'enumeration', values: enumerations.cmdType, refusedWith: 6022 },
  accessControlOperations: integer(0, 63),

  string: text('a string'),
  description: text('a string of at most 256 characters', { maximumLength: 256 }),
  boolean: { kind: 'boolean' },
  integer: integer(-greatest, greatest),
  long: integer(-greatest, greatest),
  int: integer(-2_147_483_648, 2_147_483_647),
  unsignedInt: integer(0, 4_294_967_295),
  // A JSON number says integers exactly up to 2^53 - 1 only.
  unsignedLong: integer(0, greatest),
  nonNegativeInteger: integer(0, greatest),
  positiveInteger: integer(1, greatest),
  resourceType: integer(0, 99_999),
  float: { kind: 'number' },
  double: { kind: 'number' },
  anyType: { kind: 'any' },
  primitiveContent: { kind: 'any' },

  timestamp: text('a oneM2M timestamp in UTC such as 20260401T081500', {
    maximumLength: 22,
    holds: (value) => parseTimestamp(value) !== undefined,
  }),
  absRelTimestamp: text('a oneM2M timestamp such as 20260401T081500 or a number of milliseconds as text', {
    pattern: /^(?:[+-]?\d{1,15}|\d{8}T\d{6}(?:,\d{1,6})?)$/,
  }),
  duration: text('an XML Schema duration of at most 100 years such as PT10M', {
    maximumLength: 64,
    holds: (value) => parseDuration(value) !== undefined,
  }),
  anyURI: uri,
  nhURI: uri,
  ID: identifier,
  externalID: identifier,
  nodeID: text('a node identifier, not empty', { minimumLength: 1, maximumLength: 2048 }),
  requestID: identifier,
  // TS-0004 6.3.3: the grammar of a resource name
  resourceName: text('a name of letters, digits, - . _ ~ that starts with a letter or a digit', {
    pattern: /^[A-Za-z0-9][A-Za-z0-9\-._~]*$/,
    maximumLength: 256,
  }),
  // TS-0001 7.1.3: the first letter says who assigned it
  appID: text('an App-ID that starts with R, r or N', { pattern: /^[RrN][^\s]*$/, maximumLength: 2048 }),
  NCName: text('a name without colon and blanks that does not start with a digit', {
    pattern: /^[\p{L}_][\p{L}\p{N}\-._]*$/u,
    maximumLength: 256,
  }),
  // xs:token: a list of them is separated by blanks in XML
  label: text('a label, not empty: key or key:value, with single blanks inside only', {
    pattern: /^[^\s\p{Cc}]+(?: [^\s\p{Cc}]+)*$/u,
    maximumLength: 1024,
  }),
  // TS-0004 6.3.3: media type, encoding (0 plain, 1 and 2 base64), optional content security
  contentInfo: text("a media type and an encoding such as 'text/plain:0' or 'application/json:1'", {
    pattern: /^[^\s:/]+\/[^\s:]+:[0-2](?::[0-5])?$/,
    maximumLength: 256,
  }),
  serialization: text("one of 'json', 'xml', 'cbor'", { pattern: /^(?:application\/)?(?:json|xml|cbor)$/ }),
  releaseVersion: text("a release such as '2a', '3' or '4'", { pattern: /^[1-9][a-z]?$/ }),
  scheduleEntry: text("seven fields separated by blanks such as '* 0-30 8 * * 1-5 *'", {
    maximumLength: 1024,
    holds: (value) => compileScheduleEntry(value) !== undefined,
  }),
  ipv4: text('an IPv4 address or block such as 192.0.2.0/24', {
    pattern: new RegExp(String.raw`^${octet}(?:\.${octet}){3}(?:/(?:3[0-2]|[12]?\d))?$`),
  }),
  ipv6: text('an IPv6 address or block such as 2001:db8::/32', {
    pattern: /^[0-9A-Fa-f:.]{2,45}(?:\/\d{1,3})?$/,
    holds: isIpv6,
  }),
  countryCode: text('a country code of two letters', { pattern: /^[A-Za-z]{2}$/ }),

  listOfURIs: listOf('anyURI'),
  poaList: listOf('anyURI', { maximumItems: 100 }),
  notificationURIs: listOf('anyURI', { minimumItems: 1, maximumItems: 100 }),
  listOfM2MID: listOf('ID'),
  acpType: listOf('ID', { minimumItems: 1, maximumItems: 1000 }),
  links: listOf('ID', { minimumItems: 1, maximumItems: 1000 }),
  labels: listOf('label', { minimumItems: 1, maximumItems: 1000 }),
  serializations: listOf('serialization', { maximumItems: 10 }),
  supportedReleaseVersions: listOf('releaseVersion', { minimumItems: 1, maximumItems: 20 }),
  protocolList: listOf('string', { maximumItems: 100 }),
  listOfMinMax: listOf('long', { minimumItems: 2, maximumItems: 2 }),
  'restricted list of boolean': listOf('boolean', { minimumItems: 1, maximumItems: 2 }),
};

/** Every type by its name. */
export const dataTypes: Readonly<Record<string, DataType>> = Object.freeze({ ...simpleTypes, ...complexTypes });

const listPrefix = 'list of ';

/** The type of that name, `list of X` included; undefined when there is none. */
export function dataTypeOf(name: string): DataType | undefined {
  if (Object.hasOwn(dataTypes, name)) return dataTypes[name];
  if (!name.startsWith(listPrefix)) return undefined;
  const of = name.slice(listPrefix.length);
  return dataTypeOf(of) ? listOf(of) : undefined;
}
