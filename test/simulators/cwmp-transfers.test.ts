import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeImage, type CpeOptions } from '../../src/simulators/cwmp-cpe.ts';
import { TestAcs, download, eventually, getValues, setValues, textIn, textsIn, valuesIn } from './cwmp-acs.ts';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** A file server: what it has by path, what it was sent, and what it wants to see. */
class Files {
  readonly has = new Map<string, Buffer>();
  readonly got = new Map<string, Buffer>();
  /** Authorization headers, '' for none. */
  readonly shown: string[] = [];
  wants: 'basic' | 'digest' | undefined;
  /** Ends a download after that many octets. */
  breaksAfter: number | undefined;
  /** Does not end an answer before this is over. */
  gate: Promise<void> = Promise.resolve();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const authorization = request.headers.authorization ?? '';
      this.shown.push(authorization);
      const part = (name: string): string => new RegExp(`\\b${name}="?([^",]*)`).exec(authorization)?.[1] ?? '';
      const digest = md5(
        `${md5('u:files:p')}:n7:${part('nc')}:${part('cnonce')}:auth:${md5(`${request.method}:${request.url}`)}`,
      );
      const right =
        this.wants === 'basic'
          ? authorization === `Basic ${Buffer.from('u:p').toString('base64')}`
          : part('response') === digest;
      const parts: Buffer[] = [];
      request.on('data', (chunk: Buffer) => parts.push(chunk));
      request.on('end', () => {
        const path = request.url ?? '';
        const file = this.has.get(path);
        if (this.wants && !right) {
          const challenge =
            this.wants === 'basic' ? 'Basic realm="files"' : 'Digest realm="files", nonce="n7", qop="auth"';
          response.writeHead(401, { 'WWW-Authenticate': challenge }).end();
        } else if (request.method === 'PUT') {
          this.got.set(path, Buffer.concat(parts));
          response.writeHead(201).end();
        } else if (!file) response.writeHead(404).end();
        else {
          response.writeHead(200, { 'Content-Length': file.length });
          if (this.breaksAfter === undefined) void this.gate.then(() => response.end(file));
          else response.write(file.subarray(0, this.breaksAfter), () => response.destroy());
        }
      });
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const version = 'Device.DeviceInfo.SoftwareVersion';
const cancel = (key: string): string => `<cwmp:CancelTransfer><CommandKey>${key}</CommandKey></cwmp:CancelTransfer>`;
const queued = '<cwmp:GetAllQueuedTransfers></cwmp:GetAllQueuedTransfers>';

describe('simulated CPE', () => {
  let acs: TestAcs;
  let files: Files;

  beforeEach(async () => {
    acs = await TestAcs.start();
    files = new Files();
    await files.start();
    files.has.set('/fw', makeImage({ name: 'firmware', version: '2.4.0', size: 50_000 }));
  });
  afterEach(async () => {
    await acs.stop();
    await files.stop();
  });

  describe('downloads', () => {
    it('firmware, reboots into it, and reports with 7 TRANSFER COMPLETE, M Download and the new version', async () => {
      const cpe = await acs.cpe();
      const [answer] = await acs.ask(cpe, download(files.url('/fw'), 'dl-1'));
      assert.equal(textIn(answer ?? '', 'Status'), '1');
      assert.equal(textIn(answer ?? '', 'StartTime'), '0001-01-01T00:00:00Z');
      const complete = await acs.arrival('TransferComplete');
      assert.equal(textIn(complete.body, 'CommandKey'), 'dl-1');
      assert.equal(textIn(complete.body, 'FaultCode'), '0');
      assert.notEqual(textIn(complete.body, 'CompleteTime'), '0001-01-01T00:00:00Z');
      const inform = await acs.informWith('7 TRANSFER COMPLETE');
      assert.deepEqual(textsIn(inform.body, 'EventCode').sort(), [
        '1 BOOT',
        '4 VALUE CHANGE',
        '7 TRANSFER COMPLETE',
        'M Download',
      ]);
      assert.deepEqual(
        textsIn(inform.body, 'CommandKey').filter((key) => key !== ''),
        ['dl-1'],
      );
      assert.equal(valuesIn(inform.body)[version], '2.4.0');
      const deeds = cpe.journal.filter((entry) => ['firmware-installed', 'reboot'].includes(entry.kind));
      assert.deepEqual(
        deeds.map((entry) => entry.kind),
        ['firmware-installed', 'reboot'],
      );
      assert.equal((await cpe.inform('2 PERIODIC')).events.join(), '2 PERIODIC');
    });

    it('any other file without a reboot', async () => {
      files.has.set('/cfg', Buffer.from('a=b'));
      const cpe = await acs.cpe();
      await acs.ask(cpe, download(files.url('/cfg'), 'dl-2', { type: '3 Vendor Configuration File' }));
      const complete = await acs.arrival('TransferComplete');
      assert.equal(textIn(complete.body, 'FaultCode'), '0');
      assert.equal(
        cpe.journal.some((entry) => entry.kind === 'reboot'),
        false,
      );
      assert.equal(cpe.parameter(version), '1.0.0');
    });

    for (const scheme of ['basic', 'digest'] as const) {
      it(`with ${scheme} when the file server asks, and ends with 9012 without`, async () => {
        files.wants = scheme;
        const cpe = await acs.cpe();
        await acs.ask(cpe, download(files.url('/fw'), 'with', { username: 'u', password: 'p' }));
        assert.equal(textIn((await acs.arrival('TransferComplete')).body, 'FaultCode'), '0');
        assert.equal(files.shown[0], '');
        assert.match(files.shown[1] ?? '', new RegExp(`^${scheme}`, 'i'));
        await cpe.inform();
        const since = acs.arrivals.length;
        await acs.ask(cpe, download(files.url('/fw'), 'without'));
        assert.equal(textIn((await acs.arrival('TransferComplete', since)).body, 'FaultCode'), '9012');
      });
    }

    for (const [how, options, shown, code] of [
      ['at once by Basic, with quirk 35', { quirks: [35] }, [`Basic ${btoa('u:p')}`], '0'],
      ['not at all, with the fault withoutCredentials', { faults: { withoutCredentials: true } }, [''], '9012'],
    ] as [string, Partial<CpeOptions>, string[], string][]) {
      it(`showing its credentials ${how}, and ends with ${code}`, async () => {
        files.wants = 'basic';
        const cpe = await acs.cpe(options);
        await acs.ask(cpe, download(files.url('/fw'), 'with', { username: 'u', password: 'p' }));
        assert.equal(textIn((await acs.arrival('TransferComplete')).body, 'FaultCode'), code);
        assert.deepEqual(files.shown, shown);
      });
    }

    for (const [what, path, code] of [
      ['a file that is not there', '/none', '9016'],
      ['an image with a wrong digest', '/integrity', '9018'],
      ['what is no image', '/type', '9018'],
      ['an image that cannot be installed', '/install', '9010'],
    ] as const) {
      it(`and ends with ${code} for ${what}`, async () => {
        for (const flaw of ['integrity', 'type', 'install'] as const)
          files.has.set(`/${flaw}`, makeImage({ name: 'f', version: '3', size: 10, flaw }));
        const cpe = await acs.cpe();
        await acs.ask(cpe, download(files.url(path), 'x'));
        const complete = await acs.arrival('TransferComplete');
        assert.equal(textIn(complete.body, 'FaultCode'), code);
        assert.equal(cpe.parameter(version), '1.0.0');
        assert.equal(
          cpe.journal.some((entry) => entry.kind === 'reboot'),
          false,
        );
      });
    }

    it('and ends with 9017 when the connection breaks, 9015 when there is no server', async () => {
      files.breaksAfter = 1000;
      const cpe = await acs.cpe();
      await acs.ask(cpe, download(files.url('/fw'), 'broken'), download('http://127.0.0.1:9/fw', 'nobody'));
      await eventually(() => acs.named('TransferComplete')[1], 'no second report');
      const codes = acs
        .named('TransferComplete')
        .map((one) => `${textIn(one.body, 'CommandKey')} ${textIn(one.body, 'FaultCode')}`);
      assert.deepEqual(codes.sort(), ['broken 9017', 'nobody 9015']);
    });

    it('and refuses a wrong type, protocol, URL, and a missing argument at once', async () => {
      const cpe = await acs.cpe();
      const answers = await acs.ask(
        cpe,
        download('ftp://127.0.0.1/x', 'a'),
        download(files.url('/fw'), 'b', { type: '9 Film' }),
        download('http://u:p@127.0.0.1/x', 'c'),
        download(files.url('/fw'), 'd').replace('<FailureURL></FailureURL>', ''),
        download(files.url('/fw'), 'k'.repeat(33)),
      );
      assert.deepEqual(
        answers.map((body) => textIn(body, 'FaultCode')),
        ['9013', '9003', '9003', '9003', '9003'],
      );
    });

    it('again after a power cut in the middle, and reports although the server has refused the session', async () => {
      let open = (): void => undefined;
      files.gate = new Promise((resolve) => (open = resolve));
      const cpe = await acs.cpe();
      await acs.ask(cpe, download(files.url('/fw'), 'dl'));
      await eventually(() => (files.shown.length === 1 ? true : undefined), 'no download');
      cpe.powerCut();
      open();
      acs.statuses.push(500, 500);
      const complete = await acs.arrival('TransferComplete');
      assert.equal(textIn(complete.body, 'FaultCode'), '0');
      assert.equal(files.shown.length, 2);
      assert.equal(cpe.parameter(version), '2.4.0');
    });

    it('in a window of ScheduleDownload, with M ScheduleDownload; with 9020 when all windows are over', async () => {
      const schedule = (key: string, url: string, start: number, end: number, retries: number): string =>
        `<cwmp:ScheduleDownload><CommandKey>${key}</CommandKey><FileType>2 Web Content</FileType><URL>${url}</URL><Username></Username><Password></Password><FileSize>0</FileSize><TargetFileName></TargetFileName><TimeWindowList soap-enc:arrayType="cwmp:TimeWindowStruct[1]"><TimeWindowStruct><WindowStart>${start}</WindowStart><WindowEnd>${end}</WindowEnd><WindowMode>1 At Any Time</WindowMode><UserMessage></UserMessage><MaxRetries>${retries}</MaxRetries></TimeWindowStruct></TimeWindowList></cwmp:ScheduleDownload>`;
      const cpe = await acs.cpe();
      const asked = Date.now();
      const [accepted, , backwards] = await acs.ask(
        cpe,
        schedule('good', files.url('/fw'), 5, 500, 0),
        schedule('bad', files.url('/none'), 1, 500, 1),
        schedule('wrong', files.url('/fw'), 20, 10, 0),
      );
      assert.match(accepted ?? '', /ScheduleDownloadResponse/);
      assert.equal(textIn(backwards ?? '', 'FaultCode'), '9003');
      await eventually(() => acs.named('TransferComplete')[1], 'no second report');
      assert.ok(Date.now() - asked >= 100);
      const codes = acs
        .named('TransferComplete')
        .map((one) => `${textIn(one.body, 'CommandKey')} ${textIn(one.body, 'FaultCode')}`);
      assert.deepEqual(codes.sort(), ['bad 9020', 'good 0']);
      assert.ok(acs.named('Inform').some((one) => one.body.includes('M ScheduleDownload')));
      assert.equal(cpe.parameter(version), '1.0.0');
    });

    it('until it is cancelled; what is over cannot be', async () => {
      const cpe = await acs.cpe();
      const [, , list, cancelled, after, none] = await acs.ask(
        cpe,
        download(files.url('/fw'), 'c1', { delay: 5000 }),
        download(files.url('/fw'), 'c2', { type: '2 Web Content', delay: 5000 }),
        queued,
        cancel('c1'),
        queued,
        cancel('c9'),
      );
      assert.deepEqual(textsIn(list ?? '', 'CommandKey'), ['c1', 'c2']);
      assert.deepEqual(textsIn(list ?? '', 'State'), ['1', '1']);
      assert.deepEqual(textsIn(list ?? '', 'FileType'), ['1 Firmware Upgrade Image', '2 Web Content']);
      assert.match(cancelled ?? '', /CancelTransferResponse/);
      assert.deepEqual(textsIn(after ?? '', 'CommandKey'), ['c2']);
      assert.equal(textIn(none ?? '', 'FaultCode'), '9021');
      assert.deepEqual(
        cpe.journal.filter((entry) => entry.kind === 'transfer-cancelled').map((entry) => entry.commandKey),
        ['c1'],
      );
    });
  });

  describe('uploads', () => {
    const upload = (url: string, type: string): string =>
      `<cwmp:Upload><CommandKey>up</CommandKey><FileType>${type}</FileType><URL>${url}</URL><Username>u</Username><Password>p</Password><DelaySeconds>0</DelaySeconds></cwmp:Upload>`;

    it('its configuration and its log, with Digest, and reports with M Upload', async () => {
      files.wants = 'digest';
      const cpe = await acs.cpe();
      await acs.ask(cpe, setValues({ 'Device.DeviceInfo.ProvisioningCode': ['string', 'zone 7'] }));
      await acs.ask(
        cpe,
        upload(files.url('/config'), '1 Vendor Configuration File'),
        upload(files.url('/log'), '4 Vendor Log File 1'),
      );
      await eventually(() => acs.named('TransferComplete')[1], 'no second report');
      assert.match(files.got.get('/config')?.toString() ?? '', /Device\.DeviceInfo\.ProvisioningCode=zone 7\n/);
      assert.doesNotMatch(files.got.get('/config')?.toString() ?? '', /ConnectionRequestPassword/);
      assert.match(files.got.get('/log')?.toString() ?? '', / write Device\.DeviceInfo\.ProvisioningCode\n/);
      assert.ok(acs.named('Inform').some((one) => one.body.includes('>M Upload<')));
      const [refused] = await acs.ask(cpe, upload(files.url('/x'), '3 Vendor Configuration File'));
      assert.equal(textIn(refused ?? '', 'FaultCode'), '9003');
    });
  });

  describe('changes its software', () => {
    const dashboard = '5b3e0c1a-7f52-5d36-9a55-0f1f5be7a001';
    const change = (key: string, ...operations: string[]): string =>
      `<cwmp:ChangeDUState>${operations.join('')}<CommandKey>${key}</CommandKey></cwmp:ChangeDUState>`;
    const install = (url: string, uuid = '', environment = ''): string =>
      `<Operations xsi:type="cwmp:InstallOpStruct"><URL>${url}</URL><UUID>${uuid}</UUID><Username></Username><Password></Password><ExecutionEnvRef>${environment}</ExecutionEnvRef></Operations>`;
    const update = (url: string, uuid: string): string =>
      `<Operations xsi:type="cwmp:UpdateOpStruct"><UUID>${uuid}</UUID><URL>${url}</URL></Operations>`;
    const uninstall = (uuid: string): string =>
      `<Operations xsi:type="cwmp:UninstallOpStruct"><UUID>${uuid}</UUID></Operations>`;
    const units = 'Device.SoftwareModules.DeploymentUnit.';

    beforeEach(() => {
      files.has.set('/app', makeImage({ name: 'weather', version: '1.1', size: 100 }));
      files.has.set('/new', makeImage({ name: 'dashboard', version: '1.0.1', size: 100 }));
      files.has.set('/old', makeImage({ name: 'dashboard', version: '0.9', size: 100 }));
    });

    it('by installing, and reports with 11 DU STATE CHANGE COMPLETE, M ChangeDUState and the new unit', async () => {
      const cpe = await acs.cpe();
      const [answer] = await acs.ask(cpe, change('du-1', install(files.url('/app'))));
      assert.match(answer ?? '', /ChangeDUStateResponse/);
      const report = (await acs.arrival('DUStateChangeComplete')).body;
      const inform = await acs.informWith('11 DU STATE CHANGE COMPLETE');
      assert.deepEqual(textsIn(inform.body, 'EventCode'), ['11 DU STATE CHANGE COMPLETE', 'M ChangeDUState']);
      assert.equal(textIn(report, 'CommandKey'), 'du-1');
      assert.deepEqual(
        ['DeploymentUnitRef', 'Version', 'CurrentState', 'Resolved', 'ExecutionUnitRefList', 'FaultCode'].map((name) =>
          textIn(report, name),
        ),
        [`${units}2`, '1.1', 'Installed', 'true', 'Device.SoftwareModules.ExecutionUnit.2', '0'],
      );
      const [read] = await acs.ask(
        cpe,
        getValues(`${units}2.Name`, `${units}2.UUID`, 'Device.SoftwareModules.ExecutionUnit.2.Status'),
      );
      assert.deepEqual(Object.values(valuesIn(read ?? '')), ['weather', textIn(report, 'UUID'), 'Idle']);
      assert.match(
        textIn(report, 'UUID') ?? '',
        /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    });

    it('by several operations, each with its result in order', async () => {
      const cpe = await acs.cpe();
      await acs.ask(
        cpe,
        change(
          'du-2',
          update(files.url('/new'), dashboard),
          update(files.url('/old'), dashboard),
          uninstall(dashboard),
          uninstall(dashboard),
          install(files.url('/app'), 'no-uuid'),
          install(files.url('/app'), '', 'Device.SoftwareModules.ExecEnv.3'),
          install(files.url('/app'), '', '.SoftwareModules.ExecEnv.9.'),
          install('tftp://x/app'),
          install(files.url('/app')),
          install(files.url('/app')),
        ),
      );
      const report = (await acs.arrival('DUStateChangeComplete')).body;
      // cwmp-1-2.xsd: one Results for each operation.
      assert.equal(report.match(/<Results><UUID>/g)?.length, 10);
      assert.deepEqual(textsIn(report, 'FaultCode'), [
        '0',
        '9030',
        '0',
        '9028',
        '9022',
        '9024',
        '9023',
        '9013',
        '0',
        '9026',
      ]);
      assert.deepEqual(textsIn(report, 'CurrentState').slice(0, 5), [
        'Installed',
        'Installed',
        'Uninstalled',
        'Failed',
        'Failed',
      ]);
      assert.equal(cpe.parameter(`${units}1.Name`), undefined);
      assert.equal(cpe.parameter('Device.SoftwareModules.ExecutionUnit.1.Name'), undefined);
    });

    it('by starting and stopping an execution unit', async () => {
      const cpe = await acs.cpe();
      const unit = 'Device.SoftwareModules.ExecutionUnit.1.';
      await acs.ask(cpe, setValues({ [`${unit}RequestedState`]: ['string', 'Idle'] }));
      await eventually(() => (cpe.parameter(`${unit}Status`) === 'Idle' ? true : undefined), 'it does not stop');
    });

    it('by itself, and reports with 12 AUTONOMOUS DU STATE CHANGE COMPLETE', async () => {
      const cpe = await acs.cpe();
      await cpe.changeSoftware({ kind: 'Uninstall', uuid: dashboard });
      const report = await acs.arrival('AutonomousDUStateChangeComplete');
      assert.deepEqual(
        [textIn(report.body, 'OperationPerformed'), textIn(report.body, 'CurrentState')],
        ['Uninstall', 'Uninstalled'],
      );
      await acs.informWith('12 AUTONOMOUS DU STATE CHANGE COMPLETE');
    });
  });

  describe('goes wrong on request', () => {
    const reports = (): (string | undefined)[] =>
      acs.named('TransferComplete').map((one) => textIn(one.body, 'FaultCode'));

    it('with a fault code for every transfer', async () => {
      const cpe = await acs.cpe({ faults: { transferFailure: 9019 } });
      await acs.ask(cpe, download(files.url('/fw'), 'x'));
      await acs.arrival('TransferComplete');
      assert.deepEqual(reports(), ['9019']);
      assert.equal(files.shown.length, 0);
    });

    it('with the old version after a successful update', async () => {
      const cpe = await acs.cpe({ faults: { keepsOldVersion: true } });
      await acs.ask(cpe, download(files.url('/fw'), 'x'));
      await acs.arrival('TransferComplete');
      assert.deepEqual([reports(), cpe.parameter(version)], [['0'], '1.0.0']);
    });

    it('with a transfer that never ends and cannot be cancelled', async () => {
      const cpe = await acs.cpe({ faults: { stuckTransfer: true } });
      const begun = new Promise((resolve) => cpe.on('event', (event) => event.kind === 'transfer' && resolve(event)));
      await acs.ask(cpe, download(files.url('/fw'), 'x'));
      await begun;
      const [list, refused] = await acs.ask(cpe, queued, cancel('x'));
      assert.deepEqual([textIn(list ?? '', 'State'), textIn(refused ?? '', 'FaultCode')], ['2', '9021']);
    });

    it('without TransferComplete, with two, without its event, without its key, and with Status 0', async () => {
      const cpe = await acs.cpe();
      const since = (): number => acs.arrivals.length;
      const web = (key: string): string => download(files.url('/fw'), key, { type: '2 Web Content' });
      cpe.faults.transferComplete = 'never';
      await acs.ask(cpe, web('never'));
      await eventually(() => cpe.journal.find((entry) => entry.kind === 'download'), 'no download');
      await cpe.inform();
      assert.deepEqual(reports(), []);
      cpe.faults.transferComplete = 'already';
      const [already] = await acs.ask(cpe, web('already'));
      assert.equal(textIn(already ?? '', 'Status'), '0');
      await eventually(
        () => cpe.journal.find((entry) => entry.commandKey === 'already' && entry.kind === 'download'),
        'no download',
      );
      await cpe.inform();
      assert.deepEqual(reports(), []);
      cpe.faults.transferComplete = 'twice';
      await acs.ask(cpe, web('twice'));
      await eventually(() => acs.named('TransferComplete')[1], 'no second report');
      await cpe.inform();
      cpe.faults.transferComplete = 'without-key';
      await acs.ask(cpe, web('keyless'));
      const keyless = await eventually(() => acs.named('TransferComplete')[2], 'no third report');
      assert.equal(textIn(keyless.body, 'CommandKey'), '');
      await cpe.inform();
      cpe.faults.transferComplete = 'without-event';
      const from = since();
      await acs.ask(cpe, web('silent'));
      await acs.arrival('TransferComplete', from);
      const informs = acs.arrivals.slice(from).filter((one) => one.name === 'Inform');
      assert.deepEqual(
        informs.flatMap((one) => textsIn(one.body, 'EventCode')),
        ['6 CONNECTION REQUEST'],
      );
    });

    it('with no room, and with software that cannot be changed', async () => {
      const cpe = await acs.cpe({ faults: { storageFull: true, softwareFailure: 9027 } });
      const [full] = await acs.ask(
        cpe,
        download(files.url('/fw'), 'x'),
        `<cwmp:ChangeDUState><Operations xsi:type="cwmp:InstallOpStruct"><URL>${files.url('/fw')}</URL></Operations><CommandKey>y</CommandKey></cwmp:ChangeDUState>`,
      );
      assert.equal(textIn(full ?? '', 'FaultCode'), '9004');
      assert.equal(textIn((await acs.arrival('DUStateChangeComplete')).body, 'FaultCode'), '9027');
    });
  });
});
