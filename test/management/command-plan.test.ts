import assert from 'node:assert/strict';
import { planCommand } from '../../src/management/command-plan.ts';
import { loadMappings } from '../../src/management/mapping.ts';
import type { ManagedDevice } from '../../src/management/adapter.ts';
import type { Step } from '../../src/management/operation.ts';
import type { BoundObject } from '../../src/management/resource-side.ts';
import type { JsonObject } from '../../src/onem2m/primitive.ts';

const { commands } = loadMappings({ directory: 'mappings' });

function device(technology: string, paths: string[], more: Partial<ManagedDevice> = {}): ManagedDevice {
  return {
    id: 'd1',
    technology,
    identity: 'pump',
    lane: 'd1',
    presence: { state: 'reachable', lastSeen: 0 },
    inventory: { objects: paths.map((path) => ({ path })) },
    facts: null,
    ...more,
  };
}

const cpe = device('cwmp', ['Device.', 'Device.DeviceInfo.']);
const client = device('lwm2m', ['/3/0', '/5/0', '/9/0', '/9/1']);

function plan(
  to: ManagedDevice,
  cmdType: number,
  given?: JsonObject,
  objects: BoundObject[] = [],
  busy: string[] = [],
) {
  return planCommand(commands, cmdType, given, to, objects, (path) => !busy.includes(path));
}

function stepsOf(to: ManagedDevice, cmdType: number, given?: JsonObject): Step[] {
  const planned = plan(to, cmdType, given);
  assert.ok(planned.ok, planned.ok ? '' : planned.failure.explanation);
  return planned.steps;
}

/** The RPC that a command becomes, and its arguments. */
function rpcOf(cmdType: number, given?: JsonObject): [name: string, values: unknown] {
  const [step] = stepsOf(cpe, cmdType, given);
  assert.ok(step?.action === 'execute');
  return [step.target.path, JSON.parse(step.arguments ?? '{}')];
}

describe('a command for a CPE', () => {
  const rpcs: [string, number, JsonObject | undefined, string, object][] = [
    ['RESET', 1, undefined, 'rpc:FactoryReset', {}],
    ['REBOOT', 2, { reboot: [{ anyArg: [{ name: 'commandKey', value: 'k1' }] }] }, 'rpc:Reboot', { CommandKey: 'k1' }],
    [
      'UPLOAD',
      3,
      { upload: [{ fileType: '2 Log', URL: 'http://a/u', anyArg: [{ name: 'delaySeconds', value: 5 }] }] },
      'rpc:Upload',
      { FileType: '2 Log', URL: 'http://a/u', DelaySeconds: '5' },
    ],
    [
      'DOWNLOAD',
      4,
      {
        download: [
          {
            fileType: '3 Vendor Configuration File',
            URL: 'http://a/b',
            username: 'me',
            password: 'secret',
            filesize: 7,
            targetFile: 'x',
            delaySeconds: 9,
            successURL: 'http://a/ok',
            anyArg: [{ name: 'failureURL', value: 'http://a/no' }],
          },
        ],
      },
      'rpc:Download',
      {
        FileType: '3 Vendor Configuration File',
        URL: 'http://a/b',
        Username: 'me',
        Password: 'secret',
        FileSize: '7',
        TargetFileName: 'x',
        DelaySeconds: '9',
        SuccessURL: 'http://a/ok',
        FailureURL: 'http://a/no',
      },
    ],
    [
      'SOFTWAREINSTALL',
      5,
      { softwareInstall: [{ URL: 'http://a/b', UUID: 'u', executionEnvRef: 'e' }] },
      'rpc:ChangeDUState',
      { Operation: 'InstallOpStruct', URL: 'http://a/b', UUID: 'u', ExecutionEnvRef: 'e' },
    ],
    [
      'SOFTWAREUNINSTALL',
      6,
      { softwareUninstall: [{ UUID: 'u', version: '1' }] },
      'rpc:ChangeDUState',
      { Operation: 'UninstallOpStruct', UUID: 'u', Version: '1' },
    ],
    [
      'SOFTWAREUPDATE',
      7,
      { softwareUpdate: [{ UUID: 'u', URL: 'http://a/b', executionEnvRef: 'dropped' }] },
      'rpc:ChangeDUState',
      { Operation: 'UpdateOpStruct', UUID: 'u', URL: 'http://a/b' },
    ],
  ];
  for (const [name, cmdType, given, rpc, values] of rpcs) {
    it(`${name} becomes ${rpc} with every argument that the RPC has`, () => {
      assert.deepEqual(rpcOf(cmdType, given), [rpc, values]);
    });
  }

  it('says which argument is missing', () => {
    const planned = plan(cpe, 5, { softwareInstall: [{ UUID: 'u' }] });
    assert.ok(!planned.ok);
    assert.equal(planned.failure.cause, 'conversion');
    assert.match(planned.failure.explanation, /SOFTWAREINSTALL needs the argument 'url' \(URL\)/);
  });

  it('behind another CPE is refused, for it would restart that one', () => {
    const planned = plan(device('cwmp', ['Device.'], { lane: 'proxier' }), 2);
    assert.ok(!planned.ok);
    assert.equal(planned.failure.cause, 'not-implemented');
    assert.match(planned.failure.explanation, /<node> of its proxier/);
  });

  it('is repeated by nobody, and a restart is proven by the return', () => {
    const planned = plan(cpe, 2);
    assert.ok(planned.ok);
    // The leg itself waits for the Inform with M Reboot.
    assert.deepEqual([planned.endsWithReturn, planned.cancellable], [false, false]);
    assert.deepEqual(planned.evidence, { restart: true });
    const transfer = plan(cpe, 3, { upload: [{ fileType: '2', URL: 'http://a' }] });
    assert.ok(transfer.ok && transfer.cancellable);
  });
});

