import assert from 'node:assert/strict';
import { createFirmwareUpdate } from '../../adapters/lwm2m/firmware-update.ts';
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
const FOREIGN = 'https://images.example/2.4.0.bin';

interface Script {
  /** Waits that the download takes after the URI was written. */
  downloadTakes?: number;
  /** Update Result of the download instead of State 2. */
  downloadFails?: number;
  /** Waits from Execute to the verdict. */
  updateTakes?: number;
  /** Update Result after the Execute; 0: none is left after the restart. */
  verdict?: number;
  /** Version that runs after a verdict of success. */
  becomes?: string;
  /** Code of the answer to Execute; '' = none. */
  executeAnswers?: string;
  /** A restart while it downloads loses the package (default), or not. */
  keepsPackage?: boolean;
  root?: string;
}

/** A device with object 5 as the standard has it. */
function firmwareDevice(script: Script = {}, resources: Record<string, Value> = {}): ScriptedDevice {
  const root = script.root ?? '';
  const [stateOf, resultOf, running] = [`${root}/5/0/3`, `${root}/5/0/5`, `${root}/3/0/3`];
  const device = createScriptedDevice({
    [stateOf]: 0,
    [resultOf]: 0,
    [`${root}/5/0/9`]: 2,
    [`${root}/5/0/8`]: { instances: { 0: 0, 1: 2 } },
    [running]: '2.3.0',
    ...resources,
  });
  device.artifacts.set(OURS, artifactOf('image', 4000));
  device.links = { http: 'http://10.0.0.1:8080/artifacts/a1', coap: 'coap://10.0.0.1:5683/artifacts/a1' };
  let left = 0;
  const set = (state: number, result: number): void => {
    device.resources.set(stateOf, state);
    device.resources.set(resultOf, result);
  };
  device.act = (action, path, value) => {
    if (action === 'write' && path === `${root}/5/0/1`) {
      left = script.downloadTakes ?? 2;
      set(value === '' ? 0 : 1, 0);
      return '2.04';
    }
    if (action === 'push' && path === `${root}/5/0/0`) {
      if (value === 'begin') set(1, 0);
      else if (script.downloadFails === undefined) set(2, 0);
      else set(0, script.downloadFails);
      return '2.04';
    }
    if (action === 'execute' && path === `${root}/5/0/2`) {
      if (device.resources.get(stateOf) !== 2) return '4.05';
      if (script.executeAnswers?.startsWith('4')) return script.executeAnswers;
      left = script.updateTakes ?? 2;
      set(3, 0);
      return script.executeAnswers ?? '2.04';
    }
    return '4.05';
  };
  device.live = () => {
    const state = device.resources.get(stateOf);
    if (left > 0) left--;
    if (left > 0) return;
    const isPulling =
      device.journal.some((entry) => entry.startsWith('write')) && !device.journal.at(-1)?.startsWith('push');
    if (state === 1 && isPulling) {
      if (script.downloadFails === undefined) set(2, 0);
      else set(0, script.downloadFails);
    } else if (state === 3) {
      const verdict = script.verdict ?? 1;
      if (verdict <= 1) device.resources.set(running, script.becomes ?? '2.4.0');
      set(verdict === 8 ? 2 : 0, verdict);
      device.reboot();
    }
  };
  return device;
}

const operation = (inputs: Record<string, Value> = { url: OURS, version: '2.4.0' }, object = '/5/0'): Operation =>
  operationOf({ procedure: 'firmware-update', object, inputs });

const update = (
  device: ScriptedDevice,
  inputs?: Record<string, Value>,
  options: { runs?: number; profile?: Record<string, unknown> } = {},
): Promise<Driven> => drive(device, createFirmwareUpdate({ pollInterval: 1000 }), operation(inputs), options);

const executes = (device: ScriptedDevice): number =>
  device.journal.filter((entry) => entry.startsWith('execute /5/0/2')).length;

