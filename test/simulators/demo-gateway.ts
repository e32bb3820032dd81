/**
 * Stands in for the gateway in the test of the demo's story: one node with battery, firmware and deviceInfo, translated to one LwM2M device.
 * `--never-update` accepts an update and fails it.
 */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, Server } from 'coap';
import type { IncomingMessage, OutgoingMessage } from 'coap';

const socket = createSocket('udp4').bind(0, '127.0.0.1');
await once(socket, 'listening');
const agent = new Agent({ socket });
let device: { endpoint: string; port: number } | undefined;
let image = Buffer.alloc(0);
let firmware: { vr: string; fwn: string; url: string; uds: object } = { vr: '', fwn: '', url: '', uds: {} };

new Server((message: IncomingMessage, response: OutgoingMessage) => {
  const endpoint = /ep=([^&]+)/.exec(message.url)?.[1];
  if (endpoint) device = { endpoint, port: message.rsinfo.port };
  response.code = '2.01';
  response.setOption('Location-Path', [Buffer.from('rd'), Buffer.from('x')]);
  response.end();
}).listen(socket);

function coap(method: 'GET' | 'PUT' | 'POST', path: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const message = agent.request({ hostname: '127.0.0.1', port: device?.port, method, pathname: path });
    if (body !== undefined) message.setOption('Content-Format', 0);
    message.on('response', (response: IncomingMessage) => resolve(response.payload.toString()));
    message.on('error', reject);
    message.end(body);
  });
}

async function update(): Promise<void> {
  await coap('PUT', '/5/0/1', firmware.url);
  while ((await coap('GET', '/5/0/3')) !== '2') await new Promise((resolve) => setTimeout(resolve, 50));
  await coap('POST', '/5/0/2');
  while ((await coap('GET', '/3/0/3')) !== '2.4.0') await new Promise((resolve) => setTimeout(resolve, 200));
}

async function retrieve(path: string): Promise<object | undefined> {
  if (path === '/cse-in?fu=1&ty=14') return { 'm2m:uril': device ? ['cse-in/nod1'] : [] };
  if (path === '/cse-in/nod1') return { 'm2m:nod': { ni: device?.endpoint } };
  const kind = { 1006: 'battery', 1001: 'firmware', 1007: 'info' }[/mgd=(\d+)/.exec(path)?.[1] ?? ''];
  if (kind) return { 'm2m:uril': [`cse-in/nod1/${kind}`] };
  if (path === '/cse-in/nod1/battery') return { 'm2m:bat': { btl: Number(await coap('GET', '/3/0/9')), bts: 1 } };
  if (path === '/cse-in/nod1/info') return { 'm2m:dvi': { fwv: await coap('GET', '/3/0/3') } };
  return path.startsWith('/cse-in/nod1/firmware') ? { 'm2m:fwr': firmware } : undefined;
}

const http = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', async () => {
    const body = Buffer.concat(parts);
    const answer = (content: object | undefined): void => {
      response.writeHead(content ? 200 : 404, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(content ?? { 'm2m:dbg': 'nothing there' }));
    };
    if (request.url === '/image') response.setHeader('Content-Length', image.length).end(image);
    else if (request.method === 'POST') {
      image = body;
      answer({
        url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/image`,
        sha256: createHash('sha256').update(body).digest('hex'),
      });
    } else if (request.method === 'PUT') {
      const change = JSON.parse(body.toString())['m2m:fwr'];
      if (change.ud) {
        firmware.uds = { sus: process.argv.includes('--never-update') ? 2 : 3 };
        if (!process.argv.includes('--never-update')) void update().then(() => (firmware.uds = { sus: 1 }));
      } else firmware = { ...firmware, ...change };
      answer({ 'm2m:fwr': firmware });
    } else answer(await retrieve(request.url ?? ''));
  });
}).listen(0, '127.0.0.1');
await once(http, 'listening');
const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
const lwm2m = `coap://127.0.0.1:${socket.address().port}`;
process.stdout.write(
  `${JSON.stringify({ ready: true, listeners: { mca: { url }, lwm2m: { url: lwm2m }, admin: { url } } })}\n`,
);
process.on('SIGTERM', () => process.exit(0));
