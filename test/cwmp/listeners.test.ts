/** The TLS listener by itself: what it reads in certificates, and connections that do not get on with their handshake. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { alternativeNames, openTlsListener, type OpenListener } from '../../src/support/device-listeners.ts';
import type { LiveTls } from '../../src/support/live-tls.ts';
import { silentLog } from '../../src/support/log.ts';
import { createAuthority, loopback } from '../support/certificates.ts';

describe('the names in a certificate', () => {
  it('are its host names and URIs, each whole: none can pass for several', () => {
    assert.deepEqual(alternativeNames('DNS:00D09E-IGD-1, URI:urn:dev:ops:00D09E-IGD-1, IP Address:192.0.2.1'), [
      '00D09E-IGD-1',
      'urn:dev:ops:00D09E-IGD-1',
    ]);
    assert.deepEqual(alternativeNames(`DNS:"a, DNS:00D09E-IGD-2, b", DNS:c`), ['a, DNS:00D09E-IGD-2, b', 'c']);
    assert.deepEqual(alternativeNames(''), []);
  });
});

describe('the TLS listener of the ACS', () => {
  let listener: OpenListener;
  let refused: string[];

  async function start(requestTimeout: number): Promise<void> {
    const { certificate: cert, key } = await (await createAuthority('Test')).issue(loopback);
    const current = { cert, key, ca: undefined, expires: 0, warnings: [] };
    const files: LiveTls = { current, follow() {}, close() {} };
    refused = [];
    listener = await openTlsListener(
      {
        serve: (_request, response) => void response.end(),
        refused: (why) => void refused.push(why),
        log: silentLog,
        names: { device: 'CPE', settings: 'cwmp' },
      },
      { host: '127.0.0.1', port: 0, maximumConnections: 100, requestTimeout, sessionTimeout: 60_000 },
      { host: '127.0.0.1', port: 0, files, minimumVersion: 'TLSv1.2', clientCertificate: 'none' },
    );
  }

  async function beginHandshake(): Promise<{ closed: Promise<unknown> }> {
    const socket = connect(listener.port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    // The head of a ClientHello whose rest never comes.
    socket.resume().write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc]));
    // A reset is an end, too.
    return { closed: new Promise((resolve) => socket.once('close', resolve)) };
  }

  it('closes a handshake that is not over in time, and counts it', async () => {
    await start(200);
    const halves = await Promise.all([beginHandshake(), beginHandshake(), beginHandshake()]);
    await Promise.all(halves.map(({ closed }) => closed));
    assert.deepEqual(refused, ['tls', 'tls', 'tls']);
    await listener.close(new Date());
  });

  it('ends at once when only handshakes are under way', async () => {
    await start(60_000);
    const { closed } = await beginHandshake();
    const begin = performance.now();
    await listener.close(new Date(Date.now() + 30_000));
    await closed;
    assert.ok(performance.now() - begin < 5_000);
  });
});
