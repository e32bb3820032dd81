import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  addressAttribute,
  attributeOf,
  bindingRequest,
  bindingResponse,
  errorAttribute,
  provenStyle,
  readAddress,
  readError,
  readStunMessage,
  readUsername,
  readXorAddress,
  stunAttributes,
  unknownAttribute,
  writeStunMessage,
  xorAddressAttribute,
  type StunAttribute,
} from '../../adapters/cwmp/stun-message.ts';
import { openStunServer } from '../../adapters/cwmp/stun-server.ts';
import { systemClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { noMetrics } from '../../src/support/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { createRandom } from './support.ts';

const INPUTS = 200_000;
const DATAGRAMS = 5_000;
const classic = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const modern = Buffer.from('2112a442445566778899aabbccddeeff', 'hex');
const someone = { address: '127.0.0.1', port: 4660 };
const change = { type: stunAttributes.bindingChange, value: Buffer.alloc(0) };
const binding = { type: stunAttributes.connectionRequestBinding, value: Buffer.from('dslforum.org/TR-111 ') };
const name = { type: stunAttributes.username, value: Buffer.from('trivet-d1   ') };

const seeds = [classic, modern].flatMap((transaction) => {
  const request = (...attributes: StunAttribute[]) => ({ type: bindingRequest, transaction, attributes });
  const answer = [
    xorAddressAttribute(someone, transaction),
    addressAttribute(stunAttributes.mappedAddress, { address: '2001:db8::1', port: 1 }),
    errorAttribute(420, 'Unknown Attribute'),
    unknownAttribute([3, 4, 5]),
  ];
  return [
    writeStunMessage(request()),
    writeStunMessage(request(binding, name)),
    writeStunMessage(request(binding, change, name), { key: 'k', style: 'filled' }),
    writeStunMessage(request(binding, change, name), { key: 'k', style: 'plain' }),
    writeStunMessage(request(addressAttribute(stunAttributes.responseAddress, someone), name)),
    writeStunMessage(request({ type: stunAttributes.changeRequest, value: Buffer.of(0, 0, 0, 6) })),
    writeStunMessage({ type: bindingResponse, transaction, attributes: answer }),
  ];
});

function mutate(random: (below: number) => number): Buffer {
  let input = Buffer.from(seeds[random(seeds.length)]!);
  for (let times = random(4); times > 0; times--) {
    const at = random(input.length + 1);
    const head = input.subarray(0, at);
    switch (random(5)) {
      case 0:
        if (at < input.length) input[at] = random(256);
        break;
      case 1:
        input = Buffer.concat([head, input.subarray(at + 4 * random(5))]);
        break;
      case 2:
        input = Buffer.concat([head, input.subarray(at, at + 4 * random(9)), input.subarray(at)]);
        break;
      case 3:
        input = Buffer.from(head);
        break;
      default:
        // A length that fits what is there, so that more than the head is looked at.
        if (input.length >= 20) input.writeUInt16BE((input.length - 20) & 0xff_fc, 2);
    }
    if (input.length > 2000) input = input.subarray(0, 2000);
  }
  return input;
}

describe('STUN under fuzzing', function () {
  this.timeout(120_000);

  it(`${INPUTS} mutated messages are read or refused, and nothing else`, () => {
    const random = createRandom(3489);
    const count = { read: 0, refused: 0 };
    for (let round = 0; round < INPUTS; round++) {
      const input = mutate(random);
      try {
        const message = readStunMessage(input);
        if (!message) {
          count.refused++;
          continue;
        }
        count.read++;
        provenStyle(input, message, 'k');
        for (const { value } of message.attributes) {
          readAddress(value);
          readXorAddress(value, message.transaction);
          readError(value);
          readUsername(value);
        }
      } catch (error) {
        throw new Error(`input ${input.toString('base64')}`, { cause: error });
      }
    }
    // Both ways must have been gone, else the mutations are too tame or too wild.
    assert.ok(count.read > INPUTS / 100 && count.refused > INPUTS / 100, JSON.stringify(count));
  });

  it(`the server takes ${DATAGRAMS} of them, stores no more than what is proved, and answers the next device as ever`, async () => {
    const random = createRandom(5389);
    const results = new Map<string, number>();
    const bound = new Set<string>();
    let heard = 0;
    const server = await openStunServer(
      {
        isName: (username) => username.startsWith('trivet-'),
        owesProof: () => Promise.resolve(false),
        passwordOf: (username) => Promise.resolve(username === 'trivet-d1' ? 'k' : undefined),
        async bound(username, address) {
          bound.add(`${username} ${address}`);
          return 'bound';
        },
      },
      { host: '127.0.0.1', port: 0, limits: { perAddress: Infinity, inAll: Infinity } },
      {
        clock: systemClock,
        log: silentLog,
        metrics: {
          ...noMetrics,
          count(_name, labels) {
            heard++;
            const result = String(labels?.['result']);
            results.set(result, (results.get(result) ?? 0) + 1);
          },
        },
      },
    );
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    for (let round = 1; round <= DATAGRAMS; round++) {
      socket.send(mutate(random), server.port, '127.0.0.1');
      // No more than what the buffer of the system holds.
      if (round % 50 === 0) await eventually('they were heard', () => heard === round);
    }
    for (const result of ['answered', 'bound', 'challenged', 'unauthorized', 'refused', 'malformed', 'unexpected']) {
      assert.ok((results.get(result) ?? 0) > 0, JSON.stringify([...results]));
    }
    assert.equal(results.get('failed'), undefined);
    assert.deepEqual([...bound], [`trivet-d1 127.0.0.1:${socket.address().port}`]);
    socket.removeAllListeners('message');
    const probe = Buffer.from('ffeeddccbbaa99887766554433221100', 'hex');
    const answer = new Promise<Buffer>((resolve) => {
      socket.on('message', (octets) => {
        if (octets.subarray(4, 20).equals(probe)) resolve(octets);
      });
    });
    socket.send(
      writeStunMessage({ type: bindingRequest, transaction: probe, attributes: [] }),
      server.port,
      '127.0.0.1',
    );
    const message = readStunMessage(await answer)!;
    assert.equal(readAddress(attributeOf(message, stunAttributes.mappedAddress)!)?.port, socket.address().port);
    socket.close();
    await server.close();
  });
});
