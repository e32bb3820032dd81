import assert from 'node:assert/strict';
import type { Step } from '../../src/management/operation.ts';
import { connectCpe, cwmp, idOf, informText, type CpeReply } from './scripted-cpe.ts';
import { all, fault, response } from './small-cpe.ts';
import { startSmallLeg, type SmallLeg } from './small-leg.ts';

const objects = ['Device.DeviceInfo.MemoryStatus.', 'Device.WiFi.Radio.{i}.'];

describe('the objects of a CPE', () => {
  let leg: SmallLeg;

  afterEach(() => leg.stop());

  const paths = (): string[] => leg.device().inventory.objects.map(({ path }) => path);
  const questions = (): (string | undefined)[] =>
    leg.cpe.asked
      .filter(({ method }) => method === 'GetParameterNames')
      .map(({ body }) => all(body, 'ParameterPath')[0]);

  async function onboarded(more: Parameters<typeof startSmallLeg>[0] = {}): Promise<string[]> {
    leg = await startSmallLeg({ objects, ...more });
    leg.cpe.tree.set('Device.WiFi.Radio.1.Enable', 'true');
    await leg.cpe.session({ events: ['1 BOOT'] });
    assert.ok(paths().includes('Device.WiFi.Radio.1.'));
    return paths();
  }

  /** The own answer of the CPE, but a fault for some paths. */
  function refuse(code: number, isRefused: (path: string) => boolean): void {
    const { cpe } = leg;
    cpe.handlers.set('GetParameterNames', (body) => {
      const path = all(body, 'ParameterPath')[0] ?? '';
      if (isRefused(path)) return fault(code);
      cpe.handlers.delete('GetParameterNames');
      const children = new Set(
        [...cpe.tree.keys()]
          .filter((name) => name.startsWith(path) && name !== path)
          .map((name) => path + name.slice(path.length).replace(/\..*/, '.')),
      );
      refuse(code, isRefused);
      if (children.size === 0) return fault(9005);
      const list = [...children].map((name) => `<ParameterInfoStruct><Name>${name}</Name></ParameterInfoStruct>`);
      return response('GetParameterNames', `<ParameterList>${list.join('')}</ParameterList>`);
    });
  }

  for (const code of [9001, 9002, 9003, 9004, 9801]) {
    it(`stay when the CPE answers ${code} at a boot, and are asked for again in the next session`, async () => {
      const before = await onboarded();
      refuse(code, () => true);
      await leg.cpe.session({ events: ['1 BOOT'] });
      assert.deepEqual(paths(), before);
      leg.cpe.handlers.clear();
      leg.cpe.tree.set('Device.WiFi.Radio.2.Enable', 'true');
      await leg.cpe.session({ events: ['2 PERIODIC'] });
      assert.deepEqual(
        paths().filter((path) => !before.includes(path)),
        ['Device.WiFi.Radio.2.'],
      );
      leg.cpe.asked = [];
      await leg.cpe.session({ events: ['2 PERIODIC'] });
      assert.deepEqual(questions(), []);
    });
  }

  it('stay when the CPE fails in the middle of its tree', async () => {
    const before = await onboarded();
    refuse(9002, (path) => path === 'Device.WiFi.');
    await leg.cpe.session({ events: ['1 BOOT'] });
    assert.deepEqual(paths(), before);
    assert.ok(
      leg.lines.some(({ message, fields }) => /looked for again/.test(message) && /9002/.test(String(fields['why']))),
    );
  });

  it('stay when a CPE that refuses its root fails at an object below', async () => {
    const before = await onboarded();
    refuse(9002, (path) => path === 'Device.' || path === 'Device.WiFi.');
    await leg.cpe.session({ events: ['1 BOOT'] });
    assert.deepEqual(paths(), before);
  });

  it('stay when the session has no requests left for them', async () => {
    const before = await onboarded({ maximumRequests: 6 });
    // Every value is asked for by itself then, so that one request is left.
    leg.cpe.tree.delete('Device.ManagementServer.PeriodicInformTime');
    await leg.cpe.session({ events: ['0 BOOTSTRAP', '1 BOOT'] });
    assert.deepEqual(paths(), before);
  });

  it('stay when the CPE answers nothing about objects at all', async () => {
    const before = await onboarded();
    leg.cpe.handlers.set('GetParameterNames', () => '');
    await leg.cpe.session({ events: ['1 BOOT'] });
    assert.deepEqual(paths(), before);
  });

  it('quirk 22: are found one by one where the root is refused, with one question each', async () => {
    await onboarded();
    refuse(9003, (path) => path === 'Device.');
    leg.cpe.tree.delete('Device.WiFi.Radio.1.Enable');
    leg.cpe.asked = [];
    await leg.cpe.session({ events: ['1 BOOT'] });
    assert.deepEqual(paths(), ['Device.', 'Device.DeviceInfo.', 'Device.DeviceInfo.MemoryStatus.']);
    assert.deepEqual(questions(), ['Device.', 'Device.DeviceInfo.', 'Device.WiFi.']);
  });

  it('go when the CPE answers that they are not there', async () => {
    await onboarded();
    leg.cpe.tree.delete('Device.WiFi.Radio.1.Enable');
    await leg.cpe.session({ events: ['1 BOOT'] });
    assert.ok(!paths().some((path) => path.startsWith('Device.WiFi.')));
  });

  const changes = {
    AutonomousDUStateChangeComplete: '<Results><UUID>u</UUID><CurrentState>Installed</CurrentState></Results>',
    DUStateChangeComplete:
      '<Results><UUID>u</UUID><CurrentState>Installed</CurrentState></Results><CommandKey>k</CommandKey>',
  };
  for (const [method, content] of Object.entries(changes)) {
    const report = cwmp(`<cwmp:${method}>${content}</cwmp:${method}>`, '8');

    it(`are looked for in a later session when the one of ${method} breaks`, async () => {
      await onboarded();
      leg.cpe.tree.set('Device.WiFi.Radio.2.Enable', 'true');
      await leg.cpe.session({ events: ['11 DU STATE CHANGE COMPLETE'], requests: [report], dieAfter: 2 });
      assert.match(leg.cpe.replies[0]!.body, new RegExp(`${method}Response`));
      await leg.cpe.session({ events: ['2 PERIODIC'] });
      assert.ok(paths().includes('Device.WiFi.Radio.2.'));
    });

    it(`${method} is not answered when this could not be stored`, async () => {
      await onboarded();
      const { remember } = leg.management.context;
      leg.management.context.remember = () => Promise.reject(new Error('disk full'));
      await leg.cpe.session({ requests: [report], dieAfter: 2 });
      leg.management.context.remember = remember;
      assert.match(leg.cpe.replies[0]!.body, /<FaultCode>8002</);
    });
  }

  it('are looked for once more when they change meanwhile', async () => {
    await onboarded();
    leg.cpe.tree.set('Device.WiFi.Radio.2.Enable', 'true');
    const connection = await connectCpe(leg.port);
    const post = (body: string): Promise<CpeReply> => connection.post(body);
    await post(informText({ events: ['1 BOOT'] }));
    const first = await post('');
    assert.match(first.body, /GetParameterNames/);
    await post(
      cwmp(
        `<cwmp:AutonomousDUStateChangeComplete>${changes.AutonomousDUStateChangeComplete}</cwmp:AutonomousDUStateChangeComplete>`,
        'a',
      ),
    );
    const empty = response('GetParameterNames', '<ParameterList/>');
    const next = await post(cwmp(empty, idOf(first.body)));
    assert.match(next.body, /ModelName/);
    await post(cwmp(fault(9005), idOf(next.body)));
    connection.close();
    await leg.cpe.session({ events: ['2 PERIODIC'] });
    assert.ok(paths().includes('Device.WiFi.Radio.2.'));
  });

  it('are looked for once more when they change while one is made', async () => {
    await onboarded();
    leg.cpe.tree.set('Device.WiFi.Radio.2.Enable', 'true');
    const made: Step = { action: 'create', path: 'Device.Policies.Policy.', assignments: [] };
    leg.management.queue(leg.device().id, [made], { kind: 'create', repeatable: false });
    const connection = await connectCpe(leg.port);
    await connection.post(informText());
    const order = await connection.post('');
    assert.match(order.body, /AddObject/);
    const method = 'AutonomousDUStateChangeComplete';
    await connection.post(cwmp(`<cwmp:${method}>${changes[method]}</cwmp:${method}>`, 'a'));
    await connection.post(cwmp(response('AddObject', '<InstanceNumber>3</InstanceNumber>'), idOf(order.body)));
    connection.close();
    await leg.cpe.session({ events: ['2 PERIODIC'] });
    assert.ok(paths().includes('Device.WiFi.Radio.2.'));
  });

  it('are complete only with the devices behind the CPE', async () => {
    leg = await startSmallLeg({ objects: ['Device.ManagementServer.VirtualDevice.{proxied}.'] });
    const entry = 'Device.ManagementServer.VirtualDevice.1.';
    for (const [name, value] of [
      ['ManufacturerOUI', 'aabbcc'],
      ['ProductClass', 'Lamp'],
      ['SerialNumber', 'L1'],
    ] as const) {
      leg.cpe.tree.set(entry + name, value);
    }
    leg.cpe.handlers.set('GetParameterValues', (body) => (body.includes('VirtualDevice') ? fault(9002) : fault(9005)));
    await leg.cpe.session({ events: ['1 BOOT'] });
    leg.cpe.handlers.clear();
    await leg.cpe.session({ events: ['2 PERIODIC'] });
    assert.ok(leg.management.sightings.some(({ identity }) => identity === 'urn:dev:ops:AABBCC-Lamp-L1'));
  });
});
