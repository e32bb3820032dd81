import assert from 'node:assert/strict';
import { initialReads, objectsOf } from '../../src/management/objects.ts';
import { absent } from '../../src/management/translation.ts';
import { found, inventoryOf, lwm2mInventory, mappings } from './mapping-examples.ts';

const client = lwm2mInventory(['/1/0', '/3/0', '/4/0', '/5/0', '/9/0', '/9/1', '/16'], { 3: '1.1' });

function names(technology: string, inventory: Parameters<typeof found>[1]): string[] {
  return objectsOf(mappings, { technology, inventory }).objects.map((object) => object.resourceName);
}

describe('the management objects of a LwM2M client', () => {
  it('are one per class and instance; instance 0 has the plain name', () => {
    assert.deepEqual(names('lwm2m', client), ['firmware', 'software', 'software-1', 'memory', 'deviceInfo', 'reboot']);
  });

  it('have the same names whatever stands beside them', () => {
    assert.deepEqual(names('lwm2m', lwm2mInventory(['/9/1'])), ['software-1']);
    assert.deepEqual(names('lwm2m', lwm2mInventory(['/9/7', '/9/0', '/9/1'])), [
      'software-7',
      'software',
      'software-1',
    ]);
  });

  it('pair objectIDs with objectPaths; the version is part of the URN when it is not 1.0', () => {
    const [info] = found('lwm2m', client, 'deviceInfo');
    assert.deepEqual([info?.objectIDs, info?.objectPaths], [['urn:oma:lwm2m:oma:3:1.1'], ['/3/0']]);
    const [software] = found('lwm2m', client, 'software');
    assert.deepEqual([software?.objectIDs, software?.objectPaths], [['urn:oma:lwm2m:oma:9'], ['/9/0']]);
  });

  it('know companions that are read but not listed', () => {
    const [firmware] = found('lwm2m', client, 'firmware');
    assert.deepEqual(firmware?.objects, { firmware: '/5/0', device: '/3/0' });
    assert.deepEqual(firmware?.objectPaths, ['/5/0']);
  });

  it('keep the alternate root in their paths', () => {
    const [info] = found('lwm2m', lwm2mInventory(['/lwm2m/3/0', '/lwm2m/9/2']), 'deviceInfo');
    assert.deepEqual(info?.objectPaths, ['/lwm2m/3/0']);
    assert.deepEqual(names('lwm2m', lwm2mInventory(['/lwm2m/9/2'])), ['software-2']);
  });

  it('are none for an object without instances, and none for a resource', () => {
    assert.deepEqual(names('lwm2m', lwm2mInventory(['/9', '/3', '/9/0/1', '/90/0', '/7/3/0'])), []);
  });

  it('start with triggers false and status Uninitialized', () => {
    const [firmware] = found('lwm2m', client, 'firmware');
    assert.deepEqual(firmware?.attributes, { URL: '', update: false, updateStatus: { status: 0 } });
  });

  it('are found once for all devices that share an inventory', () => {
    const device = { technology: 'lwm2m', inventory: client };
    assert.equal(objectsOf(mappings, device), objectsOf(mappings, device));
  });

  it('need everything read once, each path once', () => {
    const { objects } = objectsOf(mappings, { technology: 'lwm2m', inventory: client });
    const paths = initialReads(mappings, 'lwm2m', objects, []).map((target) => target.path);
    assert.equal(new Set(paths).size, paths.length);
    for (const path of ['/3/0/0', '/3/0/3', '/3/0/21', '/5/0/3', '/9/1/7']) assert.ok(paths.includes(path), path);
    assert.ok(!paths.includes('/5/0/1'), 'the Package URI is an input, not a value');
  });

  describe('that depend on a value: the battery', () => {
    const device = { technology: 'lwm2m', inventory: client };

    it('is undecided until the power sources are known', () => {
      const { objects, undecided } = objectsOf(mappings, device);
      assert.ok(objects.every((object) => object.mapping !== 'battery'));
      assert.deepEqual(
        undecided.map(({ mapping, reads, object }) => [mapping, reads.map(({ path }) => path), object.resourceName]),
        [['battery', ['/3/0/6'], 'battery']],
      );
    });

    it('is there when one of them is the internal battery', () => {
      assert.equal(found('lwm2m', client, 'battery', new Map([['/3/0/6', { instances: { 0: 6, 1: 1 } }]])).length, 1);
    });

    it('is not there when all are something else', () => {
      const decided = objectsOf(mappings, device, new Map([['/3/0/6', { instances: { 0: 0, 1: 5 } }]]));
      assert.ok(decided.objects.every((object) => object.mapping !== 'battery'));
      assert.deepEqual(decided.undecided, []);
    });

    it('is there when the device does not tell', () => {
      assert.equal(found('lwm2m', client, 'battery', new Map([['/3/0/6', absent]])).length, 1);
    });

    it('stays undecided when other values were read', () => {
      const { undecided } = objectsOf(mappings, device, new Map([['/3/0/0', 'ACME']]));
      assert.deepEqual(
        undecided.map(({ mapping }) => mapping),
        ['battery'],
      );
    });
  });

  describe('that own another object: the back-off of a network access rule', () => {
    const device = { technology: 'lwm2m', inventory: lwm2mInventory(['/2055/3', '/2057/0', '/2057/8']) };

    it('ask for the link, and are there meanwhile', () => {
      const { objects, undecided } = objectsOf(mappings, device);
      assert.deepEqual(
        objects.map((object) => object.objects),
        [{ rule: '/2055/3' }],
      );
      assert.deepEqual(
        undecided.map(({ reads }) => reads),
        [[{ path: '/2055/3/3', type: 'link', optional: true }]],
      );
    });

    it('know it once the link was read', () => {
      const { objects, undecided } = objectsOf(mappings, device, new Map([['/2055/3/3', { link: '/2057/8' }]]));
      assert.deepEqual(objects[0]?.objects, { rule: '/2055/3', backoff: '/2057/8' });
      assert.deepEqual(objects[0]?.objectPaths, ['/2055/3']);
      assert.deepEqual(undecided, []);
    });

    it('are alone when the link leads nowhere', () => {
      for (const link of ['', '/3/0']) {
        const { objects } = objectsOf(mappings, device, new Map([['/2055/3/3', { link }]]));
        assert.deepEqual(objects[0]?.objects, { rule: '/2055/3' });
      }
    });
  });
});