describe('a command for an LwM2M client', () => {
  const firmware = { download: [{ fileType: '1 Firmware Upgrade Image', URL: 'http://a/b' }] };

  it('is executed where the object of the device is, below its own root, too', () => {
    assert.deepEqual(stepsOf(client, 2), [{ action: 'execute', target: { path: '/3/0/4' } }]);
    assert.deepEqual(stepsOf(device('lwm2m', ['/lwm2m/3/0']), 1), [
      { action: 'execute', target: { path: '/lwm2m/3/0/5' } },
    ]);
  });

  it('starts the firmware procedure with the URL', () => {
    assert.deepEqual(stepsOf(client, 4, firmware), [
      { action: 'procedure', procedure: 'firmware-update', object: '/5/0', inputs: { url: 'http://a/b' } },
    ]);
  });

  it('is impossible without the object', () => {
    const planned = plan(device('lwm2m', ['/3/0']), 4, firmware);
    assert.ok(!planned.ok);
    assert.match(planned.failure.explanation, /no object \/5\/0/);
  });

  it('installs software where none is, and nothing is going on', () => {
    const install = { softwareInstall: [{ URL: 'http://a/b' }] };
    const software = (path: string, softwareName: string): BoundObject => ({
      resourceID: path,
      path,
      mapping: 'software',
      mgmtDefinition: 1002,
      names: {},
      objects: { software: path },
      attributes: { softwareName },
      profiles: [],
      deviceId: 'd1',
      technology: 'lwm2m',
    });
    const objects = [software('/9/0', 'agent'), software('/9/1', '')];
    const planned = plan(client, 5, install, objects);
    assert.ok(planned.ok);
    assert.equal(planned.object, '/9/1');
    const full = plan(client, 5, install, objects, ['/9/1']);
    assert.ok(!full.ok);
    assert.equal(full.failure.cause, 'unavailable');
  });
});

describe('a command for an OMA DM client', () => {
  const roots: Record<string, string> = {
    './Vendor/Lock': 'urn:oma:mo:oma-lawmo:1.0',
    './Diag/Restart': 'urn:oma:mo:oma-diag:restart:1.0',
    './FW': 'urn:oma:mo:oma-fumo:1.0',
    './Apps': 'urn:oma:mo:oma-scomo:1.1',
  };
  const phone = device('omadm', [], {
    inventory: { objects: Object.entries(roots).map(([path, objectID]) => ({ path, objectID })) },
  });

  it('is executed where the device has the management object', () => {
    assert.deepEqual(stepsOf(phone, 1), [
      { action: 'execute', target: { path: './Vendor/Lock/Operations/FactoryReset' } },
    ]);
    assert.deepEqual(stepsOf(phone, 2), [{ action: 'execute', target: { path: './Diag/Restart/Operations/Start' } }]);
    const planned = plan(phone, 2);
    assert.ok(planned.ok && planned.endsWithReturn);
  });

  it('starts the procedures of firmware and software there', () => {
    const [URL, url] = ['http://a/b', 'http://a/b'];
    assert.deepEqual(stepsOf(phone, 4, { download: [{ fileType: '1 Firmware Upgrade Image', URL }] }), [
      { action: 'procedure', procedure: 'firmware-update', object: './FW', inputs: { url } },
    ]);
    assert.deepEqual(stepsOf(phone, 5, { softwareInstall: [{ URL }] }), [
      { action: 'procedure', procedure: 'software-install', object: './Apps/Download', inputs: { url } },
    ]);
  });

  it('waits for an update that is running', () => {
    const planned = plan(phone, 4, { download: [{ fileType: '1', URL: 'http://a/b' }] }, [], ['./FW']);
    assert.ok(!planned.ok);
    assert.equal(planned.failure.cause, 'conflict');
  });

  it('names the management object that the device lacks', () => {
    const planned = plan(device('omadm', ['./DevInfo']), 1);
    assert.ok(!planned.ok);
    assert.match(
      planned.failure.explanation,
      /no management object urn:oma:mo:oma-lawmo:1\.0, where RESET is executed/,
    );
  });
});
