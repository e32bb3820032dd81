/**
 * What real CPEs do against the letter of TR-069, by the row of the list of quirks that the gateway is built and tested against.
 * Rows that are not here are no doing of one CPE: 33 (the same Inform after a 401) is what this device always does, and 47 needs thousands.
 */
export const quirks = {
  1: 'gives up when a message begins with <?xml',
  2: 'knows the tags of the server only with the prefix cwmp:',
  3: 'uses prefixes that it does not declare',
  4: 'binds xsi and xsd to the addresses of 1999, and puts xsi:type on every element',
  5: 'has the namespace cwmp-1-3 and declares it on the method only',
  6: 'leaves out xsi:type of values',
  7: 'leaves out Value when it is empty',
  8: 'leaves times, false and zero empty',
  9: 'has no Manufacturer and puts line ends around what is no string',
  10: 'writes booleans as True and False and takes only 0 and 1',
  11: 'writes times without a zone and takes none with a fraction',
  12: 'counts the elements of arrays wrongly',
  13: 'has a type of its own, xsd:json',
  14: 'puts control characters, a bare & and NUL into its messages',
  15: 'says UTF-8 and sends ISO 8859-1',
  16: 'uses CDATA, comments and processing instructions',
  17: 'puts detail inside faultstring',
  18: 'refuses SetParameterValues without saying which parameters',
  19: 'answers what it does not know with an empty POST',
  20: 'leaves unknown names out of the answer to GetParameterValues',
  21: 'does not say which name it does not know',
  22: 'refuses GetParameterNames of the whole, and has an object without end',
  23: 'has 3000 parameters more',
  24: 'says the opposite of what is writable',
  25: 'sends TransferComplete without the event and without the CommandKey',
  26: 'sends TransferComplete where the answer to an RPC is due',
  27: 'puts the times before FaultStruct, and no FaultCode when all is well',
  28: 'never returns a cookie',
  29: 'opens a connection for each message',
  30: 'shares one connection with all devices of the process',
  31: 'sends the cookie of an older session with its Inform',
  32: 'repeats its Inform in the middle of the session',
  34: 'uses Digest with a constant nc, an absolute uri, capitals, and the nonce of an older session',
  35: 'sends Basic without being asked, to file servers too',
  36: 'speaks HTTP/1.0 with text/html and no length on an empty POST',
  37: 'gives up on chunks, on a Content-Encoding and on long header lines',
  38: 'keeps the connection after the end of the session',
  39: 'resets the connection after its 401 to a connection request, and answers 200 with a body',
  40: 'answers every other connection request with 503',
  41: 'ignores new credentials of the connection request',
  42: 'believes that it is 1970',
  43: 'writes event codes in small letters and boots with 0 bootstrap and events of its own',
  44: 'writes header elements in another case',
  45: 'has %, a space and an umlaut in its serial number',
  46: 'answers the first of each kind of RPC with 9002',
  48: 'sends a DOCTYPE with entities',
} as const;

export type Quirk = keyof typeof quirks;

/** The rows as numbers. */
export const quirkNumbers: readonly Quirk[] = Object.keys(quirks)
  .map(Number)
  .filter((number): number is Quirk => number in quirks);

/** What a name of a quirk stands for; throws when no row has the number or a CPE cannot show it. */
export function checkQuirks(wanted: readonly number[]): ReadonlySet<Quirk> {
  const unknown = wanted.find((number) => !quirkNumbers.some((known) => known === number));
  if (unknown !== undefined)
    throw new Error(`quirk ${unknown} is none that a CPE can show; it can show ${quirkNumbers.join(', ')}`);
  return new Set(quirkNumbers.filter((number) => wanted.includes(number)));
}
