import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'yaml';
import { makeImage } from '../../src/simulators/omadm-client.ts';
import type { SimulatedClient } from '../../src/simulators/omadm-client.ts';
import { TestServer, elementsIn, eventually, exec, put, remove, statusesIn, textIn, textsIn } from './omadm-server.ts';

describe('management objects of the simulated OMA DM client', () => {
  let server: TestServer;
  const files = createServer((request, response) => {
    if (request.headers.authorization === undefined && request.url === '/secret') response.writeHead(401).end();
    else
      response.end(
        makeImage({
          name: 'player',
          version: '3.1',
          size: 5000,
          ...(request.url === '/fails' ? { flaw: 'install' } : {}),
        }),
      );
  });
  const file = (name: string): string => `http://127.0.0.1:${(files.address() as AddressInfo).port}/${name}`;

  before((done) => void files.listen(0, '127.0.0.1', done));
  after((done) => void files.close(done));
  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  /** The alert 1226 with this Correlator, as [type, source, result]. */
  const told = async (correlator: string): Promise<(string | undefined)[]> => {
    const find = (): string | undefined =>
      server.arrivals
        .flatMap((one) => elementsIn(one.body, 'Alert'))
        .find((one) => textIn(one, 'Correlator') === correlator);
    await eventually(() => find() !== undefined, `an alert for ${correlator}`);
    const alert = find() ?? '';
    const source = textIn(elementsIn(alert, 'Source')[0] ?? '', 'LocURI');
    return [textIn(alert, 'Type'), source, textsIn(alert, 'Data').at(-1)];
  };
  const session = async (client: SimulatedClient, ...commands: string[]): Promise<string> => {
    const at = server.arrivals.length;
    server.say(commands);
    await client.session();
    return server.arrivals[at + 1]?.body ?? '';
  };

  it('are found by the names and have the leaves that the mappings expect', async () => {
    const client = await server.client({ devicesBehind: [{ id: 'urn:dev:1', type: 'lamp' }] });
    const types = new Map(client.paths().map((path) => [client.value(path) === undefined ? '' : path, path] as const));
    assert.ok(types.size > 100);
    server.say([]);
    const { answer } = await (async () => {
      const other = await TestServer.start();
      const result = await other.after(
        ['<Get><CmdID>$ID</CmdID><Item><Target><LocURI>.?list=Struct</LocURI></Target></Item></Get>'],
        {
          devicesBehind: [{ id: 'urn:dev:1', type: 'lamp' }],
          maximumMessageSize: 1_000_000,
        },
      );
      await other.stop();
      return result;
    })();
    const roots = new Map<string, string[]>();
    for (const item of elementsIn(answer, 'Item')) {
      const type = textIn(item, 'Type');
      const path = textIn(item, 'LocURI') ?? '';
      if (type?.startsWith('urn:')) roots.set(type, [...(roots.get(type) ?? []), path]);
    }
    const missing: string[] = [];
    for (const name of readdirSync('mappings').filter((one) => one.endsWith('.yaml') && one !== 'commands.yaml')) {
      const mapping = parse(readFileSync(`mappings/${name}`, 'utf8'));
      const objects: Record<string, { objectID: string; path: string }> = mapping.objects?.omadm ?? {};
      const bases = (object: string): string[] => {
        const { objectID, path } = objects[object] ?? { objectID: '', path: '' };
        return (roots.get(objectID) ?? []).map((root) => path.replace('{mo}', root));
      };
      const seen = new Set<string>();
      const visit = (value: unknown): void => {
        if (typeof value === 'string') {
          const [object = '', ...leaf] = value.split('/');
          if (objects[object] && leaf.length > 0 && !value.includes(':')) seen.add(value);
        } else if (Array.isArray(value)) {
          if (value.some((one) => typeof one === 'string' && objects[one.split('/')[0] ?? ''])) visit(value[0]);
        } else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) visit(one);
      };
      for (const attribute of Object.values<{ omadm?: unknown }>(mapping.attributes ?? {})) visit(attribute.omadm);
      for (const reference of seen) {
        const [object = '', ...leaf] = reference.split('/');
        const wanted = bases(object).map(
          (base) => new RegExp(`^${`${base}/${leaf.join('/')}`.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
        );
        if (!wanted.some((pattern) => client.paths().some((path) => pattern.test(path))))
          missing.push(`${name} ${reference}`);
      }
    }
    // Nothing is delivered or being downloaded at the factory.
    assert.deepEqual(
      missing.filter((one) => !/ (delivered|download)\//.test(one)),
      [],
    );
  });

  it('SCOMO: downloads and installs, deactivates, activates and removes', async () => {
    const client = await server.client();
    const at = './SCOMO/Download/p1';
    const answer = await session(
      client,
      put('Add', at, '', 'node'),
      put('Add', `${at}/PkgID`, 'player'),
      put('Add', `${at}/PkgURL`, file('player')),
      exec(`${at}/Operations/DownloadInstall`, 'op-1'),
    );
    assert.deepEqual(Object.values(statusesIn(answer)), ['200', '200', '200', '200', '202']);
    assert.deepEqual(await told('op-1'), ['urn:oma:at:scomo:1.0:OperationComplete', at, '1200']);
    const deployed = './SCOMO/Inventory/Deployed/p1';
    assert.equal(client.value(`${deployed}/Version`), '3.1');
    assert.equal(client.value(`${deployed}/State`), '20');
    await session(client, exec(`${deployed}/Operations/Deactivate`, 'op-2'));
    assert.deepEqual((await told('op-2')).slice(1), [deployed, '1200']);
    assert.equal(client.value(`${deployed}/State`), '10');
    await session(client, exec(`${deployed}/Operations/Activate`, 'op-3'));
    await told('op-3');
    assert.equal(client.value(`${deployed}/State`), '20');
    await session(client, exec(`${deployed}/Operations/Remove`, 'op-4'), remove(at));
    await told('op-4');
    assert.equal(client.value(deployed), undefined);
    assert.deepEqual(client.complaints, []);
  });

  it('SCOMO: downloads first and installs what was delivered later', async () => {
    const client = await server.client();
    const at = './SCOMO/Download/p2';
    await session(
      client,
      put('Add', at, '', 'node'),
      put('Add', `${at}/PkgURL`, file('player')),
      exec(`${at}/Operations/Download`, 'op-1'),
    );
    assert.equal((await told('op-1'))[2], '1200');
    await session(client, exec('./SCOMO/Inventory/Delivered/p2/Operations/InstallInactive', 'op-2'));
    assert.equal((await told('op-2'))[2], '1200');
    assert.equal(client.value('./SCOMO/Inventory/Deployed/p2/State'), '10');
  });

  it('SCOMO: tells why it failed', async () => {
    const client = await server.client();
    for (const [name, url, code] of [
      ['a', file('fails'), '1405'],
      ['b', file('secret'), '1403'],
      ['c', 'http://127.0.0.1:9/x', '1501'],
      ['d', 'nowhere', '1402'],
    ] as const) {
      const at = `./SCOMO/Download/${name}`;
      await session(
        client,
        put('Add', at, '', 'node'),
        put('Add', `${at}/PkgURL`, url),
        exec(`${at}/Operations/DownloadInstall`, name),
      );
      assert.equal((await told(name))[2], code);
    }
  });

  it('LAWMO: locks, unlocks and wipes what is chosen', async () => {
    const client = await server.client();
    await session(client, exec('./LAWMO/Operations/FullyLock', 'op-1'));
    assert.deepEqual(await told('op-1'), ['urn:oma:at:lawmo:1.0:OperationComplete', './LAWMO', '1200']);
    assert.equal(client.value('./LAWMO/State'), '10');
    await session(client, exec('./LAWMO/Operations/UnLock', 'op-2'));
    await told('op-2');
    assert.equal(client.value('./LAWMO/State'), '30');
    await session(
      client,
      put('Replace', './LAWMO/AvailableWipeList/1/ToBeWiped', 'true', 'bool'),
      exec('./LAWMO/Operations/Wipe', 'op-3'),
    );
    assert.equal((await told('op-3'))[2], '1202');
    assert.equal(client.value('./LAWMO/AvailableWipeList'), '2');
  });

  it('LAWMO: goes back to the factory', async () => {
    const client = await server.client({ nodes: { './V': 'factory' } });
    await session(client, put('Replace', './V', 'changed'));
    assert.equal(client.value('./V'), 'changed');
    const at = server.arrivals.length;
    const answer = await session(client, exec('./LAWMO/Operations/FactoryReset'));
    assert.deepEqual(Object.values(statusesIn(answer)), ['200', '202']);
    await eventually(() => server.arrivals.length > at + 2, 'a session after the reset');
    assert.equal(client.value('./V'), 'factory');
    assert.equal(client.journal.filter((one) => one.kind === 'factory-reset').length, 1);
  });

  it('DCMO: enables and disables, and refuses nothing to do', async () => {
    const client = await server.client({ capabilities: ['USB'] });
    await session(client, exec('./DCMO/USB/Operations/Disable', 'op-1'));
    assert.deepEqual(await told('op-1'), ['urn:oma:at:dcmo:1.0:OperationComplete', './DCMO/USB', '1200']);
    assert.equal(client.value('./DCMO/USB/Enabled'), 'false');
    client.faults.operationResult = 1404;
    await session(client, exec('./DCMO/USB/Operations/Enable', 'op-2'));
    assert.equal((await told('op-2'))[2], '1404');
    assert.equal(client.value('./DCMO/USB/Enabled'), 'false');
  });

  it('DiagMon: restarts, and tells so from the other side', async () => {
    const client = await server.client();
    await session(client, exec('./DiagMon/Restart/Operations/Start', 'op-1'));
    assert.deepEqual(await told('op-1'), ['urn:oma:at:diagmon:1.0:OperationComplete', './DiagMon/Restart', '1200']);
    assert.deepEqual(client.journal.filter((one) => one.kind === 'restart').length, 1);
  });

  it('DiagMon: collects a log between Start and Stop', async () => {
    const client = await server.client();
    await session(client, exec('./DiagMon/Log/Operations/Start'));
    assert.equal(client.value('./DiagMon/Log/Status'), 'RUNNING');
    await session(client, exec('./DiagMon/Log/Operations/Stop'));
    assert.equal(client.value('./DiagMon/Log/Status'), 'DONE');
    assert.match(client.value('./DiagMon/Log/DiagMonData') ?? '', /exec/);
  });

  it('DiagMon: a trap fires when the value falls to its threshold, and once when it rises', async () => {
    const level = './DiagMon/Battery/DiagMonData/1/BatteryLevel';
    const client = await server.client({ traps: { './DiagMon/Traps/Battery': { watches: level, threshold: 20 } } });
    client.setValue(level, 10);
    assert.equal(client.waiting.length, 0);
    await session(client, put('Replace', './DiagMon/Traps/Battery/Enabled', 'true', 'bool'));
    for (const value of [30, 20, 15, 40]) client.setValue(level, value);
    await eventually(() => client.waiting.length === 0, 'alerts');
    const alerts = client.journal.filter((one) => one.kind === 'alert').map((one) => [one.detail, one.value]);
    assert.deepEqual(alerts, [
      ['urn:oma:at:diagmon:1.0:TrapNotification', '20'],
      ['urn:oma:at:diagmon:1.0:TrapInactiveNotification', '40'],
    ]);
  });

  it('FUMO: the user or the device asks for an update', async () => {
    const client = await server.client();
    client.requestFirmware('user', 'please');
    client.requestFirmware('device');
    await eventually(() => client.waiting.length === 0, 'alerts');
    assert.deepEqual(
      client.journal.filter((one) => one.kind === 'alert').map((one) => one.detail),
      [
        'org.openmobilealliance.dm.firmwareupdate.userrequest',
        'org.openmobilealliance.dm.firmwareupdate.devicerequest',
      ],
    );
  });

  it('FUMO: downloads, and updates when it is told', async () => {
    const client = await server.client();
    await session(client, put('Replace', './FUMO/Download/PkgURL', file('fw')), exec('./FUMO/Download', 'op-1'));
    assert.deepEqual(await told('op-1'), [
      'org.openmobilealliance.dm.firmwareupdate.download',
      './FUMO/Download',
      '200',
    ]);
    assert.equal(client.value('./FUMO/State'), '40');
    assert.equal(client.value('./DevDetail/FwV'), '1.0.0');
    await session(client, exec('./FUMO/Update', 'op-2'));
    assert.deepEqual(await told('op-2'), ['org.openmobilealliance.dm.firmwareupdate.update', './FUMO/Update', '200']);
    assert.equal(client.value('./DevDetail/FwV'), '3.1');
  });

  it('FUMO: takes the package over DM', async () => {
    const client = await server.client({ firmwareForms: ['PkgData'] });
    assert.equal(client.value('./FUMO/DownloadAndUpdate'), undefined);
    const image = makeImage({ name: 'fw', version: '4.0', size: 300 }).toString('base64');
    const answer = await session(client, put('Replace', './FUMO/Update/PkgData', image, 'b64'));
    assert.deepEqual(Object.values(statusesIn(answer)), ['200', '200']);
    assert.equal(client.value('./FUMO/State'), '50');
    await session(client, exec('./FUMO/Update', 'op-1'));
    assert.equal((await told('op-1'))[2], '200');
    assert.equal(client.value('./DevDetail/FwV'), '4.0');
  });

  it('FUMO: begins anew when the power goes in the middle', async () => {
    const client = await server.client({ speed: 10 });
    server.say([
      put('Replace', './FUMO/DownloadAndUpdate/PkgURL', file('fw')),
      exec('./FUMO/DownloadAndUpdate', 'op-1'),
    ]);
    await client.session();
    await eventually(() => client.value('./FUMO/State') === '60', 'an update');
    client.powerCut();
    assert.equal((await told('op-1'))[2], '200');
    assert.equal(client.value('./DevDetail/FwV'), '3.1');
    assert.equal(client.journal.filter((one) => one.kind === 'firmware-installed').length, 1);
  });

  it('sit where they are told to, and those that are not wanted are not there', async () => {
    const client = await server.client({
      objects: ['firmware', 'battery'],
      paths: { firmware: './Vendor/Update', battery: './A/B' },
    });
    assert.equal(client.value('./Vendor/Update/State'), '10');
    assert.equal(client.value('./A/B/DiagMonData/1/BatteryLevel'), '80');
    assert.equal(client.value('.'), 'DevInfo/DevDetail/Inbox/DMAcc/Vendor/A');
  });
});
