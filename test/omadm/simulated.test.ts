/** Sessions with the simulated client, which knows the protocol by itself and complains of every mistake of ours. */
import assert from 'node:assert/strict';
import { createAuthenticator } from '../../adapters/omadm/authentication.ts';
import type { Answer, Exchange, Request } from '../../adapters/omadm/exchange.ts';
import type { Json } from '../../src/onem2m/primitive.ts';
import { silentLog } from '../../src/support/log.ts';
import {
  startOmadmClient,
  type Dialect,
  type Faults,
  type OmadmClientOptions,
  type SimulatedClient,
} from '../../src/simulators/omadm-client.ts';
import { eventually } from '../support/eventually.ts';
import { SmallServer, type SmallServerOptions } from './small-server.ts';

const leaf = './Vendor/Test';
const add = (path: string, text: string, format = 'chr'): Request => ({
  command: 'Add',
  path,
  value: { format, type: 'text/plain', text },
});
const get = (path: string): Request => ({ command: 'Get', path });

function accounts(): SmallServerOptions {
  const notes = new Map<string, { value: Json; version: number }>();
  return {
    authenticator: createAuthenticator({
      authentication: 'required',
      basic: true,
      credentials: {
        forDevice: async () => ({ username: 'ada', secret: 'pass', server: { identifier: 'trivet', secret: 'word' } }),
      },
      notes: {
        read: async (name) => notes.get(name),
        write: async (name, version, value) => {
          if ((notes.get(name)?.version ?? 0) !== version) return false;
          notes.set(name, { value, version: version + 1 });
          return true;
        },
      },
      now: () => Date.now(),
      log: silentLog,
    }),
  };
}

