import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createCwmpAdapter, type CwmpSettings } from '../../adapters/cwmp/adapter.ts';
import type { ProtocolAdapter } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import { createFakeManagement, type FakeManagement } from '../lwm2m/fake-management.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock, type Clock } from '../../src/support/clock.ts';
import { authorize } from '../../src/support/http-authentication.ts';
import { connectCpe, informText } from './scripted-cpe.ts';
import {
  all,
  createSmallCpe,
  fault,
  listenForRequests,
  response,
  transferComplete,
  type SmallCpe,
} from './small-cpe.ts';

const identity = 'urn:dev:ops:00D09E-IGD-S1';
const info = 'Device.DeviceInfo.';

describe('the CWMP leg', () => {
  let management: FakeManagement;
  let adapter: ProtocolAdapter;
  let cpe: SmallCpe;
  let port: number;
  const listeners: { close(): void }[] = [];

  async function start(settings: Partial<CwmpSettings> = {}, clock?: Clock): Promise<void> {
    management = createFakeManagement(clock);
    adapter = createCwmpAdapter({ port: 0, transientPause: 1, ...settings });
    const [listener] = await adapter.start(management.context);
    port = listener!.port;
    cpe = createSmallCpe(() => port);
  }

  afterEach(async () => {
    for (const listener of listeners.splice(0)) listener.close();
    await adapter.stop(new Date(Date.now() + 100));
  });

  const device = () => management.device(identity);

  /** One session with an operation in the lane. */
  async function run(steps: Step[], change: Partial<Operation> = {}): Promise<Outcome> {
    if (management.sightings.length === 0) await cpe.session();
    cpe.asked = [];
    const operation = management.queue(device().id, steps, change);
    await cpe.session();
    return management.outcome(operation.id);
  }

  const methods = (): string[] => cpe.asked.map(({ method }) => method);
  const read = (...names: string[]): Step => ({ action: 'read', targets: names.map((path) => ({ path })) });
  const readOptional = (...names: string[]): Step => ({
    action: 'read',
    targets: names.map((path) => ({ path, optional: true })),
  });

  describe('onboarding', () => {
    it('an Inform is stored before it is answered', async () => {
      await start();
      let release = (): void => {};
      management.beforeStore = () => new Promise<void>((resolve) => (release = resolve));
      const connection = await connectCpe(port);
      let answered = false;
      const reply = connection.post(informText()).then((one) => ((answered = true), one));
      await new Promise((resolve) => void setTimeout(resolve, 30));
      assert.equal(answered, false);
      management.beforeStore = () => {};
      release();
      assert.match((await reply).body, /InformResponse/);
      assert.equal(management.sightings.length, 1);
      connection.close();
    });

    it('an Inform that could not be stored is not acknowledged', async () => {
      await start();
      management.beforeStore = () => Promise.reject(new Error('disk full'));
      const connection = await connectCpe(port);
      assert.match((await connection.post(informText())).body, /<FaultCode>8002</);
      management.beforeStore = () => {};
      assert.match((await connection.post(informText())).body, /InformResponse/);
      connection.close();
    });

    it('a device that is not admitted, or that has no serial number, gets a fault that says why', async () => {
      await start();
      const connection = await connectCpe(port);
      assert.match((await connection.post(informText({ serial: '' }))).body, /<FaultCode>8003<.*SerialNumber/);
      management.refuse = 'it is blocked';
      assert.match((await connection.post(informText())).body, /<FaultCode>8001<.*it is blocked/);
      connection.close();
    });

    it('identity, address, version and start are told', async () => {
      await start();
      await cpe.session({ events: ['1 BOOT'] });
      const [sighting] = management.sightings;
      assert.equal(sighting?.identity, identity);
      assert.equal(sighting?.restarted, true);
      assert.equal(sighting?.presence.address, '127.0.0.1');
      assert.equal(sighting?.inventory?.softwareVersion, '1.0');
      assert.equal(sighting?.inventory?.productClass, 'IGD');
      await cpe.session({ events: ['2 PERIODIC'] });
      assert.equal(management.sightings.at(-1)?.restarted, false);
      assert.equal(device().presence.state, 'asleep');
    });

    it('only mapped objects are looked for, with their instances and holes', async () => {
      await start({
        objects: [
          'Device.DeviceInfo.MemoryStatus.',
          'Device.WiFi.Radio.{i}.',
          'Device.Policies.Policy.{policy}.',
          'Device.USB.Interface.{i}.',
        ],
      });
      for (const name of [
        'Device.WiFi.Radio.1.Enable',
        'Device.WiFi.Radio.7.Enable',
        'Device.WiFi.SSID.1.Name',
        'Device.Hosts.Host.1.IP',
      ]) {
        cpe.tree.set(name, 'true');
      }
      await cpe.session({ events: ['1 BOOT'] });
      assert.deepEqual(
        device()
          .inventory.objects.map(({ path }) => path)
          .sort(),
        [
          'Device.',
          'Device.DeviceInfo.',
          'Device.DeviceInfo.MemoryStatus.',
          'Device.Policies.',
          'Device.Policies.Policy.',
          'Device.WiFi.',
          'Device.WiFi.Radio.',
          'Device.WiFi.Radio.1.',
          'Device.WiFi.Radio.7.',
        ],
      );
      assert.equal(device().inventory.model, 'R7');
      assert.ok(!cpe.asked.some(({ body }) => body.includes('Hosts') || body.includes('SSID')));
      cpe.asked = [];
      await cpe.session({ events: ['2 PERIODIC'] });
      assert.deepEqual(methods(), [], 'nothing is asked again before the next boot');
    });

    it('quirk 22: a refused root and an answer that is always the same do not end discovery', async () => {
      await start({ objects: ['Device.DeviceInfo.MemoryStatus.', 'Device.X.{i}.Y.{i}.'] });
      const names = (paths: string[]): string =>
        response(
          'GetParameterNames',
          `<ParameterList>${paths.map((path) => `<ParameterInfoStruct><Name>${path}</Name><Writable>0</Writable></ParameterInfoStruct>`).join('')}</ParameterList>`,
        );
      cpe.handlers.set('GetParameterNames', (body) => {
        const path = all(body, 'ParameterPath')[0];
        return path === 'Device.'
          ? fault(9005)
          : names(['Device.X.1.', 'Device.X.1.Y.', 'Device.DeviceInfo.MemoryStatus.', 'junk']);
      });
      await cpe.session({ events: ['1 BOOT'] });
      const paths = device().inventory.objects.map(({ path }) => path);
      assert.ok(paths.includes('Device.DeviceInfo.MemoryStatus.') && paths.includes('Device.X.1.Y.'));
      assert.ok(cpe.asked.length < 20, `${cpe.asked.length} questions`);
    });

    it('quirks 41 and 43: the first contact and every bootstrap provision credentials and the periodic Inform, no other contact does', async () => {
      await start({ periodicInterval: 600 });
      await cpe.session({ events: ['0 bootstrap', '1 Boot'] });
      const server = 'Device.ManagementServer.';
      assert.equal(cpe.tree.get(`${server}PeriodicInformEnable`), 'true');
      assert.equal(cpe.tree.get(`${server}PeriodicInformInterval`), '600');
      const username = cpe.tree.get(`${server}ConnectionRequestUsername`);
      assert.match(username ?? '', /^trivet-[0-9a-f]{8}$/);
      assert.match(cpe.tree.get(`${server}PeriodicInformTime`) ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      cpe.asked = [];
      await cpe.session({ events: ['1 BOOT'] });
      assert.ok(!methods().includes('SetParameterValues'));
      cpe.tree.set(`${server}ConnectionRequestUsername`, 'lost');
      await cpe.session({ events: [' 0  BOOTSTRAP '] });
      assert.equal(cpe.tree.get(`${server}ConnectionRequestUsername`), username);
    });

    it('what a CPE does not let us provision does not keep the rest from it', async () => {
      await start();
      cpe.tree.delete('Device.ManagementServer.PeriodicInformTime');
      await cpe.session({ events: ['0 BOOTSTRAP'] });
      assert.equal(cpe.tree.get('Device.ManagementServer.PeriodicInformInterval'), '900');
    });

    it('TR-098 is recognised by the names in the Inform', async () => {
      await start({ objects: ['InternetGatewayDevice.DeviceInfo.MemoryStatus.', 'Device.DeviceInfo.MemoryStatus.'] });
      const parameters = { 'InternetGatewayDevice.DeviceInfo.SoftwareVersion': '2.0' };
      const first = await connectCpe(port);
      await first.post(informText({ events: ['1 BOOT'], parameters }));
      first.close();
      assert.ok(device().inventory.objects.some(({ path }) => path === 'InternetGatewayDevice.DeviceInfo.'));
      assert.equal(device().inventory.softwareVersion, '2.0');
    });

    it('devices behind a CPE become devices of their own, reached through it', async () => {
      await start({
        objects: [
          'Device.ManagementServer.VirtualDevice.{proxied}.',
          'Device.ManagementServer.EmbeddedDevice.{proxied}.',
        ],
      });
      const entries = {
        'VirtualDevice.1.ManufacturerOUI': 'aabbcc',
        'VirtualDevice.1.ProductClass': 'Lamp',
        'VirtualDevice.1.SerialNumber': 'L1',
        'EmbeddedDevice.3.ControllerID': 'zigbee',
        'EmbeddedDevice.3.ProxiedDeviceID': '17',
      };
      for (const [name, value] of Object.entries(entries)) cpe.tree.set(`Device.ManagementServer.${name}`, value);
      await cpe.session({ events: ['1 BOOT'] });
      const behind = management.sightings.filter(({ proxiedBy }) => proxiedBy === identity);
      assert.deepEqual(
        behind.map((sighting) => [sighting.identity, sighting.inventory?.objects[0]?.path]),
        [
          ['urn:dev:ops:AABBCC-Lamp-L1', 'Device.ManagementServer.VirtualDevice.1.'],
          [`${identity}:zigbee:17`, 'Device.ManagementServer.EmbeddedDevice.3.'],
        ],
      );
      assert.ok(!device().inventory.objects.some(({ path }) => /VirtualDevice\.1|EmbeddedDevice\.3/.test(path)));
    });

    it('a device with stored credentials has to show them, by its own user name', async () => {
      await start();
      management.context.credentials.forDevice = async (technology, name) =>
        technology === 'cwmp' && name === identity ? { secret: 'secret' } : undefined;
      assert.equal(await cpe.session(), 401);
      assert.equal(management.sightings.length, 0);
      const connection = await connectCpe(port);
      const challenge = (await connection.post(informText())).headers.get('www-authenticate') ?? [];
      const proof = (password: string): string[] => [
        `Authorization: ${authorize(challenge, { username: '00D09E-IGD-S1', password }, { method: 'POST', uri: '/', body: '' })}`,
      ];
      assert.equal(await cpe.session({ headers: proof('wrong') }), 401);
      assert.equal(await cpe.session({ headers: proof('secret') }), 204);
      connection.close();
    });

    it('quirk 42: the clock of the CPE is not looked at', async () => {
      await start();
      assert.equal(await cpe.session(), 204);
      assert.ok(device().presence.lastSeen > 1_600_000_000_000);
    });
  });

  describe('reading', () => {
    it('reads in the types that the CPE reports', async () => {
      await start();
      const outcome = await run([read(`${info}MemoryStatus.Total`, `${info}Manufacturer`)]);
      assert.deepEqual(outcome.results, [
        { path: `${info}MemoryStatus.Total`, value: 1000 },
        { path: `${info}Manufacturer`, value: 'ACME' },
      ]);
      assert.deepEqual(methods(), ['GetParameterValues']);
    });

    it('quirk 21: one bad name of a batch is isolated, and not asked for again', async () => {
      await start();
      const names = Array.from({ length: 20 }, (_, index) => `${info}P${index}`);
      for (const name of names) cpe.tree.set(name, 'v');
      cpe.tree.delete(`${info}P13`);
      const outcome = await run([readOptional(...names)]);
      assert.equal(outcome.status, 'succeeded');
      assert.equal(outcome.results.filter((result) => 'value' in result).length, 19);
      assert.deepEqual(outcome.results[13], { path: `${info}P13`, absent: true });
      assert.ok(cpe.asked.length <= 12, `${cpe.asked.length} questions`);
      await run([readOptional(...names)]);
      assert.equal(cpe.asked.length, 1);
    });

    it('quirk 21: a bad name below an instance is not asked for again, for this CPE and until its next start', async () => {
      await start();
      const unit = 'Device.SoftwareModules.DeploymentUnit.';
      const names = Array.from({ length: 20 }, (_, index) => `${unit}1.P${index}`);
      for (const name of names) {
        cpe.tree.set(name, 'v');
        cpe.tree.set(name.replace('.1.', '.2.'), 'v');
      }
      cpe.tree.delete(`${unit}1.P13`);
      const readAll = async (): Promise<number> => {
        const outcome = await run([readOptional(...names)]);
        assert.deepEqual(outcome.results[13], { path: `${unit}1.P13`, absent: true });
        return cpe.asked.length;
      };
      assert.ok((await readAll()) > 1);
      assert.equal(await readAll(), 1);
      const other = await run([readOptional(`${unit}2.P13`)]);
      assert.deepEqual(other.results, [{ path: `${unit}2.P13`, value: 'v' }], 'another instance has it');
      const neighbour = createSmallCpe(() => port, 'S2');
      for (const name of names) neighbour.tree.set(name, 'v');
      await neighbour.session();
      const { id } = management.device('urn:dev:ops:00D09E-IGD-S2');
      const theirs = management.queue(id, [readOptional(`${unit}1.P13`)]);
      await neighbour.session();
      assert.deepEqual((await management.outcome(theirs.id)).results, [{ path: `${unit}1.P13`, value: 'v' }]);
      cpe.tree.set(`${unit}1.P13`, 'new');
      await cpe.session({ events: ['1 BOOT'] });
      const later = await run([readOptional(...names)]);
      assert.deepEqual(later.results[13], { path: `${unit}1.P13`, value: 'new' });
    });

    it('quirk 21: an object whose names are all known to be absent is still missing, and found again when it is there', async () => {
      await start();
      const names = ['Device.Gone.1.A', 'Device.Gone.1.B'];
      for (let time = 1; time <= 3; time++) {
        const outcome = await run([readOptional(...names)]);
        assert.equal(outcome.failure?.path, 'Device.Gone.1.', `the ${time}. time`);
      }
      assert.equal(cpe.asked.length, 1);
      for (const name of names) cpe.tree.set(name, 'v');
      const found = await run([readOptional(...names)]);
      assert.deepEqual(
        found.results,
        names.map((path) => ({ path, value: 'v' })),
      );
    });

    it('quirk 20: a name that the CPE leaves out of its answer is absent', async () => {
      await start();
      cpe.handlers.set('GetParameterValues', () =>
        response(
          'GetParameterValues',
          '<ParameterList><ParameterValueStruct><Name>Device.DeviceInfo.</Name><Value xsi:type="object"/></ParameterValueStruct></ParameterList>',
        ),
      );
      const optional = await run([readOptional(`${info}Nothing`)]);
      assert.deepEqual(optional.results, [{ path: `${info}Nothing`, absent: true }]);
      const required = await run([read(`${info}Nothing`)]);
      assert.equal(required.failure?.cause, 'not-found');
    });

    it('quirk 20: what a CPE leaves out behind a name that it does not know is asked for again', async () => {
      await start();
      cpe.handlers.set('GetParameterValues', (body) => {
        const names = all(body, 'string');
        const bad = names.findIndex((name) => !cpe.tree.has(name));
        const known = bad < 0 ? names : names.slice(0, bad);
        const structs = known.map(
          (name) =>
            `<ParameterValueStruct><Name>${name}</Name><Value>${cpe.tree.get(name)}</Value></ParameterValueStruct>`,
        );
        return response('GetParameterValues', `<ParameterList>${structs.join('')}</ParameterList>`);
      });
      const names = ['SerialNumber', 'Unknown', 'Manufacturer', 'Unheard', 'ModelName'].map((name) => info + name);
      const values = [cpe.serial, undefined, 'ACME', undefined, 'R7'];
      const expected = names.map((path, at) => (values[at] ? { path, value: values[at] } : { path, absent: true }));
      assert.deepEqual((await run([readOptional(...names)])).results, expected);
      assert.ok(cpe.asked.length > 1);
      assert.deepEqual((await run([readOptional(...names)])).results, expected);
      assert.equal(cpe.asked.length, 1, 'what is known to be absent is not asked for again');
    });

    it('a required parameter that is unknown fails with the fault; an object of which nothing is left, too', async () => {
      await start();
      const one = await run([read('Device.Gone.1.A')]);
      assert.deepEqual([one.failure?.cause, one.failure?.evidence], ['not-implemented', '9005 invalid parameter name']);
      const object = await run([readOptional('Device.Gone.1.A', 'Device.Gone.1.B')]);
      assert.equal(object.failure?.path, 'Device.Gone.1.');
    });

    it('many names are asked for in batches, and halved where the CPE has no room', async () => {
      await start({ batchSize: 10 });
      const names = Array.from({ length: 25 }, (_, index) => `${info}P${index}`);
      for (const name of names) cpe.tree.set(name, 'v');
      assert.equal((await run([read(...names)])).status, 'succeeded');
      assert.equal(cpe.asked.length, 3);
      const usual = (body: string): string =>
        response(
          'GetParameterValues',
          `<ParameterList>${all(body, 'string')
            .map((name) => `<ParameterValueStruct><Name>${name}</Name><Value>v</Value></ParameterValueStruct>`)
            .join('')}</ParameterList>`,
        );
      cpe.handlers.set('GetParameterValues', (body) => (all(body, 'string').length > 4 ? fault(9004) : usual(body)));
      assert.equal((await run([read(...names)])).status, 'succeeded');
    });

    it('quirk 46: a CPE that is busy is asked again, and fails in the end', async () => {
      await start();
      let refusals = 2;
      cpe.handlers.set('GetParameterValues', (body) => {
        if (refusals-- > 0) return fault(9002);
        cpe.handlers.delete('GetParameterValues');
        return response(
          'GetParameterValues',
          `<ParameterList><ParameterValueStruct><Name>${all(body, 'string')[0]}</Name><Value>v</Value></ParameterValueStruct></ParameterList>`,
        );
      });
      assert.equal((await run([read(`${info}ModelName`)])).status, 'succeeded');
      cpe.handlers.set('GetParameterValues', () => fault(9002));
      const outcome = await run([read(`${info}ModelName`)]);
      assert.equal(outcome.failure?.evidence, '9002 internal error');
      assert.equal(cpe.asked.length, 3);
    });
  });

  describe('quirk 46: requests that a CPE must not carry out twice', () => {
    const execute = (name: string, given: object = {}): Step => ({
      action: 'execute',
      target: { path: `rpc:${name}` },
      arguments: JSON.stringify(given),
    });
    const requests: [method: string, step: Step][] = [
      ['AddObject', { action: 'create', path: 'Device.Policies.Policy.', assignments: [] }],
      ['DeleteObject', { action: 'delete', path: 'Device.Policies.Policy.1.' }],
      ['Reboot', execute('Reboot')],
      ['FactoryReset', execute('FactoryReset')],
      ['Download', execute('Download', { URL: 'http://files.example/i' })],
      ['Upload', execute('Upload', { URL: 'http://files.example/i' })],
      ['ChangeDUState', execute('ChangeDUState', { Operation: 'InstallOpStruct', URL: 'http://files.example/i' })],
      ['ScheduleDownload', execute('Download', { URL: 'http://files.example/i', WindowEnd: 4_000_000_000 })],
    ];
    for (const [method, step] of requests) {
      it(`${method} is asked again after 9001, which did nothing, and never after 9002`, async () => {
        await start();
        await cpe.session();
        cpe.handlers.set(method, () => fault(9002));
        const failed = await run([step], { kind: 'command', repeatable: false });
        assert.equal(failed.failure?.evidence, '9002 internal error');
        assert.deepEqual(methods(), [method]);
        cpe.handlers.set(method, () => fault(9001));
        const denied = await run([step], { kind: 'command', repeatable: false });
        assert.equal(denied.failure?.evidence, '9001 request denied');
        assert.deepEqual(methods(), [method, method, method]);
      });
    }
  });

  describe('writing', () => {
    it('writes all at once, in the types of the CPE, with a ParameterKey', async () => {
      await start();
      const assignments = [
        { path: `${info}MemoryStatus.Total`, value: '7' },
        { path: `${info}ModelName`, value: 'a & b' },
      ];
      const outcome = await run([{ action: 'write', assignments }], { kind: 'write' });
      assert.equal(outcome.status, 'succeeded');
      assert.equal(outcome.evidence, 'Status 0 (applied)');
      const written = cpe.asked.at(-1)!;
      assert.equal(written.method, 'SetParameterValues');
      assert.match(written.body, /<Value xsi:type="xsd:unsignedInt">7<.*<Value xsi:type="xsd:string">a &amp; b</);
      assert.equal(cpe.tree.get('Device.ManagementServer.ParameterKey'), 'op1');
    });

    it('quirk 18: what the CPE refuses is told per parameter; a fault without a list blames all', async () => {
      await start();
      const assignments = [
        { path: `${info}ModelName`, value: 'x' },
        { path: `${info}Nothing`, value: 'x' },
      ];
      const outcome = await run([{ action: 'write', assignments }], { kind: 'write' });
      assert.equal(outcome.failure?.path, `${info}Nothing`);
      assert.equal(outcome.failure?.evidence, '9005 invalid parameter name');
      assert.match(JSON.stringify(outcome.results[0]), /not written, because another value/);
      assert.equal(cpe.tree.get(`${info}ModelName`), 'R7');
      cpe.handlers.set('SetParameterValues', () => fault(9008));
      const all = await run([{ action: 'write', assignments: assignments.slice(0, 1) }], { kind: 'write' });
      assert.match(JSON.stringify(all.results), /9008/);
    });

    it('quirk 46: values are written again after 9002, for a fault says that none was', async () => {
      await start();
      await cpe.session();
      let refusals = 2;
      cpe.handlers.set('SetParameterValues', () =>
        refusals-- > 0 ? fault(9002) : response('SetParameterValues', '<Status>0</Status>'),
      );
      const assignments = [{ path: `${info}ModelName`, value: 'R9' }];
      assert.equal((await run([{ action: 'write', assignments }], { kind: 'write' })).status, 'succeeded');
    });

    it('quirk 24: a parameter that is said not to be writable is written all the same', async () => {
      await start({ objects: ['Device.DeviceInfo.MemoryStatus.'] });
      cpe.handlers.set('GetParameterNames', () =>
        response(
          'GetParameterNames',
          `<ParameterList><ParameterInfoStruct><Name>${info}ModelName</Name><Writable>0</Writable></ParameterInfoStruct></ParameterList>`,
        ),
      );
      const assignments = [{ path: `${info}ModelName`, value: 'R9' }];
      assert.equal((await run([{ action: 'write', assignments }], { kind: 'write' })).status, 'succeeded');
      assert.equal(cpe.tree.get(`${info}ModelName`), 'R9');
    });

    it('a value that the type of the CPE cannot say is refused, and nothing is written', async () => {
      await start();
      const assignments = [{ path: `${info}MemoryStatus.Total`, value: 'many' }];
      const outcome = await run([{ action: 'write', assignments }], { kind: 'write' });
      assert.equal(outcome.failure?.cause, 'conversion');
      assert.ok(!methods().includes('SetParameterValues'));
    });

    it('quirk 10: the profile says how a CPE wants its booleans, and quirk 1: whether it wants a declaration', async () => {
      await start();
      management.profile = { booleans: 'digit', xmlDeclaration: true };
      cpe.tree.set(`${info}Enable`, 'true');
      await run([{ action: 'write', assignments: [{ path: `${info}Enable`, value: false }] }], { kind: 'write' });
      const { body } = cpe.asked.at(-1)!;
      assert.match(body, /^<\?xml/);
      assert.match(body, /<Value xsi:type="xsd:boolean">0</);
    });

    it('quirk 10: a CPE that refuses the word for a boolean gets the digit, and that is remembered for its model', async () => {
      await start();
      const takeDigits = (): void => {
        const own = (body: string): string =>
          all(body, 'Value').some((value) => /^(true|false)$/.test(value))
            ? fault(9003, [[`${info}Enable`, 9007]])
            : response('SetParameterValues', '<Status>0</Status>');
        cpe.handlers.set('SetParameterValues', own);
      };
      await cpe.session();
      takeDigits();
      cpe.tree.set(`${info}Enable`, 'true');
      // The first contact has taught the leg that the model takes words; another firmware is another model.
      cpe.tree.set(`${info}SoftwareVersion`, '1.1');
      const write: Step = { action: 'write', assignments: [{ path: `${info}Enable`, value: false }] };
      const literals = (): string[] =>
        cpe.asked.filter(({ method }) => method === 'SetParameterValues').map(({ body }) => all(body, 'Value').join());
      assert.equal((await run([write], { kind: 'write' })).status, 'succeeded');
      assert.deepEqual(literals(), ['false', '0']);
      assert.equal((await run([write], { kind: 'write' })).status, 'succeeded');
      assert.deepEqual(literals(), ['0']);
    });

    it('quirk 10: a boolean that is refused in both literals is refused', async () => {
      await start({ periodicInterval: 0 });
      await cpe.session();
      cpe.handlers.set('SetParameterValues', () => fault(9003, [[`${info}Enable`, 9007]]));
      cpe.tree.set(`${info}Enable`, 'true');
      const outcome = await run([{ action: 'write', assignments: [{ path: `${info}Enable`, value: false }] }]);
      assert.equal(outcome.failure?.evidence, '9007 invalid parameter value');
      assert.equal(methods().filter((method) => method === 'SetParameterValues').length, 2);
    });

    it('a new object gets its values, and is taken away again when it does not take them', async () => {
      await start();
      const create = (name: string): Step => ({
        action: 'create',
        path: 'Device.Policies.Policy.',
        assignments: [{ path: `Device.Policies.Policy.{instance}.${name}`, value: 'gold' }],
      });
      const made = await run([create('Name')], { kind: 'create', repeatable: false });
      assert.equal(made.created, 'Device.Policies.Policy.3.');
      const objects = (): string[] => device().inventory.objects.map(({ path }) => path);
      assert.ok(objects().includes('Device.Policies.Policy.3.'), 'it is known without a new start of the CPE');
      assert.equal(cpe.tree.get('Device.Policies.Policy.3.Name'), 'gold');
      assert.match(cpe.asked.find(({ method }) => method === 'AddObject')!.body, /HoldRequests[^>]*>1</);
      const refused = await run([create('Colour')], { kind: 'create', repeatable: false });
      assert.equal(refused.status, 'failed');
      assert.equal(methods().at(-1), 'DeleteObject');
      assert.ok(![...cpe.tree.keys()].some((name) => name.includes('Policy.4.')));
      const gone = await run([{ action: 'delete', path: 'Device.Policies.Policy.3.' }], { kind: 'delete' });
      assert.equal(gone.status, 'succeeded');
      assert.ok(!objects().includes('Device.Policies.Policy.3.'));
    });

    it('an instance number cannot be chosen, an alias can', async () => {
      await start();
      const create = (instance: string): Step => ({
        action: 'create',
        path: 'Device.Policies.Policy.',
        instance,
        assignments: [],
      });
      assert.equal((await run([create('5')])).failure?.cause, 'conversion');
      assert.equal((await run([create('[gold]')])).status, 'succeeded');
      assert.match(cpe.asked[0]!.body, /<ObjectName>Device\.Policies\.Policy\.\[gold\]\.</);
    });
  });

  describe('orders', () => {
    it('quirk 19: a method that the CPE answers with an empty POST is not implemented, and the session goes on', async () => {
      await start();
      await cpe.session();
      cpe.handlers.set('Reboot', () => '');
      const one = management.queue(device().id, [{ action: 'execute', target: { path: 'rpc:Reboot' } }], {
        repeatable: false,
      });
      const other = management.queue(device().id, [read(`${info}ModelName`)]);
      await cpe.session();
      assert.equal((await management.outcome(one.id)).failure?.cause, 'not-implemented');
      assert.equal((await management.outcome(other.id)).status, 'succeeded');
    });

    it('what is asked for an operation bears its name in the trace', async () => {
      await start();
      await cpe.session();
      const told: (string | undefined)[][] = [];
      management.context.trace.record = (_device, entry, operation) => {
        told.push([(typeof entry === 'function' ? entry() : entry).summary.split(' ')[0], operation?.id]);
      };
      const one = management.queue(device().id, [read(`${info}ModelName`)]);
      const other = management.queue(device().id, [{ action: 'execute', target: { path: 'rpc:Reboot' } }]);
      await cpe.session();
      const served = told.filter(([, operation]) => operation !== undefined);
      assert.deepEqual(served, [
        ['GetParameterValues', one.id],
        ['GetParameterValuesResponse', one.id],
        ['Reboot', other.id],
        ['RebootResponse', other.id],
      ]);
      assert.ok(told.some(([summary, operation]) => summary === 'Inform' && operation === undefined));
    });

    it('after Reboot the session ends, and what waits is served in the next one', async () => {
      await start();
      await cpe.session();
      const reboot = management.queue(device().id, [{ action: 'execute', target: { path: 'rpc:Reboot' } }], {
        repeatable: false,
      });
      const after = management.queue(device().id, [read(`${info}ModelName`)]);
      await cpe.session();
      assert.equal((await management.outcome(reboot.id)).status, 'succeeded');
      assert.equal(management.operations.get(after.id)?.outcome, undefined);
      assert.equal(cpe.rebooted, 1);
      await cpe.session({ events: ['1 BOOT', 'M Reboot'], commandKey: reboot.id });
      assert.equal((await management.outcome(after.id)).status, 'succeeded');
    });

    it('a command ends when the device is back', async () => {
      await start();
      await cpe.session();
      const steps: Step[] = [{ action: 'execute', target: { path: 'rpc:Reboot' }, arguments: '{"CommandKey":"mine"}' }];
      const command = management.queue(device().id, steps, { kind: 'command', repeatable: false });
      await cpe.session();
      assert.equal(command.state, 'accepted');
      assert.equal(command.pending?.correlator, 'mine');
      await cpe.session({ events: ['2 PERIODIC'] });
      assert.equal(command.state, 'accepted');
      await cpe.session({ events: ['1 BOOT', 'M Reboot'], commandKey: 'mine' });
      assert.equal(command.state, 'succeeded');
    });

    const update = (inputs: Record<string, string>): Step => ({
      action: 'procedure',
      procedure: 'firmware-update',
      object: 'Device.',
      inputs: { url: 'http://files.example/image.bin', ...inputs },
    });

    async function accepted(step: Step, change: Partial<Operation> = {}): Promise<Operation> {
      if (management.sightings.length === 0) await cpe.session();
      const operation = management.queue(device().id, [step], { kind: 'trigger', repeatable: false, ...change });
      await cpe.session();
      assert.equal(operation.state, 'accepted', JSON.stringify(operation.outcome));
      return operation;
    }

    it('a firmware update is a Download; its TransferComplete and the version that runs end it', async () => {
      await start();
      const operation = await accepted(update({ url: 'http://user:pa%20ss@files.example/i.bin', version: '2.0' }));
      const { body } = cpe.asked.find(({ method }) => method === 'Download')!;
      assert.deepEqual(
        ['CommandKey', 'FileType', 'URL', 'Username', 'Password'].map((name) => all(body, name)[0]),
        [operation.id, '1 Firmware Upgrade Image', 'http://files.example/i.bin', 'user', 'pa ss'],
      );
      assert.equal(operation.pending?.holds, 'Device.');
      await cpe.session({
        events: ['7 TRANSFER COMPLETE', 'M Download'],
        commandKey: operation.id,
        requests: [transferComplete(operation.id)],
      });
      assert.match(cpe.replies[0]!.body, /TransferCompleteResponse/);
      assert.equal(operation.state, 'accepted', 'the old version runs still');
      cpe.tree.set(`${info}SoftwareVersion`, '2.0');
      await cpe.session({ events: ['1 BOOT'] });
      assert.equal(operation.state, 'succeeded');
      assert.deepEqual(operation.outcome?.results, [{ path: `${info}SoftwareVersion`, value: '2.0' }]);
    });

    it('a TransferComplete after the restart ends it at once, with success or with the wrong version', async () => {
      await start();
      const good = await accepted(update({ version: '2.0' }));
      cpe.tree.set(`${info}SoftwareVersion`, '2.0');
      await cpe.session({
        events: ['1 BOOT', '7 TRANSFER COMPLETE', 'M Download'],
        requests: [transferComplete(good.id)],
      });
      assert.equal(good.state, 'succeeded');
      const bad = await accepted(update({ version: '3.0' }));
      await cpe.session({
        events: ['1 BOOT', '7 TRANSFER COMPLETE', 'M Download'],
        requests: [transferComplete(bad.id)],
      });
      assert.equal(bad.outcome?.failure?.cause, 'version-mismatch');
    });

    it('a failed transfer fails the update with the fault', async () => {
      await start();
      const operation = await accepted(update({}));
      await cpe.session({ requests: [transferComplete(operation.id, 9018)] });
      assert.deepEqual(
        [operation.outcome?.failure?.cause, operation.outcome?.failure?.evidence],
        ['transfer-failed', '9018 file corrupted'],
      );
    });

    for (const [code, evidence] of [
      ['', '9002 internal error: image rejected'],
      ['<FaultCode/>', '9002 internal error: image rejected'],
      ['<FaultCode>none</FaultCode>', '9002 internal error: image rejected'],
    ] as const) {
      it(`a transfer ends with the failure that its FaultString tells when its FaultCode is ${code || 'missing'}`, async () => {
        await start();
        const operation = await accepted(update({}));
        const report = transferComplete(operation.id).replace(
          /<FaultStruct>.*<\/FaultStruct>/,
          `<FaultStruct>${code}<FaultString>image rejected</FaultString></FaultStruct>`,
        );
        await cpe.session({ requests: [report] });
        assert.equal(operation.state, 'failed');
        assert.equal(operation.outcome?.failure?.evidence, evidence);
      });
    }

    it('quirk 27: an empty FaultStruct is none', async () => {
      await start();
      const operation = await accepted(update({}));
      const report = transferComplete(operation.id).replace(/<FaultStruct>.*<\/FaultStruct>/, '<FaultStruct/>');
      await cpe.session({ requests: [report] });
      assert.equal(operation.state, 'succeeded');
    });

    it('quirk 25: a TransferComplete without its event, without its key or with a part of it is ours; one of nobody is answered', async () => {
      await start();
      for (const key of ['', 'whole', 'part']) {
        const operation = await accepted(update({}), { id: `operation-${key}-1` });
        const said = key === 'whole' ? operation.id : operation.id.slice(0, key === '' ? 0 : 12);
        await cpe.session({ events: ['2 PERIODIC'], requests: [transferComplete(said)] });
        assert.equal(operation.state, 'succeeded', key);
      }
      await cpe.session({ requests: [transferComplete('nobody')] });
      assert.match(cpe.replies[0]!.body, /TransferCompleteResponse/);
    });

    describe('that a CPE has forgotten', () => {
      const transfers = (...keys: string[]): string =>
        response(
          'GetAllQueuedTransfers',
          `<TransferList>${keys.map((key) => `<AllQueuedTransferStruct><CommandKey>${key}</CommandKey><State>2</State></AllQueuedTransferStruct>`).join('')}</TransferList>`,
        );

      it('fails at a bootstrap, and says so; software, too', async () => {
        await start();
        const download = await accepted(update({ version: '2.0' }));
        const software = await accepted({
          action: 'procedure',
          procedure: 'software-install',
          object: 'Device.SoftwareModules.DeploymentUnit.1.',
          inputs: { url: 'http://files.example/app' },
        });
        await cpe.session({ events: ['0 BOOTSTRAP', '1 BOOT'] });
        for (const { outcome } of [download, software]) {
          assert.deepEqual([outcome?.status, outcome?.failure?.evidence], ['failed', '0 BOOTSTRAP']);
          assert.match(outcome?.failure?.explanation ?? '', /has forgotten the order; give it again/);
        }
      });

      it('goes on at a bootstrap that brings its report, or a list that names it', async () => {
        await start();
        const reported = await accepted(update({}));
        await cpe.session({
          events: ['0 BOOTSTRAP', '7 TRANSFER COMPLETE'],
          requests: [transferComplete(reported.id)],
        });
        assert.equal(reported.state, 'succeeded');
        const announced = await accepted(update({}));
        await cpe.session({ events: ['0 BOOTSTRAP', '7 TRANSFER COMPLETE'] });
        assert.equal(announced.state, 'accepted');
        cpe.handlers.set('GetAllQueuedTransfers', () => transfers('another', announced.id));
        await cpe.session({ events: ['0 BOOTSTRAP'] });
        assert.equal(announced.state, 'accepted');
      });

      it('fails at a start when it is in the list of transfers no more; a start without a list proves nothing', async () => {
        await start();
        const operation = await accepted(update({ version: '2.0' }));
        await cpe.session({ events: ['1 BOOT'] });
        assert.equal(operation.state, 'accepted', 'the CPE knows no list');
        for (const keys of [[operation.id], [operation.id.slice(0, 6)], ['']]) {
          cpe.handlers.set('GetAllQueuedTransfers', () => transfers(...keys));
          await cpe.session({ events: ['1 BOOT'] });
          assert.equal(operation.state, 'accepted', `listed as ${keys.join()}`);
        }
        cpe.handlers.set('GetAllQueuedTransfers', () => transfers('another'));
        await cpe.session({ events: ['2 PERIODIC'] });
        assert.equal(operation.state, 'accepted', 'it has not started anew');
        await cpe.session({ events: ['1 BOOT'] });
        assert.deepEqual(
          [operation.outcome?.failure?.cause, operation.outcome?.failure?.evidence],
          ['transfer-failed', 'GetAllQueuedTransfers'],
        );
      });

      it('is waited for while something new runs: its report is late', async () => {
        await start();
        const operation = await accepted(update({}));
        cpe.handlers.set('GetAllQueuedTransfers', () => transfers());
        cpe.tree.set(`${info}SoftwareVersion`, '2.0');
        await cpe.session({ events: ['1 BOOT'] });
        assert.equal(operation.state, 'accepted');
        await cpe.session({ requests: [transferComplete(operation.id)] });
        assert.equal(operation.state, 'succeeded');
      });

      it('what is accepted in the session of a start is not looked for', async () => {
        await start();
        await cpe.session();
        cpe.handlers.set('GetAllQueuedTransfers', () => transfers());
        const operation = management.queue(device().id, [update({})], { kind: 'trigger', repeatable: false });
        await cpe.session({ events: ['1 BOOT'] });
        assert.equal(operation.state, 'accepted');
      });
    });

    it('quirk 25: without any TransferComplete the version that runs after a restart is the proof', async () => {
      await start();
      const operation = await accepted(update({ version: '2.0' }));
      await cpe.session({ events: ['1 BOOT'] });
      assert.equal(operation.state, 'accepted');
      cpe.tree.set(`${info}SoftwareVersion`, '2.0');
      await cpe.session({ events: ['1 BOOT'] });
      assert.equal(operation.state, 'succeeded');
    });

    it('a TransferComplete is stored before it is answered, and a repeat changes nothing', async () => {
      await start();
      const operation = await accepted(update({}));
      await cpe.session({ requests: [transferComplete(operation.id)], dieAfter: 2 });
      assert.equal(operation.state, 'succeeded');
      await cpe.session({ requests: [transferComplete(operation.id, 9010)] });
      assert.match(cpe.replies[0]!.body, /TransferCompleteResponse/);
      assert.equal(operation.state, 'succeeded');
    });

    it('short operations are served while a transfer runs', async () => {
      await start();
      await accepted(update({}));
      assert.equal((await run([read(`${info}ModelName`)])).status, 'succeeded');
    });

    it('a transfer can be cancelled by CancelTransfer while it runs', async () => {
      // Nobody can call this device, and it comes soon.
      await start({ periodicInterval: 20 });
      const operation = await accepted(update({}));
      const cancelled = adapter.cancel(device(), operation);
      await cpe.session();
      assert.deepEqual(await cancelled, { state: 'cancelled' });
      assert.deepEqual(all(cpe.asked.at(-1)!.body, 'CommandKey'), [operation.id]);
      cpe.handlers.set('CancelTransfer', () => fault(9021));
      const refused = adapter.cancel(device(), operation);
      await cpe.session();
      const result = await refused;
      assert.ok(result.state === 'refused' && result.failure.evidence?.startsWith('9021'));
    });

    it('cancellations that a broken session could not tell, or left unanswered, are told in the next one', async () => {
      await start({ periodicInterval: 20 });
      const operations = [await accepted(update({})), await accepted(update({}))];
      const cancelled = operations.map((operation) => adapter.cancel(device(), operation));
      // Inform, empty POST; the first CancelTransfer is not answered.
      await cpe.session({ dieAfter: 2 });
      cpe.asked = [];
      await cpe.session();
      assert.deepEqual(await Promise.all(cancelled), [{ state: 'cancelled' }, { state: 'cancelled' }]);
      assert.deepEqual(
        cpe.asked.filter(({ method }) => method === 'CancelTransfer').map(({ body }) => all(body, 'CommandKey')[0]),
        operations.map(({ id }) => id),
      );
    });

    it('software is installed by ChangeDUState, and ends with DUStateChangeComplete', async () => {
      await start();
      const install: Step = {
        action: 'procedure',
        procedure: 'software-install',
        object: 'Device.SoftwareModules.DeploymentUnit.1.',
        inputs: { url: 'http://files.example/app' },
      };
      const complete = (key: string, state: string, code: number): string =>
        informText().replace(
          /<cwmp:Inform>.*<\/cwmp:Inform>/,
          `<cwmp:DUStateChangeComplete><Results><UUID>u</UUID><CurrentState>${state}</CurrentState><Fault><FaultCode>${code}</FaultCode></Fault></Results><CommandKey>${key}</CommandKey></cwmp:DUStateChangeComplete>`,
        );
      const good = await accepted(install);
      assert.match(cpe.asked.at(-1)!.body, /xsi:type="cwmp:InstallOpStruct"><URL>http:\/\/files\.example\/app</);
      await cpe.session({ requests: [complete(good.id, 'Installed', 0)] });
      assert.equal(good.state, 'succeeded');
      const bad = await accepted(install);
      await cpe.session({ requests: [complete(bad.id, 'Failed', 9027)] });
      assert.deepEqual(
        [bad.outcome?.failure?.cause, bad.outcome?.failure?.evidence],
        ['update-failed', '9027 system resources exceeded'],
      );
      const mute = await accepted(install);
      await cpe.session({ requests: [complete(mute.id, '', 0).replace(/<Results>.*<\/Results>/, '')] });
      assert.deepEqual([mute.outcome?.status, mute.outcome?.failure?.cause], ['failed', 'device-error']);
    });

    it('software is uninstalled with its UUID, version and environment', async () => {
      await start();
      const unit = 'Device.SoftwareModules.DeploymentUnit.1.';
      for (const [name, value] of [
        ['UUID', 'uu-id'],
        ['Version', 'v1'],
        ['ExecutionEnvRef', 'Device.E.1.'],
      ] as const) {
        cpe.tree.set(unit + name, value);
      }
      await accepted({ action: 'procedure', procedure: 'software-uninstall', object: unit, inputs: {} });
      assert.match(
        cpe.asked.at(-1)!.body,
        /xsi:type="cwmp:UninstallOpStruct"><UUID>uu-id<\/UUID><Version>v1<\/Version><ExecutionEnvRef>Device\.E\.1\.</,
      );
    });

    it('commands become Download and Upload with their arguments', async () => {
      await start();
      const order = (name: string, given: object): Step => ({
        action: 'execute',
        target: { path: `rpc:${name}` },
        arguments: JSON.stringify(given),
      });
      const command = { kind: 'command' } as const;
      await accepted(order('Upload', { FileType: '2 Vendor Log File', URL: 'http://x/', CommandKey: 'k1' }), command);
      assert.deepEqual(all(cpe.asked.at(-1)!.body, 'FileType'), ['2 Vendor Log File']);
      const download = await accepted(
        order('Download', { FileType: '3 Vendor Configuration File', URL: 'http://x/', DelaySeconds: 5 }),
        command,
      );
      assert.deepEqual(all(cpe.asked.at(-1)!.body, 'DelaySeconds'), ['5']);
      await cpe.session({ requests: [transferComplete(download.id)] });
      assert.equal(download.state, 'succeeded');
      assert.equal((await run([order('Explode', {})], command)).failure?.cause, 'not-implemented');
      assert.equal(
        (await run([{ action: 'execute', target: { path: `${info}Reset` } }], command)).failure?.cause,
        'not-allowed',
      );
    });
  });

  it('a session that came to its end is not called broken off by the next one', async () => {
    await start();
    const told: string[] = [];
    management.context.trace.record = (_, entry) => {
      told.push((typeof entry === 'function' ? entry() : entry).summary);
    };
    await cpe.session();
    await cpe.session({ dieAfter: 1 });
    await cpe.session();
    const ends = told.filter((summary) => summary.startsWith('session over'));
    assert.deepEqual(ends, ['session over: both had nothing more to say', 'session over: the CPE began a new session']);
  });

  describe('before a session ends', () => {
    const called = { events: ['6 CONNECTION REQUEST'] };

    it('what comes in the next moment is served in it, when it was asked for by a connection request', async () => {
      const clock = new ManualClock();
      await start({ lingerBeforeEnd: 100 }, clock);
      await cpe.session();
      const first = management.queue(device().id, [read(`${info}ModelName`)]);
      const session = cpe.session(called);
      await management.outcome(first.id);
      assert.deepEqual(await adapter.wake(device()), { state: 'awake' });
      clock.advance(99);
      const second = management.queue(device().id, [read(`${info}Manufacturer`)]);
      await management.outcome(second.id);
      clock.advance(99);
      await management.outcome(management.queue(device().id, [read(`${info}SerialNumber`)]).id);
      await eventually('its end', async () => {
        clock.advance(100);
        return Promise.race([session, Promise.resolve(undefined)]);
      });
      assert.equal(await session, 204);
    });

    it('nobody waits when the CPE has come by itself, or when the setting says so', async () => {
      const clock = new ManualClock();
      await start({ lingerBeforeEnd: 100 }, clock);
      assert.equal(await cpe.session({ events: ['2 PERIODIC'] }), 204);
      await adapter.stop(new Date());
      await start({ lingerBeforeEnd: 0 }, clock);
      assert.equal(await cpe.session(called), 204);
    });

    it('there is an end: a CPE can tell what has changed in a new session only', async () => {
      const clock = new ManualClock();
      await start({ lingerBeforeEnd: 5_000 }, clock);
      await cpe.session();
      const session = cpe.session(called);
      for (let time = 0; time < 11_000; time += 1_000) {
        await management.outcome(management.queue(device().id, [read(`${info}ModelName`)]).id);
        clock.advance(1_000);
      }
      management.queue(device().id, [read(`${info}ModelName`)]);
      assert.equal(await session, 204);
    });
  });

  it('a ModelName that the CPE does not know is asked for once', async () => {
    await start();
    cpe.tree.delete(`${info}ModelName`);
    const count = (): number => cpe.asked.filter(({ body }) => body.includes('ModelName<')).length;
    await cpe.session({ events: ['0 BOOTSTRAP', '1 BOOT'] });
    assert.equal(count(), 1);
    await cpe.session({ events: ['1 BOOT'] });
    assert.equal(count(), 1);
  });

  describe('sessions that break', () => {
    it('a CPE that dies after any message of a session loses nothing: its operation is done in the next one', async () => {
      await start();
      await cpe.session();
      for (let dieAfter = 0; dieAfter <= 3; dieAfter++) {
        const operation = management.queue(device().id, [read(`${info}ModelName`)]);
        await cpe.session({ dieAfter });
        await cpe.session();
        assert.equal((await management.outcome(operation.id)).status, 'succeeded', `after ${dieAfter}`);
      }
    });

    it('an order that was sent is not sent again', async () => {
      await start();
      await cpe.session();
      management.queue(device().id, [{ action: 'execute', target: { path: 'rpc:Reboot' } }], { repeatable: false });
      await cpe.session({ dieAfter: 2 });
      await cpe.session();
      await cpe.session();
      assert.equal(methods().filter((method) => method === 'Reboot').length, 1);
      assert.equal(management.history.filter((line) => line.startsWith('dispatched')).length, 1);
    });

    it('more requests than a session may have wait for the next one', async () => {
      await start({ maximumRequests: 6 });
      await cpe.session();
      const operations = Array.from({ length: 10 }, () => management.queue(device().id, [read(`${info}ModelName`)]));
      await cpe.session();
      assert.ok(operations.filter(({ state }) => state === 'succeeded').length === 6);
      await cpe.session();
      assert.ok(operations.every(({ state }) => state === 'succeeded'));
    });

    it('an operation that meets the end of its session in its middle is done in the next one', async () => {
      await start({ maximumRequests: 6, batchSize: 1 });
      await cpe.session();
      const small = Array.from({ length: 5 }, () => management.queue(device().id, [read(`${info}ModelName`)]));
      const large = management.queue(device().id, [read(`${info}ModelName`, `${info}SoftwareVersion`)]);
      await cpe.session();
      assert.ok(small.every(({ state }) => state === 'succeeded'));
      assert.equal(large.state, 'queued');
      await cpe.session();
      assert.equal(large.state, 'succeeded');
    });

    it('an operation that needs more requests than a session may carry fails, and says so', async () => {
      await start({ maximumRequests: 6, batchSize: 1 });
      await cpe.session();
      const names = Array.from({ length: 8 }, (_, at) => `${info}Name${at}`);
      for (const name of names) cpe.tree.set(name, 'x');
      const operation = management.queue(device().id, [read(...names)]);
      await cpe.session();
      assert.equal(operation.state, 'failed');
      assert.match(operation.outcome?.failure?.explanation ?? '', /6 requests were made in this session/);
    });
  });

  describe('notifications', () => {
    it('wishes become active notifications, and are taken back; a bootstrap sets them again', async () => {
      await start();
      await cpe.session();
      const id = device().id;
      management.wishes.set(id, [
        { path: `${info}ModelName` },
        { path: `${info}Nothing` },
        { path: `${info}MemoryStatus.Free` },
      ]);
      adapter.wishChanged(device());
      await cpe.session();
      assert.deepEqual(Object.fromEntries(cpe.notified), {
        [`${info}ModelName`]: '2',
        [`${info}MemoryStatus.Free`]: '2',
      });
      assert.deepEqual(management.observing.get(id), [`${info}MemoryStatus.Free`, `${info}ModelName`]);
      management.wishes.set(id, [{ path: `${info}ModelName` }]);
      adapter.wishChanged(device());
      await cpe.session();
      assert.equal(cpe.notified.get(`${info}MemoryStatus.Free`), '0');
      cpe.notified.clear();
      await cpe.session({ events: ['2 PERIODIC'] });
      assert.equal(cpe.notified.size, 0);
      await cpe.session({ events: ['0 BOOTSTRAP'] });
      assert.deepEqual([...cpe.notified.keys()], [`${info}ModelName`]);
    });

    it('the value that there is when its notification is set is reported, and so it is after a restart', async () => {
      await start();
      await cpe.session();
      const reported = (): unknown[] =>
        management.events
          .splice(0)
          .flatMap(({ event }) => (event.event === 'values' ? event.values : []))
          .filter(({ path }) => path.endsWith('Free'))
          .map(({ value }) => value);
      cpe.tree.set(`${info}MemoryStatus.Free`, '400');
      management.wishes.set(device().id, [{ path: `${info}MemoryStatus.Free` }]);
      adapter.wishChanged(device());
      reported();
      await cpe.session();
      assert.deepEqual(reported(), [400]);
      await cpe.session({ events: ['2 PERIODIC'] });
      assert.deepEqual(reported(), []);
      for (const event of ['1 BOOT', '0 BOOTSTRAP']) {
        management.observing.clear();
        await cpe.session({ events: [event] });
        assert.deepEqual(reported(), [400], event);
        assert.deepEqual(management.observing.get(device().id), [`${info}MemoryStatus.Free`], event);
      }
    });

    it('a value that could not be read with its notification does not count as observed, and is read in the next session', async () => {
      await start();
      await cpe.session();
      const free = `${info}MemoryStatus.Free`;
      management.wishes.set(device().id, [{ path: free }]);
      adapter.wishChanged(device());
      await cpe.session({ dieAfter: 3 });
      assert.equal(cpe.notified.get(free), '2');
      assert.deepEqual(management.observing.get(device().id) ?? [], []);
      management.events.splice(0);
      await cpe.session({ events: ['2 PERIODIC'] });
      assert.deepEqual(management.observing.get(device().id), [free]);
      assert.ok(
        management.events.some(
          ({ event }) => event.event === 'values' && event.values.some(({ path }) => path === free),
        ),
      );
    });

    it('values of an Inform are reported before it is answered', async () => {
      await start();
      await cpe.session({
        events: ['4 VALUE CHANGE'],
        parameters: { [`${info}ModelName`]: 'R8', [`${info}MemoryStatus.Free`]: '9' },
      });
      const values = management.events.flatMap(({ event }) => (event.event === 'values' ? event.values : []));
      assert.ok(values.some(({ path, value }) => path.endsWith('ModelName') && value === 'R8'));
      assert.ok(values.some(({ path, value }) => path.endsWith('Free') && value === 9));
    });

    it('what a CPE asks for is answered', async () => {
      await start();
      const request = informText().replace(
        /<cwmp:Inform>.*<\/cwmp:Inform>/,
        '<cwmp:RequestDownload><FileType>1 Firmware</FileType></cwmp:RequestDownload>',
      );
      await cpe.session({ requests: [request] });
      assert.match(cpe.replies[0]!.body, /RequestDownloadResponse/);
    });
  });

  describe('waking', () => {
    async function seenWith(url: string): Promise<void> {
      await cpe.session({
        events: ['0 BOOTSTRAP'],
        parameters: { 'Device.ManagementServer.ConnectionRequestURL': url },
      });
    }

    it('calls the CPE with the credentials that it was given', async () => {
      await start();
      let authorization: string | undefined;
      const listener = await listenForRequests(
        [{ status: 401, headers: { 'WWW-Authenticate': 'Digest realm="r", nonce="n", qop="auth"' } }, { status: 200 }],
        (given) => (authorization = given),
      );
      listeners.push(listener);
      await seenWith(listener.url);
      const result = await adapter.wake(device());
      assert.ok(result.state === 'asked' && result.by === 'HTTP connection request');
      assert.ok(result.expectedBefore! > Date.now());
      assert.ok(
        authorization?.includes(`username="${cpe.tree.get('Device.ManagementServer.ConnectionRequestUsername')}"`),
      );
    });

    it('quirk 40: one that is busy is left alone, and called again by itself until it comes', async () => {
      await start({ connectionBackoff: 20 });
      let calls = 0;
      const listener = await listenForRequests([{ status: 503 }, { status: 503 }, { status: 200 }], () => calls++);
      listeners.push(listener);
      await seenWith(listener.url);
      for (const _ of [1, 2]) {
        const result = await adapter.wake(device());
        assert.ok(result.state === 'waiting' && /503/.test(result.why));
      }
      assert.equal(calls, 1);
      await eventually('the third call', () => calls === 3);
    });

    it('one that does not answer is called again while something waits for it, and no longer', async () => {
      const clock = new ManualClock();
      await start({}, clock);
      let calls = 0;
      let answers = false;
      // It ends the connection at once, for the clock of the leg stands still.
      const listener = createServer((socket) => {
        calls += 1;
        socket.on('error', () => {});
        socket.on('data', () => (answers ? void socket.end('HTTP/1.1 200 OK\r\n\r\n') : socket.resetAndDestroy()));
      }).listen(0, '127.0.0.1');
      listeners.push(listener);
      await once(listener, 'listening');
      await seenWith(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/`);
      // A reset is tried once more at once (quirk 39).
      const perCall = 2;
      const nobody = await adapter.wake(device());
      assert.match(nobody.state === 'waiting' ? nobody.why : '', /no connection.*next Inform/);
      clock.advance(60_000);
      assert.equal(calls, perCall, 'nothing waits');

      management.queue(device().id, [read(`${info}ModelName`)]);
      const silent = await adapter.wake(device());
      assert.match(silent.state === 'waiting' ? silent.why : '', /no connection.*called again soon/);
      assert.equal(calls, 2 * perCall);
      const again = await adapter.wake(device());
      assert.ok(again.state === 'waiting' && /called again soon/.test(again.why));
      assert.equal(calls, 2 * perCall, 'not before its time');
      clock.advance(3_000);
      await eventually('the next call', () => calls === 3 * perCall);
      answers = true;
      await eventually('the call that is answered', () => {
        clock.advance(1_000);
        return calls === 3 * perCall + 1;
      });
    });

    it('one that cannot be called is waited for, until its next periodic Inform', async () => {
      await start({ periodicInterval: 100 });
      await seenWith('http://127.0.0.1:9/');
      const result = await adapter.wake(device());
      assert.ok(result.state === 'waiting' && result.nextContact! > Date.now());
      assert.match(result.why, /no connection.*next Inform/);
    });

    it('one is not called for notifications that are set already, and once for several that are not', async () => {
      await start();
      let calls = 0;
      const listener = await listenForRequests([{ status: 200 }], () => calls++);
      listeners.push(listener);
      await seenWith(listener.url);
      const { id } = device();
      const asked = (): Promise<void> => {
        adapter.wishChanged(device());
        return new Promise((resolve) => void setImmediate(resolve));
      };
      await asked();
      management.wishes.set(id, [{ path: `${info}ModelName` }, { path: `${info}MemoryStatus.` }]);
      await asked();
      await asked();
      await eventually('the call', () => calls > 0);
      await cpe.session();
      await asked();
      // Whatever it was called for before would have come first.
      await adapter.wake(device());
      assert.equal(calls, 2);
      management.wishes.set(id, []);
      await cpe.session({ events: ['4 VALUE CHANGE'] });
      assert.equal(cpe.notified.get(`${info}ModelName`), '0');
    });

    it('one that is in a session is awake', async () => {
      await start();
      const connection = await connectCpe(port);
      await connection.post(informText());
      assert.deepEqual(await adapter.wake(device()), { state: 'awake' });
      connection.close();
    });
  });
});
