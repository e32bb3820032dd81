import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate, parse, type ParsedPacket } from 'coap-packet';
import { eventually } from '../support/eventually.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { findNode, managementObjects, nodes } from './nodes.ts';
import {
  capturedDatagram,
  inAnswerTo,
  notificationFor,
  numberOf,
  pathOf,
  plainAnswer,
  ReplayedDevice,
  valuesOf,
  type Answering,
} from './replay.ts';

/** What real clients put on the wire goes through the whole gateway and comes out at the reference point Mca. */
describe('captured datagrams of real clients', () => {
  let gateway: TestGateway;
  let device: ReplayedDevice | undefined;

  async function openDevice(answering: Answering): Promise<ReplayedDevice> {
    device = await ReplayedDevice.open(gateway.urls['lwm2m']!, answering);
    return device;
  }

  afterEach(async () => {
    device?.close();
    device = undefined;
    await gateway.stop();
  });

  /** Answers the device object from a fixture, and says of everything else that it is not there. */
  const deviceObject =
    (fixture: string): Answering =>
    (request) =>
      request.code === '0.01' && pathOf(request) === '/3/0' && numberOf(request, 'Observe') === undefined
        ? inAnswerTo(request, capturedDatagram(fixture))
        : plainAnswer(request, '4.04');

  const rootNames = { Wakaama: 'wk-urn-1', Anjay: 'urn:dev:os:anjay-1' } as const;

  const nodeOf = (identity: string): Promise<string> =>
    eventually(`a node with ni ${identity}`, () => findNode(gateway.mca, identity));

  const childrenOf = (node: string): Promise<string[]> => managementObjects(gateway.mca, node);

  describe('over UDP', () => {
    beforeEach(async () => {
      gateway = await startTestGateway();
    });

    it("Wakaama's Register makes a node with a management object per class and instance", async () => {
      const { ask } = await openDeviceOf('wakaama-read-3-0-tlv');
      const answer = await ask(capturedDatagram('wakaama-register'));
      assert.equal(answer.code, '2.01');
      assert.equal(answer.token.toString('hex'), 'ec725aed');
      const [prefix, location = ''] = valuesOf(answer, 'Location-Path');
      assert.equal(prefix, 'rd');
      assert.ok(Buffer.from(location, 'base64url').length >= 8, `location ${location} has less than 64 bits`);
      const node = await nodeOf(rootNames.Wakaama);
      await eventually('a battery, which needs a look at the device', async () =>
        (await childrenOf(node)).includes('battery'),
      );
      assert.deepEqual(await childrenOf(node), ['battery', 'deviceInfo', 'firmware', 'memory', 'reboot']);
      const battery = await gateway.mca.get(`${node}/battery`);
      assert.equal(battery.body['m2m:bat']!['btl'], 100);
      assert.deepEqual(battery.body['m2m:bat']!['obis'], ['urn:oma:lwm2m:oma:3']);
      assert.deepEqual(battery.body['m2m:bat']!['obps'], ['/3/0']);
      const memory = await gateway.mca.get(`${node}/memory`);
      assert.equal(memory.body['m2m:mem']!['mma'], 15 * 1024);
    });

    it("Anjay's Register makes a node with its software packages and its event log, and no battery", async () => {
      const { ask } = await openDeviceOf('anjay-read-3-0-tlv');
      const answer = await ask(capturedDatagram('anjay-register'));
      assert.equal(answer.code, '2.01');
      const node = await nodeOf(rootNames.Anjay);
      await eventually('the kilobytes of memory, which need a look at the device', async () => {
        const memory = await gateway.mca.get(`${node}/memory`);
        return memory.body['m2m:mem']?.['mma'] === 0;
      });
      assert.deepEqual(await childrenOf(node), [
        'deviceInfo',
        'eventLog',
        'firmware',
        'memory',
        'reboot',
        'software',
        'software-1',
      ]);
    });

    it('a repeated Register is answered with the same location', async () => {
      const { ask, heard } = await openDeviceOf('wakaama-read-3-0-tlv');
      const first = await ask(capturedDatagram('wakaama-register'));
      heard.length = 0;
      const second = await ask(capturedDatagram('wakaama-register'));
      assert.deepEqual(valuesOf(second, 'Location-Path'), valuesOf(first, 'Location-Path'));
    });

    it("Wakaama's Update with a list of objects is taken, and the new object is known", async () => {
      const { ask } = await openDeviceOf('wakaama-read-3-0-tlv');
      const registered = await ask(capturedDatagram('wakaama-register'));
      const [, location = ''] = valuesOf(registered, 'Location-Path');
      const captured = parse(capturedDatagram('wakaama-update-objects'));
      const answer = await ask(generate({ ...captured, options: withLocation(captured, location) }));
      assert.equal(answer.code, '2.04');
      assert.equal(answer.token.toString('hex'), 'ed725aed');
      const trace = await fetch(`${gateway.urls['admin']}/devices/${rootNames.Wakaama}/trace`);
      const { messages } = (await trace.json()) as { messages: { summary: string; detail?: string }[] };
      const update = messages.find(({ summary }) => summary.startsWith('Update with objects'));
      assert.match(update?.detail ?? '', /\/31024\/2 \/31024\/10/);
    });

    it('an Update for a location of another server is refused, so that the client registers anew', async () => {
      const { ask } = await openDeviceOf('wakaama-read-3-0-tlv');
      assert.equal((await ask(capturedDatagram('wakaama-update-objects'))).code, '4.04');
    });

    it("Anjay's Bootstrap-Request is refused, and makes no node", async () => {
      const { ask } = await openDeviceOf('anjay-read-3-0-tlv');
      const answer = await ask(capturedDatagram('anjay-bootstrap-request'));
      assert.equal(answer.code, '4.04');
      assert.equal(answer.token.toString('hex'), '27b4f918a1344424');
      assert.match(answer.payload.toString(), /does not bootstrap/);
      assert.deepEqual(await nodes(gateway.mca), []);
    });

    for (const format of ['tlv', 'senml-cbor', 'lwm2m-cbor']) {
      it(`Anjay's device object in ${format} reads as the same [deviceInfo]`, async () => {
        const { ask } = await openDeviceOf(`anjay-read-3-0-${format}`);
        await ask(capturedDatagram('anjay-register'));
        const node = await nodeOf(rootNames.Anjay);
        const { rsc, body } = await gateway.mca.get(`${node}/deviceInfo`);
        assert.equal(rsc, 2000);
        const { dlb, man, mod, fwv, hwv, swv, dty } = body['m2m:dvi']!;
        assert.deepEqual(
          { dlb, man, mod, fwv, hwv, swv, dty },
          { dlb: '1', man: 'anjay', mod: 'demo-client', fwv: '3.14.0', hwv: '', swv: '', dty: '' },
        );
      });
    }

    it('an image is pushed to Wakaama in blocks of 512 octets, and its answers are understood', async () => {
      await gateway.stop();
      gateway = await startTestGateway(['--lwm2m-push-block-size', '512']);
      const image = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7) % 251));
      const wakaama = wakaamaWithFirmware();
      const { ask } = await openDevice(wakaama.answer).then(bound);
      await ask(capturedDatagram('wakaama-register'));
      const node = await nodeOf(rootNames.Wakaama);
      const uploaded = await fetch(`${gateway.urls['admin']}/artifacts?name=a.img`, { method: 'POST', body: image });
      const { url } = (await uploaded.json()) as { url: string };
      const accepted = await gateway.mca.update(`${node}/firmware`, { 'm2m:fwr': { url, vr: '2.0', ud: true } });
      assert.equal(accepted.rsc, 2004);
      await eventually('the update status Successful', async () => {
        const { body } = await gateway.mca.get(`${node}/firmware`);
        return (body['m2m:fwr']?.['uds'] as { sus?: number } | undefined)?.sus === 1;
      });
      assert.deepEqual(wakaama.blocks, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      assert.deepEqual(Buffer.concat(wakaama.taken), image);
      assert.equal(wakaama.executed, 1);
    });
  });

  describe('notifications', () => {
    let profiles: string;
    let receiver: Server;
    let notified: { syst?: string }[];
    let receiverUrl: string;

    before(async () => {
      // The clients notified their clock (/3/0/13), which the standard's mapping does not know; a profile binds it.
      profiles = await mkdtemp(join(tmpdir(), 'trivet-profile-'));
      await writeFile(
        join(profiles, 'clock.yaml'),
        [
          'match: { technology: lwm2m }',
          'classes:',
          '  deviceInfo:',
          '    attributes:',
          '      systemTime: { lwm2m: { read: device/13 } }',
          '',
        ].join('\n'),
      );
    });
    after(() => rm(profiles, { recursive: true, force: true }));

    beforeEach(async () => {
      notified = [];
      receiver = createServer((request, response) => {
        let text = '';
        request.on('data', (chunk: Buffer) => (text += chunk.toString()));
        request.on('end', () => {
          const content = JSON.parse(text) as { 'm2m:sgn'?: { nev?: { rep?: { 'm2m:dvi'?: { syst?: string } } } } };
          const info = content['m2m:sgn']?.nev?.rep?.['m2m:dvi'];
          if (info) notified.push(info);
          response.setHeader('X-M2M-RSC', '2000');
          response.setHeader('X-M2M-RI', String(request.headers['x-m2m-ri']));
          response.end();
        });
      });
      receiver.listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      const address = receiver.address();
      receiverUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
      gateway = await startTestGateway(['--profiles', profiles]);
    });
    afterEach(() => void receiver.close());

    for (const [client, register, object, notification, moment] of [
      ['Wakaama', 'wakaama-register', 'wakaama-read-3-0-tlv', 'wakaama-notify-3-0-13', '20700323T055348'],
      ['Anjay', 'anjay-register', 'anjay-read-3-0-tlv', 'anjay-notify-3-0-13-con', '20261121T191424'],
    ] as const) {
      it(`of ${client} reach the resource and the subscriber`, async () => {
        const replayed = await openDevice((request) => {
          const observe = numberOf(request, 'Observe');
          if (pathOf(request) !== '/3/0/13') {
            return observe === 0 ? plainAnswer(request, '4.05') : deviceObject(object)(request);
          }
          const text = { name: 'Content-Format', value: Buffer.alloc(0) } as const;
          const observing = { name: 'Observe', value: Buffer.alloc(0) } as const;
          return plainAnswer(request, '2.05', '1000000000', observe === 0 ? [observing, text] : [text]);
        });
        await replayed.ask(capturedDatagram(register));
        const node = await nodeOf(rootNames[client]);
        const created = await gateway.mca.create(`${node}/deviceInfo`, 23, {
          'm2m:sub': { nu: [receiverUrl], nct: 1, enc: { net: [1], atr: ['syst'] } },
        });
        assert.equal(created.rsc, 2001, created.dbg);
        const observed = await eventually('an observation of the clock', () =>
          replayed.requestsFor('/3/0/13').find((request) => numberOf(request, 'Observe') === 0),
        );
        await eventually('the value of the first answer', async () => {
          const { body } = await gateway.mca.get(`${node}/deviceInfo?rcn=1&atrl=syst`);
          return body['m2m:dvi']?.['syst'] === '20010909T014640';
        });
        const datagram = notificationFor(observed, capturedDatagram(notification));
        replayed.send(datagram);
        await eventually('the notified clock at the subscriber', () => notified.some(({ syst }) => syst === moment));
        const isConfirmable = (datagram[0]! & 0x30) === 0;
        if (!isConfirmable) return;
        const acknowledged = await replayed.answerTo(datagram.readUInt16BE(2));
        assert.deepEqual([acknowledged.ack, acknowledged.code], [true, '0.00']);
        // A lost acknowledgement makes the client send it again: it is acknowledged again, and nothing else happens.
        replayed.heard.length = 0;
        replayed.send(datagram);
        assert.equal((await replayed.answerTo(datagram.readUInt16BE(2))).ack, true);
        const next = { ...parse(datagram), messageId: 1, payload: Buffer.from('1000000001') };
        replayed.send(generate({ ...next, options: next.options.map(inOrder(2)) }));
        await eventually('the clock after it', () => notified.some(({ syst }) => syst === '20010909T014641'));
        assert.equal(notified.filter(({ syst }) => syst === moment).length, 1);
      });
    }
  });

  interface Bound {
    ask(datagram: Buffer): Promise<ParsedPacket>;
    heard: ParsedPacket[];
  }

  function bound(replayed: ReplayedDevice): Bound {
    return { ask: (datagram) => replayed.ask(datagram), heard: replayed.heard };
  }

  async function openDeviceOf(fixture: string): Promise<Bound> {
    return bound(await openDevice(deviceObject(fixture)));
  }
});