describe('the DM server and the simulated client', () => {
  let small: SmallServer;
  let client: SimulatedClient | undefined;

  async function start(
    options: SmallServerOptions,
    device: Partial<OmadmClientOptions> = {},
  ): Promise<SimulatedClient> {
    small = await SmallServer.start(options);
    client = await startOmadmClient({
      server: small.server.listeners[0]!.url,
      deviceId: 'urn:imei:490154203237518',
      nodes: { [leaf]: { format: 'node', access: 'ADGR' } },
      ...device,
    });
    return client;
  }

  afterEach(async () => {
    await client?.stop();
    client = undefined;
    await small.close();
  });

  const big = 'grüße & <tags> '.repeat(700);

  async function everything(exchange: Exchange): Promise<Answer[][]> {
    const octets = Buffer.from([0, 1, 2, 3, 255]);
    const many = Array.from({ length: 60 }, (_, index) => get(index % 2 === 0 ? './DevInfo/Man' : './Nope'));
    return [
      await exchange.ask([get('./DevInfo/Man'), get('./DevDetail/FwV'), get('./Nope')]),
      await exchange.ask([add(`${leaf}/a`, 'one & <two>')]),
      await exchange.ask([{ command: 'Add', path: `${leaf}/b`, value: { format: 'bin', octets } }]),
      await exchange.ask([get(`${leaf}/a`), get(`${leaf}/b`)]),
      await exchange.ask([{ command: 'Delete', path: `${leaf}/a` }]),
      await exchange.ask(many),
      await exchange.ask([add(`${leaf}/big`, big)], { largeObjects: true }),
      await exchange.ask([get(`${leaf}/big`)]),
    ];
  }

  for (const encoding of ['xml', 'wbxml'] as const) {
    for (const maximumMessageSize of [2048, 16_384, 0]) {
      it(`${encoding}, messages of ${maximumMessageSize || 'any'} octets: everything is said by the letter, and understood`, async () => {
        let answers: Answer[][] = [];
        let exchange: Exchange | undefined;
        const device = await start(
          {
            maximumMessageBytes: 8192,
            think: async (opened) => {
              exchange = opened;
              answers = await everything(opened);
            },
          },
          { encoding, maximumMessageSize },
        );
        assert.deepEqual(device.complaints, []);
        const [read, added, octets, back, gone, many, large, whole] = answers as [
          Answer[], Answer[], Answer[], Answer[], Answer[], Answer[], Answer[], Answer[],
        ]; // prettier-ignore
        assert.deepEqual(
          read.map(({ status }) => status),
          [200, 200, 404],
        );
        assert.deepEqual(
          [added, octets, gone].map(([answer]) => answer!.status),
          [200, 200, 200],
        );
        assert.equal(back[0]!.found[0]!.text, 'one & <two>');
        assert.deepEqual(Buffer.from(back[1]!.found[0]!.octets!), Buffer.from([0, 1, 2, 3, 255]));
        assert.equal(many.length, 60);
        assert.ok(many.every(({ status }, index) => status === (index % 2 === 0 ? 200 : 404)));
        assert.equal(large[0]!.status, 200);
        assert.equal(whole[0]!.found[0]!.text, big);
        assert.equal(exchange!.count, 70);
        assert.deepEqual(small.refused, []);
        assert.deepEqual(small.ended, ['the session is over']);
      });
    }
  }

  for (const scheme of ['basic', 'md5', 'hmac'] as const) {
    it(`${scheme} in both directions, in two sessions after each other`, async () => {
      const device = await start(
        { ...accounts(), asks: [[get('./DevInfo/Man')], [get('./DevInfo/Mod')]] },
        {
          authentication: scheme,
          username: 'ada',
          password: 'pass',
          serverId: 'trivet',
          serverPassword: 'word',
          serverAuthentication: scheme,
        },
      );
      const again = await device.session();
      assert.ok(again.ok, again.why);
      assert.deepEqual(device.complaints, []);
      assert.equal(small.arrivals.length, 2);
      assert.ok(
        small.answers.flat().every(({ status }) => status === 200),
        JSON.stringify(small.answers),
      );
    });
  }

  for (const dialect of ['windows', 'libdmclient', 'koneki'] as const satisfies readonly Dialect[]) {
    it(`${dialect}: reading and writing, two sessions`, async () => {
      const credentials =
        dialect === 'libdmclient'
          ? {
              ...accounts(),
              device: {
                username: 'ada',
                password: 'pass',
                serverId: 'trivet',
                serverPassword: 'word',
                authentication: 'basic' as const,
              },
            }
          : { device: {} };
      const { device: account, ...server } = credentials;
      const device = await start(
        {
          ...server,
          asks: [
            [get('./DevInfo/Man'), get('./Nope')],
            [{ command: 'Replace', path: './DevInfo/Lang', value: { format: 'chr', text: 'de' } }],
          ],
        },
        { dialect, ...account },
      );
      const again = await device.session();
      assert.ok(again.ok, again.why);
      assert.equal(small.answers.length, 4);
      assert.deepEqual(
        small.answers[0]!.map(({ status }) => status),
        [200, 404],
      );
      assert.deepEqual(device.complaints, []);
    });
  }

  it('libdmclient ignores MoreData: the answer says that only the beginning is there', async () => {
    await start(
      { asks: [[add(`${leaf}/big`, big)]], askOptions: { largeObjects: true } },
      { quirks: ['ignores-more-data'], maximumMessageSize: 2048 },
    );
    assert.equal(small.answers[0]![0]!.problem?.kind, 'truncated');
  });

  for (const [what, faults] of [
    ['a message twice', { repeatMessage: { message: 2 } }],
    ['a forged address', { responseUri: { message: 2, how: 'forged' } }],
    ['the address of an older session', { responseUri: { message: 2, how: 'older' } }],
    ['Statuses for other commands', { wrongReference: 'command' }],
    ['Statuses for other messages', { wrongReference: 'message' }],
    ['1223 in the middle', { abort: { message: 2 } }],
    ['no Final, ever', { withoutFinal: true }],
    ['endless MoreData', { endlessMoreData: true }],
    ['a Size of 1 GB', { hugeSize: true }],
    ['an object without its end', { breaksOffChunks: true }],
    ['a wrong Size', { wrongSize: true }],
    ['no Status', { unanswered: [{ command: 'Get' }] }],
    ['an old MsgID', { wrongMessageId: { message: 3, id: '1' } }],
    ['its death before message 2', { die: { message: 2, moment: 'unsent', how: 'connection', times: 1 } }],
    ['its death after message 2', { die: { message: 2, moment: 'sent', how: 'connection', times: 1 } }],
    [
      'its death after the answer to message 2',
      { die: { message: 2, moment: 'answered', how: 'connection', times: 1 } },
    ],
    ['a truncated message', { malformed: { message: 2, how: 'truncated' } }],
    ['an entity bomb', { malformed: { message: 2, how: 'entity-bomb' } }],
    ['a deep message', { malformed: { message: 2, how: 'deep' } }],
    ['a huge message', { malformed: { message: 2, how: 'huge' } }],
    ['markup without escapes', { malformed: { message: 2, how: 'unescaped' } }],
  ] as readonly [string, Faults][]) {
    it(`${what}: every question has one answer, and the next session is in order`, async () => {
      const device = await start(
        {
          asks: [[get('./DevInfo/Man'), get('./DevDetail/FwV')], [get(`${leaf}/big`)]],
          maximumPackageMessages: 30,
          maximumMessageBytes: 4096,
        },
        {
          autoSession: false,
          nodes: { [leaf]: { format: 'node', access: 'ADGR' }, [`${leaf}/big`]: { format: 'chr', value: big } },
          faults,
          timeout: 5,
        },
      );
      await device.session();
      for (const name of Object.keys(device.faults) as (keyof Faults)[]) delete device.faults[name];
      const last = await device.session();
      assert.ok(last.ok, last.why);
      await eventually('both sessions have ended', () => small.ended.length === small.arrivals.length);
      assert.equal(small.answers.length, 2 * small.arrivals.length);
      assert.deepEqual(
        small.answers.at(-2)!.map(({ status }) => status),
        [200, 200],
      );
      assert.equal(small.answers.at(-1)![0]!.found[0]?.text, big);
      assert.equal(small.server.sessions, 0);
    });
  }
});
