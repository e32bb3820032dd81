/** CoAP Content-Formats that LwM2M uses (TS-Transport 1.2, 6.4; RFC 7252 12.3). */
export const ContentFormat = {
  TEXT: 0,
  LINK_FORMAT: 40,
  OPAQUE: 42,
  CBOR: 60,
  SENML_JSON: 110,
  SENML_CBOR: 112,
  TLV: 11542,
  JSON: 11543,
  LWM2M_CBOR: 11544,
} as const;
export type ContentFormat = (typeof ContentFormat)[keyof typeof ContentFormat];

/** Names for people: logs, traces, sentences of errors. */
export const contentFormatNames: ReadonlyMap<number, string> = new Map([
  [ContentFormat.TEXT, 'text/plain'],
  [ContentFormat.LINK_FORMAT, 'application/link-format'],
  [ContentFormat.OPAQUE, 'application/octet-stream'],
  [ContentFormat.CBOR, 'application/cbor'],
  [ContentFormat.SENML_JSON, 'application/senml+json'],
  [ContentFormat.SENML_CBOR, 'application/senml+cbor'],
  [ContentFormat.TLV, 'application/vnd.oma.lwm2m+tlv'],
  [ContentFormat.JSON, 'application/vnd.oma.lwm2m+json'],
  [ContentFormat.LWM2M_CBOR, 'application/vnd.oma.lwm2m+cbor'],
]);

/** Numbers from before the registration at IANA, and the SenML-ETCH formats (RFC 8790) that some clients label paths with. */
const synonyms: ReadonlyMap<number, ContentFormat> = new Map([
  [1541, ContentFormat.TEXT],
  [1542, ContentFormat.TLV],
  [1543, ContentFormat.JSON],
  [320, ContentFormat.SENML_JSON],
  [322, ContentFormat.SENML_CBOR],
]);

const byName: ReadonlyMap<string, number> = new Map([...contentFormatNames].map(([number, name]) => [name, number]));

/** The number that is meant: old and synonymous numbers become today's. */
export function canonicalContentFormat(number: number): number {
  return synonyms.get(number) ?? number;
}

/** `11542` → `application/vnd.oma.lwm2m+tlv`; an unknown number stays a number. */
export function contentFormatName(number: number): string {
  return contentFormatNames.get(canonicalContentFormat(number)) ?? String(number);
}

export function contentFormatNumber(name: string): number | undefined {
  return byName.get(name);
}
