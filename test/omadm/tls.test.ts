/** The DM server over TLS, beside the listener without it. */
import assert from 'node:assert/strict';
import type { Peer } from '../../adapters/omadm/authenticator.ts';
import { everybody } from '../../adapters/omadm/authenticator.ts';
import type { LiveTls } from '../../src/support/live-tls.ts';
import { createAuthority, loopback } from '../support/certificates.ts';
import {
  commandsOf,
  connectClient,
  headerStatus,
  packageOne,
  responseUri,
  status,
  syncml,
  textOf,
} from './scripted-client.ts';
import { SmallServer } from './small-server.ts';

describe('the DM server over TLS', () => {
  let small: SmallServer;
  let peers: Peer[];

  async function start(clientCertificate: 'none' | 'optional' | 'required') {
    const [authority, devices] = [await createAuthority('Servers'), await createAuthority('Devices')];
    const { certificate: cert, key } = await authority.issue(loopback);
    const files: LiveTls = {
      current: { cert, key, ca: devices.certificate, expires: 0, warnings: [] },
      follow() {},
      close() {},
    };
    peers = [];
    small = await SmallServer.start({
      tls: { host: '127.0.0.1', port: 0, files, minimumVersion: 'TLSv1.2', clientCertificate },
      asks: [[{ command: 'Get', path: './A' }], [{ command: 'Get', path: './B' }]],
      authenticator: { begin: (peer) => (peers.push(peer), everybody.begin(peer)) },
    });
    return { ca: authority.certificate, devices };
  }

  afterEach(() => small.close());

  it('has a listener of its own, and a session goes on over both', async () => {
    const { ca } = await start('none');
    assert.deepEqual(
      small.server.listeners.map(({ name, url }) => [name, url.split(':')[0]]),
      [
        ['omadm', 'http'],
        ['omadms', 'https'],
      ],
    );
    const secure = await connectClient(small.server.listeners[1]!.port, { ca });
    const two = await secure.post(packageOne());
    assert.match(responseUri(two.body), /^https:\/\/gw\.example\/omadm\?sid=/);
    assert.deepEqual(peers, [
      { deviceId: 'urn:dev:1', address: '127.0.0.1', encrypted: true, certificateNames: undefined },
    ]);
    secure.close();
    const id = commandsOf(two.body).at(-1)!.id;
    const body = syncml(headerStatus(1) + status(2, 1, id, 'Get', 404), { message: 2 });
    const plain = await small.connect();
    const four = await plain.post(body, { to: responseUri(two.body) });
    assert.equal(textOf(commandsOf(four.body).at(-1)!.text, 'LocURI'), './B');
  });

  it('the names in the certificate of the device reach the credentials', async () => {
    const { ca, devices } = await start('required');
    const { certificate: cert, key } = await devices.issue({
      name: 'dev-1',
      alternatives: [{ type: 'url', value: 'urn:dev:1' }],
    });
    const client = await connectClient(small.server.listeners[1]!.port, { ca, cert, key });
    await client.post(packageOne());
    assert.deepEqual(peers[0]!.certificateNames, ['dev-1', 'urn:dev:1']);
    client.close();
  });

  it('without one, where it is required, there is no session, and the refusal is counted', async () => {
    const { ca } = await start('required');
    await assert.rejects(async () => {
      const client = await connectClient(small.server.listeners[1]!.port, { ca });
      await client.post(packageOne());
    });
    assert.deepEqual(small.refused, ['tls']);
    assert.equal(peers.length, 0);
  });
});
