import assert from 'node:assert/strict';
import type { Procedure } from '../../adapters/lwm2m/procedure.ts';
import { createSoftwareManagement } from '../../adapters/lwm2m/software-management.ts';
import type { CancelResult } from '../../src/management/adapter.ts';
import type { Operation, Value } from '../../src/management/operation.ts';
import {
  artifactOf,
  Crash,
  createScriptedDevice,
  drive,
  linkTo,
  operationOf,
  type Driven,
  type ScriptedDevice,
} from './scripted-device.ts';

const OURS = 'https://gateway.example/artifacts/a1';

interface Script {
  /** Update Result of the download instead of DELIVERED. */
  downloadFails?: number;
  /** Update Result of Install instead of INSTALLED. */
  installFails?: number;
  /** Update Result of Uninstall instead of INITIAL. */
  uninstallFails?: number;
  /** Code of the answer to every Execute; '' = none, and it is done all the same. */
  executeAnswers?: string;
  /** Version of the package that arrives. */
  version?: string;
}

/** A device with one instance of object 9 as the standard has it; every order takes a wait. */
function softwareDevice(script: Script = {}, resources: Record<string, Value> = {}): ScriptedDevice {
  const device = createScriptedDevice({ '/9/0/7': 0, '/9/0/9': 0, '/9/0/12': false, ...resources });
  device.artifacts.set(OURS, artifactOf('package', 4000));
  device.links = { coap: 'coap://10.0.0.1/artifacts/a1' };
  let next: (() => void) | undefined;
  const set = (state: number, result: number): void => {
    device.resources.set('/9/0/7', state);
    device.resources.set('/9/0/9', result);
  };
  const arrive = (): void => {
    if (script.downloadFails !== undefined) return set(0, script.downloadFails);
    set(3, 3);
    device.resources.set('/9/0/1', script.version ?? '1.1');
  };
  const orders: Record<string, { from: number[]; done: () => void }> = {
    '/9/0/4': { from: [3], done: () => (script.installFails === undefined ? set(4, 2) : set(3, script.installFails)) },
    '/9/0/6': {
      from: [3, 4],
      done: () => {
        if (script.uninstallFails !== undefined) return set(4, script.uninstallFails);
        set(0, 0);
        device.resources.set('/9/0/12', false);
        device.resources.delete('/9/0/1');
      },
    },
    '/9/0/10': { from: [4], done: () => device.resources.set('/9/0/12', true) },
    '/9/0/11': { from: [4], done: () => device.resources.set('/9/0/12', false) },
  };
  device.act = (action, path, value) => {
    if (action === 'write' && path === '/9/0/3') {
      set(value === '' ? 0 : 1, 0);
      next = value === '' ? undefined : arrive;
      return '2.04';
    }
    if (action === 'push' && path === '/9/0/2') {
      if (value === 'begin') set(1, 1);
      else arrive();
      return '2.04';
    }
    const order = orders[path];
    if (action !== 'execute' || !order?.from.includes(Number(device.resources.get('/9/0/7')))) return '4.05';
    next = order.done;
    return script.executeAnswers ?? '2.04';
  };
  device.live = () => {
    next?.();
    next = undefined;
  };
  return device;
}

function procedureOf(name: string): Procedure {
  const procedure = createSoftwareManagement({ pollInterval: 1000 }).find((other) => other.name === name);
  assert.ok(procedure, name);
  return procedure;
}

const operation = (procedure: string, inputs: Record<string, Value> = {}): Operation =>
  operationOf({ procedure, object: '/9/0', inputs });

const run = (
  device: ScriptedDevice,
  procedure: string,
  inputs?: Record<string, Value>,
  options: { runs?: number; profile?: Record<string, unknown> } = {},
): Promise<Driven> => drive(device, procedureOf(procedure), operation(procedure, inputs), options);

const install = (
  device: ScriptedDevice,
  inputs: Record<string, Value> = { url: OURS, version: '1.1' },
  options: { runs?: number; profile?: Record<string, unknown> } = {},
): Promise<Driven> => run(device, 'software-install', inputs, options);