describe('a firmware update', () => {
  it('lets a device that can pull download our artifact from an address that it supports, and installs it', async () => {
    const device = firmwareDevice();
    const driven = await update(device);
    assert.equal(driven.outcome?.status, 'succeeded');
    assert.deepEqual(device.journal, ['write /5/0/1 http://10.0.0.1:8080/artifacts/a1', 'execute /5/0/2']);
    assert.deepEqual(driven.outcome?.results, [
      { path: '/5/0/3', value: 0 },
      { path: '/5/0/5', value: 1 },
      { path: '/3/0/3', value: '2.4.0' },
    ]);
  });

  it('shows every state on its way, holds the object, and moves its deadline when it installs', async () => {
    const driven = await update(firmwareDevice());
    assert.deepEqual(
      driven.shown.filter(({ path }) => path === '/5/0/3').map(({ value }) => value),
      [1, 2, 3, 0],
    );
    assert.ok(driven.pendings.every(({ holds }) => holds === '/5/0'));
    const phases = [...new Set(driven.pendings.map(({ state }) => state['phase']))];
    assert.deepEqual(phases, ['delivering', 'executing', 'updating']);
    const percents = driven.pendings.map(({ progress }) => progress ?? -1);
    assert.deepEqual(
      percents,
      [...percents].sort((a, b) => a - b),
    );
    assert.notEqual(driven.pendings[0]?.deadline, driven.pendings.at(-1)?.deadline);
  });

  for (const [what, resources, expected] of [
    [
      'CoAP where the device lists CoAP alone',
      { '/5/0/8': { instances: { 0: 0 } } },
      'write /5/0/1 coap://10.0.0.1:5683/artifacts/a1',
    ],
    ['a push where the device takes pushes alone', { '/5/0/9': 1 }, 'push /5/0/0 begin'],
    [
      'a push where the device speaks no protocol that we serve',
      { '/5/0/8': { instances: { 0: 5 } } },
      'push /5/0/0 begin',
    ],
  ] as const) {
    it(`chooses ${what}`, async () => {
      const device = firmwareDevice({}, resources);
      assert.equal((await update(device)).outcome?.status, 'succeeded');
      assert.equal(device.journal[0], expected);
    });
  }

  it('pushes to a device that does not say how it takes packages', async () => {
    const device = firmwareDevice();
    device.resources.delete('/5/0/9');
    assert.equal((await update(device)).outcome?.status, 'succeeded');
    assert.deepEqual(device.journal, ['push /5/0/0 begin', 'push /5/0/0 4000', 'execute /5/0/2']);
  });

  it('writes a URI to such a device when it refuses the push', async () => {
    const device = firmwareDevice();
    device.resources.delete('/5/0/9');
    const { act } = device;
    device.act = (action, path, value) => (action === 'push' ? '4.05' : act(action, path, value));
    assert.equal((await update(device)).outcome?.status, 'succeeded');
    assert.deepEqual(device.journal.slice(0, 2), [
      'push /5/0/0 begin',
      'write /5/0/1 http://10.0.0.1:8080/artifacts/a1',
    ]);
  });

  it('passes a foreign address on to a device that pulls, and fetches it for one that is pushed to', async () => {
    const pulls = firmwareDevice({}, { '/5/0/8': { instances: { 0: 3 } } });
    await update(pulls, { url: FOREIGN });
    assert.equal(pulls.journal[0], `write /5/0/1 ${FOREIGN}`);
    const pushed = firmwareDevice({}, { '/5/0/9': 1 });
    assert.equal((await update(pushed, { url: FOREIGN, version: '2.4.0' })).outcome?.status, 'succeeded');
    assert.equal(pushed.journal[1], 'push /5/0/0 4000');
  });

  it('says what the device said of an address that the gateway cannot fetch either', async () => {
    const device = firmwareDevice({ downloadFails: 7 });
    const { outcome } = await update(device, { url: 'coap://files.example/missing.bin', version: '2.4.0' });
    assert.equal(outcome?.status, 'failed');
    assert.equal(outcome.failure?.evidence, 'Update Result 7');
    assert.ok(device.journal.every((entry) => !entry.startsWith('push')));
  });

  for (const result of [7, 9]) {
    it(`pushes after Update Result ${result} to the URI`, async () => {
      const device = firmwareDevice({ downloadFails: result });
      const { act, live } = device;
      let isPull = true;
      device.act = (action, path, value) => {
        if (action === 'push') isPull = false;
        if (action === 'push' && value !== 'begin') {
          device.resources.set('/5/0/3', 2);
          return '2.04';
        }
        return act(action, path, value);
      };
      device.live = () => {
        if (isPull || device.resources.get('/5/0/3') === 3) live();
      };
      assert.equal((await update(device)).outcome?.status, 'succeeded');
      assert.deepEqual(
        device.journal.map((entry) => entry.split(' ')[0]),
        ['write', 'push', 'push', 'execute'],
      );
    });
  }

  for (const [result, cause] of [
    [2, 'transfer-failed'],
    [3, 'transfer-failed'],
    [4, 'transfer-failed'],
    [5, 'transfer-failed'],
    [6, 'transfer-failed'],
    [7, 'transfer-failed'],
    [9, 'transfer-failed'],
    [10, 'cancelled'],
    [42, 'update-failed'],
  ] as const) {
    it(`fails with its own sentence when the download ends with Update Result ${result}`, async () => {
      const device = firmwareDevice({ downloadFails: result }, { '/5/0/9': 0 });
      const { outcome } = await update(device);
      assert.equal(outcome?.failure?.cause, cause);
      assert.equal(outcome?.failure?.evidence, `Update Result ${result}`);
      assert.ok((outcome?.failure?.explanation.length ?? 0) > 20);
      assert.equal(executes(device), 0);
    });
  }

  it('fails when the device could not install it (Update Result 8)', async () => {
    const device = firmwareDevice({ verdict: 8 });
    const { outcome } = await update(device);
    assert.deepEqual([outcome?.failure?.cause, outcome?.failure?.evidence], ['update-failed', 'Update Result 8']);
    assert.equal(executes(device), 1);
  });

  it('fails with the result of the update before it, when the device had cleared that in between', async () => {
    const device = firmwareDevice({ verdict: 8 }, { '/5/0/9': 1, '/5/0/5': 8 });
    const { act } = device;
    device.act = (action, path, value) => {
      const code = act(action, path, value);
      if (action === 'push') device.resources.set('/5/0/5', 8);
      return code;
    };
    const { outcome } = await update(device);
    assert.deepEqual([outcome?.failure?.cause, outcome?.failure?.evidence], ['update-failed', 'Update Result 8']);
    assert.equal(executes(device), 1);
  });

  it('waits while the user defers (11), and says so when the deadline passes', async () => {
    const device = firmwareDevice();
    const { live } = device;
    device.live = () => {
      if (device.resources.get('/5/0/3') === 3) {
        device.resources.set('/5/0/3', 2);
        device.resources.set('/5/0/5', 11);
        device.reboot();
      } else if (device.resources.get('/5/0/5') === 11) device.reboot();
      else live();
    };
    const driven = await update(device, undefined, { runs: 6 });
    assert.equal(driven.end?.state, 'waiting');
    assert.equal(executes(device), 1);
    const failure = createFirmwareUpdate().overdue?.(driven.operation);
    assert.deepEqual([failure?.cause, failure?.evidence], ['deadline', 'Update Result 11']);
  });

  it('is judged by the version when the device forgets the result in the restart', async () => {
    assert.equal((await update(firmwareDevice({ verdict: 0 }))).outcome?.status, 'succeeded');
    const same = firmwareDevice({ verdict: 0, becomes: '2.3.0' });
    assert.equal((await update(same)).outcome?.failure?.cause, 'update-failed');
  });

  it('takes the version of the package where the device has none of its own', async () => {
    const device = firmwareDevice({}, { '/5/0/7': '2.4.0' });
    device.resources.delete('/3/0/3');
    const { live } = device;
    device.live = () => {
      live();
      device.resources.delete('/3/0/3');
    };
    assert.equal((await update(device)).outcome?.status, 'succeeded');
  });

  for (const [rule, becomes, status] of [
    ['exact', ' 2.4.0\n', 'succeeded'],
    ['exact', '2.4.0-b7', 'failed'],
    ['prefix', '2.4.0-b7', 'succeeded'],
    ['prefix', '2.3.0', 'failed'],
    ['ignore', '1.0', 'succeeded'],
  ] as const) {
    it(`with the rule ${rule} ${status === 'failed' ? 'fails' : 'succeeds'} when ${JSON.stringify(becomes)} runs`, async () => {
      const { outcome } = await update(firmwareDevice({ becomes }), undefined, {
        profile: { versionAfterUpdate: rule },
      });
      assert.equal(outcome?.status, status);
      if (status === 'failed') assert.equal(outcome?.failure?.cause, 'version-mismatch');
    });
  }

  it('asks for no version when none was given', async () => {
    assert.equal((await update(firmwareDevice({ becomes: '9' }), { url: OURS })).outcome?.status, 'succeeded');
  });

  it('clears a package that an earlier attempt left', async () => {
    const device = firmwareDevice({}, { '/5/0/3': 2 });
    assert.equal((await update(device)).outcome?.status, 'succeeded');
    assert.equal(device.journal[0], 'write /5/0/1 ');
  });

  it('works below an alternate root', async () => {
    const device = firmwareDevice({ root: '/m' });
    const driven = await drive(
      device,
      createFirmwareUpdate({ pollInterval: 1000 }),
      operation({ url: OURS, version: '2.4.0' }, '/m/5/0'),
    );
    assert.equal(driven.outcome?.status, 'succeeded');
    assert.equal(device.journal.at(-1), 'execute /m/5/0/2');
  });

  it('is woken by notifications of a device that can be observed', async () => {
    const device = firmwareDevice();
    device.observable = true;
    assert.equal((await update(device)).outcome?.status, 'succeeded');
  });

  for (const [what, inputs, cause] of [
    ['no URL', {}, 'conversion'],
    ['a URL that is none', { url: 'image' }, 'conversion'],
    ['a protocol that nobody has', { url: 'ftp://x/y' }, 'conversion'],
  ] as const) {
    it(`fails at once with ${what}`, async () => {
      const device = firmwareDevice();
      assert.equal((await update(device, inputs)).outcome?.failure?.cause, cause);
      assert.deepEqual(device.journal, []);
    });
  }

  it('fails when the image cannot be fetched, is too far away, or has an address that is too long', async () => {
    const missing = firmwareDevice({}, { '/5/0/9': 1 });
    const notFetched = await update(missing, { url: 'https://images.example/missing' });
    assert.match(notFetched.outcome?.failure?.explanation ?? '', /404 Not Found/);
    const coapOnly = firmwareDevice({}, { '/5/0/9': 0, '/5/0/8': { instances: { 0: 0 } } });
    assert.equal((await update(coapOnly, { url: FOREIGN })).outcome?.failure?.cause, 'not-acceptable');
    const long = firmwareDevice({}, { '/5/0/9': 0 });
    const answer = await update(long, { url: `http://x/${'y'.repeat(255)}` });
    assert.equal(answer.outcome?.failure?.cause, 'contents-unacceptable');
  });

  it('fails when the device installs already, or another operation holds the object', async () => {
    const busy = firmwareDevice({}, { '/5/0/3': 3 });
    assert.equal((await update(busy)).outcome?.failure?.cause, 'conflict');
    const held = firmwareDevice();
    held.accepted = [
      {
        ...operation(),
        id: 'other',
        pending: { correlator: 'other', procedure: 'firmware-update', state: {}, deadline: 0, holds: '/5/0' },
      },
    ];
    assert.equal((await update(held)).outcome?.failure?.cause, 'conflict');
    assert.deepEqual([...busy.journal, ...held.journal], []);
  });

  it('fails without having begun when the device does not answer', async () => {
    const device = firmwareDevice();
    device.silent = true;
    assert.equal((await update(device)).outcome?.failure?.cause, 'no-answer');
  });

  it('goes on with a device that downloads although its answer to the Package URI was lost', async () => {
    const device = firmwareDevice();
    const { act } = device;
    device.act = (action, path, value) => {
      const code = act(action, path, value);
      return action === 'write' ? '' : code;
    };
    assert.equal((await update(device)).outcome?.status, 'succeeded');
    assert.equal(device.journal.filter((entry) => entry.startsWith('write')).length, 1);
  });

  it('fails when the device neither answers to the Package URI nor downloads', async () => {
    const device = firmwareDevice();
    const { act } = device;
    device.act = (action, path, value) => (action === 'write' ? '' : act(action, path, value));
    const { outcome, pendings } = await update(device);
    assert.equal(outcome?.failure?.cause, 'no-answer');
    assert.equal(pendings.length, 0);
  });

  it('keeps the progress of a push at every tenth, not at every block', async () => {
    const device = firmwareDevice({}, { '/5/0/9': 1 });
    device.artifacts.set(OURS, artifactOf('image', 200 * 1024));
    const { pendings } = await update(device);
    const kept = pendings.flatMap(({ progress = 0 }) => (progress < 90 ? [progress] : []));
    assert.ok(kept.length >= 8 && kept.length <= 11, `kept at ${kept.join(', ')} percent`);
  });

  it('fails when the device refuses the Execute', async () => {
    const device = firmwareDevice({ executeAnswers: '4.01' });
    const { outcome } = await update(device);
    assert.deepEqual([outcome?.failure?.cause, outcome?.failure?.evidence], ['update-failed', '4.01']);
  });

  it('believes the restart when the Execute has no answer', async () => {
    const device = firmwareDevice({ executeAnswers: '' });
    assert.equal((await update(device)).outcome?.status, 'succeeded');
    assert.equal(executes(device), 1);
  });

  it('fails in the end when the device never started on an Execute without an answer, and does not repeat it', async () => {
    const device = firmwareDevice();
    const { act } = device;
    device.act = (action, path, value) => (action === 'execute' ? '' : act(action, path, value));
    const { outcome } = await update(device);
    assert.deepEqual([outcome?.failure?.cause, outcome?.failure?.evidence], ['no-answer', 'State 2']);
    assert.equal(executes(device), 1);
  });

  it('gives up after four deliveries that the device loses', async () => {
    const device = firmwareDevice({ downloadTakes: 1000 });
    device.live = () => {
      device.resources.set('/5/0/3', 0);
    };
    const { outcome } = await update(device);
    assert.equal(outcome?.failure?.cause, 'transfer-failed');
    assert.equal(device.journal.length, 4);
  });
});