describe('the management objects of a TR-069 device', () => {
  it('are there when something below their object is listed', () => {
    const inventory = inventoryOf(['Device.DeviceInfo.MemoryStatus.Total']);
    assert.deepEqual(names('cwmp', inventory), ['firmware', 'memory', 'deviceInfo', 'reboot']);
  });

  it('carry the model that the device told', () => {
    const inventory = inventoryOf([['Device.DeviceInfo.', 'urn:broadband-forum-org:tr-181-2-7-0']]);
    assert.deepEqual(found('cwmp', inventory, 'deviceInfo')[0]?.objectIDs, ['urn:broadband-forum-org:tr-181-2-7-0']);
  });

  it('are capabilities of several kinds, each with the name of its kind', () => {
    const inventory = inventoryOf(['Device.USB.Interface.1.', 'Device.WiFi.Radio.1.Stats.', 'Device.WiFi.Radio.2.']);
    const capabilities = found('cwmp', inventory, 'deviceCapability');
    assert.deepEqual(
      capabilities.map(({ resourceName, attributes }) => [
        resourceName,
        attributes['capabilityName'],
        attributes['attached'],
      ]),
      [
        ['deviceCapability-usb-1', 'USB', true],
        ['deviceCapability-wifi-1', 'Wi-Fi', true],
        ['deviceCapability-wifi-2', 'Wi-Fi', true],
      ],
    );
    assert.deepEqual(capabilities[1]?.objectPaths, ['Device.WiFi.Radio.1.']);
  });

  it('have names that a resource may have, also with aliases', () => {
    const inventory = inventoryOf([
      'Device.SoftwareModules.DeploymentUnit.[cpe-one two].',
      'Device.SoftwareModules.DeploymentUnit.[cpe-one:two].',
    ]);
    const resourceNames = found('cwmp', inventory, 'software').map((object) => object.resourceName);
    assert.equal(new Set(resourceNames).size, 2);
    for (const name of resourceNames) assert.match(name, /^software-[A-Za-z0-9._~-]+$/);
  });

  it('show the first execution unit of a deployment unit', () => {
    const device = {
      technology: 'cwmp',
      inventory: inventoryOf(['Device.SoftwareModules.DeploymentUnit.1.', 'Device.SoftwareModules.ExecutionUnit.4.']),
    };
    const list = 'Device.SoftwareModules.ExecutionUnit.4,Device.SoftwareModules.ExecutionUnit.5';
    const { objects } = objectsOf(
      mappings,
      device,
      new Map([['Device.SoftwareModules.DeploymentUnit.1.ExecutionUnitList', list]]),
    );
    assert.equal(
      objects.find((object) => object.mapping === 'software')?.objects['execution'],
      'Device.SoftwareModules.ExecutionUnit.4.',
    );
  });

  it('are those of a proxied device when it has no DeviceInfo of its own', () => {
    const inventory = inventoryOf(['Device.ManagementServer.VirtualDevice.2.']);
    assert.deepEqual(found('cwmp', inventory, 'deviceInfo')[0]?.objects, {
      virtual: 'Device.ManagementServer.VirtualDevice.2.',
    });
    assert.deepEqual(names('cwmp', inventory), ['deviceInfo-2'], 'Reboot and Download would act on the proxier');
    const proxier = inventoryOf(['Device.DeviceInfo.', 'Device.ManagementServer.VirtualDevice.2.']);
    assert.deepEqual(found('cwmp', proxier, 'deviceInfo')[0]?.objects, { info: 'Device.DeviceInfo.' });
  });

  it('know every policy of which at most one is active', () => {
    const policy = 'Device.X_oneM2M_org_CSE.1.CMDH.Policy.';
    const inventory = inventoryOf([`${policy}1.`, `${policy}2.`]);
    assert.deepEqual(found('cwmp', inventory, 'activeCmdhPolicy')[0]?.objects, {
      cmdh: 'Device.X_oneM2M_org_CSE.1.CMDH.',
      'policy:1': `${policy}1.`,
      'policy:2': `${policy}2.`,
    });
  });
});

