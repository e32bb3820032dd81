import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { startOmadmClient } from '../../src/simulators/omadm-client.ts';
import { createAuthority, loopback } from '../support/certificates.ts';

describe('the simulated OMA DM client over TLS', () => {
  it('shows its certificate, and trusts only the authority that it was given', async () => {
    const authority = await createAuthority('authority');
    const own = await authority.issue(loopback);
    const device = await authority.issue({ name: 'device-7' });
    const shown: string[] = [];
    const server: Server = createServer(
      { cert: own.certificate, key: own.key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        shown.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
        request.resume();
        response.writeHead(503).end();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/dm`;
    const start = (tls: object): Promise<unknown> =>
      startOmadmClient({ server: address, deviceId: 'd', timeout: 5, tls });
    await assert.rejects(
      start({ ca: authority.certificate, cert: device.certificate, key: device.key }),
      /answered 503/,
    );
    assert.deepEqual(shown, ['device-7']);
    await assert.rejects(start({}), /the connection failed/);
    assert.equal(shown.length, 1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
