/** Peers that mean no good, on the LwM2M port: what they send is dropped and counted, and neither crashes nor fills the gateway. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { generate, parse } from 'coap-packet';
import { seededRandom } from '../../src/simulators/lwm2m/random.ts';
import { startChildGateway, type ChildGateway } from '../support/child-gateway.ts';
import { eventually } from '../support/eventually.ts';
import { residentSize } from '../support/process-facts.ts';
import { metricOf } from './metrics-of.ts';
import { admit, prepareDevice, type Patient } from './patient.ts';
import { UdpRelay, type Datagram } from './udp-relay.ts';

const seed = Number(process.env['FAULT_SEED'] ?? 1);
const megabyte = 1024 * 1024;

describe(`peers that mean no good (FAULT_SEED=${seed})`, () => {
  const random = seededRandom(seed);
  let gateway: ChildGateway;
  let relay: UdpRelay;
  let patient: Patient;
  const sockets: Socket[] = [];

  before(async () => {
    gateway = await startChildGateway();
    relay = await UdpRelay.open(random);
    relay.aim(gateway.ports.lwm2m);
    const device = await prepareDevice(relay.url, 'honest');
    await device.register();
    patient = await admit(gateway, device);
  });

  after(async () => {
    await patient.device.stop();
    for (const socket of sockets) socket.close();
    await gateway.dispose();
    await relay.close();
  });

  async function openSocket(): Promise<Socket> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    sockets.push(socket);
    return socket;
  }

  function toGateway(socket: Socket, bytes: Buffer): Promise<void> {
    return new Promise((resolve) => socket.send(bytes, gateway.ports.lwm2m, '127.0.0.1', () => resolve()));
  }

  const dropped = (reason?: string): Promise<number> =>
    metricOf(gateway, 'trivet_datagrams_dropped_total', reason === undefined ? {} : { reason });

  async function serves(): Promise<void> {
    const answer = await gateway.mca.get(`${patient.node}/battery`);
    assert.equal(answer.rsc, 2000, answer.text);
  }

  it('does not take the answer of a stranger, who knows message ID and token, for that of the device', async () => {
    const stranger = await openSocket();
    const before = await dropped('unknown-message-id');
    let forged = 0;
    // The stranger sees the request and is first with an answer.
    relay.watch = ({ direction, bytes }: Datagram) => {
      const code = bytes[1] ?? 0;
      if (direction !== 'down' || code === 0 || code >= 0x20) return;
      const { messageId, token } = parse(bytes);
      const lie = generate({ ack: true, code: '2.05', messageId, token, payload: Buffer.from('1') });
      stranger.send(lie, gateway.ports.lwm2m, '127.0.0.1');
      const separate = generate({ confirmable: true, code: '2.05', messageId: 7, token, payload: Buffer.from('1') });
      stranger.send(separate, gateway.ports.lwm2m, '127.0.0.1');
      forged++;
    };
    patient.device.setResource('/3/0/9', 64);
    const answer = await gateway.mca.get(`${patient.node}/battery`);
    relay.watch = undefined;
    assert.equal(answer.body['m2m:bat']?.['btl'], 64);
    assert.ok(forged > 0);
    await eventually('the lies are counted', async () => (await dropped('unknown-message-id')) >= before + forged);
    assert.ok((await dropped('unknown-token')) >= 1);
  });

  it('bounds what peers can leave half-sent: 2,000 bodies that are never ended', async function () {
    this.timeout(60_000);
    const before = residentSize(gateway.pid);
    const block = Buffer.alloc(1024, 0x41);
    for (let peer = 0; peer < 200; peer++) {
      const socket = await openSocket();
      for (let transfer = 0; transfer < 10; transfer++) {
        for (let number = 0; number < 8; number++) {
          const packet = generate({
            confirmable: true,
            code: '0.02',
            messageId: transfer * 100 + number + 1,
            token: Buffer.from([transfer, number]),
            options: [
              { name: 'Uri-Path', value: Buffer.from('rd') },
              { name: 'Uri-Query', value: Buffer.from(`ep=flood-${peer}-${transfer}`) },
              // number, more = 1, 1024 octets
              { name: 'Block1', value: Buffer.from([(number << 4) | 0x08 | 6]) },
            ],
            payload: block,
          });
          await toGateway(socket, packet);
        }
      }
      if (peer % 20 === 0) await wait(5);
    }
    await serves();
    const grown = (residentSize(gateway.pid) - before) / megabyte;
    assert.ok(grown < 90, `${grown.toFixed(0)} MB more`);
    console.log(`      16,000 blocks of 2,000 bodies: ${grown.toFixed(0)} MB more`);
  });

  it('keeps its memory under a flood of garbage: 300,000 datagrams', async function () {
    this.timeout(120_000);
    const socket = await openSocket();
    const before = await metricOf(gateway, 'trivet_datagrams_total', { direction: 'in' });
    const beforeDropped = await dropped();
    const sizes: number[] = [];
    for (let round = 0; round < 12; round++) {
      for (let burst = 0; burst < 125; burst++) {
        const sends: Promise<void>[] = [];
        for (let index = 0; index < 200; index++) sends.push(toGateway(socket, garbage(random)));
        await Promise.all(sends);
      }
      sizes.push(residentSize(gateway.pid));
    }
    await serves();
    const received = (await metricOf(gateway, 'trivet_datagrams_total', { direction: 'in' })) - before;
    const droppedNow = (await dropped()) - beforeDropped;
    // After the first third the level is reached: what comes then must not add to it.
    const early = Math.max(...sizes.slice(0, 4));
    const late = Math.min(...sizes.slice(8));
    const slope = (late - early) / megabyte;
    console.log(
      `      ${received} of 300,000 received, ${droppedNow} dropped; resident ${sizes.map((size) => Math.round(size / megabyte)).join(' ')} MB`,
    );
    assert.ok(received > 30_000, `only ${received} received`);
    assert.ok(droppedNow > received / 4, `only ${droppedNow} dropped`);
    assert.ok(slope < 25, `${slope.toFixed(0)} MB between the first and the last third`);
  });

  it('gives every registration of a flood one node at most, and still serves', async function () {
    this.timeout(60_000);
    const socket = await openSocket();
    const answers: string[] = [];
    socket.on('message', (bytes) => answers.push(parse(bytes).code));
    for (let index = 0; index < 500; index++) {
      const packet = generate({
        confirmable: true,
        code: '0.02',
        messageId: 20_000 + index,
        token: Buffer.from([index >> 8, index & 0xff]),
        options: [
          { name: 'Uri-Path', value: Buffer.from('rd') },
          { name: 'Content-Format', value: Buffer.from([40]) },
          { name: 'Uri-Query', value: Buffer.from('ep=two-faced') },
          { name: 'Uri-Query', value: Buffer.from('lwm2m=1.1') },
          { name: 'Uri-Query', value: Buffer.from('lt=300') },
        ],
        payload: Buffer.from('</3/0>'),
      });
      await toGateway(socket, packet);
    }
    await eventually('answers', () => answers.includes('2.01'), 20_000);
    await serves();
    const found = await gateway.mca.get('cse-in?fu=1&ty=14&rcn=6');
    const names = found.text.match(/"nm":"two-faced"/g) ?? [];
    assert.equal(names.length, 1, found.text);
  });
});

/** Noise, and datagrams that look like CoAP for a while. */
function garbage(random: () => number): Buffer {
  const length = Math.floor(random() * (random() < 0.05 ? 1400 : 60));
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = Math.floor(random() * 256);
  if (length >= 4 && random() < 0.6) {
    bytes[0] = 0x40 | (bytes[0]! & 0x3f & ~0x08);
    if (random() < 0.5) bytes[1] = 1 + Math.floor(random() * 4);
  }
  return bytes;
}
