import assert from 'node:assert/strict';
import {
  commandsOf,
  headerStatus,
  isFinal,
  item,
  packageOne,
  responseUri,
  results,
  status,
  statusesOf,
  syncml,
  textOf,
} from './scripted-client.ts';
import { SmallServer, type SmallServerOptions } from './small-server.ts';

describe('the HTTP side of the DM server', () => {
  let small: SmallServer;

  async function start(options: SmallServerOptions = {}): Promise<void> {
    small = await SmallServer.start(options);
  }

  afterEach(() => small.close());

  it('a session: package 1, a Get, its answer, and Statuses alone at the end', async () => {
    await start({ asks: [[{ command: 'Get', path: './DevDetail/SwV' }]] });
    const client = await small.connect();
    const two = await client.post(packageOne());
    assert.equal(two.status, 200);
    assert.equal(two.headers.get('content-type'), 'application/vnd.syncml.dm+xml');
    assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 212', 'Alert 1 200', 'Replace 90 200']);
    const get = commandsOf(two.body).at(-1)!;
    assert.equal(textOf(get.text, 'LocURI'), './DevDetail/SwV');
    assert.ok(isFinal(two.body));
    const four = await client.post(
      syncml(
        headerStatus(1, 212) +
          status(2, 1, get.id, 'Get', 200) +
          results(3, 1, get.id, item({ path: './DevDetail/SwV', data: '1.4.2' })),
        { message: 2 },
      ),
      { to: responseUri(two.body) },
    );
    assert.deepEqual(statusesOf(four.body), ['SyncHdr 0 212']);
    assert.equal(commandsOf(four.body).length, 1);
    assert.ok(isFinal(four.body));
    assert.deepEqual(small.answers, [
      [{ status: 200, found: [{ path: './DevDetail/SwV', format: 'chr', text: '1.4.2' }], sent: true }],
    ]);
    assert.deepEqual(small.ended, ['the session is over']);
    assert.equal(small.arrivals[0]!.deviceInfo.get('./DevInfo/Man'), 'Acme');
  });
});
