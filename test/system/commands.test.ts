import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import type { DeviceOptions } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { listen } from './listener.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilRestarted } from './world.ts';
import type { Attributes, TestDevice, World } from './world.ts';

// cmdType, execStatus and execResult as TS-0004 numbers them
const [reset, reboot, upload, download, softwareInstall, softwareUninstall] = [1, 2, 3, 4, 5, 6];
const [pending, finished, cancelled, nonCancellable] = [2, 3, 5, 6];
const [success, unsupported, invalidArguments, resourcesExceeded] = [0, 1, 5, 6];
const notFinished = 31;

describe('a command with command.arguments=strict', () => {
  let world: World;
  before(async () => void (world = await openWorld(['--command-arguments', 'strict'])));
  after(() => world.stop());

  const complete: Attributes = {
    ftyp: '1 Firmware Upgrade Image',
    url: 'http://192.0.2.1/image',
    unm: '',
    pwd: '',
    fsi: 1,
    tgf: '',
    dss: 1,
    surl: '',
    stt: '20260101T000000',
    cpt: '20260101T000000',
  };

  it('is made when it has every argument, and refused with the name of the one that is missing', async () => {
    const device = await world.addDevice();
    const create = (dld: Attributes) =>
      world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt: download, ext: device.node, exra: { dld: [dld] } } });
    expectOk(await create(complete), 2001);
    for (const name of Object.keys(complete)) {
      const others = Object.fromEntries(Object.entries(complete).filter(([other]) => other !== name));
      expectRefused(await create(others), 6024, new RegExp(`'${name}'`));
    }
    expectRefused(await create({ ...complete, fsi: 0 }), 6023, /'fsi'.*command\.arguments/);
  });

  it('needs no arguments where the command has none', async () => {
    const device = await world.addDevice();
    expectOk(await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt: reboot, ext: device.node } }), 2001);
  });
});

