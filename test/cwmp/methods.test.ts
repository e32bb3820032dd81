/** What a CPE can do is asked once; what it lacks is not tried. */
import assert from 'node:assert/strict';
import { createCwmpAdapter, type CwmpSettings } from '../../adapters/cwmp/adapter.ts';
import type { ProtocolAdapter } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import { createFakeManagement, type FakeManagement } from '../lwm2m/fake-management.ts';
import { all, createSmallCpe, fault, response, transferComplete, type SmallCpe } from './small-cpe.ts';

const identity = 'urn:dev:ops:00D09E-IGD-S1';
const info = 'Device.DeviceInfo.';
const mandatory = ['GetRPCMethods', 'SetParameterValues', 'GetParameterValues', 'Reboot', 'Download'];

describe('the methods of a CPE', () => {
  let management: FakeManagement;
  let adapter: ProtocolAdapter;
  let cpe: SmallCpe;

  async function start(settings: Partial<CwmpSettings> = {}): Promise<void> {
    management = createFakeManagement();
    adapter = createCwmpAdapter({ port: 0, transientPause: 1, ...settings });
    const [listener] = await adapter.start(management.context);
    cpe = createSmallCpe(() => listener!.port);
  }

  afterEach(() => adapter.stop(new Date(Date.now() + 100)));

  const device = () => management.device(identity);
  const methods = (): string[] => cpe.asked.map(({ method }) => method);
  const asked = (method: string): number => methods().filter((one) => one === method).length;

  function knows(...names: string[]): void {
    cpe.handlers.set('GetRPCMethods', () =>
      response('GetRPCMethods', `<MethodList>${names.map((name) => `<string>${name}</string>`).join('')}</MethodList>`),
    );
  }

  const rpc = (name: string, given: object = {}): Step => ({
    action: 'execute',
    target: { path: `rpc:${name}` },
    arguments: JSON.stringify(given),
  });

  /** A command in a session of its own. */
  async function command(step: Step, change: Partial<Operation> = {}): Promise<Operation> {
    if (management.sightings.length === 0) await cpe.session();
    cpe.asked = [];
    const operation = management.queue(device().id, [step], { kind: 'command', repeatable: false, ...change });
    await cpe.session();
    return operation;
  }

  async function outcomeOf(step: Step): Promise<Outcome> {
    return management.outcome((await command(step)).id);
  }

  describe('are asked for', () => {
    it('at its first contact, and not again at a boot with the same software', async () => {
      await start();
      knows(...mandatory, 'Upload');
      await cpe.session({ events: ['0 BOOTSTRAP', '1 BOOT'] });
      assert.equal(asked('GetRPCMethods'), 1);
      await cpe.session({ events: ['1 BOOT'] });
      await cpe.session();
      assert.equal(asked('GetRPCMethods'), 1);
    });

    it('again when it runs another version, and after a bootstrap', async () => {
      await start();
      knows(...mandatory);
      await cpe.session();
      assert.equal((await outcomeOf(rpc('Upload', { URL: 'http://x/' }))).status, 'failed');
      knows(...mandatory, 'Upload');
      cpe.tree.set(`${info}SoftwareVersion`, '2.0');
      await cpe.session({ events: ['1 BOOT'] });
      assert.equal((await command(rpc('Upload', { URL: 'http://x/' }))).state, 'accepted');
      cpe.asked = [];
      await cpe.session({ events: ['0 BOOTSTRAP'] });
      assert.equal(asked('GetRPCMethods'), 1);
    });

    it('once more in its next session when it was gone before it had answered', async () => {
      await start();
      knows(...mandatory);
      await cpe.session();
      cpe.tree.set(`${info}SoftwareVersion`, '2.0');
      cpe.handlers.set('GetRPCMethods', () => {
        throw new Error('it dies');
      });
      await assert.rejects(cpe.session({ events: ['1 BOOT'] }), /it dies/);
      knows(...mandatory);
      cpe.asked = [];
      await cpe.session();
      assert.equal(asked('GetRPCMethods'), 1);
    });
  });

  describe('that it does not list', () => {
    for (const [name, step] of [
      ['Upload', rpc('Upload', { URL: 'http://x/' })],
      ['FactoryReset', rpc('FactoryReset')],
      ['ChangeDUState', rpc('ChangeDUState', { Operation: 'UninstallOpStruct', UUID: 'u' })],
      ['ChangeDUState', { action: 'procedure', procedure: 'software-install', object: 'Device.X.', inputs: {} }],
    ] as [string, Step][]) {
      it(`fail what needs ${name} (${step.action}) at once, with a sentence, and nothing is sent`, async () => {
        await start();
        knows(...mandatory);
        const outcome = await outcomeOf(step);
        assert.equal(outcome.failure?.cause, 'not-implemented');
        assert.match(outcome.failure.explanation, new RegExp(`needs ${name}, which the device does not list`));
        assert.deepEqual(methods(), []);
        assert.ok(!management.history.some((line) => line.startsWith('dispatched')));
      });
    }

    it('leave what every CPE can do alone', async () => {
      await start();
      knows('GetParameterValues');
      assert.equal((await command(rpc('Reboot'))).state, 'accepted');
    });

    it('are not used to cancel a transfer: that is refused without calling the device', async () => {
      await start();
      knows(...mandatory);
      const download = await command(rpc('Download', { FileType: '1 Firmware Upgrade Image', URL: 'http://x/' }));
      const result = await adapter.cancel(device(), download);
      assert.ok(result.state === 'not-cancellable' && /does not list CancelTransfer/.test(result.why));
    });
  });

  for (const [what, answer] of [
    ['a fault', () => fault(9000)],
    ['an empty POST', () => ''],
    ['an empty list', () => response('GetRPCMethods', '<MethodList/>')],
  ] as const) {
    it(`a CPE that answers the question with ${what} is believed to know everything, and not asked again`, async () => {
      await start();
      cpe.handlers.set('GetRPCMethods', answer);
      assert.equal((await command(rpc('Upload', { URL: 'http://x/' }))).state, 'accepted');
      await cpe.session();
      assert.equal(asked('GetRPCMethods'), 0);
    });
  }

  describe('ScheduleDownload', () => {
    let now: number;
    beforeEach(() => {
      now = Math.floor(Date.now() / 1000);
    });
    const file = { FileType: '1 Firmware Upgrade Image', URL: 'http://x/f', FileSize: 7, TargetFileName: 'f' };

    async function scheduled(given: object, change: Partial<Operation> = {}): Promise<Operation> {
      await start();
      cpe.handlers.set('ScheduleDownload', () => response('ScheduleDownload', ''));
      return command(rpc('Download', { ...file, ...given }), change);
    }

    it('carries the window in seconds from now, and ends with TransferComplete', async () => {
      const download = await scheduled({ WindowStart: now + 600, WindowEnd: now + 1200, CommandKey: 'night' });
      assert.deepEqual(methods(), ['ScheduleDownload']);
      const { body } = cpe.asked[0]!;
      const [start, end] = ['WindowStart', 'WindowEnd'].map((name) => Number(all(body, name)[0]));
      assert.ok(start! > 590 && start! <= 600, `${start}`);
      assert.ok(end! > 1190 && end! <= 1200, `${end}`);
      const rest = ['WindowMode', 'UserMessage', 'MaxRetries', 'FileSize', 'TargetFileName', 'CommandKey'];
      assert.deepEqual(
        rest.map((name) => all(body, name)[0]),
        ['1 At Any Time', '', '-1', '7', 'f', 'night'],
      );
      assert.equal(download.state, 'accepted');
      assert.ok(download.pending!.deadline > Date.now() + 24 * 3_600_000 + 1_100_000, 'it may begin late');
      await cpe.session({ requests: [transferComplete('night')] });
      assert.equal(download.state, 'succeeded');
    });

    it('carries the mode, the message and the number of retries that were given', async () => {
      await scheduled({ WindowEnd: now + 60, WindowMode: '3 When Idle', UserMessage: 'new!', MaxRetries: '0' });
      const { body } = cpe.asked[0]!;
      assert.deepEqual(
        ['WindowStart', 'WindowMode', 'UserMessage', 'MaxRetries'].map((name) => all(body, name)[0]),
        ['0', '3 When Idle', 'new!', '0'],
      );
    });

    it('is a failure of the window when TransferComplete says 9020', async () => {
      const download = await scheduled({ WindowStart: now + 60, WindowEnd: now + 120 });
      await cpe.session({ requests: [transferComplete(download.pending!.correlator, 9020)] });
      assert.match(download.outcome?.failure?.evidence ?? '', /^9020 /);
    });

    for (const [what, given] of [
      ['lies in the past', () => ({ WindowStart: now - 600, WindowEnd: now - 300 })],
      ['is empty', () => ({ WindowStart: now + 600, WindowEnd: now + 600 })],
      ['has begun and has no end', () => ({ WindowStart: now - 5 })],
    ] as const) {
      it(`is a Download at once when the window ${what}`, async () => {
        await scheduled(given());
        assert.deepEqual(methods(), ['Download']);
      });
    }

    it('is not sent to a device that comes after its window', async () => {
      const acceptedAt = Date.now() - 900_000;
      const late = await scheduled({ WindowStart: now - 600, WindowEnd: now - 300 }, { acceptedAt });
      assert.deepEqual(methods(), []);
      assert.equal(late.outcome?.failure?.cause, 'window-missed');
    });

    it('is refused with a sentence for a device that does not know it, while a Download is not', async () => {
      await start();
      knows(...mandatory);
      const outcome = await outcomeOf(rpc('Download', { ...file, WindowStart: now + 60, WindowEnd: now + 120 }));
      assert.match(outcome.failure?.explanation ?? '', /needs ScheduleDownload/);
      assert.deepEqual(methods(), []);
      assert.equal((await command(rpc('Download', file))).state, 'accepted');
    });
  });

  describe('ScheduleInform', () => {
    const read: Step = { action: 'read', targets: [{ path: `${info}ModelName` }] };

    async function workFor(requests: number): Promise<Operation[]> {
      await start({ maximumRequests: 6 });
      await cpe.session();
      cpe.asked = [];
      const operations = Array.from({ length: requests }, () => management.queue(device().id, [read]));
      await cpe.session();
      return operations;
    }

    it('asks a CPE back for what one session could not carry', async () => {
      const operations = await workFor(8);
      assert.equal(asked('GetParameterValues'), 6);
      assert.equal(methods().at(-1), 'ScheduleInform');
      assert.deepEqual(all(cpe.asked.at(-1)!.body, 'DelaySeconds'), ['60']);
      await cpe.session({ events: ['3 SCHEDULED', 'M ScheduleInform'] });
      assert.ok(operations.every(({ state }) => state === 'succeeded'));
      assert.equal(asked('ScheduleInform'), 1);
    });

    it('is not sent when nothing is left', async () => {
      await workFor(6);
      assert.equal(asked('ScheduleInform'), 0);
    });
  });

  describe('GetParameterAttributes', () => {
    const [model, free] = [`${info}ModelName`, `${info}MemoryStatus.Free`];

    /** A new firmware boots; `left`: what its parameters have then. */
    async function updated(left: Record<string, number> | undefined): Promise<void> {
      await start();
      await cpe.session();
      management.wishes.set(device().id, [{ path: model }, { path: free }]);
      adapter.wishChanged?.(device());
      await cpe.session();
      assert.deepEqual([...cpe.notified.keys()].sort(), [free, model]);
      if (left) {
        cpe.handlers.set('GetParameterAttributes', (body) => {
          const list = all(body, 'string').map(
            (name) =>
              `<ParameterAttributeStruct><Name>${name}</Name><Notification>${left[name] ?? 0}</Notification><AccessList/></ParameterAttributeStruct>`,
          );
          return response('GetParameterAttributes', `<ParameterList>${list.join('')}</ParameterList>`);
        });
      }
      cpe.notified.clear();
      cpe.asked = [];
      cpe.tree.set(`${info}SoftwareVersion`, '2.0');
      await cpe.session({ events: ['1 BOOT'] });
    }

    it('shows what a new firmware has forgotten, and only that is set again', async () => {
      await updated({ [free]: 2 });
      assert.deepEqual(Object.fromEntries(cpe.notified), { [model]: '2' });
      await cpe.session({ events: ['1 BOOT'] });
      assert.equal(asked('GetParameterAttributes'), 1);
    });

    it('shows that nothing was forgotten, and nothing is set', async () => {
      await updated({ [free]: 2, [model]: 2 });
      assert.equal(cpe.notified.size, 0);
    });

    it('is unknown to the CPE: everything is set again', async () => {
      await updated(undefined);
      assert.deepEqual([...cpe.notified.keys()].sort(), [free, model]);
    });
  });
});
