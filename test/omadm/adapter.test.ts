import assert from 'node:assert/strict';
import type { Operation, Step } from '../../src/management/operation.ts';
import { eventually } from '../support/eventually.ts';
import { identity, startSmallLeg, type SmallLeg } from './small-leg.ts';

const read = (...paths: string[]): Step => ({ action: 'read', targets: paths.map((path) => ({ path })) });
const exec = (path: string): Step => ({ action: 'execute', target: { path } });

describe('the OMA DM leg', () => {
  let leg: SmallLeg;

  afterEach(async () => {
    const complaints = leg.client.complaints.slice();
    await leg.stop();
    assert.deepEqual(complaints, []);
  });

  const objects = (): Map<string, string | undefined> =>
    new Map(leg.device().inventory.objects.map(({ path, objectID }) => [path, objectID]));
  const history = (): string[] => leg.management.history.map((line) => line.replace(/ op\d+$/, ''));

  describe('onboarding', () => {
    it('a device is known by its package #1, with what it says of itself', async () => {
      leg = await startSmallLeg({ manufacturer: 'Acme', model: 'GW-1', softwareVersion: '7' });
      const device = leg.device();
      assert.equal(device.technology, 'omadm');
      assert.equal(device.identity, identity);
      assert.equal(device.inventory.manufacturer, 'Acme');
      assert.equal(device.inventory.model, 'GW-1');
      assert.equal(device.inventory.softwareVersion, '7');
      assert.equal(device.presence.state, 'asleep');
    });

    for (const lists of [true, false]) {
      const how = lists ? 'in one answer' : 'level by level';
      it(`management objects are found by their types, ${how}`, async () => {
        leg = await startSmallLeg({ lists, paths: { firmware: './Vendor/Deep/Fw' } });
        const found = objects();
        assert.equal(found.get('./Vendor/Deep/Fw'), 'urn:oma:mo:oma-fumo:1.0');
        assert.equal(found.get('./DevInfo'), 'urn:oma:mo:oma-dm-devinfo:1.0');
        const types = [...found.values()].filter(Boolean).join(' ');
        for (const word of ['scomo', 'lawmo', 'dcmo', 'memory', 'batteryinfo', 'restart', 'mcmdhmo'])
          assert.match(types, new RegExp(word));
        const paths = [...found.keys()];
        assert.ok(
          paths.some((path) => /\/Inventory\/Deployed\/[^/]+$/.test(path)),
          paths.join(' '),
        );
        assert.ok(paths.some((path) => path.endsWith('/DiagMonData/1')));
        assert.ok(!paths.some((path) => path.endsWith('/RAMAvail')));
      });
    }

    it('the tree is looked through once, and again when the version has changed', async () => {
      leg = await startSmallLeg({}, { versionInterval: 0 });
      const asked = (): number => leg.client.journal.filter(({ path }) => path?.includes('?list=')).length;
      const first = asked();
      assert.ok(first > 0);
      await leg.client.session();
      assert.equal(asked(), first);
      leg.client.setValue('./DevDetail/FwV', '2.0.0');
      await leg.client.session();
      assert.ok(asked() > first);
    });

    it('a device that is not admitted is refused, and comes again', async () => {
      leg = await startSmallLeg({ autoSession: false });
      leg.management.refuse = 'it is blocked';
      const refused = await leg.client.session();
      assert.equal(refused.ok, false);
      leg.management.refuse = undefined;
      assert.equal((await leg.client.session()).ok, true);
    });

    it('devices behind a gateway share its lane', async () => {
      leg = await startSmallLeg({ devicesBehind: [{ id: 'urn:zigbee:1', type: 'Lamp' }] });
      const sighting = leg.management.sightings.find((one) => one.identity === 'urn:zigbee:1');
      assert.equal(sighting?.proxiedBy, identity);
      assert.ok([...objects().keys()].some((path) => path.endsWith('/Inventory/Records/1')));
    });
  });

  describe('operations', () => {
    it('values are read in one package, and what is not there is told apart', async () => {
      leg = await startSmallLeg();
      const outcome = await leg.run([
        {
          action: 'read',
          targets: [
            { path: './DevInfo/Man', type: 'string' },
            { path: './DevDetail/LrgObj', type: 'boolean' },
            { path: './DevDetail/Nothing', optional: true },
          ],
        },
      ]);
      assert.equal(outcome.status, 'succeeded');
      assert.deepEqual(outcome.results, [
        { path: './DevInfo/Man', value: 'Trivet Simulators' },
        { path: './DevDetail/LrgObj', value: true },
        { path: './DevDetail/Nothing', absent: true },
      ]);
      const missing = await leg.run([read('./DevDetail/Nothing')]);
      assert.equal(missing.failure?.cause, 'not-found');
      assert.match(missing.failure?.evidence ?? '', /^404/);
    });

    it('values are written in their order, and the first refusal stops the rest', async () => {
      leg = await startSmallLeg({
        nodes: {
          './X/A': { value: 'a', access: 'GR' },
          './X/B': { value: 'b', access: 'G' },
          './X/C': { value: 'c', access: 'GR' },
        },
      });
      const write: Step = {
        action: 'write',
        assignments: ['A', 'B', 'C'].map((name) => ({ path: `./X/${name}`, value: 'new', type: 'string' as const })),
      };
      const outcome = await leg.run([write]);
      assert.equal(outcome.failure?.cause, 'not-allowed');
      assert.match(outcome.failure?.explanation ?? '', /\.\/X\/A was written before it/);
      assert.equal(leg.client.value('./X/A'), 'new');
      assert.equal(leg.client.value('./X/C'), 'c');
    });

    it('a value takes the format that the node has', async () => {
      leg = await startSmallLeg({ nodes: { './X/N': { value: '1', format: 'int', access: 'GR' } } });
      const outcome = await leg.run([
        { action: 'write', assignments: [{ path: './X/N', value: '7', type: 'string' }] },
      ]);
      assert.equal(outcome.status, 'succeeded');
      assert.equal(leg.client.value('./X/N'), '7');
    });

    it('a value that cannot be said is refused before anything is sent', async () => {
      leg = await startSmallLeg({ nodes: { './X/N': { value: '1', format: 'int', access: 'GR' } } });
      const assignments = [{ path: './X/N', value: 5_000_000_000, type: 'unsigned' as const }];
      const outcome = await leg.run([{ action: 'write', assignments }]);
      assert.equal(outcome.failure?.cause, 'conversion');
      assert.equal(leg.client.value('./X/N'), '1');
    });

    it('an instance is made with its parents and its values, and deleted again', async () => {
      leg = await startSmallLeg();
      const cmdh = [...objects()].find(([, type]) => type?.includes('mcmdhmo'))![0];
      const path = `${cmdh}/cmdhBuffer`;
      const assignments = [
        { path: `${path}/9/maxBufferSize`, value: 100, type: 'integer' as const },
        { path: `${path}/9/storagePriority`, value: 3, type: 'integer' as const },
      ];
      const outcome = await leg.run([{ action: 'create', path, instance: '9', assignments }], { repeatable: false });
      assert.equal(outcome.status, 'succeeded', JSON.stringify(outcome));
      assert.equal(outcome.created, `${path}/9`);
      assert.equal(leg.client.value(`${path}/9/maxBufferSize`), '100');
      assert.ok(objects().has(`${path}/9`));
      const deleted = await leg.run([{ action: 'delete', path: `${path}/9` }], { repeatable: false });
      assert.equal(deleted.status, 'succeeded');
      assert.equal(leg.client.value(`${path}/9`), undefined);
      assert.ok(!objects().has(`${path}/9`));
    });

    it('an order that the device takes its time for ends with its alert', async () => {
      leg = await startSmallLeg();
      const dcmo = [...objects()].find(([, type]) => type?.includes('dcmo'))![0];
      const outcome = await leg.run([exec(`${dcmo}/Operations/Disable`)], { repeatable: false, kind: 'trigger' });
      assert.equal(outcome.status, 'succeeded');
      assert.equal(outcome.evidence, 'ResultCode 1200');
      assert.equal(leg.client.value(`${dcmo}/Enabled`), 'false');
      assert.deepEqual(history(), ['dispatched', 'accepted', 'succeeded']);
    });

    it('a result code of a failure says what went wrong', async () => {
      leg = await startSmallLeg({ faults: { operationResult: 1403 } });
      const [lawmo] = [...objects()].find(([, type]) => type?.includes('lawmo'))!;
      const outcome = await leg.run([exec(`${lawmo}/Operations/PartiallyLock`)], { repeatable: false });
      assert.equal(outcome.status, 'failed');
      assert.equal(outcome.failure?.evidence, 'ResultCode 1403');
      assert.match(outcome.failure?.explanation ?? '', /partial lock failed/);
    });

    it('a restart ends the session, and the next session is the return', async () => {
      leg = await startSmallLeg();
      const [path] = [...objects()].find(([, type]) => type?.includes('restart'))!;
      const change: Partial<Operation> = { repeatable: false, kind: 'command', evidence: { restart: true } };
      const outcome = await leg.run([exec(`${path}/Operations/Start`)], change);
      assert.equal(outcome.status, 'succeeded');
      assert.equal(
        leg.management.sightings.some(({ restarted }) => restarted),
        true,
      );
    });

    it('a factory reset that is followed by nothing has succeeded at its deadline', async () => {
      leg = await startSmallLeg({}, { updateDeadline: 200 });
      const [lawmo] = [...objects()].find(([, type]) => type?.includes('lawmo'))!;
      const change: Partial<Operation> = { repeatable: false, kind: 'trigger', evidence: { restart: true } };
      const operation = leg.management.queue(leg.device().id, [exec(`${lawmo}/Operations/FactoryReset`)], change);
      await leg.client.session();
      await leg.client.stop();
      const outcome = await leg.management.outcome(operation.id);
      assert.equal(outcome.status, 'succeeded');
    });
  });

  describe('what a device tells by itself', () => {
    it('an alert that belongs to no order is handed on, once it is stored', async () => {
      leg = await startSmallLeg();
      leg.client.requestFirmware('user');
      await eventually('the alert', () => leg.management.events.some(({ event }) => event.event === 'alert'));
      const told = leg.management.events.map(({ event }) => event).find((one) => one.event === 'alert');
      assert.equal(told?.type, 'org.openmobilealliance.dm.firmwareupdate.userrequest');
      assert.equal(told?.path, './FUMO');
    });

    it('wished values are read at an interval where nothing tells of them', async () => {
      leg = await startSmallLeg({}, { pollInterval: 1 });
      const [path] = [...objects()].find(([, type]) => type?.includes('memory'))!;
      const wish = `${path}/DiagMonData/RAMAvail`;
      leg.management.wishes.set(leg.device().id, [{ path: wish }]);
      leg.adapter.wishChanged(leg.device());
      await leg.client.session();
      const values = leg.management.events.flatMap(({ event }) => (event.event === 'values' ? event.values : []));
      assert.deepEqual(
        values.find((one) => one.path === wish),
        { path: wish, value: 262144 },
      );
    });
  });

  describe('waking', () => {
    it('a device is notified once, and again with the other nonce when it does not come', async () => {
      const sent: boolean[] = [];
      const notifier = {
        notify: async (_: unknown, { zeroNonce }: { zeroNonce: boolean }) => {
          sent.push(zeroNonce);
          return { sent: true as const, by: 'test' };
        },
      };
      leg = await startSmallLeg({}, { notificationPatience: 20 }, { notifier });
      assert.equal((await leg.adapter.wake(leg.device())).state, 'asked');
      await eventually('the second notification', () => sent.length === 2);
      assert.deepEqual(sent, [false, true]);
    });

    it('one that cannot be called is waited for, with a sentence', async () => {
      leg = await startSmallLeg();
      const woken = await leg.adapter.wake(leg.device());
      assert.equal(woken.state, 'waiting');
      assert.match('why' in woken ? woken.why : '', /no address for notifications.*next session/);
    });
  });
});