const installs = (device: ScriptedDevice): number =>
  device.journal.filter((entry) => entry === 'execute /9/0/4').length;

describe('software management', () => {
  it('has the procedures that the mapping names, with the inputs that it gives', () => {
    const signatures = Object.fromEntries(createSoftwareManagement().map(({ name, signature }) => [name, signature]));
    assert.deepEqual(signatures, {
      'software-install': { url: true, version: false, name: false },
      'software-uninstall': {},
      'software-activate': {},
      'software-deactivate': {},
    });
  });

  it('pushes the package, installs it, and shows every state', async () => {
    const device = softwareDevice();
    const driven = await install(device);
    assert.equal(driven.outcome?.status, 'succeeded');
    assert.deepEqual(device.journal, ['push /9/0/2 begin', 'push /9/0/2 4000', 'execute /9/0/4']);
    const states = driven.shown.filter(({ path }) => path === '/9/0/7').map(({ value }) => value);
    assert.deepEqual(states, [3, 4]);
    assert.deepEqual(
      [...new Set(driven.pendings.map(({ state }) => state['phase']))],
      ['delivering', 'executing', 'installing'],
    );
    assert.ok(driven.pendings.every(({ holds }) => holds === '/9/0'));
  });

  it('lets the device pull when its firmware object says that it can', async () => {
    const device = softwareDevice({}, { '/5/0/9': 2, '/5/0/8': { instances: { 0: 0 } } });
    assert.equal((await install(device)).outcome?.status, 'succeeded');
    assert.equal(device.journal[0], 'write /9/0/3 coap://10.0.0.1/artifacts/a1');
  });

  it('pushes when the device calls the URL invalid (56)', async () => {
    const device = softwareDevice({}, { '/5/0/9': 0 });
    const { act } = device;
    device.act = (action, path, value) => {
      if (action !== 'write') return act(action, path, value);
      device.resources.set('/9/0/9', 56);
      return '2.04';
    };
    assert.equal((await install(device)).outcome?.status, 'succeeded');
    assert.deepEqual(
      device.journal.map((entry) => entry.split(' ')[0]),
      ['write', 'push', 'push', 'execute'],
    );
  });

  for (const result of [50, 51, 52, 53, 54, 56]) {
    it(`fails with its own sentence when the download ends with Update Result ${result}`, async () => {
      const device = softwareDevice({ downloadFails: result });
      const { outcome } = await install(device);
      assert.deepEqual(
        [outcome?.failure?.cause, outcome?.failure?.evidence],
        ['transfer-failed', `Update Result ${result}`],
      );
      assert.equal(installs(device), 0);
    });
  }

  for (const result of [57, 58, 70]) {
    it(`fails when the installation ends with Update Result ${result}`, async () => {
      const device = softwareDevice({ installFails: result });
      const { outcome } = await install(device);
      assert.deepEqual(
        [outcome?.failure?.cause, outcome?.failure?.evidence],
        ['update-failed', `Update Result ${result}`],
      );
      assert.equal(installs(device), 1);
    });
  }

  it('makes room first: uninstalls for an update what is installed, removes what is only delivered', async () => {
    const installed = softwareDevice({}, { '/9/0/7': 4, '/9/0/1': '1.0' });
    assert.equal((await install(installed)).outcome?.status, 'succeeded');
    assert.equal(installed.journal[0], 'execute /9/0/6 1');
    const delivered = softwareDevice({}, { '/9/0/7': 3, '/9/0/1': '1.0' });
    assert.equal((await install(delivered)).outcome?.status, 'succeeded');
    assert.equal(delivered.journal[0], 'execute /9/0/6');
  });

  it('gives up a download that nobody goes on with, for its slot would be lost', async () => {
    const left = softwareDevice({}, { '/9/0/7': 1, '/9/0/9': 1 });
    assert.equal((await install(left)).outcome?.status, 'succeeded');
    assert.match(left.journal[0]!, /^write \/9\/0\/3\b/);
    assert.equal(installs(left), 1);
  });

  it('fails when no room can be made, or the device does not let go of a download', async () => {
    const full = softwareDevice({ uninstallFails: 59 }, { '/9/0/7': 4 });
    assert.equal((await install(full)).outcome?.failure?.evidence, 'Update Result 59');
    const busy = softwareDevice({}, { '/9/0/7': 1 });
    busy.act = () => '4.05';
    const { failure } = (await install(busy)).outcome ?? {};
    assert.equal(failure?.cause, 'conflict');
    assert.equal(failure?.evidence, 'Update State 1, 4.05 Method Not Allowed');
  });

  it('fails when another version than the one that was asked for is installed', async () => {
    const { outcome } = await install(softwareDevice({ version: '1.2' }));
    assert.equal(outcome?.failure?.cause, 'version-mismatch');
    const ignoring = await install(softwareDevice({ version: '1.2' }), undefined, {
      profile: { versionAfterUpdate: 'ignore' },
    });
    assert.equal(ignoring.outcome?.status, 'succeeded');
  });

  it('fails at once without a URL, and while another operation holds the object', async () => {
    assert.equal((await install(softwareDevice(), {})).outcome?.failure?.cause, 'conversion');
    for (const name of ['software-install', 'software-activate']) {
      const held = softwareDevice({}, { '/9/0/7': 4 });
      held.accepted = [
        {
          ...operation(name),
          id: 'other',
          pending: { correlator: 'other', procedure: name, state: {}, deadline: 0, holds: '/9/0' },
        },
      ];
      assert.equal((await run(held, name, { url: OURS })).outcome?.failure?.cause, 'conflict');
      assert.deepEqual(held.journal, []);
    }
  });

  it('uninstalls, and has nothing to do where nothing is installed', async () => {
    const device = softwareDevice({}, { '/9/0/7': 4 });
    assert.equal((await run(device, 'software-uninstall')).outcome?.status, 'succeeded');
    assert.equal((await run(device, 'software-uninstall')).outcome?.evidence, 'nothing to do');
    assert.deepEqual(device.journal, ['execute /9/0/6']);
  });

  it('fails when the device could not uninstall (59)', async () => {
    const { outcome } = await run(softwareDevice({ uninstallFails: 59 }, { '/9/0/7': 4 }), 'software-uninstall');
    assert.equal(outcome?.failure?.evidence, 'Update Result 59');
  });

  for (const [name, from, to] of [
    ['software-activate', false, true],
    ['software-deactivate', true, false],
  ] as const) {
    it(`${name} waits until the device shows it`, async () => {
      const device = softwareDevice({}, { '/9/0/7': 4, '/9/0/12': from });
      const driven = await run(device, name);
      assert.equal(driven.outcome?.status, 'succeeded');
      assert.ok(
        driven.outcome?.results.some((result) => result.path === '/9/0/12' && 'value' in result && result.value === to),
      );
      assert.equal(driven.pendings.length, 1);
    });

    it(`${name} needs installed software`, async () => {
      const device = softwareDevice({}, { '/9/0/7': 3, '/9/0/12': from });
      assert.equal((await run(device, name)).outcome?.failure?.cause, 'not-acceptable');
      assert.deepEqual(device.journal, []);
    });
  }

  it('hands on the refusal of an order', async () => {
    const device = softwareDevice({ executeAnswers: '4.01' }, { '/9/0/7': 4 });
    assert.equal((await run(device, 'software-uninstall')).outcome?.failure?.evidence, '4.01');
  });

  it('does not know the end of an order without an answer, unless the device shows it; it does not repeat it', async () => {
    const device = softwareDevice({ executeAnswers: '' }, { '/9/0/7': 4 });
    const driven = await run(device, 'software-activate');
    assert.equal(driven.outcome?.status, 'unknown');
    assert.deepEqual(device.journal, ['execute /9/0/10']);
    const shown = softwareDevice({ executeAnswers: '' }, { '/9/0/7': 4 });
    const { act } = shown;
    shown.act = (action, path, value) => {
      const code = act(action, path, value);
      shown.live();
      return code;
    };
    assert.equal((await run(shown, 'software-activate')).outcome?.status, 'succeeded');
  });

  it('fails without having begun when the device does not answer', async () => {
    const device = softwareDevice();
    device.silent = true;
    for (const name of ['software-install', 'software-uninstall']) {
      assert.equal((await run(device, name, { url: OURS })).outcome?.failure?.cause, 'no-answer');
    }
  });

  it('says what was not done in time', () => {
    const stored = (phase: string): Operation => ({
      ...operation('software-install'),
      pending: {
        correlator: 'op1',
        procedure: 'software-install',
        deadline: 0,
        state: { phase, url: OURS, methods: ['push'], state: 1, result: 1 },
      },
    });
    const { overdue } = procedureOf('software-install');
    assert.match(overdue?.(stored('delivering')).explanation ?? '', /download/);
    assert.equal(overdue?.(stored('installing')).evidence, 'Update State 1, Update Result 1');
    assert.equal(procedureOf('software-activate').overdue?.(operation('software-activate')).cause, 'deadline');
  });
});