/** The place of a notification in the order of its observation (RFC 7641 3.4). */
function inOrder(place: number): (option: ParsedPacket['options'][number]) => ParsedPacket['options'][number] {
  return (option) => (option.name === 'Observe' ? { ...option, value: Buffer.from([place]) } : option);
}

/** The location is the server's choice: the captured one is that of another server. */
function withLocation(packet: ParsedPacket, location: string): ParsedPacket['options'] {
  let segment = 0;
  return packet.options.map((option) =>
    option.name === 'Uri-Path' && ++segment === 2 ? { ...option, value: Buffer.from(location) } : option,
  );
}

/** Wakaama's answers to the blocks of a push; its firmware object comes to life around them. */
function wakaamaWithFirmware(): {
  answer: Answering;
  blocks: number[];
  taken: Buffer[];
  readonly executed: number;
} {
  const blocks: number[] = [];
  const taken: Buffer[] = [];
  let state = 0;
  let result = 0;
  let executed = 0;
  const text = (request: ParsedPacket, value: string): Buffer =>
    plainAnswer(request, '2.05', value, [{ name: 'Content-Format', value: Buffer.alloc(0) }]);

  function takeBlock(request: ParsedPacket): Buffer {
    const block = numberOf(request, 'Block1') ?? 0;
    const number = block >> 4;
    blocks.push(number);
    taken.push(request.payload);
    if ((block & 8) === 0) {
      state = 2;
      return inAnswerTo(request, capturedDatagram('wakaama-block1-final'));
    }
    const captured = parse(capturedDatagram('wakaama-block1-continue'));
    const { messageId, token } = request;
    const options = captured.options.map((option) =>
      option.name === 'Block1' ? { ...option, value: Buffer.from([block]) } : option,
    );
    return number === 0
      ? inAnswerTo(request, capturedDatagram('wakaama-block1-continue'))
      : generate({ ...captured, messageId, token, options });
  }

  return {
    blocks,
    taken,
    get executed() {
      return executed;
    },
    answer(request) {
      const path = pathOf(request);
      if (numberOf(request, 'Observe') !== undefined) return plainAnswer(request, '4.05');
      if (request.code === '0.03' && path === '/5/0/0') return takeBlock(request);
      if (request.code === '0.02' && path === '/5/0/2') {
        executed += 1;
        state = 0;
        result = 1;
        return plainAnswer(request, '2.04');
      }
      if (request.code !== '0.01') return plainAnswer(request, '4.05');
      switch (path) {
        case '/3/0':
          return inAnswerTo(request, capturedDatagram('wakaama-read-3-0-tlv'));
        case '/3/0/3':
          return text(request, result === 1 ? '2.0' : '1.0');
        case '/5/0/3':
          return text(request, String(state));
        case '/5/0/5':
          return text(request, String(result));
        case '/5/0/9':
          return text(request, '1');
        default:
          return plainAnswer(request, path === '/5/0' ? '4.05' : '4.04');
      }
    },
  };
}
