import assert from 'node:assert/strict';
import { RawPeer } from './raw-peer.ts';
import { TestServer, eventually } from './lwm2m-server.ts';

describe('simulated LwM2M device', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  describe('registers', () => {
    it('with its endpoint, lifetime, version, binding and object list', async () => {
      const device = await server.device({ endpoint: 'urn:dev:os:1', lifetime: 120 });
      const [registration] = server.arrivals;
      assert.equal(registration?.method, 'POST');
      assert.equal(registration.path, '/rd');
      assert.deepEqual(registration.query, ['ep=urn:dev:os:1', 'lt=120', 'lwm2m=1.1', 'b=U']);
      assert.equal(
        registration.payload,
        '</>;rt="oma.lwm2m";ct="110 112 11542",</1>;ver=1.1,</1/0>,</3>;ver=1.1,</3/0>,</4>;ver=1.1,</4/0>,</5>;ver=1.1,</5/0>,</6/0>,' +
          '</9/0>,</9/1>,</15>;ver=2.0,</15/0>,</15/1>,</20>;ver=2.1,</20/0>,' +
          '</2048>,</2049>,</2050>,</2051>,</2052>,</2053>,</2054>,</2055>,</2056>,</2057>',
      );
      assert.equal(device.location, 'rd/r1');
    });

    it('as 1.0 with Q in the binding and no versions, as 1.1 with Q as a parameter of its own', async () => {
      await server.device({ version: '1.0', queueMode: true });
      await server.device({ version: '1.1', queueMode: true });
      assert.deepEqual(server.arrivals[0]?.query.slice(2), ['lwm2m=1.0', 'b=UQ']);
      assert.match(server.arrivals[0]?.payload ?? '', /^<\/>;rt="oma.lwm2m";ct=11542,<\/1\/0>,<\/3\/0>,/);
      assert.deepEqual(server.arrivals[1]?.query.slice(2), ['lwm2m=1.1', 'b=U', 'Q']);
    });

    it('below an alternate root, and answers only there', async () => {
      const device = await server.device({ root: '/lwm2m' });
      assert.match(server.arrivals[0]?.payload ?? '', /^<\/lwm2m>;rt="oma.lwm2m";.*<\/lwm2m\/3\/0>/);
      assert.equal(await server.read(device, '/lwm2m/3/0/0'), 'Trivet Simulators');
      assert.equal(await server.read(device, '/3/0/0'), '4.04');
    });

    it('in blocks when the list is long', async () => {
      const many = Object.fromEntries(Array.from({ length: 90 }, (_, id) => [id + 100, { 0: `rule ${id}` }]));
      await server.device({ objects: { 2048: many } });
      const registration = await server.arrival((arrival) => arrival.path === '/rd');
      assert.ok(registration.payload.length > 1024);
      assert.ok(registration.payload.includes('</2048/189>'));
    });

    it('and rejects with the answer of a server that refuses', async () => {
      server.refusals.set('/rd', '4.03');
      await assert.rejects(server.device(), { name: 'RegistrationRefused', code: '4.03' });
    });

    it('anew when the server has forgotten it, and de-registers', async () => {
      const device = await server.device();
      server.refusals.set('/rd/r1', '4.04');
      await device.update();
      assert.equal(device.location, 'rd/r2');
      await device.deregister();
      assert.equal(server.arrivals.at(-1)?.method, 'DELETE');
      assert.equal(device.location, undefined);
    });

    it('again and again within its lifetime', async () => {
      await server.device({ updateEvery: 0.02 });
      await eventually(() => server.arrivals.filter((arrival) => arrival.path === '/rd/r1')[2], 'no third Update');
    });
  });

  describe('answers a Read', () => {
    it('of one resource as text, of an instance as TLV or SenML-JSON, by what is accepted', async () => {
      const device = await server.device({
        objects: { 3: null, 6: { 0: { 0: 22.5, 1: -0.1, 2: null, 3: null, 5: 1367491215, 6: null } } },
      });
      assert.equal(await server.read(device, '/6/0/0'), '22.5');
      // 22.5 fits four octets, -0.1 needs eight.
      const instance = 'c40041b40000c80108bfb999999999999ac4055182428f';
      assert.equal(await server.read(device, '/6/0', 11_542), instance);
      assert.equal(await server.read(device, '/6', 11_542), `080017${instance}`);
      assert.deepEqual(JSON.parse(await server.read(device, '/6/0')), [
        { bn: '/6/0', n: '/0', v: 22.5 },
        { n: '/1', v: -0.1 },
        { n: '/5', v: 1367491215 },
      ]);
    });

    it('of a multiple resource, a resource instance, bytes and links', async () => {
      const device = await server.device();
      assert.equal(await server.read(device, '/3/0/6', 11_542), '8606410001410105');
      assert.equal(await server.read(device, '/3/0/7', 11_542), '88070842000ed842011388');
      assert.equal(await server.read(device, '/3/0/7/1'), '5000');
      assert.deepEqual(JSON.parse(await server.read(device, '/3/0/6')), [
        { bn: '/3/0/6', n: '/0', v: 1 },
        { n: '/1', v: 5 },
      ]);
      assert.deepEqual(JSON.parse(await server.read(device, '/3/0/22')), [{ bn: '/3/0/22', n: '/0', vlo: '15:0' }]);
      device.setResource('/20/0/4014', Buffer.from([0, 255]));
      const bytes = await server.request(device, 'GET', '/20/0/4014');
      assert.equal(bytes.headers['Content-Format'], 'application/octet-stream');
      assert.equal(bytes.payload.toString('hex'), '00ff');
      assert.equal(await server.read(device, '/20/0/4014', 0), 'AP8=');
    });

    it('with 4.04, 4.05 and 4.06 for what is not there, not readable and not possible', async () => {
      const device = await server.device({ version: '1.0' });
      assert.equal(await server.read(device, '/3/1'), '4.04');
      assert.equal(await server.read(device, '/77'), '4.04');
      assert.equal(await server.read(device, '/5/0/10'), '4.04');
      assert.equal(await server.read(device, '/3/0/4'), '4.05');
      assert.equal(await server.read(device, '/3/0', 0), '4.06');
      assert.equal(await server.read(device, '/3/0', 110), '4.06');
    });

    it('in blocks of one representation, although its battery drains between two of them', async () => {
      const device = await server.device();
      const peer = await RawPeer.open();
      peer.aim(device.port);
      device.setResource('/3/0/9', 77);
      const first = await peer.request('0.01', '/3/0', { accept: 110 });
      assert.equal(peer.block2(first), '0/1/512');
      device.setResource('/3/0/9', 76);
      const second = await peer.request('0.01', '/3/0', { accept: 110, block2: (1 << 4) | 5 });
      const whole: unknown = JSON.parse(Buffer.concat([first.payload, second.payload]).toString());
      assert.ok(Array.isArray(whole));
      assert.equal(whole.find((record) => record.n === '/9').v, 77);
      const small = await peer.request('0.01', '/3/0', { accept: 110, block2: 2 });
      assert.equal(peer.block2(small), '0/1/64');
      assert.equal((await peer.request('0.01', '/3/0', { accept: 110, block2: (900 << 4) | 5 })).code, '4.02');
      await peer.close();
    });

    it('of objects that are laid over those of the factory, such as a gateway', async () => {
      const device = await server.device({
        version: '1.2',
        objects: { 6: null, 25: { 0: { 0: 'behind-1', 1: 'd1', 3: '</3/0>' } }, 3: { 0: { 9: null, 17: 'gateway' } } },
      });
      assert.match(server.arrivals[0]?.payload ?? '', /<\/25>;ver=2.0,<\/25\/0>/);
      assert.ok(!server.arrivals[0]?.payload.includes('</6'));
      assert.equal(await server.read(device, '/25/0/1'), 'd1');
      assert.equal(await server.read(device, '/3/0/17'), 'gateway');
      assert.equal(await server.read(device, '/3/0/9'), '4.04');
    });

    it('of object 0 never', async () => {
      const device = await server.device();
      assert.equal(await server.read(device, '/0'), '4.04');
    });
  });

  describe('takes a Write', () => {
    it('as text, TLV, SenML-JSON and octets, and journals it', async () => {
      const device = await server.device();
      const write = (path: string, body: Buffer | string, format: number) =>
        server.request(device, 'PUT', path, body, { format });
      assert.equal((await write('/3/0/14', '+02:00', 0)).code, '2.04');
      assert.equal(
        (await write('/3/0/15', Buffer.from('c80f0d4575726f70652f4265726c696e', 'hex'), 11_542)).code,
        '2.04',
      );
      assert.equal((await write('/1/0/1', '[{"bn":"/1/0/","n":"1","v":600}]', 110)).code, '2.04');
      assert.equal(device.resource('/3/0/14'), '+02:00');
      assert.equal(device.resource('/3/0/15'), 'Europe/Berlin');
      assert.equal(device.resource('/1/0/1'), 600);
      assert.deepEqual(
        device.journal.map(({ kind, path, value }) => ({ kind, path, value })),
        [
          { kind: 'write', path: '/3/0/14', value: '+02:00' },
          { kind: 'write', path: '/3/0/15', value: 'Europe/Berlin' },
          { kind: 'write', path: '/1/0/1', value: 600 },
        ],
      );
      const update = await server.arrival((arrival) => arrival.path === '/rd/r1');
      assert.deepEqual(update.query, ['lt=600']);
    });

    it('of an instance by PUT as a replacement and by POST as an addition', async () => {
      const device = await server.device({ objects: { 2053: { 0: { 0: 1, 2: 'ctx', 6: { 0: 10, 1: 20 } } } } });
      const tlv = Buffer.from('c10005', 'hex');
      assert.equal((await server.request(device, 'POST', '/2053/0', tlv, { format: 11_542 })).code, '2.04');
      assert.deepEqual([device.resource('/2053/0/0'), device.resource('/2053/0/2')], [5, 'ctx']);
      assert.equal((await server.request(device, 'PUT', '/2053/0', tlv, { format: 11_542 })).code, '2.04');
      assert.deepEqual([device.resource('/2053/0/0'), device.resource('/2053/0/2')], [5, undefined]);
    });

    it('of one instance of a multiple resource beside the others', async () => {
      const device = await server.device({ objects: { 2053: { 0: { 6: { 0: 10 } } } } });
      assert.equal((await server.request(device, 'PUT', '/2053/0/6/1', '20', { format: 0 })).code, '2.04');
      assert.deepEqual(device.resource('/2053/0/6'), { 0: 10, 1: 20 });
      assert.equal((await server.request(device, 'DELETE', '/2053/0/6/0')).code, '2.02');
      assert.deepEqual(device.resource('/2053/0/6'), { 1: 20 });
    });

    it('not to what is read only, of another type, cut short or of an unknown format', async () => {
      const device = await server.device();
      const code = async (path: string, body: string | Buffer, format: number) =>
        (await server.request(device, 'PUT', path, body, { format })).code;
      assert.equal(await code('/3/0/0', 'x', 0), '4.05');
      assert.equal(await code('/1/0/1', 'soon', 0), '4.00');
      assert.equal(await code('/1/0', Buffer.from('c20101', 'hex'), 11_542), '4.00');
      assert.equal(await code('/1/0/1', 'x', 11_544), '4.15');
      assert.equal(await code('/1/0', '[{"bn":', 110), '4.00');
      assert.deepEqual(device.journal, []);
    });
  });

  describe('creates and deletes', () => {
    it('an instance with an id of its own or of the server, tells the server, and refuses what misses a mandatory value', async () => {
      const device = await server.device({ objects: { 2048: { 0: { 0: 'first' } } } });
      const chosen = await server.request(device, 'POST', '/2048', Buffer.from('c10061', 'hex'), { format: 11_542 });
      assert.equal(chosen.code, '2.01');
      assert.deepEqual(
        String(chosen.message._packet.options?.find((option) => option.name === 'Location-Path')?.value),
        '2048',
      );
      assert.equal(device.resource('/2048/1/0'), 'a');
      const named = await server.request(device, 'POST', '/2048', Buffer.from('0307c10062', 'hex'), { format: 11_542 });
      assert.equal(named.code, '2.01');
      assert.equal(device.resource('/2048/7/0'), 'b');
      const update = await server.arrival((arrival) => arrival.path === '/rd/r1');
      assert.match(update.payload, /<\/2048\/0>,<\/2048\/1>,<\/2048\/7>/);
      assert.equal(
        (await server.request(device, 'POST', '/2055', Buffer.from('c10201', 'hex'), { format: 11_542 })).code,
        '4.00',
      );
      assert.equal((await server.request(device, 'POST', '/3', Buffer.alloc(0), { format: 11_542 })).code, '4.05');
      assert.equal((await server.request(device, 'DELETE', '/2048/7')).code, '2.02');
      assert.equal((await server.request(device, 'DELETE', '/2048/7')).code, '4.04');
      assert.equal((await server.request(device, 'DELETE', '/3/0')).code, '4.05');
      assert.deepEqual(
        device.journal.map(({ kind, path }) => `${kind} ${path}`),
        ['create /2048/1', 'create /2048/7', 'delete /2048/7'],
      );
    });
  });

  describe('executes', () => {
    it('with arguments, and refuses arguments that cannot be read', async () => {
      const device = await server.device();
      assert.equal((await server.request(device, 'POST', '/15/1/5', "0='a b',3", { format: 0 })).code, '2.04');
      await eventually(() => (device.resource('/15/1/4') === true ? true : undefined), 'not enabled');
      assert.equal((await server.request(device, 'POST', '/15/1/5', 'please')).code, '4.00');
      assert.equal((await server.request(device, 'POST', '/3/0/9')).code, '4.05');
      const entry = device.journal[0];
      assert.deepEqual([entry?.kind, entry?.path, entry?.arguments], ['execute', '/15/1/5', "0='a b',3"]);
      assert.equal(typeof entry?.messageId, 'number');
      assert.equal(device.journal.length, 1);
    });

    it('Reboot by going away and registering anew', async () => {
      const device = await server.device();
      assert.equal((await server.request(device, 'POST', '/3/0/4')).code, '2.04');
      await server.arrival((arrival) => arrival.path === '/rd', 1);
      assert.deepEqual(
        device.journal.map((entry) => entry.kind),
        ['execute', 'reboot'],
      );
    });

    it('Factory Reset by forgetting what was written', async () => {
      const device = await server.device();
      await server.request(device, 'PUT', '/3/0/14', '+05:00', { format: 0 });
      assert.equal((await server.request(device, 'POST', '/3/0/5')).code, '2.04');
      await server.arrival((arrival) => arrival.path === '/rd', 1);
      assert.equal(device.resource('/3/0/14'), '+00:00');
      assert.ok(device.journal.some((entry) => entry.kind === 'factory-reset'));
    });

    it('LogStart and LogStop with the status bits of the event log', async () => {
      const device = await server.device();
      await server.request(device, 'POST', '/20/0/4011');
      assert.equal(await server.read(device, '/20/0/4013'), '0');
      await server.request(device, 'POST', '/20/0/4012');
      assert.equal(await server.read(device, '/20/0/4013'), '3');
      assert.match(await server.read(device, '/20/0/4014'), /execute \/20\/0\/4011/);
    });
  });

  describe('discovers and keeps attributes', () => {
    it('that were written, and lists them', async () => {
      const device = await server.device();
      assert.equal((await server.request(device, 'PUT', '/3/0/9', undefined, { query: 'pmin=1&gt=50' })).code, '2.04');
      assert.equal((await server.request(device, 'PUT', '/3', undefined, { query: 'pmax=60' })).code, '2.04');
      const links = await server.read(device, '/3', 40);
      assert.match(links, /^<\/3>;ver=1.1;pmax=60,<\/3\/0>,<\/3\/0\/0>,/);
      assert.match(links, /<\/3\/0\/6>;dim=2,/);
      assert.match(links, /<\/3\/0\/9>;pmin=1;gt=50,/);
      assert.equal((await server.request(device, 'PUT', '/3/0', undefined, { query: 'gt=5' })).code, '4.02');
      assert.equal((await server.request(device, 'PUT', '/3/0/9', undefined, { query: 'wrong=5' })).code, '4.02');
    });
  });

  describe('composes', () => {
    it('reads and writes of several paths in one message', async () => {
      const device = await server.device();
      const read = await server.request(device, 'FETCH', '/', '[{"n":"/3/0/3"},{"n":"/9/9/9"},{"n":"/6/0/3"}]', {
        format: 110,
        accept: 110,
      });
      assert.equal(read.code, '2.05');
      assert.deepEqual(JSON.parse(read.payload.toString('utf8')), [
        { bn: '/', n: '3/0/3', vs: '1.0.0' },
        { n: '6/0/3', v: 12.5 },
      ]);
      const body = (last: string) => `[{"n":"/1/0/1","v":700},{"n":"${last}","vs":"+03:00"}]`;
      assert.equal((await server.request(device, 'iPATCH', '/', body('/3/0/0'), { format: 110 })).code, '4.05');
      assert.equal(device.resource('/1/0/1'), 300);
      assert.equal((await server.request(device, 'iPATCH', '/', body('/3/0/14'), { format: 110 })).code, '2.04');
      assert.deepEqual([device.resource('/1/0/1'), device.resource('/3/0/14')], [700, '+03:00']);
    });

    it('and sends what is asked of it', async () => {
      const device = await server.device();
      await device.send(['/3/0/9']);
      const sent = await server.arrival((arrival) => arrival.path === '/dp');
      const pack: unknown = JSON.parse(sent.payload);
      assert.ok(Array.isArray(pack));
      assert.equal(pack[0].n, '3/0/9');
      assert.equal(pack[0].v, device.resource('/3/0/9'));
    });
  });
});
