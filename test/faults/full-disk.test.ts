/** A disk that takes nothing more: requests fail with a sentence, the process lives, and goes on when there is room again. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChildGateway, type ChildGateway } from '../support/child-gateway.ts';
import { eventually } from '../support/eventually.ts';
import { admit, prepareDevice, type Patient } from './patient.ts';

interface Disk {
  name: string;
  /** Sentence why not; undefined = it can be done here. */
  impossible: string | undefined;
  start(data: string): Promise<ChildGateway>;
  /** From now on nothing more fits. */
  fill(gateway: ChildGateway): void;
  empty(gateway: ChildGateway): void;
}

const options = ['--lwm2m-awake-window', '1s'];
const manyLabels = Array.from({ length: 1000 }, (_, index) => `a-label-that-takes-room-${index}`);

const here = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

/** The kernel refuses writes beyond the present size of the file (EFBIG), which SQLite calls an I/O error. */
const limited: Disk = {
  name: 'that refuses to let a file grow',
  impossible: here('prlimit', '--version') ? undefined : 'there is no prlimit (util-linux)',
  start: (data) => startChildGateway({ data, logLevel: 'error', options }),
  fill(gateway) {
    const log = statSync(join(gateway.data, 'trivet.db-wal')).size;
    execFileSync('prlimit', ['--pid', String(gateway.pid), `--fsize=${log}:unlimited`]);
  },
  empty(gateway) {
    execFileSync('prlimit', ['--pid', String(gateway.pid), '--fsize=unlimited:unlimited']);
  },
};

