/** Any message that the model allows and that both encodings can carry, for properties. */
import fc from 'fast-check';
import type { Command, Data, Header, Item, Meta, SyncmlMessage } from '../../adapters/omadm/syncml/message.ts';

// oxlint-disable-next-line no-control-regex
const uncarried = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** Text of a value: white space and what is special in XML included. */
export const anyText = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({
      unit: fc.constantFrom('&', '<', '>', '"', "'", ']', '\r', '\n', '\t', ' ', 'a', 'é', '€', '😀'),
      maxLength: 30,
    }),
  )
  .map((text) => text.replace(uncarried, ''));

/** Text of a name or a number: nothing around it. */
const word = fc
  .oneof(anyText, fc.stringMatching(/^[A-Za-z0-9./:?=_-]{1,40}$/))
  .map((text) => text.trim())
  .filter((text) => text !== '');

function optional<T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<object> {
  return fc.option(value, { nil: undefined }).map((found) => (found === undefined ? {} : { [key]: found }));
}

function merged(...parts: fc.Arbitrary<object>[]): fc.Arbitrary<object> {
  return fc.tuple(...parts).map((found) => Object.assign({}, ...found) as object);
}

const size = fc.nat({ max: 2 ** 31 - 1 });
const meta = merged(
  optional('format', fc.constantFrom('chr', 'int', 'b64', 'bin', 'xml', 'node')),
  optional('type', word),
  optional('mark', word),
  optional('size', size),
  optional('nextNonce', word),
  optional('maximumMessageSize', size),
  optional('maximumObjectSize', size),
).filter((found) => Object.keys(found).length > 0) as fc.Arbitrary<Meta>;

const markup = fc.constantFrom('<a b="c&lt;">d&amp;<e></e></a>', ' <MgmtTree xmlns="syncml:dmddf1.2"></MgmtTree> ');
const data: fc.Arbitrary<Data> = fc.oneof(
  { weight: 4, arbitrary: anyText },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 20 }).map((octets) => Buffer.from(octets)) },
  { weight: 1, arbitrary: markup.map((text) => ({ markup: text })) },
);

const itemParts = [optional('target', word), optional('source', word), optional('meta', meta)];
const moreData = optional('moreData', fc.constant(true));
const item = merged(...itemParts, optional('data', data), moreData) as fc.Arbitrary<Item>;
const itemWithData = merged(
  ...itemParts,
  data.map((found) => ({ data: found })),
  moreData,
) as fc.Arbitrary<Item>;

const items = (one: fc.Arbitrary<Item>): fc.Arbitrary<object> =>
  fc.array(one, { maxLength: 3 }).map((found) => ({ items: found }));
const named = (command: string): fc.Arbitrary<object> => word.map((id) => ({ command, id }));
const words = (key: string): fc.Arbitrary<object> =>
  fc.array(word, { maxLength: 2 }).map((found) => ({ [key]: found }));
const code = fc.integer({ min: 1, max: 9999 }).map((found) => ({ code: found }));
const required = (key: string): fc.Arbitrary<object> => word.map((found) => ({ [key]: found }));
const challenge = merged(required('type'), optional('format', word), optional('nextNonce', word));

const simple: fc.Arbitrary<object>[] = [
  ...['Get', 'Delete', 'Copy'].map((name) => merged(named(name), optional('meta', meta), items(item))),
  ...['Add', 'Replace'].map((name) => merged(named(name), optional('meta', meta), items(itemWithData))),
  merged(named('Exec'), optional('meta', meta), optional('correlator', word), items(item)),
  merged(named('Alert'), code, optional('correlator', word), items(itemWithData)),
  merged(
    named('Status'),
    required('messageRef'),
    required('commandRef'),
    required('answered'),
    words('targetRefs'),
    words('sourceRefs'),
    optional('challenge', challenge),
    code,
    items(item),
  ),
  merged(
    named('Results'),
    optional('messageRef', word),
    required('commandRef'),
    optional('meta', meta),
    words('targetRefs'),
    words('sourceRefs'),
    items(item),
  ),
];

const group = (inner: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  merged(
    fc.constantFrom('Atomic', 'Sequence').chain(named),
    fc.array(inner, { maxLength: 3 }).map((commands) => ({ commands })),
  );
const flat = fc.oneof(...simple);

export const anyCommand = fc.oneof(
  { weight: 6, arbitrary: flat },
  { weight: 1, arbitrary: group(fc.oneof({ weight: 3, arbitrary: flat }, { weight: 1, arbitrary: group(flat) })) },
) as fc.Arbitrary<Command>;

const address = merged(required('uri'), optional('name', word));

export function anyHeader(representation: '1.1' | '1.2'): fc.Arbitrary<Header> {
  return merged(
    fc.constant({ representation, protocol: `DM/${representation}` }),
    required('sessionId'),
    required('messageId'),
    address.map((target) => ({ target })),
    address.map((source) => ({ source })),
    optional('responseUri', word),
    optional('credential', merged(required('data'), optional('meta', meta))),
    optional('meta', meta),
  ) as fc.Arbitrary<Header>;
}

export function anyMessage(representation: '1.1' | '1.2' = '1.2'): fc.Arbitrary<SyncmlMessage> {
  return fc.record({
    header: anyHeader(representation),
    commands: fc.array(anyCommand, { maxLength: 5 }),
    final: fc.boolean(),
  });
}