describe('cancelling software management', () => {
  const cancel = (device: ScriptedDevice, name: string, phase: string): Promise<CancelResult> =>
    procedureOf(name).cancel(linkTo(device), {
      ...operation(name),
      pending: { correlator: 'op1', procedure: name, deadline: 0, state: { phase, url: OURS, methods: ['pull'] } },
    });

  it('ends a download, removes what was delivered, and has nothing to do before either', async () => {
    const loading = softwareDevice({}, { '/9/0/7': 1 });
    assert.equal((await cancel(loading, 'software-install', 'delivering')).state, 'cancelled');
    assert.deepEqual(loading.journal, ['write /9/0/3 ']);
    const delivered = softwareDevice({}, { '/9/0/7': 3 });
    assert.equal((await cancel(delivered, 'software-install', 'delivering')).state, 'cancelled');
    assert.deepEqual(delivered.journal, ['execute /9/0/6']);
    assert.equal((await cancel(softwareDevice(), 'software-install', 'delivering')).state, 'cancelled');
  });

  it('is too late once the device installs, or has taken an order', async () => {
    const device = softwareDevice({}, { '/9/0/7': 3 });
    assert.equal((await cancel(device, 'software-install', 'installing')).state, 'not-cancellable');
    assert.equal((await cancel(device, 'software-uninstall', '')).state, 'not-cancellable');
    assert.deepEqual(device.journal, []);
  });

  it('is refused by a device that does not answer or says no', async () => {
    const silent = softwareDevice();
    silent.silent = true;
    assert.equal((await cancel(silent, 'software-install', 'delivering')).state, 'refused');
    const stubborn = softwareDevice({ executeAnswers: '4.05' }, { '/9/0/7': 3 });
    assert.equal((await cancel(stubborn, 'software-install', 'delivering')).state, 'refused');
  });
});