describe('cancelling a firmware update', () => {
  const cancel = (device: ScriptedDevice, phase: string): Promise<CancelResult> =>
    createFirmwareUpdate().cancel(linkTo(device), {
      ...operation(),
      pending: {
        correlator: 'op1',
        procedure: 'firmware-update',
        deadline: 0,
        state: { phase, url: OURS, methods: ['pull'] },
      },
    });

  it('empties the Package URI', async () => {
    const device = firmwareDevice({}, { '/5/0/3': 1 });
    assert.equal((await cancel(device, 'delivering')).state, 'cancelled');
    assert.deepEqual(device.journal, ['write /5/0/1 ']);
  });

  it('executes Cancel where the Package URI cannot be written', async () => {
    const device = firmwareDevice({}, { '/5/0/3': 2 });
    device.act = (action) => (action === 'write' ? '4.05' : '2.04');
    assert.equal((await cancel(device, 'delivering')).state, 'cancelled');
    assert.deepEqual(device.journal, ['write /5/0/1 ', 'execute /5/0/10']);
  });

  it('still works while the user puts the installation off', async () => {
    const device = firmwareDevice({}, { '/5/0/3': 2, '/5/0/5': 11 });
    assert.equal((await cancel(device, 'updating')).state, 'cancelled');
  });

  it('is too late while the device installs, and after it', async () => {
    for (const state of [3, 0]) {
      const device = firmwareDevice({}, { '/5/0/3': state });
      assert.equal((await cancel(device, 'updating')).state, 'not-cancellable');
      assert.deepEqual(device.journal, []);
    }
  });

  it('is refused by a device that does not answer or says no', async () => {
    const silent = firmwareDevice();
    silent.silent = true;
    assert.equal((await cancel(silent, 'delivering')).state, 'refused');
    const stubborn = firmwareDevice({}, { '/5/0/3': 1 });
    stubborn.act = () => '4.05';
    const result = await cancel(stubborn, 'delivering');
    assert.equal(result.state === 'refused' && result.failure.evidence, '4.05');
  });
});

