import assert from 'node:assert/strict';
import { SerializedContent } from '../../src/onem2m/primitive.ts';
import { closeBindings, openBinding, send, sendRaw, usualHeaders } from './binding.ts';
import type { PlayedBinding, Sent } from './binding.ts';

const json = { ...usualHeaders, 'Content-Type': 'application/json' };

after(closeBindings);

describe('an HTTP request', () => {
  let binding: PlayedBinding;
  before(async () => {
    binding = await openBinding();
  });
  after(() => binding.close());
  beforeEach(() => void binding.requests.splice(0));

  async function primitiveOf(sent: Sent) {
    const reply = await send(binding.port, sent);
    assert.equal(reply.status, 200, reply.text);
    return binding.requests[0]!;
  }

  it('becomes the operation of its method', async () => {
    const operations: [Sent, number, number | undefined][] = [
      [{ method: 'GET' }, 2, undefined],
      [{ method: 'POST', headers: { ...json, 'Content-Type': 'application/json;ty=2' }, body: '{}' }, 1, 2],
      [{ method: 'POST', headers: { ...json, 'Content-Type': 'application/json; TY=23' }, body: '{}' }, 1, 23],
      [{ method: 'POST', headers: { ...json, 'Content-Type': 'application/json ; ty="14"' }, body: '{}' }, 1, 14],
      [{ method: 'POST', headers: json, body: '{"m2m:sgn":{}}' }, 5, undefined],
      [{ method: 'PUT', headers: json, body: '{}' }, 3, undefined],
      [{ method: 'DELETE' }, 4, undefined],
    ];
    for (const [sent, operation, resourceType] of operations) {
      binding.requests.splice(0);
      const primitive = await primitiveOf(sent);
      assert.equal(primitive.operation, operation);
      assert.equal(primitive.resourceType, resourceType);
    }
  });

  it('addresses by every form of path', async () => {
    const paths: [string, string][] = [
      ['/cse-in/ae1', 'cse-in/ae1'],
      ['/-/ae1', '-/ae1'],
      ['/cin008', 'cin008'],
      ['/cnt1/la', 'cnt1/la'],
      ['/~/id-in/cse-in', '/id-in/cse-in'],
      ['/_/sp.example/id-in/ri1', '//sp.example/id-in/ri1'],
      ['/cse-in/%61e1?rcn=1', 'cse-in/ae1'],
    ];
    for (const [path, to] of paths) {
      binding.requests.splice(0);
      assert.equal((await primitiveOf({ path })).to, to);
    }
    const absolute = await sendRaw(
      binding.port,
      'GET http://gw.example:80/cse-in/x HTTP/1.1\r\nHost: x\r\nX-M2M-RI: 1\r\nConnection: close\r\n\r\n',
    );
    assert.match(absolute, /200 OK/);
    assert.equal(binding.requests.at(-1)?.to, 'cse-in/x');
  });

  it('carries its headers into the primitive', async () => {
    const primitive = await primitiveOf({
      headers: {
        'X-M2M-Origin': 'Cops',
        'x-m2m-ri': 'q-7',
        'X-M2M-RVI': '4',
        'X-M2M-OT': '20260401T081500',
        'X-M2M-RET': '3000',
        'X-M2M-RST': '20300101T000000',
        'X-M2M-OET': '10',
        'X-M2M-RTU': 'http://a/x&http://b/y',
        'X-M2M-EC': '4',
        'X-M2M-GID': 'g1',
        'X-M2M-VSI': 'info',
      },
    });
    assert.deepEqual(primitive, {
      operation: 2,
      to: 'cse-in',
      from: 'Cops',
      requestIdentifier: 'q-7',
      releaseVersionIndicator: '4',
      originatingTimestamp: '20260401T081500',
      requestExpirationTimestamp: '3000',
      resultExpirationTimestamp: '20300101T000000',
      operationExecutionTime: '10',
      responseTypeNotificationURIs: ['http://a/x', 'http://b/y'],
      eventCategory: 4,
      groupRequestIdentifier: 'g1',
      vendorInformation: 'info',
      sender: { address: '127.0.0.1', authenticated: false },
    });
  });

  it('may leave out the originator and the release', async () => {
    const primitive = await primitiveOf({ headers: { 'X-M2M-RI': 'q' } });
    assert.equal(primitive.from, undefined);
    assert.equal(primitive.releaseVersionIndicator, '3');
    assert.deepEqual((await primitiveOf({ headers: { 'X-M2M-RI': 'q', 'X-M2M-RTU': '' } })).from, undefined);
    assert.deepEqual(binding.requests[1]!.responseTypeNotificationURIs, []);
  });

  it('carries its content', async () => {
    const body = '\ufeff{"m2m:ae":{"apn":"ümläut 😀"}}';
    const primitive = await primitiveOf({ method: 'PUT', headers: json, body });
    assert.deepEqual(primitive.content, { 'm2m:ae': { apn: 'ümläut 😀' } });
    for (const type of [
      'application/vnd.onem2m-res+json',
      'APPLICATION/JSON; charset=utf-8',
      'application/json ;x=y',
    ]) {
      binding.requests.splice(0);
      await primitiveOf({ method: 'PUT', headers: { ...json, 'Content-Type': type }, body: '{}' });
    }
  });

  it('may list the attributes of a RETRIEVE in its content', async () => {
    const primitive = await primitiveOf({
      headers: { ...json, 'Content-Length': '28' },
      body: '{"m2m:atrl":["btl","bts"]}  ',
    });
    assert.deepEqual(primitive.attributeList, ['btl', 'bts']);
  });

  it('behind a trusted proxy has the address that the proxy saw', async () => {
    const behind = await openBinding(undefined, { trustedProxies: ['127.0.0.0/8', '10.1.2.3'] });
    const addresses: [string | undefined, string][] = [
      [undefined, '127.0.0.1'],
      ['203.0.113.9', '203.0.113.9'],
      ['198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
      ['2001:db8::1', '2001:db8::1'],
      ['unknown', '127.0.0.1'],
      ['10.1.2.3', '127.0.0.1'],
    ];
    for (const [forwarded, address] of addresses) {
      await send(behind.port, { headers: { ...usualHeaders, ...(forwarded && { 'X-Forwarded-For': forwarded }) } });
      assert.equal(behind.requests.at(-1)?.sender.address, address);
    }
    await send(binding.port, { headers: { ...usualHeaders, 'X-Forwarded-For': '203.0.113.9' } });
    assert.equal(binding.requests.at(-1)?.sender.address, '127.0.0.1');
    await behind.close();
    await assert.rejects(openBinding(undefined, { trustedProxies: ['10.0.0.0/33'] }), /neither an IP address/);
  });

  it('is judged by the authentication that the gateway brings', async () => {
    const judged = await openBinding(undefined, {
      authenticate: (message) =>
        Promise.resolve(
          message.headers.authorization === 'Bearer yes'
            ? { authenticated: true }
            : { responseStatusCode: 4106, explanation: 'send a token' },
        ),
    });
    const refused = await send(judged.port);
    assert.equal(refused.status, 403);
    assert.equal(refused.headers['x-m2m-rsc'], '4106');
    assert.equal(judged.requests.length, 0);
    await send(judged.port, { headers: { ...usualHeaders, Authorization: 'Bearer yes' } });
    assert.equal(judged.requests[0]?.sender.authenticated, true);
    await judged.close();
  });
});

describe('an HTTP answer', () => {
  it('carries the response primitive in status, headers and body', async () => {
    const binding = await openBinding(() => ({
      responseStatusCode: 2001,
      releaseVersionIndicator: '3',
      content: { 'm2m:ae': { rn: 'ä' } },
      createdAt: 'cse-in/ae1',
      originatingTimestamp: '20260401T081500',
      resultExpirationTimestamp: '20260401T081600',
      eventCategory: 3,
      vendorInformation: 'v',
      contentStatus: 1,
      contentOffset: 5,
    }));
    const reply = await send(binding.port, { headers: { ...usualHeaders, 'X-M2M-RI': 'q/é=1' } });
    assert.equal(reply.status, 201);
    const wanted: Record<string, string> = {
      'x-m2m-rsc': '2001',
      'x-m2m-ri': 'q/é=1',
      'x-m2m-rvi': '3',
      'x-m2m-ot': '20260401T081500',
      'x-m2m-rst': '20260401T081600',
      'x-m2m-ec': '3',
      'x-m2m-vsi': 'v',
      'x-m2m-cts': '1',
      'x-m2m-cto': '5',
      'content-location': '/cse-in/ae1',
      'content-type': 'application/json',
    };
    for (const [name, value] of Object.entries(wanted)) assert.equal(reply.headers[name], value, name);
    assert.deepEqual(reply.json, { 'm2m:ae': { rn: 'ä' } });
    await binding.close();
  });

  it('sends serialized content as it is, and nothing where there is none', async () => {
    const text = '{"m2m:bat" : {"btl":7}}';
    const binding = await openBinding((request) =>
      request.to === 'cse-in' ? { content: new SerializedContent(text) } : { responseStatusCode: 2002 },
    );
    assert.equal((await send(binding.port)).text, text);
    const empty = await send(binding.port, { method: 'DELETE', path: '/x' });
    assert.equal(empty.text, '');
    assert.equal(empty.headers['content-length'], '0');
    assert.equal(empty.headers['content-type'], undefined);
    await binding.close();
  });

  it('has the media type that the requester accepts', async () => {
    const binding = await openBinding(() => ({ content: { a: 1 } }));
    const accepted: [string, string][] = [
      ['*/*', 'application/json'],
      ['application/*;q=0.5', 'application/json'],
      ['application/xml, application/json;q=0.1', 'application/json'],
      ['application/vnd.onem2m-res+json', 'application/vnd.onem2m-res+json'],
      ['application/json;q=0.2, application/vnd.onem2m-res+json', 'application/vnd.onem2m-res+json'],
    ];
    for (const [accept, type] of accepted) {
      const reply = await send(binding.port, { headers: { ...usualHeaders, Accept: accept } });
      assert.equal(reply.headers['content-type'], type, accept);
    }
    for (const accept of ['application/xml', 'text/html', 'application/json;q=0', '', ',']) {
      const reply = await send(binding.port, { headers: { ...usualHeaders, Accept: accept } });
      assert.equal(reply.status, 406, accept);
      assert.equal(reply.headers['x-m2m-rsc'], '5207');
    }
    assert.equal(binding.requests.length, accepted.length, 'a request that is not acceptable does nothing');
    await binding.close();
  });

  it('of a failure inside is 5000, and the next request is answered', async () => {
    let fail = true;
    const binding = await openBinding(() => {
      if (fail) throw new Error('broken');
      return {};
    });
    const reply = await send(binding.port);
    assert.equal(reply.status, 500);
    assert.equal(reply.headers['x-m2m-rsc'], '5000');
    assert.doesNotMatch(reply.text, /broken/);
    fail = false;
    assert.equal((await send(binding.port)).status, 200);
    await binding.close();
  });

  it('is counted and timed by operation', async () => {
    const counted: string[] = [];
    const binding = await openBinding(undefined, {
      metrics: {
        count: (name, labels) => void counted.push(`${name} ${JSON.stringify(labels)}`),
        observe: (name, value, labels) => void counted.push(`${name} ${JSON.stringify(labels)} ${value >= 0}`),
        gauge: () => undefined,
      },
    });
    await send(binding.port);
    await send(binding.port, { headers: {} });
    assert.deepEqual(counted, [
      'trivet_requests_total {"operation":"retrieve","rsc":2000}',
      'trivet_request_seconds {"operation":"retrieve"} true',
      'trivet_requests_total {"operation":"unknown","rsc":4000}',
      'trivet_request_seconds {"operation":"unknown"} true',
    ]);
    await binding.close();
  });
});

describe('the listener', () => {
  it('keeps a connection for many requests, also pipelined, and answers in order', async () => {
    const binding = await openBinding(async (request) => {
      if (request.requestIdentifier === '1') await new Promise((resolve) => setTimeout(resolve, 20));
      return {};
    });
    const one = (id: number, extra = '') => `GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-RI: ${id}\r\n${extra}\r\n`;
    const text = await sendRaw(binding.port, one(1) + one(2) + one(3, 'Connection: close\r\n'));
    assert.deepEqual(
      [...text.matchAll(/X-M2M-RI: (\d)/g)].map((match) => match[1]),
      ['1', '2', '3'],
    );
    await binding.close();
  });

  it('answers what is in work when it closes, and cuts what is not done at the deadline', async () => {
    let release: (() => void) | undefined;
    const binding = await openBinding(
      (request) =>
        new Promise((resolve) => {
          if (request.to === 'slow') release = () => resolve({});
        }),
    );
    const slow = send(binding.port, { path: '/slow' });
    const never = send(binding.port, { path: '/never' });
    never.catch(() => undefined);
    while (binding.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const closed = binding.close();
    release!();
    assert.equal((await slow).headers.connection, 'close');
    await assert.rejects(never);
    await closed;
    await assert.rejects(send(binding.port));
  });

  it('says so when too many requests are in work', async () => {
    const releases: (() => void)[] = [];
    const binding = await openBinding(() => new Promise((resolve) => releases.push(() => resolve({}))), {
      limits: { requestsInFlight: 1 },
    });
    const first = send(binding.port);
    while (releases.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = await send(binding.port);
    assert.equal(second.status, 503);
    assert.equal(second.headers['retry-after'], '1');
    releases[0]!();
    assert.equal((await first).status, 200);
    await binding.close();
  });

  it('rejects to listen where it cannot', async () => {
    const binding = await openBinding();
    const { createHttpBinding } = await import('../../src/mca/http.ts');
    const { silentLog } = await import('../../src/support/log.ts');
    const { noMetrics } = await import('../../src/support/metrics.ts');
    const other = createHttpBinding({
      cse: { request: () => Promise.reject(new Error('never')) },
      log: silentLog,
      metrics: noMetrics,
    });
    await assert.rejects(other.listen({ host: '127.0.0.1', port: binding.port }), /EADDRINUSE/);
    await other.close(new Date());
    await binding.close();
  });
});
