import assert from 'node:assert/strict';
import { Alterations } from '../../src/management/alterations.ts';
import type { Step } from '../../src/management/operation.ts';
import { failed, succeeded } from '../../src/management/outcome.ts';
import type { MappedObject } from '../../src/management/resource-side.ts';
import { ManualClock } from '../../src/support/clock.ts';

describe('what the gateway made and removed on a device', () => {
  const told = { objects: [{ path: '/3/0' }, { path: '/2056', objectID: 'urn:test:2056' }] };
  const steps: Step[] = [{ action: 'create', path: '/2056', instance: '1', assignments: [] }];
  let clock: ManualClock;
  let alterations: Alterations;

  beforeEach(() => {
    clock = new ManualClock();
    alterations = new Alterations(clock);
  });

  function paths(inventory = alterations.corrected('pump', told)): string[] {
    return inventory.objects.map(({ path }) => path);
  }

  function mapped(path: string): MappedObject {
    return {
      mapping: 'cmdhBuffer',
      mgmtDefinition: 1019,
      resourceName: 'cmdhBuffer',
      objectIDs: [],
      objectPaths: [path],
      names: {},
      objects: { buffer: path },
      attributes: {},
    };
  }

  it('takes the place of what is being created, for other creations only', () => {
    alterations.ask('pump', steps, told, clock.now() + 30_000);
    assert.deepEqual(paths(alterations.withPlacesTaken('pump', told)), ['/3/0', '/2056', '/2056/1']);
    assert.equal(alterations.corrected('pump', told), told);
    alterations.created('pump', steps, told, failed({ cause: 'no-privilege', explanation: 'no' }));
    assert.equal(alterations.withPlacesTaken('pump', told), told);
  });

  it('corrects an older word of the device until it has caught up or the grace is over', () => {
    alterations.created('pump', steps, told, succeeded());
    const corrected = alterations.corrected('pump', told);
    assert.deepEqual(corrected.objects.at(-1), { path: '/2056/1', objectID: 'urn:test:2056' });
    clock.advance(300_001);
    assert.equal(alterations.corrected('pump', told), told);
  });

  it('takes the path that the device chose', () => {
    alterations.created(
      'pump',
      [{ action: 'create', path: 'Device.X.', assignments: [] }],
      told,
      succeeded([], { created: 'Device.X.7.' }),
    );
    assert.ok(paths().includes('Device.X.7.'));
  });

  it('leaves a new object to the one who creates it, for a moment', () => {
    const [mine] = alterations.leaveToRequesters('pump', [mapped('/2056/1')]);
    assert.equal(mine?.onlyIfPresent, undefined);
    alterations.ask('pump', steps, told, clock.now() + 30_000);
    assert.equal(alterations.leaveToRequesters('pump', [mapped('/2056/1')])[0]?.onlyIfPresent, true);
    alterations.created('pump', steps, told, succeeded());
    assert.equal(alterations.leaveToRequesters('pump', [mapped('/2056/1')])[0]?.onlyIfPresent, true);
    clock.advance(5001);
    assert.equal(alterations.leaveToRequesters('pump', [mapped('/2056/1')])[0]?.onlyIfPresent, undefined);
  });

  it('says when nothing is left to a requester, and that another process would have to look again', () => {
    const objects = [mapped('/2056/1')];
    assert.equal(alterations.leaveToRequesters('pump', objects), objects);
    assert.equal(alterations.concern('pump'), false);
    alterations.ask('pump', steps, told, clock.now() + 30_000);
    assert.notEqual(alterations.leaveToRequesters('pump', objects), objects);
    assert.equal(alterations.concern('pump'), true);
    assert.equal(new Alterations(clock).concern('pump'), false);
    alterations.created('pump', steps, told, succeeded());
    clock.advance(5_000);
    assert.equal(alterations.leaveToRequesters('pump', objects), objects);
    clock.advance(300_000);
    assert.equal(alterations.concern('pump'), false);
  });

  it('does not believe that what was deleted is still there; the object itself stays', () => {
    const before = { objects: [{ path: '/2056/1', objectID: 'urn:test:2056' }] };
    alterations.removed('pump', [{ action: 'delete', path: '/2056/1' }]);
    assert.deepEqual(alterations.corrected('pump', before).objects, [{ path: '/2056', objectID: 'urn:test:2056' }]);
    alterations.created('pump', steps, before, succeeded());
    assert.deepEqual(paths(alterations.corrected('pump', before)), ['/2056/1'], 'made again');
  });

  it('is bounded', () => {
    for (let instance = 0; instance < 1500; instance++) {
      alterations.removed('pump', [{ action: 'delete', path: `/2056/${instance}` }]);
    }
    const all = { objects: Array.from({ length: 1500 }, (_, instance) => ({ path: `/2056/${instance}` })) };
    assert.equal(alterations.corrected('pump', all).objects.length, 500);
  });
});
