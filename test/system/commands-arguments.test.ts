/** Every field of execReqArgs, from the DM application into the RPC as the device has got it. */
import assert from 'node:assert/strict';
import { formatTimestamp } from '../../src/onem2m/timestamp.ts';
import { eventually } from '../support/eventually.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { commands, executions, startCommand, untilOver } from './executions.ts';
import { expectMembers, expectOk, openWorld, type Attributes, type World } from './world.ts';

/** Nobody answers there: what is asked for is looked at, not what becomes of it. */
const url = 'http://127.0.0.1:9/file';
const firmware = '1 Firmware Upgrade Image';
const uuid = '5b3e0c1a-7f52-5d36-9a55-0f1f5be7a001';
const environment = 'Device.SoftwareModules.ExecEnv.1';

function more(given: Record<string, string | number>): Attributes[] {
  return Object.entries(given).map(([nm, val]) => ({ nm, val }));
}

function timestampIn(seconds: number): string {
  return formatTimestamp(Date.now() + seconds * 1000);
}

/** What the device got by this RPC. */
function argumentsOf(cpe: TestCpe, method: string): Record<string, string> | undefined {
  return cpe.deeds('method').find((entry) => entry.method === method)?.arguments;
}

interface Row {
  command: keyof typeof commands;
  exra?: Attributes;
  method: string;
  arguments: Record<string, string> | undefined;
}

const rows: Row[] = [
  { command: 'reset', method: 'FactoryReset', arguments: undefined },
  {
    command: 'reboot',
    exra: { rbo: [{ any: more({ commandKey: 'again' }) }] },
    method: 'Reboot',
    arguments: { CommandKey: 'again' },
  },
  {
    command: 'upload',
    exra: {
      uld: [
        {
          ftyp: '2 Vendor Log File',
          url,
          unm: 'me & you',
          pwd: 'a<b"c',
          any: more({ delaySeconds: 70, commandKey: 'log' }),
        },
      ],
    },
    method: 'Upload',
    arguments: {
      CommandKey: 'log',
      FileType: '2 Vendor Log File',
      URL: url,
      Username: 'me & you',
      Password: 'a<b"c',
      DelaySeconds: '70',
    },
  },
  {
    command: 'download',
    exra: {
      dld: [
        {
          ftyp: '3 Vendor Configuration File',
          url,
          unm: 'me',
          pwd: 'secret',
          fsi: 1234,
          tgf: 'config.xml',
          dss: 70,
          surl: 'http://127.0.0.1:9/good',
          any: more({ failureURL: 'http://127.0.0.1:9/bad', commandKey: 'cfg' }),
        },
      ],
    },
    method: 'Download',
    arguments: {
      CommandKey: 'cfg',
      FileType: '3 Vendor Configuration File',
      URL: url,
      Username: 'me',
      Password: 'secret',
      FileSize: '1234',
      TargetFileName: 'config.xml',
      DelaySeconds: '70',
      SuccessURL: 'http://127.0.0.1:9/good',
      FailureURL: 'http://127.0.0.1:9/bad',
    },
  },
  {
    command: 'softwareInstall',
    exra: { swin: [{ url, uuid, unm: 'me', pwd: 'secret', eer: environment, any: more({ commandKey: 'in' }) }] },
    method: 'ChangeDUState',
    arguments: {
      Operations: 'InstallOpStruct',
      'Operations.URL': url,
      'Operations.UUID': uuid,
      'Operations.Username': 'me',
      'Operations.Password': 'secret',
      'Operations.ExecutionEnvRef': environment,
      CommandKey: 'in',
    },
  },
  {
    command: 'softwareUninstall',
    exra: { swun: [{ uuid, vr: '1.0.0', eer: environment, any: more({ commandKey: 'un' }) }] },
    method: 'ChangeDUState',
    arguments: {
      Operations: 'UninstallOpStruct',
      'Operations.UUID': uuid,
      'Operations.Version': '1.0.0',
      'Operations.ExecutionEnvRef': environment,
      CommandKey: 'un',
    },
  },
  {
    command: 'softwareUpdate',
    exra: { swup: [{ uuid, vr: '1.0.0', url, unm: 'me', pwd: 'secret', any: more({ commandKey: 'up' }) }] },
    method: 'ChangeDUState',
    arguments: {
      Operations: 'UpdateOpStruct',
      'Operations.UUID': uuid,
      'Operations.Version': '1.0.0',
      'Operations.URL': url,
      'Operations.Username': 'me',
      'Operations.Password': 'secret',
      CommandKey: 'up',
    },
  },
];