describe('a firmware update that is interrupted', () => {
  for (const way of ['pull', 'push'] as const) {
    const make = (): ScriptedDevice => firmwareDevice({}, { '/5/0/9': way === 'pull' ? 0 : 1 });

    it(`by the death of the gateway at any moment (${way}) executes at most once, and ends`, async () => {
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
          const driven = await update(device);
          assert.ok(executes(device) <= 1, `moment ${moment}: ${device.journal.join(', ')}`);
          if (driven.operation.pending) {
            const { outcome } = driven;
            assert.ok(outcome, `moment ${moment} has no end`);
            // Only the gap between the note and the answer to the Execute may cost the update.
            if (outcome.status !== 'succeeded') assert.equal(outcome.failure?.evidence, 'State 2', `moment ${moment}`);
            if (outcome.status === 'succeeded') assert.equal(executes(device), 1);
          } else assert.equal(executes(device), 0);
          if (!hasDied) break;
          moments++;
        }
      }
      assert.ok(moments > 20, `${moments} moments`);
    });

    for (const keepsPackage of [false, true]) {
      it(`by a restart of the device at any moment (${way}, ${keepsPackage ? 'keeping' : 'losing'} the package) executes at most once, and ends`, async () => {
        for (let moment = 1; ; moment++) {
          const device = make();
          let hasRestarted = false;
          device.interfere = (call, isEffect) => {
            if (call !== moment || !isEffect) return;
            hasRestarted = true;
            const state = device.resources.get('/5/0/3');
            if (state === 1 || (state === 2 && !keepsPackage)) device.resources.set('/5/0/3', 0);
            device.reboot();
          };
          const driven = await update(device);
          assert.ok(executes(device) <= 1, `moment ${moment}: ${device.journal.join(', ')}`);
          if (driven.operation.pending) {
            assert.equal(driven.outcome?.status, 'succeeded', `moment ${moment}: ${JSON.stringify(driven.end)}`);
          } else assert.equal(executes(device), 0);
          if (!hasRestarted) break;
        }
      });
    }
  }

  it('by a registration between the note and the Execute still sends the Execute, once', async () => {
    const device = firmwareDevice();
    let count = 0;
    device.stored = (pending) => {
      if (pending.state['phase'] === 'executing' && count++ === 0) device.reboot();
    };
    assert.equal((await update(device)).outcome?.status, 'succeeded');
    assert.equal(executes(device), 1);
  });

  it('waits for the device that falls asleep', async () => {
    const device = firmwareDevice();
    const { act } = device;
    device.act = (action, path, value) => {
      device.silent = action === 'write';
      return act(action, path, value);
    };
    const driven = await update(device, undefined, { runs: 1 });
    assert.equal(driven.end?.state, 'waiting');
  });

  it('is not judged by the result of an earlier update that the device still shows', async () => {
    // It persists its last result, and has lost the order in a restart.
    const device = firmwareDevice({}, { '/5/0/9': 0, '/5/0/5': 5 });
    const stored = {
      ...operation(),
      state: 'accepted' as const,
      pending: {
        correlator: 'op1',
        procedure: 'firmware-update',
        state: { phase: 'delivering', url: OURS, version: '2.4.0', methods: ['pull'], attempts: 1, staleResult: 5 },
        deadline: Number.MAX_SAFE_INTEGER,
      },
    };
    const driven = await drive(device, createFirmwareUpdate({ pollInterval: 1000 }), stored);
    assert.equal(driven.outcome?.status, 'succeeded', JSON.stringify(driven.outcome));
    assert.equal(executes(device), 1);
  });

  it('is not delivered twice to a device that installs by itself and whose last update had succeeded as well', async () => {
    const device = firmwareDevice({}, { '/5/0/9': 0, '/5/0/5': 1 });
    let writes = 0;
    device.act = (action, path) => {
      if (action === 'write' && path === '/5/0/1') writes++;
      return '2.04';
    };
    let looks = 0;
    device.live = () => {
      if (++looks === 2) device.resources.set('/3/0/3', '2.4.0');
    };
    const driven = await update(device);
    assert.equal(driven.outcome?.status, 'succeeded', JSON.stringify(driven.outcome));
    assert.equal(writes, 1);
  });

  for (const [state, way] of [
    [1, 0],
    [1, 1],
    [2, 0],
    [3, 0],
  ] as const) {
    it(`before its acceptance was noted goes on from State ${state} of a device with Delivery Method ${way}, and executes at most once`, async () => {
      const device = firmwareDevice({ downloadTakes: 1 }, { '/5/0/9': way, '/5/0/3': state });
      device.journal.push('write before');
      const stored = {
        ...operation(),
        state: 'accepted' as const,
        pending: {
          correlator: '/5/0',
          procedure: 'firmware-update',
          state: { recovered: true },
          deadline: Number.MAX_SAFE_INTEGER,
        },
      };
      const driven = await drive(device, createFirmwareUpdate({ pollInterval: 1000 }), stored);
      assert.equal(driven.outcome?.status, 'succeeded', JSON.stringify(driven.outcome));
      assert.equal(executes(device), state === 3 ? 0 : 1);
    });
  }

  it('cannot go on from a state that it does not know', async () => {
    const device = firmwareDevice();
    const stored = {
      ...operation(),
      pending: { correlator: 'op1', procedure: 'firmware-update', state: { phase: 'x' }, deadline: 0 },
    };
    const driven = await drive(device, createFirmwareUpdate(), stored);
    assert.equal(driven.outcome?.failure?.cause, 'device-error');
  });
});
