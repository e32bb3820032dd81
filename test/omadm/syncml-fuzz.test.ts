import assert from 'node:assert/strict';
import { readMessage, SyncmlError, writeMessage } from '../../adapters/omadm/syncml/codec.ts';
import { captureNames, createRandom, readCapture, workedWbxml, xmlMessage } from './captures.ts';

const INPUTS = 100_000;

const xmlPieces = [
  '<', '>', '&', '"', '</', '/>', '<![CDATA[', ']]>', '<!--', '-->', '<?xml', '?>', '<!DOCTYPE a [', '<!ENTITY', '&#', '&#x0;', '&#2;',
  '&amp', ';', '\0', '\u0002', 'é', '<Item>', '</Item>', '<Data>', '</Data>', '<Meta>', '<Atomic>', '<CmdID>', '<Final/>', 'a:', ' xmlns=""', ' ',
].map((piece) => Buffer.from(piece)); // prettier-ignore

const wbxmlPieces = [
  '00', '0001', '0002', '0000', '01', '0101', '02', '0228', '03', '0300', '036100', '04', '4400', '83', '8300', 'c3', 'c302', 'c30261ff',
  'c38fffffff7f', '43', '80', '4f', '54', '5a', '62', '69', '46', '48', '94', 'd4', 'cf', 'ff', '7f', '9f53',
].map((piece) => Buffer.from(piece, 'hex')); // prettier-ignore

const table = Buffer.from('0200006a20', 'hex');
const withTable = Buffer.concat([
  table,
  Buffer.from('-//SYNCML//DTD SyncML 1.2//EN\0a\0'),
  workedWbxml.subarray(5, -3),
  Buffer.from('624b831e01544fc41e041e036f0001024101010101', 'hex'),
  workedWbxml.subarray(-3),
]);

const xmlSeeds = captureNames.filter((name) => name.endsWith('.xml')).map(readCapture);
xmlSeeds.push(Buffer.from(xmlMessage('<Get><CmdID>1</CmdID><Item><Data><a b="c"><d/></a></Data></Item></Get>')));
const wbxmlSeeds = [...captureNames.filter((name) => name.endsWith('.wbxml')).map(readCapture), workedWbxml, withTable];
for (const name of captureNames) {
  const { message, encoding } = readMessage(readCapture(name), undefined);
  wbxmlSeeds.push(writeMessage(message, { ...encoding, form: 'wbxml' }));
}

describe('SyncML under fuzzing', function () {
  this.timeout(120_000);

  for (const [form, seeds, pieces] of [
    ['XML', xmlSeeds, xmlPieces],
    ['WBXML', wbxmlSeeds, wbxmlPieces],
  ] as const) {
    it(`${INPUTS} mutated messages in ${form} are read or refused, and nothing else`, () => {
      const random = createRandom(20_261_122);
      const pick = (): Buffer => seeds[random(seeds.length)]!;
      for (const seed of seeds) readMessage(seed, undefined);
      const count = { read: 0, refused: 0 };
      for (let round = 0; round < INPUTS; round++) {
        let input = pick();
        for (let times = random(4) + 1; times > 0; times--) input = mutate(input, pick, pieces, random);
        try {
          const { message, encoding, warnings } = readMessage(input, undefined);
          assert.ok(warnings.length <= 21);
          // What was understood can be said again, but for commands that are unknown.
          writeMessage(message, encoding);
          count.read++;
        } catch (error) {
          if (!(error instanceof SyncmlError)) throw new Error(`input ${input.toString('base64')}`, { cause: error });
          count.refused++;
        }
      }
      // Both ways must have been gone, else the mutations are too tame or too wild.
      assert.ok(count.read > INPUTS / 100 && count.refused > INPUTS / 100, JSON.stringify(count));
    });
  }
});

function mutate(
  input: Buffer,
  pick: () => Buffer,
  pieces: readonly Buffer[],
  random: (below: number) => number,
): Buffer {
  const at = random(input.length + 1);
  const head = input.subarray(0, at);
  switch (random(7)) {
    case 0:
      return Buffer.concat([head, Buffer.from([random(256)]), input.subarray(at + 1)]);
    case 1:
    case 2:
      return Buffer.concat([head, pieces[random(pieces.length)]!, input.subarray(at)]);
    case 3:
      return Buffer.concat([head, input.subarray(at + random(40))]);
    case 4:
      return Buffer.concat([head, input.subarray(at, at + random(60)), input.subarray(at)]);
    case 5: {
      const other = pick();
      return Buffer.concat([head, other.subarray(random(other.length + 1))]).subarray(0, 6000);
    }
    default:
      return Buffer.from(head);
  }
}
