import assert from 'node:assert/strict';
import { decodeBody } from '../../adapters/cwmp/charset.ts';
import { acsMethods, readAnswer, readIncoming, type AcsMethod } from '../../adapters/cwmp/rpc.ts';
import { readEnvelope, SoapError } from '../../adapters/cwmp/soap.ts';
import { valueFromWire } from '../../adapters/cwmp/values.ts';
import { captureNames, createRandom, readCapture } from './support.ts';

const INPUTS = 100_000;
const pieces = [
  '<', '>', '&', '"', '</', '/>', '<![CDATA[', ']]>', '<!--', '-->', '<?xml', '?>', '<!DOCTYPE a [', '&#', '&#x0;', '&#2;', '&amp', ';',
  '\0', '\u0002', 'é', '<cwmp:Inform>', '</soap:Envelope>', '<FaultCode>', 'xsi:type=', '=""', ' xmlns:x="urn:dslforum-org:cwmp-1-9"', ':', ' ',
].map((piece) => Buffer.from(piece)); // prettier-ignore

describe('CWMP under fuzzing', function () {
  this.timeout(120_000);

  it(`${INPUTS} mutated captures are read or refused, and nothing else`, () => {
    const random = createRandom(20_241_121);
    const names: readonly string[] = acsMethods;
    // The big one would take all the time; a part of it has everything that the whole has.
    const seeds = captureNames.map((name) => {
      const { body } = readCapture(name);
      return body.length > 5000 ? Buffer.concat([body.subarray(0, 1500), body.subarray(body.length - 300)]) : body;
    });
    const pick = (): Buffer => seeds[random(seeds.length)] ?? Buffer.alloc(0);
    const count = { read: 0, refused: 0 };
    for (let round = 0; round < INPUTS; round++) {
      let input = pick();
      for (let times = random(4) + 1; times > 0; times--) {
        const at = random(input.length + 1);
        const head = input.subarray(0, at);
        switch (random(6)) {
          case 0:
            input = Buffer.concat([head, Buffer.from([random(256)]), input.subarray(at + 1)]);
            break;
          case 1:
            input = Buffer.concat([head, pieces[random(pieces.length)]!, input.subarray(at)]);
            break;
          case 2:
            input = Buffer.concat([head, input.subarray(at + random(40))]);
            break;
          case 3:
            input = Buffer.concat([head, input.subarray(at, at + random(60)), input.subarray(at)]);
            break;
          case 4: {
            const other = pick();
            input = Buffer.concat([head, other.subarray(random(other.length + 1))]).subarray(0, 6000);
            break;
          }
          default:
            input = Buffer.from(head);
        }
      }
      try {
        readAll(input, names);
        count.read++;
      } catch (error) {
        if (!(error instanceof SoapError)) throw new Error(`input ${input.toString('base64')}`, { cause: error });
        count.refused++;
      }
    }
    // Both ways must have been gone, else the mutations are too tame or too wild.
    assert.ok(count.read > INPUTS / 100 && count.refused > INPUTS / 100, JSON.stringify(count));
  });
});

/** Everything that the leg would look at. */
function readAll(input: Buffer, names: readonly string[]): void {
  const envelope = readEnvelope(decodeBody(input, 'text/xml').text);
  const incoming = readIncoming(envelope);
  if (incoming.kind === 'response' && names.includes(incoming.method)) {
    readAnswer(incoming.method as AcsMethod, incoming.response);
  }
  if (incoming.kind === 'request' && incoming.request.method === 'Inform') {
    for (const parameter of incoming.request.parameters) valueFromWire(parameter, 'integer');
  }
}
