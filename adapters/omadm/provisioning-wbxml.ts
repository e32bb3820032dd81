/**
 * A provisioning document as WBXML 1.3 (OMA ProvCont 1.1, 8). Names have the tokens that libwbxml writes and reads; values are inline
 * strings, which every decoder has to take.
 */
/** A parameter or a group. A parameter without a value is a flag. */
export type Provision = { parameter: string; value?: string } | { group: string; contents: Provision[] };

/** -//WAPFORUM//DTD PROV 1.0//EN, UTF-8, no string table. */
const prologue = [0x03, 0x0b, 0x6a, 0x00];
const tags = { document: 0x05, characteristic: 0x06, parameter: 0x07 } as const;
const withAttributes = 0x80;
const withContent = 0x40;
const end = 0x01;
const inlineString = 0x03;
const switchPage = 0x00;

/** Starts of attributes: page, token. */
type Token = readonly [page: 0 | 1, token: number];
const name: Token = [0, 0x05];
const value: Token = [0, 0x06];
const version: Token = [0, 0x45];
const type: Token = [0, 0x50];
const types: Readonly<Record<string, Token>> = { APPLICATION: [1, 0x55], APPAUTH: [1, 0x57] };
const names: Readonly<Record<string, Token>> = {
  NAME: [0, 0x07],
  AAUTHDATA: [1, 0x2f],
  AAUTHLEVEL: [1, 0x30],
  AAUTHNAME: [1, 0x31],
  AAUTHSECRET: [1, 0x32],
  AAUTHTYPE: [1, 0x33],
  ADDR: [1, 0x34],
  APPID: [1, 0x36],
  'PROVIDER-ID': [1, 0x38],
};

export function encodeProvisioning(contents: readonly Provision[]): Buffer {
  const octets: number[] = [...prologue];
  let page = 0;

  const attribute = (token: Token, text?: string): void => {
    if (token[0] !== page) octets.push(switchPage, (page = token[0]));
    octets.push(token[1]);
    if (text !== undefined) octets.push(inlineString, ...Buffer.from(text.replaceAll('\0', '')), 0);
  };
  const named = (known: Readonly<Record<string, Token>>, otherwise: Token, text: string): void => {
    const token = known[text];
    if (token) attribute(token);
    else attribute(otherwise, text);
  };
  const write = (one: Provision): void => {
    if ('group' in one) {
      octets.push(tags.characteristic | withAttributes | withContent);
      named(types, type, one.group);
      octets.push(end);
      for (const inner of one.contents) write(inner);
      octets.push(end);
      return;
    }
    octets.push(tags.parameter | withAttributes);
    named(names, name, one.parameter);
    if (one.value !== undefined) attribute(value, one.value);
    octets.push(end);
  };

  octets.push(tags.document | withAttributes | withContent);
  attribute(version, '1.1');
  octets.push(end);
  for (const one of contents) write(one);
  octets.push(end);
  return Buffer.from(octets);
}
