import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { createServer, request as coapRequest, type IncomingMessage, type Server } from 'coap';
import { createEndpoint, type Endpoint } from '../../../adapters/lwm2m/coap/endpoint.ts';
import { openUdpTransport } from '../../../adapters/lwm2m/coap/transport.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { silentLog } from '../../../src/support/log.ts';
import { noMetrics } from '../../../src/support/metrics.ts';

async function open(host = '127.0.0.1'): Promise<Endpoint> {
  const transport = await openUdpTransport({ host, port: 0 });
  return createEndpoint({ transport, clock: systemClock, log: silentLog, metrics: noMetrics });
}

describe('the CoAP endpoint and node-coap over UDP', () => {
  let endpoint: Endpoint;
  let server: Server | undefined;

  beforeEach(async () => {
    endpoint = await open();
  });

  afterEach(async () => {
    await endpoint.close();
    server?.close();
    server = undefined;
  });

  /** A node-coap server; the answer is its name as a peer. */
  async function serve(handler: Parameters<typeof createServer>[1] & object): Promise<string> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    server = createServer(handler);
    server.listen(socket);
    return `127.0.0.1:${socket.address().port}`;
  }

  function ask(method: 'GET' | 'POST', pathname: string, payload?: Buffer, block1?: number): Promise<IncomingMessage> {
    const { port } = endpoint.transport.address();
    return new Promise((resolve, reject) => {
      const outgoing = coapRequest({ hostname: '127.0.0.1', port, method, pathname });
      if (block1 !== undefined) outgoing.setOption('Block1', Buffer.from([block1]));
      outgoing.on('response', resolve);
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  it('read from it', async () => {
    const peer = await serve((incoming, outgoing) => {
      outgoing.setOption('Content-Format', 'text/plain');
      outgoing.end(`you asked for ${incoming.url}`);
    });
    const answer = await endpoint.request(peer, { method: 'GET', path: '/3/0/9', query: ['a=1'] });
    assert.equal(answer.payload.toString(), 'you asked for /3/0/9?a=1');
    assert.equal(answer.contentFormat, 0);
  });

  it('collect its long answers', async () => {
    const long = Buffer.alloc(5_000, 'abc');
    const peer = await serve((_, outgoing) => void outgoing.end(long));
    const answer = await endpoint.request(peer, { method: 'GET', path: '/3' });
    assert.deepEqual(answer.payload, long);
  });

  it('push a long body to it', async () => {
    const long = Buffer.alloc(5_000, 'abc');
    let arrived = Buffer.alloc(0);
    const peer = await serve((incoming, outgoing) => {
      arrived = Buffer.from(incoming.payload);
      outgoing.code = '2.04';
      outgoing.end();
    });
    const answer = await endpoint.request(peer, { method: 'PUT', path: '/5/0/0', payload: long });
    assert.equal(answer.code, '2.04');
    assert.deepEqual(arrived, long);
  });

  it('observe it', async () => {
    const peer = await serve((_, outgoing) => {
      let count = 0;
      outgoing.write(String(count));
      const timer = setInterval(() => (++count > 3 ? outgoing.end() : outgoing.write(String(count))), 20);
      outgoing.on('finish', () => clearInterval(timer));
    });
    const values: string[] = [];
    await new Promise<void>((resolve, reject) => {
      endpoint
        .observe(
          peer,
          { method: 'GET', path: '/3/0/9' },
          {
            changed: ({ payload }) => {
              values.push(payload.toString());
              if (values.length === 3) resolve();
            },
            ended: reject,
          },
        )
        .catch(reject);
    });
    assert.deepEqual(values, ['1', '2', '3']);
  });

  it('answer its requests, short, long and in blocks', async () => {
    endpoint.onRequest((request) =>
      request.path[0] === 'long'
        ? { code: '2.05', payload: Buffer.alloc(3_000, 'x') }
        : { code: '2.04', payload: request.payload },
    );
    assert.equal((await ask('POST', '/rd', Buffer.from('hello'))).payload.toString(), 'hello');
    assert.equal((await ask('GET', '/long')).payload.length, 3_000);
    assert.equal((await ask('POST', '/rd', Buffer.alloc(700, 'y'), 2)).payload.length, 700);
  });

  it('speak over IPv6', async function () {
    let six: Endpoint;
    try {
      six = await open('::1');
    } catch {
      console.log('      SKIPPED: this machine has no ::1');
      return this.skip();
    }
    six.onRequest(() => ({ code: '2.05', payload: Buffer.from('six') }));
    const client = await open('::1');
    const { address, port } = six.transport.address();
    const answer = await client.request(`${address}:${port}`, { method: 'GET', path: '/' });
    assert.equal(answer.payload.toString(), 'six');
    await client.close();
    await six.close();
  });

  it('name the port that is taken', async () => {
    const { port } = endpoint.transport.address();
    await assert.rejects(openUdpTransport({ host: '127.0.0.1', port }), { code: 'EADDRINUSE' });
  });
});