describe('the management objects of an OMA DM device', () => {
  it('are found by type, wherever they are, in any spelling of the URN and any minor version', () => {
    const inventory = inventoryOf([
      ['./Vendor/FW', 'urn:oma:mo:oma-fumo:1.1'],
      ['./DevInfo', 'urn:oma:mo:oma-dm-devinfo:1.2'],
      ['./DevDetail', 'urn:oma:mo:oma-dm-devdetail:1.0'],
      ['./Batt', 'urn:oma:mo:OMADiag:batteryinfo:1.0'],
      './Batt/DiagMonData/0/Level',
    ]);
    assert.deepEqual(found('omadm', inventory, 'firmware')[0]?.objectPaths, ['./Vendor/FW']);
    assert.deepEqual(found('omadm', inventory, 'battery')[0]?.objectPaths, ['./Batt/DiagMonData/0']);
    assert.deepEqual(found('omadm', inventory, 'deviceInfo')[0]?.objectPaths, ['./DevInfo', './DevDetail']);
  });

  it('keep one resource per package while it goes from download to deployment', () => {
    const scomo: [string, string] = ['./SCOMO', 'urn:oma:mo:oma-scomo:1.0'];
    const stages = ['Download', 'Inventory/Delivered', 'Inventory/Deployed'];
    const [first, ...later] = stages.map((stage) =>
      found('omadm', inventoryOf([scomo, `./SCOMO/${stage}/chess`]), 'software'),
    );
    assert.deepEqual(first?.[0]?.objectPaths, ['./SCOMO/Download/chess']);
    for (const [object, ...more] of later) {
      assert.deepEqual([object?.resourceName, more], ['software-chess', []]);
      // The main object is the same, and can be installed anew.
      assert.equal(Object.values(object?.objects ?? {})[0], './SCOMO/Download/chess');
      assert.equal(object?.objectPaths.length, 1);
      assert.notEqual(object?.objectPaths[0], './SCOMO/Download/chess');
    }
  });

  it('do not take a trap of DiagMon for a log', () => {
    const inventory = inventoryOf([
      ['./Diag/Log', 'urn:oma:mo:oma-diag:eventlog:1.0'],
      ['./Diag/Trap', 'urn:oma:mo:oma-diagmontrap:1.0'],
    ]);
    assert.deepEqual(
      found('omadm', inventory, 'eventLog').map(({ objectPaths }) => objectPaths),
      [['./Diag/Log']],
    );
  });

  it('are one per root where a device has several', () => {
    const inventory = inventoryOf([
      ['./DCMO/Camera', 'urn:oma:mo:oma-dcmo:1.0'],
      ['./DCMO/USB', 'urn:oma:mo:oma-dcmo:1.0'],
    ]);
    assert.deepEqual(names('omadm', inventory), ['deviceCapability-Camera', 'deviceCapability-USB']);
  });

  it('join two management objects to one resource', () => {
    const inventory = inventoryOf([
      ['./Restart', 'urn:oma:mo:oma-diag:restart:1.0'],
      ['./LAWMO', 'urn:oma:mo:oma-lawmo:1.0'],
    ]);
    assert.deepEqual(
      found('omadm', inventory, 'reboot').map((object) => object.objects),
      [{ restart: './Restart', lawmo: './LAWMO' }],
    );
  });

  it('are a self-defined one where oneM2M has no class', () => {
    const [lock] = found('omadm', inventoryOf([['./Lock', 'urn:oma:mo:oma-lawmo:1.0']]), 'lockAndWipe');
    assert.deepEqual([lock?.mgmtDefinition, lock?.attributes['mgmtSchema']], [0, 'urn:oma:mo:oma-lawmo:1.0']);
    assert.deepEqual(lock?.objectPaths, ['./Lock']);
  });

  it('are there with either of them', () => {
    const inventory = inventoryOf([['./LAWMO', 'urn:oma:mo:oma-lawmo:1.0']]);
    assert.deepEqual(
      found('omadm', inventory, 'reboot').map((object) => object.objects),
      [{ lawmo: './LAWMO' }],
    );
  });
});

describe('the management objects of a Windows device', () => {
  const csps = ['DeviceStatus/Battery', 'Reboot', 'RemoteWipe'].map((name) => `./Vendor/MSFT/${name}`);
  const inventory = inventoryOf(['./DevInfo', './DevDetail', ...csps]);

  it('stand for configuration service providers', () => {
    assert.deepEqual(names('omadm', inventory), ['memory', 'battery', 'deviceInfo', 'reboot']);
    assert.deepEqual(found('omadm', inventory, 'reboot')[0]?.objectPaths, csps.slice(1));
    assert.deepEqual(found('omadm', inventory, 'battery')[0]?.objectIDs, ['urn:microsoft:csp:devicestatus']);
  });

  it('are those of OMA where a device has none of them', () => {
    assert.deepEqual(names('omadm', inventoryOf(['./DevInfo', './DevDetail'])), ['deviceInfo']);
  });
});

it('a device of an unknown technology has no management objects', () => {
  assert.deepEqual(names('zigbee', client), []);
});