describe('software management that is interrupted', () => {
  for (const way of ['pull', 'push'] as const) {
    const make = (): ScriptedDevice => softwareDevice({}, { '/5/0/9': way === 'pull' ? 0 : 1 });

    it(`by the death of the gateway at any moment (${way}) installs at most once, and ends`, async () => {
      let moments = 0;
      for (const effect of [false, true]) {
        for (let moment = 1; ; moment++) {
          const device = make();
          let hasDied = false;
          device.interfere = (call, isEffect) => {
            if (call !== moment || isEffect !== effect) return;
            hasDied = true;
            throw new Crash();
          };
          const driven = await install(device);
          assert.ok(installs(device) <= 1, `moment ${moment}: ${device.journal.join(', ')}`);
          if (driven.operation.pending) {
            const { outcome } = driven;
            assert.ok(outcome, `moment ${moment} has no end`);
            if (outcome.status !== 'succeeded')
              assert.equal(outcome.failure?.evidence, 'Update State 3', `moment ${moment}`);
          } else assert.equal(installs(device), 0);
          if (!hasDied) break;
          moments++;
        }
      }
      assert.ok(moments > 15, `${moments} moments`);
    });

    it(`by the death of the gateway at any moment, with something to remove first (${way}), takes its own package for no other`, async () => {
      for (const effect of [false, true]) {
        for (let moment = 1; ; moment++) {
          const device = make();
          device.resources.set('/9/0/7', 3);
          let hasDied = false;
          device.interfere = (call, isEffect) => {
            if (call !== moment || isEffect !== effect) return;
            hasDied = true;
            throw new Crash();
          };
          const { operation: after, outcome } = await install(device);
          assert.ok(installs(device) <= 1, `moment ${moment}: ${device.journal.join(', ')}`);
          if (after.pending && outcome?.status !== 'succeeded')
            assert.equal(
              outcome?.failure?.evidence,
              'Update State 3',
              `moment ${moment}: ${device.journal.join(', ')}`,
            );
          if (!hasDied) break;
        }
      }
    });

    it(`by a restart of the device at any moment (${way}) installs at most once, and ends`, async () => {
      for (let moment = 1; ; moment++) {
        const device = make();
        let hasRestarted = false;
        device.interfere = (call, isEffect) => {
          if (call !== moment || !isEffect) return;
          hasRestarted = true;
          if (device.resources.get('/9/0/7') === 1) device.resources.set('/9/0/7', 0);
          device.reboot();
        };
        const driven = await install(device);
        assert.ok(installs(device) <= 1, `moment ${moment}: ${device.journal.join(', ')}`);
        if (driven.operation.pending)
          assert.equal(driven.outcome?.status, 'succeeded', `moment ${moment}: ${JSON.stringify(driven.end)}`);
        else assert.equal(installs(device), 0);
        if (!hasRestarted) break;
      }
    });
  }

  it('by a registration between the note and the Execute still sends the Execute, once', async () => {
    const device = softwareDevice();
    let count = 0;
    device.stored = (pending) => {
      if (pending.state['phase'] === 'executing' && count++ === 0) device.reboot();
    };
    assert.equal((await install(device)).outcome?.status, 'succeeded');
    assert.equal(installs(device), 1);
  });

  it('while room is made never installs what was there before, and the lane is free as soon as the device took the Uninstall', async () => {
    for (const before of [3, 4]) {
      const device = softwareDevice({}, { '/9/0/7': before, '/9/0/1': '1.0' });
      const acceptedAfter: string[][] = [];
      device.stored = () => void acceptedAfter.push([...device.journal]);
      let hasRestarted = false;
      device.interfere = (_call, isEffect, what) => {
        if (!isEffect || hasRestarted || !what.startsWith('read') || device.journal.length === 0) return;
        hasRestarted = true;
        device.reboot();
      };
      const { outcome } = await install(device);
      assert.equal(outcome?.status, 'succeeded', JSON.stringify(outcome));
      assert.deepEqual(acceptedAfter[0], [before === 4 ? 'execute /9/0/6 1' : 'execute /9/0/6']);
      assert.equal(installs(device), 1);
      assert.ok(device.journal.indexOf('execute /9/0/4') > device.journal.indexOf('push /9/0/2 4000'));
    }
  });

  for (const state of [1, 3]) {
    it(`before its acceptance was noted goes on from Update State ${state}, and installs once`, async () => {
      const device = softwareDevice({}, { '/9/0/7': state, '/9/0/1': '1.1' });
      const stored = {
        ...operation('software-install', { url: OURS, version: '1.1' }),
        state: 'accepted' as const,
        pending: {
          correlator: '/9/0',
          procedure: 'software-install',
          state: { recovered: true },
          deadline: Number.MAX_SAFE_INTEGER,
        },
      };
      const { outcome } = await drive(device, procedureOf('software-install'), stored);
      assert.equal(outcome?.status, 'succeeded', JSON.stringify(outcome));
      assert.equal(installs(device), 1);
    });
  }

  it('goes on waiting for an order that was accepted before', async () => {
    const device = softwareDevice({}, { '/9/0/7': 4 });
    let hasRestarted = false;
    device.interfere = (_call, isEffect, what) => {
      if (!isEffect || hasRestarted || !what.startsWith('read') || device.journal.length === 0) return;
      hasRestarted = true;
      device.reboot();
    };
    assert.equal((await run(device, 'software-activate')).outcome?.status, 'succeeded');
    assert.deepEqual(device.journal, ['execute /9/0/10']);
  });
});