describe('a command, from the DM application to the device', () => {
  let world: World;
  let url: string;
  before(async () => {
    world = await openWorld(['--procedure-poll-interval', '100ms', '--lwm2m-awake-window', '1s']);
    ({ url } = await uploadImage(world, makeImage({ name: 'main', version: '5.0.0', size: 3000 })));
  });
  after(() => world.stop());

  /** CREATE of a `<mgmtCmd>`; answers with its path. */
  async function make(device: TestDevice, cmt: number, more: Attributes = {}): Promise<string> {
    const made = expectOk(
      await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt, ext: device.node, ...more } }),
      2001,
    );
    return `cse-in/${String(made['rn'])}`;
  }

  function run(command: string, more: Attributes = {}, headers: Record<string, string> = {}) {
    return world.mca.update(command, { 'm2m:mgc': { exe: true, ...more } }, { headers });
  }

  /** Path of the execution that an answer names. */
  async function start(command: string): Promise<string> {
    const answer = await run(command);
    assert.equal(answer.rsc, 2004, answer.text);
    const paths = answer.body['m2m:uril'] as unknown as string[];
    assert.equal(paths.length, 1);
    return paths[0]!;
  }

  async function get(path: string): Promise<Attributes> {
    return expectOk(await world.mca.get(path), 2000);
  }

  function untilOver(execution: string): Promise<Attributes> {
    return eventually(`${execution} is over`, async () => {
      const attributes = await get(execution);
      return attributes['exs'] === finished || attributes['exs'] === cancelled ? attributes : undefined;
    });
  }

  async function executionsOf(command: string): Promise<Attributes[]> {
    const body = (await world.mca.get(`${command}?rcn=4`)).body['m2m:mgc'] ?? {};
    return (body['m2m:exin'] ?? []) as Attributes[];
  }

  /** Why an execution ended, as its labels tell it. */
  function labelOf(execution: Attributes, key: string): string {
    return String((execution['lbl'] as string[] | undefined)?.find((label) => label.startsWith(`${key}:`)));
  }

  async function addSleeper(): Promise<TestDevice> {
    const device = await world.addDevice({ queueMode: true, awakeFor: 600 });
    device.simulator.faults.asleep = true;
    await eventually('the gateway knows that it sleeps', async () => (await device.presence()) === 'asleep');
    return device;
  }

  async function wakeUp(device: TestDevice): Promise<void> {
    device.simulator.faults.asleep = false;
    await device.simulator.update();
  }

  it('reboots the device once, is pending while it is down, and ends SUCCESS after its registration', async () => {
    const device = await world.addDevice();
    const command = await make(device, reboot);
    assert.equal(device.deeds('reboot').length, 0);
    const execution = await start(command);
    const begun = await get(execution);
    assert.ok(begun['exs'] === pending || begun['exs'] === finished, String(begun['exs']));
    const over = await untilOver(execution);
    expectMembers(over, { exs: finished, exr: success, ext: (await get(device.node))['ri'], exm: 1 });
    await untilRestarted(device, 1);
    assert.equal(device.deeds('execute').length, 1);
  });

  it('stays pending until the device is back', async () => {
    const device = await world.addDevice({ speed: 1 });
    const execution = await start(await make(device, reboot));
    expectMembers(await get(execution), { exs: pending, exr: notFinished });
    expectMembers(await untilOver(execution), { exs: finished, exr: success });
    await untilRestarted(device, 1);
  });

  it('can be carried out again and again; each execution is a resource of its own', async () => {
    const device = await world.addDevice();
    const command = await make(device, reboot);
    const paths = new Set<string>();
    for (const times of [1, 2]) {
      const execution = await start(command);
      paths.add(execution);
      await untilOver(execution);
      await untilRestarted(device, times);
    }
    assert.equal(paths.size, 2);
    assert.equal((await executionsOf(command)).length, 2);
  });

  it('resets the device to its factory settings', async () => {
    const device = await world.addDevice();
    const execution = await start(await make(device, reset));
    expectMembers(await untilOver(execution), { exs: finished, exr: success });
    assert.equal(device.deeds('factory-reset').length, 1);
  });

  it('downloads and installs firmware, and the management objects show it', async () => {
    const device = await world.addDevice();
    const exra = { dld: [{ ftyp: '1 Firmware Upgrade Image', url }] };
    const execution = await start(await make(device, download, { exra }));
    expectMembers(await get(execution), { exra });
    expectMembers(await untilOver(execution), { exs: finished, exr: success });
    assert.equal(device.simulator.resource('/3/0/3'), '5.0.0');
    assert.equal(device.deeds('firmware-installed').length, 1);
    await eventually('fwVersion follows', async () => (await device.stored('deviceInfo'))?.['fwv'] === '5.0.0');
  });

  it("tells why the device failed, in the device's own words", async () => {
    const device = await world.addDevice({ faults: { badImage: 'integrity' } });
    const execution = await start(await make(device, download, { exra: { dld: [{ ftyp: '1', url }] } }));
    const over = await untilOver(execution);
    expectMembers(over, { exs: finished, exr: 7 });
    assert.equal(labelOf(over, 'cause'), 'cause:transfer-failed');
    assert.match(labelOf(over, 'explanation'), /\w+ \w+ \w+/);
    assert.match(labelOf(over, 'evidence'), /5/);
    const found = await world.mca.get('cse-in?fu=1&ty=8&lbl=cause:transfer-failed');
    assert.deepEqual(found.body['m2m:uril'], [execution]);
  });

  it('installs software into an instance that is free, and then has no room left', async () => {
    const device = await world.addDevice();
    const command = await make(device, softwareInstall, { exra: { swin: [{ url }] } });
    expectMembers(await untilOver(await start(command)), { exs: finished, exr: success });
    assert.equal(device.simulator.resource('/9/1/7'), 4);
    assert.equal(device.simulator.resource('/9/0/0'), 'metering-agent');
    await eventually('the resource follows', async () => (await device.stored('software-1'))?.['swn'] === 'main');
    expectRefused(await run(command), 5103, /holds software/);
    expectMembers((await executionsOf(command)).at(-1)!, { exs: finished, exr: resourcesExceeded });
  });

  it('on a device that has left answers 6003, and the execution is kept as failed', async () => {
    const device = await world.addDevice();
    const command = await make(device, reboot);
    await device.simulator.deregister();
    await eventually('the gateway knows that it left', async () => (await device.presence()) === 'gone');
    expectRefused(await run(command), 6003, /nothing was sent/);
    const [execution] = await executionsOf(command);
    expectMembers(execution, { exs: finished, exr: 4 });
    assert.equal(labelOf(execution!, 'cause'), 'cause:not-reachable');
  });

  const impossible: [string, number, Attributes | undefined, RegExp][] = [
    ['an upload', upload, { uld: [{ ftyp: '2 Log', url: 'http://192.0.2.1/x' }] }, /no upload/],
    ['the removal of software by UUID', softwareUninstall, { swun: [{ uuid: 'u' }] }, /no UUID/],
    ['a download that is no firmware', download, { dld: [{ ftyp: '3 Vendor File', url: 'http://a/b' }] }, /Firmware/],
  ];
  for (const [what, cmdType, exra, why] of impossible) {
    it(`${what} is no business of LwM2M: 5001, and the execution says UNSUPPORTED`, async () => {
      const device = await world.addDevice();
      const command = await make(device, cmdType, { exra });
      expectRefused(await run(command), 5001, why);
      const [execution, ...more] = await executionsOf(command);
      assert.equal(more.length, 0);
      expectMembers(execution, { exs: finished, exr: unsupported });
      assert.match(labelOf(execution!, 'explanation'), why);
      assert.equal(device.simulator.journal.length, 0);
    });
  }

  it('without the arguments that it needs answers 6025 when it is carried out, and names them', async () => {
    const device = await world.addDevice();
    const command = await make(device, download);
    expectRefused(await run(command), 6025, /'ftyp' \(fileType\)/);
    expectMembers((await executionsOf(command))[0], { exs: finished, exr: invalidArguments });
  });

  it('takes arguments that come with the trigger', async () => {
    const device = await world.addDevice();
    const command = await make(device, download);
    const answer = await run(command, { exra: { dld: [{ ftyp: '1', url }] } });
    const [execution] = expectOk(answer, 2004) as unknown as string[];
    expectMembers(await untilOver(execution!), { exs: finished, exr: success });
  });

  const refusals: [string, number, Attributes, number, RegExp][] = [
    ['an unknown cmdType', 99, {}, 6022, /cmt/],
    ['arguments of another command', reboot, { exra: { dld: [{ ftyp: '1', url: 'http://a/b' }] } }, 6023, /rbo/],
    ['a download without its URL', download, { exra: { dld: [{ ftyp: '1' }] } }, 6024, /url/],
    [
      'an argument of another type',
      download,
      { exra: { dld: [{ ftyp: '1', url: 'http://a/b', fsi: 'x' }] } },
      6023,
      /fsi/,
    ],
    [
      'an argument that does not exist',
      download,
      { exra: { dld: [{ ftyp: '1', url: 'http://a/b', zz: 1 }] } },
      6023,
      /zz/,
    ],
    ['execDelay in mode 1', reboot, { exy: 'PT5S' }, 4000, /exy/],
    ['a target that is no node', reboot, { ext: 'cse-in' }, 4000, /<node>/],
  ];
  for (const [what, cmdType, more, code, why] of refusals) {
    it(`with ${what} is refused with ${code}`, async () => {
      const { node } = await world.addDevice();
      const body = { 'm2m:mgc': { cmt: cmdType, ext: node, ...more } };
      expectRefused(await world.mca.create('cse-in', 12, body), code, why);
    });
  }

  for (const [mode, plan] of [
    ['IMMEDIATEREPEAT', { exm: 2, exf: 'PT10S', exn: 3 }],
    ['RANDOMONCE', { exm: 3, exy: 'PT10S' }],
    ['RANDOMREPEAT', { exm: 4, exf: 'PT10S', exy: 'PT10S', exn: 3 }],
  ] as const) {
    it(`in the mode ${mode} is stored, and answers 5001 when it is to be carried out`, async () => {
      const device = await world.addDevice();
      const command = await make(device, reboot, plan);
      expectMembers(await get(command), plan);
      expectRefused(await run(command), 5001, /exm/);
      assert.equal((await executionsOf(command)).length, 0);
    });
  }

  it('never shows the password that it was given', async () => {
    const device = await world.addDevice();
    const exra = { dld: [{ ftyp: '1', url, unm: 'me', pwd: 'secret' }] };
    const made = await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt: download, ext: device.node, exra } });
    assert.doesNotMatch(made.text, /secret/);
    const command = `cse-in/${String(expectOk(made, 2001)['rn'])}`;
    const execution = await start(command);
    for (const path of [command, execution]) {
      const answer = await world.mca.get(path);
      assert.match(answer.text, /"unm":"me"/);
      assert.doesNotMatch(answer.text, /secret/);
    }
    await untilOver(execution);
  });

  describe('for a device that sleeps', () => {
    it('is answered at once and stays pending; the device does it when it comes', async () => {
      const device = await addSleeper();
      const execution = await start(await make(device, reboot));
      expectMembers(await get(execution), { exs: pending, exr: notFinished });
      assert.equal(device.simulator.journal.length, 0);
      await wakeUp(device);
      expectMembers(await untilOver(execution), { exs: finished, exr: success });
      await untilRestarted(device, 1);
      assert.equal(device.deeds('execute').length, 1);
    });

    it('is never sent once it was cancelled', async () => {
      const device = await addSleeper();
      const execution = await start(await make(device, reboot));
      expectOk(await world.mca.update(execution, { 'm2m:exin': { exd: true } }), 2004);
      const over = await get(execution);
      expectMembers(over, { exs: cancelled, exr: notFinished });
      assert.match(labelOf(over, 'explanation'), /cancelled by CAdmin/);
      expectRefused(await world.mca.update(execution, { 'm2m:exin': { exd: true } }), 6028);
      await wakeUp(device);
      expectOk(await device.get('memory'));
      assert.equal(device.simulator.journal.length, 0);
    });

    it('is never sent once its execution, or the command itself, was deleted', async () => {
      const device = await addSleeper();
      const command = await make(device, reboot);
      const execution = await start(command);
      await start(command);
      assert.equal((await world.mca.delete(execution)).rsc, 2002);
      assert.equal((await executionsOf(command)).length, 1);
      assert.equal((await world.mca.delete(command)).rsc, 2002);
      assert.equal((await world.mca.get(command)).rsc, 4004);
      await wakeUp(device);
      expectOk(await device.get('memory'));
      assert.equal(device.simulator.journal.length, 0);
    });

    it('is over, and not sent any more, when the time that the request gave has passed', async () => {
      const device = await addSleeper();
      const answer = await run(await make(device, reboot), {}, { 'X-M2M-RET': '700' });
      const [execution] = expectOk(answer, 2004) as unknown as string[];
      const over = await untilOver(execution!);
      assert.equal(over['exs'], finished);
      assert.match(labelOf(over, 'explanation'), /nothing was sent and nothing will be/);
      await wakeUp(device);
      expectOk(await device.get('memory'));
      assert.equal(device.simulator.journal.length, 0);
    });

    it('does not have its target changed under its executions', async () => {
      const device = await addSleeper();
      const command = await make(device, reboot);
      const other = (await world.addDevice()).node;
      await start(command);
      expectRefused(await world.mca.update(command, { 'm2m:mgc': { ext: other } }), 4005, /execTarget/);
      expectOk(await world.mca.update(command, { 'm2m:mgc': { dc: 'free text', ext: device.node } }), 2004);
    });
  });

  describe('that the device has accepted', () => {
    function startDownload(device: TestDevice): Promise<string> {
      return make(device, download, { exra: { dld: [{ ftyp: '1', url }] } }).then(start);
    }
    const slow: Partial<DeviceOptions> = { speed: 1 };

    it('is cancelled on the device when it can be', async () => {
      const device = await world.addDevice({ ...slow, version: '1.1' });
      const execution = await startDownload(device);
      expectOk(await world.mca.update(execution, { 'm2m:exin': { exd: true } }), 2004);
      expectMembers(await get(execution), { exs: cancelled, exr: notFinished });
      assert.equal(device.deeds('firmware-installed').length, 0);
    });

    it('answers 6029 when it cannot be, is not deleted, and still ends', async () => {
      const device = await world.addDevice(slow);
      const execution = await start(await make(device, reboot));
      expectRefused(await world.mca.update(execution, { 'm2m:exin': { exd: true } }), 6029);
      expectMembers(await get(execution), { exs: nonCancellable, exr: notFinished });
      expectRefused(await world.mca.delete(execution), 6029);
      expectMembers(await untilOver(execution), { exs: finished, exr: success });
      assert.equal((await world.mca.delete(execution)).rsc, 2002);
      await untilRestarted(device, 1);
    });

    it('keeps its command, while the other executions of it are cancelled', async () => {
      const device = await world.addDevice(slow);
      const sleeper = await addSleeper();
      const command = await make(device, reboot);
      const first = await start(command);
      // The next execution goes elsewhere; the first one is not touched by that.
      const [second] = expectOk(await run(command, { ext: sleeper.node }), 2004) as unknown as string[];
      expectRefused(await world.mca.delete(command), 6029, /is not deleted/);
      expectMembers(await get(first), { exs: nonCancellable });
      expectMembers(await get(second!), { exs: cancelled });
      expectMembers(await untilOver(first), { exs: finished, exr: success });
      assert.equal((await world.mca.delete(command)).rsc, 2002);
      await untilRestarted(device, 1);
    });

    it('keeps out a second one on the same object, by command or by management object', async () => {
      const device = await world.addDevice(slow);
      const execution = await startDownload(device);
      const second = await make(device, download, { exra: { dld: [{ ftyp: '1', url }] } });
      expectRefused(await run(second), 4105, /not over/);
      expectRefused(await device.update('firmware', 'fwr', { url, ud: true }), 4105);
      expectMembers(await get(execution), { exs: pending });
    });
  });

  it('tells the subscribers of the command of a new execution, and those of the execution of its end', async () => {
    const listener = await listen();
    try {
      const device = await addSleeper();
      const command = await make(device, reboot);
      const watch = { nu: [listener.url], nct: 1 };
      expectOk(await world.mca.create(command, 23, { 'm2m:sub': { ...watch, enc: { net: [3], chty: [8] } } }), 2001);
      const execution = await start(command);
      const created = await listener.until(1);
      assert.match(JSON.stringify(created.body), /"m2m:exin"/);
      expectOk(
        await world.mca.create(execution, 23, { 'm2m:sub': { ...watch, enc: { net: [1], atr: ['exs'] } } }),
        2001,
      );
      await wakeUp(device);
      await untilOver(execution);
      await eventually('a notification with execStatus FINISHED', () =>
        listener.heard.some(({ body }) => JSON.stringify(body).includes(`"exs":${finished}`)),
      );
      await untilRestarted(device, 1);
    } finally {
      await listener.close();
    }
  });

  it('needs the right to update the node that it commands', async () => {
    const device = await world.addDevice();
    const rule = { acr: [{ acor: ['CAdmin', 'Cclerk'], acop: 63 }] };
    const policy = expectOk(await world.mca.create('cse-in', 1, { 'm2m:acp': { pv: rule, pvs: rule } }), 2001);
    const command = await make(device, reboot, { acpi: [policy['ri']] });
    const answer = await world.mca.update(command, { 'm2m:mgc': { exe: true } }, { origin: 'Cclerk' });
    expectRefused(answer, 4103, /UPDATE/);
    assert.equal((await executionsOf(command)).length, 0);
    expectOk(await world.mca.update(command, { 'm2m:mgc': { dc: 'mine' } }, { origin: 'Cclerk' }), 2004);
  });

  it('is carried out once for a non-blocking request, whose result names the execution', async () => {
    const device = await world.addDevice();
    const command = await make(device, reboot);
    const accepted = await world.mca.update(`${command}?rt=1`, { 'm2m:mgc': { exe: true } });
    assert.equal(accepted.rsc, 1001, accepted.text);
    const result = await eventually('the result of the request', async () => {
      const request = await get(String(accepted.body['m2m:uri']));
      return request['rs'] === 1 ? (request['ors'] as Attributes) : undefined;
    });
    expectMembers(result, { rsc: 2004 });
    const [execution] = (result['pc'] as Record<string, string[]>)['m2m:uril']!;
    expectMembers(await untilOver(execution!), { exs: finished, exr: success });
    await untilRestarted(device, 1);
    assert.equal(device.deeds('execute').length, 1);
  });

  describe('over a restart of the gateway', () => {
    it('is not carried out a second time for a non-blocking request that was not answered yet', async () => {
      const device = await world.addDevice();
      const command = await make(device, reboot);
      device.simulator.faults.asleep = true;
      const accepted = await world.mca.update(`${command}?rt=1`, { 'm2m:mgc': { exe: true } });
      assert.equal(accepted.rsc, 1001, accepted.text);
      await eventually('the execution is there', async () => (await executionsOf(command)).length === 1);
      await world.restart();
      device.simulator.faults.asleep = false;
      await device.simulator.update();
      await eventually('the request has its result', async () => {
        const request = await get(String(accepted.body['m2m:uri']));
        return (request['ors'] as Attributes)['rsc'] === 2004;
      });
      // It was sent and never answered: nobody knows, so it is not over, and it is not sent again.
      const [execution, ...more] = await executionsOf(command);
      assert.equal(more.length, 0);
      expectMembers(execution, { exr: notFinished });
      expectOk(await device.get('battery'));
      assert.equal(device.deeds('execute').length, 0);
    }).timeout(30_000);

    it('goes on when it was pending, for the device to come back or for the device to wake up', async () => {
      const rebooting = await world.addDevice({ speed: 1 });
      const sleeper = await addSleeper();
      const first = await start(await make(rebooting, reboot));
      const second = await start(await make(sleeper, reboot));
      expectMembers(await get(first), { exs: pending });
      await world.restart();
      await wakeUp(sleeper);
      expectMembers(await untilOver(first), { exs: finished, exr: success });
      expectMembers(await untilOver(second), { exs: finished, exr: success });
      for (const device of [rebooting, sleeper]) {
        await untilRestarted(device, 1);
        assert.equal(device.deeds('execute').length, 1);
      }
    });
  });
});
