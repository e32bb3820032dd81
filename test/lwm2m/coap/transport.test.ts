import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openUdpTransport } from '../../../adapters/lwm2m/coap/transport.ts';

describe('datagrams over UDP', () => {
  it('leave in the order in which they were given, also right before the socket closes', async () => {
    const device = createSocket('udp4');
    device.bind(0, '127.0.0.1');
    await once(device, 'listening');
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      device.on('message', (bytes) => {
        if (received.push(bytes.toString()) === 3) resolve();
      });
    });
    const transport = await openUdpTransport({ host: '127.0.0.1', port: 0 });
    const peer = `127.0.0.1:${device.address().port}`;
    for (const text of ['first', 'second', 'third']) transport.send(peer, Buffer.from(text));
    await transport.close();
    await all;
    device.close();
    assert.deepEqual(received, ['first', 'second', 'third']);
  });

  it('are told of when they cannot be sent', async () => {
    const transport = await openUdpTransport({ host: '127.0.0.1', port: 0 });
    const failed = new Promise<Error>((resolve) => transport.onSendFailed(resolve));
    transport.send('127.0.0.1:5683', Buffer.alloc(70_000));
    assert.match(String(await failed), /EMSGSIZE/);
    await transport.close();
  });
});