describe('the arguments of a command reach a TR-069 device', () => {
  let world: World;
  before(async () => void (world = await openWorld()));
  after(() => world.stop());

  for (const { command, exra, method, arguments: wanted } of rows) {
    it(`${command}: ${Object.keys(wanted ?? {}).length} of ${method}`, async () => {
      const cpe = await addCpe(world);
      await startCommand(world, cpe, commands[command], exra);
      assert.equal(cpe.asked(method), 1);
      assert.deepEqual(argumentsOf(cpe, method), wanted);
      assert.deepEqual(cpe.simulator.complaints, []);
    });
  }

  it('a CommandKey is made where none is given', async () => {
    const cpe = await addCpe(world);
    await startCommand(world, cpe, commands.reboot);
    assert.match(argumentsOf(cpe, 'Reboot')?.['CommandKey'] ?? '', /^\S{8,32}$/);
  });

  describe('download with startTime and completeTime', () => {
    const scheduled = (cpe: TestCpe, given: Attributes): Promise<string> =>
      startCommand(world, cpe, commands.download, {
        dld: [{ ftyp: firmware, url, unm: 'me', pwd: 'secret', ...given }],
      });

    it('becomes ScheduleDownload with one window', async () => {
      const cpe = await addCpe(world);
      const any = more({ windowMode: '3 When Idle', userMessage: 'tonight', maxRetries: 2, commandKey: 'night' });
      await scheduled(cpe, { fsi: 9, tgf: 'f', stt: timestampIn(3600), cpt: timestampIn(7200), any });
      assert.equal(cpe.asked('Download'), 0);
      const {
        'TimeWindowList.TimeWindowStruct.WindowStart': start,
        'TimeWindowList.TimeWindowStruct.WindowEnd': end,
        ...others
      } = argumentsOf(cpe, 'ScheduleDownload') ?? {};
      assert.ok(Number(start) > 3500 && Number(start) <= 3600, start);
      assert.ok(Number(end) > 7100 && Number(end) <= 7201, end);
      assert.deepEqual(others, {
        CommandKey: 'night',
        FileType: firmware,
        URL: url,
        Username: 'me',
        Password: 'secret',
        FileSize: '9',
        TargetFileName: 'f',
        'TimeWindowList.TimeWindowStruct.WindowMode': '3 When Idle',
        'TimeWindowList.TimeWindowStruct.UserMessage': 'tonight',
        'TimeWindowList.TimeWindowStruct.MaxRetries': '2',
      });
    });

    it('ends with execResult 19 when the window ends before the file is there', async () => {
      const cpe = await addCpe(world);
      const over = await untilOver(world, await scheduled(cpe, { cpt: timestampIn(40) }));
      expectMembers(over, { exs: executions.finished, exr: 19 });
      assert.match(JSON.stringify(over['lbl']), /"evidence:9020 /);
    });

    it('is not sent to a device that comes when the window is over: execResult 19, too', async () => {
      const cpe = await addCpe(world);
      cpe.simulator.faults.connectionRequest = 'not-found';
      const execution = await scheduled(cpe, { cpt: timestampIn(2) });
      expectMembers(expectOk(await world.mca.get(execution)), { exs: executions.pending });
      await new Promise((resolve) => void setTimeout(resolve, 2_100));
      await cpe.simulator.inform();
      expectMembers(await untilOver(world, execution), { exs: executions.finished, exr: 19 });
      assert.deepEqual([cpe.asked('ScheduleDownload'), cpe.asked('Download')], [0, 0]);
    });

    it('is found in the list of transfers of the device when its answer was lost, and not sent again', async () => {
      const cpe = await addCpe(world);
      // The session breaks when the device has taken it, before it could say so.
      Object.assign(cpe.simulator.faults, { die: { message: 3, moment: 'unsent', how: 'connection' } });
      const execution = scheduled(cpe, { stt: timestampIn(3600), cpt: timestampIn(7200) });
      await eventually('the session has failed', () => cpe.deeds('session-failed').length > 0);
      await cpe.simulator.inform();
      expectMembers(expectOk(await world.mca.get(await execution)), { exs: executions.pending, exr: 31 });
      assert.deepEqual([cpe.asked('GetAllQueuedTransfers'), cpe.asked('ScheduleDownload')], [1, 1]);
    });

    it('is refused by name for a device that does not list ScheduleDownload, and kept as unsupported', async () => {
      const cpe = await addCpe(world, { version: '1.1' });
      const exra = { dld: [{ ftyp: firmware, url, cpt: timestampIn(600) }] };
      const made = await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt: commands.download, ext: cpe.node, exra } });
      const command = `cse-in/${String(expectOk(made, 2001)['rn'])}`;
      const answer = await world.mca.update(command, { 'm2m:mgc': { exe: true } });
      assert.equal(answer.rsc, 5001, answer.text);
      assert.match(answer.dbg, /needs ScheduleDownload, which the device does not list/);
      assert.equal(cpe.asked('ScheduleDownload'), 0);
      const [execution] = (await world.mca.get(`${command}?rcn=4`)).body['m2m:mgc']!['m2m:exin'] as Attributes[];
      expectMembers(execution, { exs: executions.finished, exr: 1 });
    });
  });

  it('a window in the past means at once, where every argument has to be given', async () => {
    const strict = await openWorld(['--command-arguments', 'strict']);
    try {
      const cpe = await addCpe(strict);
      const past = { stt: '20200101T000000', cpt: '20200101T000000' };
      const dld = [{ ftyp: firmware, url, unm: '', pwd: '', fsi: 1, tgf: '', dss: 1, surl: '', ...past }];
      await startCommand(strict, cpe, commands.download, { dld });
      assert.deepEqual([cpe.asked('Download'), cpe.asked('ScheduleDownload')], [1, 0]);
    } finally {
      await strict.stop();
    }
  });
});
