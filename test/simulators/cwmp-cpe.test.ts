import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { parse } from 'yaml';
import { startCwmpCpe } from '../../src/simulators/cwmp-cpe.ts';
import {
  TestAcs,
  eventually,
  getNames,
  getValues,
  setNotification,
  setValues,
  textIn,
  textsIn,
  valuesIn,
} from './cwmp-acs.ts';

const info = 'Device.DeviceInfo.';
const server = 'Device.ManagementServer.';

/** SetParameterValuesFault by name. */
const blamed = (body: string): Record<string, string> =>
  Object.fromEntries(
    [...body.matchAll(/<ParameterName>([^<]*)<\/ParameterName><FaultCode>(\d+)</g)].map((match) => [
      match[1] ?? '',
      match[2] ?? '',
    ]),
  );

describe('simulated CPE', () => {
  let acs: TestAcs;

  beforeEach(async () => {
    acs = await TestAcs.start();
  });
  afterEach(() => acs.stop());

  describe('informs', () => {
    it('with who it is, why it comes, and the parameters that every Inform has', async () => {
      const cpe = await acs.cpe({ oui: '001122', productClass: 'Box', serialNumber: 'A-7', manufacturer: 'A & B <C>' });
      const [inform] = acs.arrivals;
      assert.equal(cpe.id, '001122-Box-A-7');
      assert.equal(textIn(inform?.body ?? '', 'Manufacturer'), 'A &amp; B &lt;C&gt;');
      assert.deepEqual(textsIn(inform?.body ?? '', 'EventCode'), ['0 BOOTSTRAP', '1 BOOT']);
      assert.deepEqual(Object.keys(valuesIn(inform?.body ?? '')), [
        'Device.RootDataModelVersion',
        'Device.DeviceInfo.HardwareVersion',
        'Device.DeviceInfo.SoftwareVersion',
        'Device.DeviceInfo.ProvisioningCode',
        'Device.ManagementServer.ParameterKey',
        'Device.ManagementServer.ConnectionRequestURL',
        'Device.ManagementServer.AliasBasedAddressing',
      ]);
      assert.deepEqual(
        acs.arrivals.map((one) => one.name),
        ['Inform', ''],
      );
      assert.deepEqual(cpe.complaints, []);
    });

    it('in the namespace of its version, with the headers of its version', async () => {
      for (const [version, namespace, timeout, versions] of [
        ['1.0', 'cwmp-1-0', false, false],
        ['1.1', 'cwmp-1-1', false, false],
        ['1.2', 'cwmp-1-2', false, false],
        ['1.3', 'cwmp-1-2', true, false],
        ['1.4', 'cwmp-1-2', true, true],
      ] as const) {
        await acs.cpe({ version, serialNumber: version });
        const inform = acs.named('Inform').at(-1)?.body ?? '';
        assert.match(inform, new RegExp(`xmlns:cwmp="urn:dslforum-org:${namespace}"`));
        assert.equal(inform.includes('cwmp:SessionTimeout'), timeout);
        assert.equal(inform.includes('cwmp:SupportedCWMPVersions'), versions);
      }
    });

    it('and rejects with the reason when the server refuses', async () => {
      acs.statuses.push(503);
      await assert.rejects(acs.cpe(), { name: 'InformFailed', message: /the server answered 503/ });
      await assert.rejects(startCwmpCpe({ acs: 'coap://127.0.0.1', serialNumber: 'x' }), /is not the URL of a server/);
      await assert.rejects(startCwmpCpe({ acs: acs.url, serialNumber: 'x', oui: 'abc' }), /is not an OUI/);
    });

    it('over one connection with the cookie of the session, another in the next session', async () => {
      const cpe = await acs.cpe();
      await acs.ask(cpe, getValues(`${info}UpTime`));
      const [first, , second, empty, answer] = acs.arrivals;
      assert.equal(first?.headers.cookie, undefined);
      assert.equal(second?.headers.cookie, undefined);
      assert.equal(empty?.headers.cookie, 'session=x2');
      assert.equal(answer?.connection, second?.connection);
      assert.notEqual(first?.connection, second?.connection);
      await eventually(() => (acs.sockets.size === 0 ? true : undefined), 'the connection was kept');
    });

    for (const scheme of ['basic', 'digest'] as const) {
      it(`with ${scheme} when asked, the same Inform with the same ID`, async () => {
        acs.authentication = { scheme, username: 'user', password: 'pass' };
        await acs.cpe({ username: 'user', password: 'pass' });
        const [challenged, inform, empty] = acs.arrivals;
        assert.equal(challenged?.name, '401 Inform');
        assert.equal(challenged?.headers.authorization, undefined);
        assert.equal(inform?.body, challenged?.body);
        assert.match(empty?.headers.authorization ?? '', new RegExp(scheme, 'i'));
        assert.equal(acs.arrivals.length, 3);
        if (scheme === 'digest') assert.match(empty?.headers.authorization ?? '', /nc=00000002/);
        await assert.rejects(acs.cpe({ username: 'user', password: 'wrong' }), /does not take the credentials/);
      });
    }

    it('where a redirect sends it', async () => {
      const other = await TestAcs.start();
      acs.statuses.push(307);
      acs.statusHeaders = { Location: other.url };
      await acs.cpe();
      assert.deepEqual([acs.arrivals.length, other.arrivals.map((one) => one.name)], [1, ['Inform', '']]);
      await other.stop();
    });

    it('again after a failure, with growing waits and a count, and keeps what it had to say', async () => {
      acs.statuses.push(500, 500, 500);
      const cpe = await acs.cpe({ autoInform: false, speed: 1000 });
      const fourth = await eventually(() => acs.named('Inform')[3], 'no fourth Inform');
      assert.deepEqual(
        acs.named('Inform').map((one) => textIn(one.body, 'RetryCount')),
        ['0', '1', '2', '3'],
      );
      assert.deepEqual(textsIn(fourth.body, 'EventCode'), ['0 BOOTSTRAP', '1 BOOT']);
      await cpe.inform('2 PERIODIC');
      const last = acs.named('Inform').at(-1)?.body ?? '';
      assert.equal(textIn(last, 'RetryCount'), '0');
      assert.deepEqual(textsIn(last, 'EventCode'), ['2 PERIODIC']);
    });

    it('again in the same session when it is told to retry (8005), and fails on any other fault', async () => {
      acs.faults['Inform'] = [8005];
      await acs.cpe();
      assert.equal(acs.named('Inform').length, 2);
      assert.equal(new Set(acs.named('Inform').map((one) => one.connection)).size, 1);
      acs.faults['Inform'] = [8002];
      await assert.rejects(acs.cpe(), /refused the Inform with 8002/);
    });

    it('periodically, as the server has set it', async () => {
      const cpe = await acs.cpe({ speed: 100 });
      await acs.ask(
        cpe,
        setValues({
          [`${server}PeriodicInformEnable`]: ['boolean', '1'],
          [`${server}PeriodicInformInterval`]: ['unsignedInt', '3'],
        }),
      );
      await eventually(
        () => (acs.named('Inform').filter((one) => one.body.includes('>2 PERIODIC<')).length > 2 ? true : undefined),
        'no periodic Informs',
      );
    });

    it('by HTTP that asks before it sends, in chunks, or compressed', async () => {
      for (const http of [{ expectContinue: true }, { chunked: true }, { compress: 'gzip' }] as const) {
        await acs.cpe({ http, serialNumber: JSON.stringify(http).replaceAll('"', '') });
      }
      const [asking, chunked, compressed] = acs.named('Inform');
      assert.equal(asking?.headers.expect, '100-continue');
      assert.equal(chunked?.headers['transfer-encoding'], 'chunked');
      assert.equal(compressed?.headers['content-encoding'], 'gzip');
    });
  });

  describe('answers GetParameterValues', () => {
    it('of full names, objects and everything, with their types', async () => {
      const cpe = await acs.cpe();
      const [one, object, all] = await acs.ask(
        cpe,
        getValues('Device.USB.Interface.3.Enable', `${info}SerialNumber`),
        getValues(`${info}MemoryStatus.`),
        getValues(''),
      );
      assert.deepEqual(valuesIn(one ?? ''), {
        'Device.USB.Interface.3.Enable': 'false',
        [`${info}SerialNumber`]: 'S1',
      });
      assert.match(one ?? '', /arrayType="cwmp:ParameterValueStruct\[2\]"/);
      assert.match(one ?? '', /<Value xsi:type="xsd:boolean">false</);
      assert.deepEqual(valuesIn(object ?? ''), {
        [`${info}MemoryStatus.Total`]: '262144',
        [`${info}MemoryStatus.Free`]: '131072',
      });
      assert.equal(Object.keys(valuesIn(all ?? '')).length, Object.keys(cpe.parameters()).length);
    });

    it('with 9005 and the name for what is not there, and never a password', async () => {
      const cpe = await acs.cpe({ password: 'geheim' });
      const [fault, dotless, password] = await acs.ask(
        cpe,
        getValues(`${info}SerialNumber`, 'Device.Nope'),
        getValues('Device.DeviceInfo'),
        getValues(`${server}Password`, `${server}ConnectionRequestPassword`),
      );
      assert.equal(textIn(fault ?? '', 'FaultCode'), '9005');
      assert.match(fault ?? '', /Device\.Nope/);
      assert.equal(textIn(dotless ?? '', 'FaultCode'), '9005');
      assert.deepEqual(Object.values(valuesIn(password ?? '')), ['', '']);
      assert.equal(cpe.parameter(`${server}Password`), 'geheim');
    });

    it('by alias, under the name that was asked for, from version 1.3 on', async () => {
      const cpe = await acs.cpe();
      const [answer] = await acs.ask(cpe, getValues('Device.USB.Interface.[cpe-3].'));
      assert.equal(valuesIn(answer ?? '')['Device.USB.Interface.[cpe-3].Name'], 'usb1');
      const old = await acs.cpe({ version: '1.2', serialNumber: 'old' });
      const [fault] = await acs.ask(old, getValues('Device.USB.Interface.[cpe-3].'));
      assert.equal(textIn(fault ?? '', 'FaultCode'), '9005');
    });
  });

  describe('answers GetParameterNames', () => {
    it('of the root, of the next level, and of a whole subtree', async () => {
      const cpe = await acs.cpe();
      const [root, next, whole, parameter] = await acs.ask(
        cpe,
        getNames('', true),
        getNames('Device.USB.Interface.', true),
        getNames('Device.USB.Interface.1.', false),
        getNames(`${info}ProvisioningCode`, false),
      );
      const names = (body: string | undefined): [string, string][] =>
        textsIn(body ?? '', 'Name').map((name, at) => [name, textsIn(body ?? '', 'Writable')[at] ?? '']);
      assert.deepEqual(names(root), [['Device.', 'false']]);
      assert.deepEqual(names(next), [
        ['Device.USB.Interface.1.', 'false'],
        ['Device.USB.Interface.3.', 'false'],
      ]);
      assert.deepEqual(names(whole), [
        ['Device.USB.Interface.1.', 'false'],
        ['Device.USB.Interface.1.Alias', 'true'],
        ['Device.USB.Interface.1.Enable', 'true'],
        ['Device.USB.Interface.1.Status', 'false'],
        ['Device.USB.Interface.1.Name', 'false'],
      ]);
      assert.deepEqual(names(parameter), [[`${info}ProvisioningCode`, 'true']]);
    });

    it('with tables writable where rows can be added, 9003 for the next level of a parameter, 9005 for nothing', async () => {
      const cpe = await acs.cpe();
      const [level, wrong, nothing] = await acs.ask(
        cpe,
        getNames('Device.X_oneM2M_org_CSE.1.CMDH.', true),
        getNames(`${info}UpTime`, true),
        getNames('Device.Nope.', true),
      );
      assert.match(level ?? '', /CMDH\.Policy\.<\/Name><Writable>true/);
      assert.match(level ?? '', /PolicyNumberOfEntries<\/Name><Writable>false/);
      assert.equal(textIn(wrong ?? '', 'FaultCode'), '9003');
      assert.equal(textIn(nothing ?? '', 'FaultCode'), '9005');
    });
  });

  describe('answers SetParameterValues', () => {
    it('by setting all values and the ParameterKey', async () => {
      const cpe = await acs.cpe();
      const [answer] = await acs.ask(
        cpe,
        setValues(
          {
            [`${info}ProvisioningCode`]: ['string', 'a &lt;b&gt; &amp;amp;'],
            'Device.WiFi.Radio.2.Enable': ['boolean', '0'],
          },
          'key-1',
        ),
      );
      assert.equal(textIn(answer ?? '', 'Status'), '0');
      assert.equal(cpe.parameter(`${info}ProvisioningCode`), 'a <b> &amp;');
      assert.equal(cpe.parameter('Device.WiFi.Radio.2.Enable'), 'false');
      assert.equal(cpe.parameter('Device.WiFi.Radio.2.Status'), 'Down');
      assert.equal(cpe.parameter(`${server}ParameterKey`), 'key-1');
      const [back] = await acs.ask(cpe, getValues(`${info}ProvisioningCode`));
      assert.match(back ?? '', />a &lt;b&gt; &amp;amp;<\/Value>/);
      assert.deepEqual(
        cpe.journal.filter((entry) => entry.kind === 'write').map(({ path, value }) => [path, value]),
        [
          [`${info}ProvisioningCode`, 'a <b> &amp;'],
          ['Device.WiFi.Radio.2.Enable', 'false'],
        ],
      );
    });

    it('with 9003 and every wrong parameter, and sets none of them, nor the ParameterKey', async () => {
      const cpe = await acs.cpe();
      const [fault] = await acs.ask(
        cpe,
        setValues(
          {
            [`${info}ProvisioningCode`]: ['string', 'new'],
            [`${info}SerialNumber`]: ['string', 'x'],
            'Device.Nope': ['string', 'x'],
            'Device.WiFi.Radio.1.Enable': ['boolean', 'perhaps'],
            'Device.WiFi.Radio.1.Channel': ['unsignedInt', '0'],
            [`${server}PeriodicInformInterval`]: ['string', '10'],
            'Device.SoftwareModules.ExecutionUnit.1.RequestedState': ['string', 'Asleep'],
            'Device.USB.Interface.1.Alias': ['string', 'x'.repeat(65)],
          },
          'key-2',
        ),
      );
      assert.equal(textIn(fault ?? '', 'FaultCode'), '9003');
      assert.equal(textIn(fault ?? '', 'faultstring'), 'CWMP fault');
      assert.deepEqual(blamed(fault ?? ''), {
        [`${info}SerialNumber`]: '9008',
        'Device.Nope': '9005',
        'Device.WiFi.Radio.1.Enable': '9007',
        'Device.WiFi.Radio.1.Channel': '9007',
        [`${server}PeriodicInformInterval`]: '9006',
        'Device.SoftwareModules.ExecutionUnit.1.RequestedState': '9007',
        'Device.USB.Interface.1.Alias': '9007',
      });
      assert.equal(cpe.parameter(`${info}ProvisioningCode`), '');
      assert.equal(cpe.parameter(`${server}ParameterKey`), '');
    });

    it('with 9003 for a name that comes twice and for a second enabled CMDH policy, unless the first is disabled with it', async () => {
      const cpe = await acs.cpe();
      const policy = 'Device.X_oneM2M_org_CSE.1.CMDH.Policy.';
      const twice = setValues({ [`${info}ProvisioningCode`]: ['string', 'a'] }).replace(
        /(<ParameterValueStruct>.*<\/ParameterValueStruct>)/,
        '$1$1',
      );
      const [added, repeated, two] = await acs.ask(
        cpe,
        `<cwmp:AddObject><ObjectName>${policy}</ObjectName><ParameterKey></ParameterKey></cwmp:AddObject>`,
        twice,
        setValues({ [`${policy}2.Enable`]: ['boolean', 'true'] }),
      );
      assert.equal(textIn(added ?? '', 'InstanceNumber'), '2');
      assert.deepEqual(blamed(repeated ?? ''), { [`${info}ProvisioningCode`]: '9003' });
      assert.deepEqual(blamed(two ?? ''), { [`${policy}2.Enable`]: '9007' });
      const [switched] = await acs.ask(
        cpe,
        setValues({ [`${policy}2.Enable`]: ['boolean', 'true'], [`${policy}1.Enable`]: ['boolean', 'false'] }),
      );
      assert.equal(textIn(switched ?? '', 'Status'), '0');
    });
  });

  describe('answers AddObject and DeleteObject', () => {
    const mapping = 'Device.NAT.PortMapping.';
    const add = (name: string): string =>
      `<cwmp:AddObject><ObjectName>${name}</ObjectName><ParameterKey>k</ParameterKey></cwmp:AddObject>`;
    const remove = (name: string): string =>
      `<cwmp:DeleteObject><ObjectName>${name}</ObjectName><ParameterKey>d</ParameterKey></cwmp:DeleteObject>`;

    it('with numbers that are not used again, values of the template, and the ParameterKey', async () => {
      const cpe = await acs.cpe();
      const [one, two, gone, three] = await acs.ask(
        cpe,
        add(mapping),
        add(mapping),
        remove(`${mapping}2.`),
        add(mapping),
      );
      assert.deepEqual(
        [one, two, three].map((body) => textIn(body ?? '', 'InstanceNumber')),
        ['1', '2', '3'],
      );
      assert.equal(textIn(gone ?? '', 'Status'), '0');
      assert.equal(cpe.parameter(`${mapping}3.Protocol`), 'TCP');
      assert.equal(cpe.parameter(`${mapping}2.Protocol`), undefined);
      assert.equal(cpe.parameter('Device.NAT.PortMappingNumberOfEntries'), '2');
      assert.equal(cpe.parameter(`${server}ParameterKey`), 'k');
    });

    it('with the alias of the server', async () => {
      const cpe = await acs.cpe();
      await acs.ask(
        cpe,
        add(`${mapping}[web].`),
        setValues({ [`${mapping}[web].ExternalPort`]: ['unsignedInt', '80'] }),
      );
      assert.equal(cpe.parameter(`${mapping}1.Alias`), 'web');
      assert.equal(cpe.parameter(`${mapping}1.ExternalPort`), '80');
    });

    it('with 9005 for what is no table or not there, 9001 for rows of the device, 9004 when it is full', async () => {
      const cpe = await acs.cpe();
      const many = Array.from({ length: 33 }, () => add(mapping));
      const answers = await acs.ask(
        cpe,
        add(info),
        remove(`${mapping}9.`),
        add('Device.USB.Interface.'),
        remove('Device.USB.Interface.1.'),
        ...many,
      );
      assert.deepEqual(
        [...answers.slice(0, 4), answers.at(-1)].map((body) => textIn(body ?? '', 'FaultCode')),
        ['9005', '9005', '9001', '9001', '9004'],
      );
    });
  });

  describe('notifies', () => {
    it('actively by a session with 4 VALUE CHANGE, passively with the next Inform, and not what a server has set', async () => {
      const cpe = await acs.cpe();
      const level = `${info}X_oneM2M_org_BatteryStatus.Battery.2.Level`;
      const free = `${info}MemoryStatus.Free`;
      await acs.ask(cpe, setNotification(level, 2), setNotification(free, 1));
      assert.deepEqual([cpe.notification(level), cpe.notification(free)], [2, 1]);
      const before = acs.arrivals.length;
      cpe.setParameter(free, 1000);
      await acs.ask(cpe, setValues({ [`${info}ProvisioningCode`]: ['string', 'by the server'] }));
      const passive = acs.arrivals[before]?.body ?? '';
      assert.deepEqual(textsIn(passive, 'EventCode'), ['6 CONNECTION REQUEST', '4 VALUE CHANGE']);
      assert.equal(valuesIn(passive)[free], '1000');
      const since = acs.arrivals.length;
      cpe.setParameter(level, 12);
      const active = await acs.informWith('4 VALUE CHANGE', since);
      assert.deepEqual(textsIn(active.body, 'EventCode'), ['4 VALUE CHANGE']);
      assert.equal(valuesIn(active.body)[level], '12');
      assert.equal(valuesIn(active.body)[free], undefined);
    });

    it('again when the session with the change has failed', async () => {
      const cpe = await acs.cpe();
      acs.statuses.push(500);
      cpe.setParameter(`${info}SoftwareVersion`, '2.0');
      const second = await eventually(() => acs.named('Inform')[2], 'no second try');
      assert.deepEqual(textsIn(second.body, 'EventCode'), ['4 VALUE CHANGE']);
      assert.equal(valuesIn(second.body)[`${info}SoftwareVersion`], '2.0');
    });

    it('and refuses with 9009 to lower what is always active, with 9005 what is not there; nothing is changed', async () => {
      const cpe = await acs.cpe();
      const [forced, lightweight, unknown] = await acs.ask(
        cpe,
        setNotification(info, 1),
        setNotification(`${info}UpTime`, 3),
        setNotification('Device.Nope', 1),
      );
      assert.deepEqual(
        [forced, lightweight, unknown].map((body) => textIn(body ?? '', 'FaultCode')),
        ['9009', '9009', '9005'],
      );
      assert.equal(cpe.notification(`${info}UpTime`), 0);
      const [attributes] = await acs.ask(
        cpe,
        `<cwmp:GetParameterAttributes><ParameterNames soap-enc:arrayType="xsd:string[2]"><string>${info}SoftwareVersion</string><string>${info}UpTime</string></ParameterNames></cwmp:GetParameterAttributes>`,
      );
      assert.deepEqual(textsIn(attributes ?? '', 'Notification'), ['2', '0']);
    });
  });

  describe('restarts', () => {
    it('after the session of a Reboot, with 1 BOOT and M Reboot and the CommandKey; attributes stay', async () => {
      const cpe = await acs.cpe();
      const [answer] = await acs.ask(
        cpe,
        setNotification(`${info}UpTime`, 1),
        '<cwmp:Reboot><CommandKey>rb-1</CommandKey></cwmp:Reboot>',
      );
      assert.match(answer ?? '', /SetParameterAttributesResponse/);
      const inform = await acs.informWith('M Reboot');
      assert.deepEqual(textsIn(inform.body, 'EventCode'), ['1 BOOT', 'M Reboot']);
      assert.deepEqual(textsIn(inform.body, 'CommandKey'), ['', 'rb-1']);
      assert.equal(cpe.notification(`${info}UpTime`), 1);
    });

    it('with 0 BOOTSTRAP and the values of the factory after a FactoryReset, with the software that runs', async () => {
      const cpe = await acs.cpe();
      cpe.setParameter(`${info}SoftwareVersion`, '3.0');
      await cpe.inform();
      await acs.ask(
        cpe,
        setValues({ [`${info}ProvisioningCode`]: ['string', 'mine'] }),
        setNotification(`${info}UpTime`, 1),
        '<cwmp:FactoryReset></cwmp:FactoryReset>',
      );
      const since = acs.arrivals.length;
      const inform = await acs.informWith('0 BOOTSTRAP', since);
      assert.deepEqual(textsIn(inform.body, 'EventCode'), ['0 BOOTSTRAP', '1 BOOT']);
      assert.equal(cpe.parameter(`${info}ProvisioningCode`), '');
      assert.equal(cpe.notification(`${info}UpTime`), 0);
      assert.equal(valuesIn(inform.body)[`${info}SoftwareVersion`], '3.0');
    });

    it('at a scheduled time with 3 SCHEDULED and M ScheduleInform', async () => {
      const cpe = await acs.cpe();
      await acs.ask(
        cpe,
        '<cwmp:ScheduleInform><DelaySeconds>5</DelaySeconds><CommandKey>si</CommandKey></cwmp:ScheduleInform>',
      );
      const inform = await acs.informWith('3 SCHEDULED');
      assert.deepEqual(textsIn(inform.body, 'EventCode'), ['3 SCHEDULED', 'M ScheduleInform']);
      assert.deepEqual(textsIn(inform.body, 'CommandKey'), ['', 'si']);
      const [refused] = await acs.ask(
        cpe,
        '<cwmp:ScheduleInform><DelaySeconds>0</DelaySeconds><CommandKey></CommandKey></cwmp:ScheduleInform>',
      );
      assert.equal(textIn(refused ?? '', 'FaultCode'), '9003');
    });

    it('at another server when its URL is set: 0 BOOTSTRAP there', async () => {
      const other = await TestAcs.start();
      const cpe = await acs.cpe();
      await acs.ask(cpe, setValues({ [`${server}URL`]: ['string', other.url] }));
      const inform = await other.informWith('0 BOOTSTRAP');
      assert.deepEqual(textsIn(inform.body, 'EventCode'), ['0 BOOTSTRAP']);
      await other.stop();
    });
  });

  describe('in a session', () => {
    it('tells its RPCs, only those of its version, and refuses others with 9000', async () => {
      const cpe = await acs.cpe();
      const [now, unknown] = await acs.ask(
        cpe,
        '<cwmp:GetRPCMethods></cwmp:GetRPCMethods>',
        '<cwmp:SetVouchers></cwmp:SetVouchers>',
      );
      assert.ok(textsIn(now ?? '', 'string').includes('ChangeDUState'));
      assert.equal(textIn(unknown ?? '', 'FaultCode'), '9000');
      const old = await acs.cpe({ version: '1.0', serialNumber: 'old' });
      const [methods, later] = await acs.ask(
        old,
        '<cwmp:GetRPCMethods></cwmp:GetRPCMethods>',
        '<cwmp:CancelTransfer><CommandKey>x</CommandKey></cwmp:CancelTransfer>',
      );
      assert.ok(!textsIn(methods ?? '', 'string').includes('GetAllQueuedTransfers'));
      assert.equal(textIn(later ?? '', 'FaultCode'), '9000');
    });

    it('holds its requests while the server says so', async () => {
      const cpe = await acs.cpe();
      const since = acs.arrivals.length;
      acs.holds.push(true, false);
      const answered = acs.queue(getValues(`${info}UpTime`));
      cpe.askMethods();
      await answered;
      await eventually(() => acs.arrivals[since + 4], 'the session did not go on');
      assert.deepEqual(
        acs.arrivals.slice(since).map((one) => one.name),
        ['Inform', '', 'GetParameterValuesResponse', 'GetRPCMethods', ''],
      );
    });

    it('sends what it has to ask and report before the empty POST', async () => {
      const cpe = await acs.cpe();
      const since = acs.arrivals.length;
      cpe.requestDownload('2 Web Content', { Version: '3' });
      cpe.reportTransfer({ url: 'http://x/y', fault: 9010 });
      cpe.kick('go', 'http://x', 'a', 'http://next');
      await eventually(() => acs.named('Kicked')[0], 'no Kicked');
      const inform = acs.arrivals[since]?.body ?? '';
      assert.deepEqual(textsIn(inform, 'EventCode'), [
        '9 REQUEST DOWNLOAD',
        '10 AUTONOMOUS TRANSFER COMPLETE',
        '5 KICKED',
      ]);
      assert.deepEqual(
        acs.arrivals.slice(since, since + 4).map((one) => one.name),
        ['Inform', 'RequestDownload', 'AutonomousTransferComplete', 'Kicked'],
      );
      assert.deepEqual(textsIn(acs.named('RequestDownload')[0]?.body ?? '', 'Value'), ['3']);
    });

    it('complains of a server that leaves the protocol, and ends the session where it cannot go on', async () => {
      const cpe = await acs.cpe();
      acs.chunked = true;
      await acs.ask(cpe, getValues(`${info}UpTime`));
      assert.match(cpe.complaints[0] ?? '', /in chunks/);
      acs.chunked = false;
      for (const [body, why] of [
        ['<html>', /the end of html is missing/],
        ['<a/>', /not an Envelope/],
        ['<!DOCTYPE a><a/>', /document type/],
        [
          `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body></e:Body></e:Envelope>`,
          /Body is empty/,
        ],
        [
          `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><InformResponse/></e:Body></e:Envelope>`,
          undefined,
        ],
      ] as const) {
        acs.bodies.push(body);
        const session = await cpe.inform('2 PERIODIC');
        assert.equal(session.ok, why === undefined);
        if (why) assert.match(session.why ?? '', why);
      }
      assert.ok(cpe.complaints.some((sentence) => sentence.includes('has the namespace (none)')));
      assert.ok(cpe.complaints.some((sentence) => sentence.includes('MaxEnvelopes')));
    });

    it('runs a diagnosis after it and tells with 8 DIAGNOSTICS COMPLETE', async () => {
      const cpe = await acs.cpe();
      const ping = 'Device.IP.Diagnostics.IPPing.';
      await acs.ask(
        cpe,
        setValues({ [`${ping}Host`]: ['string', '127.0.0.1'], [`${ping}DiagnosticsState`]: ['string', 'Requested'] }),
      );
      await acs.informWith('8 DIAGNOSTICS COMPLETE');
      assert.equal(cpe.parameter(`${ping}SuccessCount`), '3');
      await acs.ask(cpe, setValues({ [`${ping}Host`]: ['string', '127.0.0.2'] }));
      assert.equal(cpe.parameter(`${ping}DiagnosticsState`), 'None');
    });
  });

  describe('has the data models', () => {
    it('of TR-181 with every parameter of the mapping files', async () => {
      const cpe = await acs.cpe({
        virtualDevices: [{ serialNumber: 'V1', sessions: false }],
        embeddedDevices: [{ controllerId: 'C', proxiedDeviceId: 'P' }],
      });
      const names = Object.keys(cpe.parameters()).map((name) => name.replace(/\.\d+(?=\.)/g, '.{}'));
      const known = new Set(names);
      const missing: string[] = [];
      for (const file of readdirSync('mappings').filter((name) => name.endsWith('.yaml') && name !== 'commands.yaml')) {
        const mapping = parse(readFileSync(`mappings/${file}`, 'utf8'));
        const objects: Record<string, string[]> = {};
        for (const [name, object] of Object.entries<{ path?: string; kinds?: { path: string }[] }>(
          mapping.objects?.cwmp ?? {},
        ))
          objects[name] = (object.kinds?.map((kind) => kind.path) ?? [object.path ?? '']).map((path) =>
            path.replace(/\{\w+\}/g, '{}'),
          );
        type Row = { cwmp?: unknown; links?: Record<string, { cwmp?: unknown }> };
        const rows = Object.values<Row>(mapping.attributes ?? {}).map(({ cwmp, links }) =>
          JSON.stringify([cwmp, ...Object.values(links ?? {}).map((link) => link.cwmp)]),
        );
        for (const [, object = '', parameter] of rows.join('').matchAll(/"(\w+)\/(\w+)"/g)) {
          for (const path of objects[object] ?? [])
            if (!known.has(`${path}${parameter}`)) missing.push(`${file}: ${path}${parameter}`);
        }
      }
      assert.deepEqual(missing, []);
      assert.ok(known.size > 150);
    });

    it('of TR-098', async () => {
      const cpe = await acs.cpe({ dataModel: 'tr098' });
      const root = 'InternetGatewayDevice.';
      assert.deepEqual(Object.keys(valuesIn(acs.arrivals[0]?.body ?? '')), [
        `${root}DeviceSummary`,
        `${root}DeviceInfo.SpecVersion`,
        `${root}DeviceInfo.HardwareVersion`,
        `${root}DeviceInfo.SoftwareVersion`,
        `${root}DeviceInfo.ProvisioningCode`,
        `${root}ManagementServer.ParameterKey`,
        `${root}ManagementServer.ConnectionRequestURL`,
        `${root}WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress`,
      ]);
      const [methods, wlan] = await acs.ask(
        cpe,
        '<cwmp:GetRPCMethods></cwmp:GetRPCMethods>',
        getValues(`${root}LANDevice.1.WLANConfiguration.3.Enable`, `${root}DeviceInfo.MemoryStatus.Total`),
      );
      assert.ok(!textsIn(methods ?? '', 'string').includes('ChangeDUState'));
      assert.deepEqual(Object.values(valuesIn(wlan ?? '')), ['false', '262144']);
    });

    it('changed by its options', async () => {
      const cpe = await acs.cpe({
        parameters: {
          [`${info}ModelName`]: 'R7',
          'Device.X_ACME_Battery.Charge': 41,
          'Device.X_oneM2M_org_CSE.': null,
          [`${info}UpTime`]: null,
        },
      });
      const [answer, gone] = await acs.ask(
        cpe,
        getValues('Device.X_ACME_Battery.'),
        getValues('Device.X_oneM2M_org_CSE.'),
      );
      assert.deepEqual(valuesIn(answer ?? ''), { 'Device.X_ACME_Battery.Charge': '41' });
      assert.equal(textIn(gone ?? '', 'FaultCode'), '9005');
      assert.equal(cpe.parameter(`${info}ModelName`), 'R7');
    });

    it('with a battery that drains by itself', async () => {
      const cpe = await acs.cpe({ life: true, speed: 2000 });
      await eventually(
        () => (cpe.parameter(`${info}X_oneM2M_org_BatteryStatus.Battery.2.Level`) !== '87' ? true : undefined),
        'it does not drain',
      );
    });
  });

  it('lives with a hundred others in one process', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, (_, at) => acs.cpe({ serialNumber: `N${at}` })));
    assert.equal(new Set(all.map((cpe) => cpe.connectionRequestUrl)).size, 100);
    const answers = all.map((_, at) => acs.queue(getValues(`${info}SerialNumber`), `N${at}`));
    await Promise.all(all.map((cpe) => cpe.inform('2 PERIODIC')));
    assert.deepEqual(
      (await Promise.all(answers)).map((body) => Object.values(valuesIn(body))[0]),
      all.map((cpe) => cpe.serialNumber),
    );
  });
});