/** A file system of its own, in a mount namespace of the gateway: no space left is ENOSPC. */
const small: Disk = {
  name: 'that is full',
  impossible: here('unshare', '--mount', '--map-root-user', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt')
    ? undefined
    : 'this machine allows no mount namespaces',
  start: (data) =>
    startChildGateway({
      data,
      logLevel: 'error',
      options,
      through: [
        'unshare',
        '--mount',
        '--map-root-user',
        'sh',
        '-c',
        `mount -t tmpfs -o size=12m tmpfs '${data}' && exec "$@"`,
        'sh',
      ],
    }),
  fill(gateway) {
    const filler = `/proc/${gateway.pid}/root${gateway.data}/filler`;
    for (const size of [1024 * 1024, 4096]) {
      try {
        for (;;) writeFileSync(filler, Buffer.alloc(size), { flag: 'a' });
      } catch {
        // Full.
      }
    }
  },
  empty: (gateway) => rmSync(`/proc/${gateway.pid}/root${gateway.data}/filler`),
};

for (const disk of [limited, small]) {
  describe(`a disk ${disk.name}`, () => {
    let data: string;
    let gateway: ChildGateway;
    let patient: Patient;
    let sleeper: Patient;

    before(async function () {
      if (disk.impossible !== undefined) {
        console.log(`      not tested here: ${disk.impossible}`);
        this.skip();
      }
      data = await mkdtemp(join(tmpdir(), 'trivet-disk-'));
      gateway = await disk.start(data);
      const device = await prepareDevice(gateway.urls.lwm2m, 'device', { updateEvery: 600 });
      await device.register();
      patient = await admit(gateway, device);
      const asleep = await prepareDevice(gateway.urls.lwm2m, 'sleeper', { queueMode: true, updateEvery: 600 });
      await asleep.register();
      sleeper = await admit(gateway, asleep);
    });

    after(async () => {
      if (disk.impossible !== undefined) return;
      await Promise.all([patient.device.stop(), sleeper.device.stop()]);
      await gateway.dispose();
      await rm(data, { recursive: true, force: true });
    });

    async function presenceOf(endpoint: string): Promise<string> {
      const answer = await fetch(`${gateway.urls.admin.replace(/\/$/, '')}/devices/${endpoint}/trace`);
      const { device } = (await answer.json()) as { device: { presence: { state: string } } };
      return device.presence.state;
    }

    const put = (number: number) => gateway.mca.update(`${patient.node}/cmdhBuffer`, { 'm2m:cmbf': { mbfs: number } });

    it('answers 5000 with a sentence, sends nothing, and stays alive', async function () {
      this.timeout(60_000);
      assert.equal((await put(10)).rsc, 2004);
      disk.fill(gateway);
      // What was allocated already may still take one or two.
      const refused = await eventually('a refusal', async () => {
        const answer = await gateway.mca.create('cse-in', 3, { 'm2m:cnt': { lbl: manyLabels } });
        return answer.rsc === 2001 ? false : answer;
      });
      assert.equal(refused.rsc, 5000, refused.text);
      assert.match(refused.dbg, /\w+ \w+ \w+/);
      const before = patient.mark();
      const written = await put(11);
      assert.equal(written.rsc, 5000, written.text);
      assert.match(written.dbg, /nothing was sent/);
      const rebooted = await gateway.mca.update(`${patient.node}/reboot`, { 'm2m:rbo': { rbo: true } });
      assert.equal(rebooted.rsc, 5000, rebooted.text);
      assert.deepEqual(patient.since(before), []);
    });

    it('still reads what is stored, and the device', async () => {
      assert.equal((await gateway.mca.get('cse-in')).rsc, 2000);
      const answer = await gateway.mca.get(`${patient.node}/battery`);
      assert.ok([2000, 5000].includes(answer.rsc), answer.text);
      const health = await fetch(`${gateway.urls.admin.replace(/\/$/, '')}/health/live`);
      assert.equal(health.status, 200);
    });

    it('does not tell a device that it has taken what it could not store', async function () {
      this.timeout(60_000);
      patient.device.setResource('/3/0/9', 33);
      await assert.rejects(patient.device.send(['/3/0/9']), /5\.0/);
    });

    it('sends nothing of what waits, for it could not note that it was sent', async function () {
      this.timeout(60_000);
      disk.empty(gateway);
      const { device } = sleeper;
      await eventually('the device sleeps', async () => (await presenceOf(device.endpoint)) === 'asleep', 20_000);
      const accepted = await gateway.mca.update(
        `${sleeper.node}/deviceCapability?rt=1`,
        { 'm2m:dvc': { dis: true } },
        { headers: { 'X-M2M-RET': '60000' } },
      );
      assert.equal(accepted.rsc, 1001, accepted.text);
      disk.fill(gateway);
      const before = sleeper.mark();
      const lines = gateway.log.length;
      await device.update();
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.deepEqual(sleeper.since(before), []);
      // It tries again now and then, not all the time.
      assert.ok(gateway.log.length - lines < 10, gateway.log.slice(lines, lines + 20).join('\n'));
      disk.empty(gateway);
      await device.update();
      await eventually('the Execute', () => sleeper.since(before).some(({ path }) => path === '/15/0/6'));
      const result = String(accepted.body['m2m:uri']);
      await eventually('the result', async () => (await gateway.mca.get(result)).body['m2m:req']?.['rs'] === 1);
      assert.equal(sleeper.since(before).length, 1);
    });

    it('keeps the answer of a device until it can be stored, and does not ask again', async function () {
      this.timeout(60_000);
      const { device, node } = patient;
      const before = patient.mark();
      device.faults.delay = 300;
      const reply = gateway.mca.update(
        `${node}/deviceCapability`,
        { 'm2m:dvc': { dis: true } },
        { headers: { 'X-M2M-RET': '30000' } },
      );
      // The order is noted and on its way.
      await new Promise((resolve) => setTimeout(resolve, 200));
      disk.fill(gateway);
      await eventually('the Execute', () => patient.since(before).some(({ path }) => path === '/15/0/6'));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      disk.empty(gateway);
      device.faults.delay = undefined;
      const answer = await reply;
      assert.equal(answer.rsc, 2004, answer.text);
      assert.equal(patient.since(before).filter(({ kind }) => kind === 'execute').length, 1);
      disk.fill(gateway);
    });

    it('goes on by itself when there is room again', async function () {
      this.timeout(60_000);
      disk.empty(gateway);
      await eventually('a write', async () => (await put(12)).rsc === 2004, 20_000);
      assert.equal(patient.device.resource('/2056/0/1'), 12);
      patient.device.setResource('/3/0/9', 44);
      await patient.device.send(['/3/0/9']);
      const exit = await gateway.terminate();
      assert.equal(exit.code, 0, gateway.log.join('\n'));
    });
  });
}
