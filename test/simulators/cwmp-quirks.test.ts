import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeImage, quirkNumbers, quirks } from '../../src/simulators/cwmp-cpe.ts';
import type { CpeOptions, SimulatedCpe } from '../../src/simulators/cwmp-cpe.ts';
import {
  TestAcs,
  download,
  eventually,
  getNames,
  getValues,
  knock,
  setValues,
  textIn,
  textsIn,
  valuesIn,
} from './cwmp-acs.ts';

const info = 'Device.DeviceInfo.';
const server = 'Device.ManagementServer.';
const radio = 'Device.WiFi.Radio.1.';

describe('quirk of a simulated CPE', () => {
  let acs: TestAcs;
  const tested = new Set<number>();

  beforeEach(async () => {
    acs = await TestAcs.start();
  });
  afterEach(() => acs.stop());

  const quirk = (
    number: keyof typeof quirks,
    body: (start: (more?: Partial<CpeOptions>) => Promise<SimulatedCpe>) => Promise<void>,
  ): void => {
    tested.add(number);
    it(`${number}: ${quirks[number]}`, () => body((more) => acs.cpe({ quirks: [number], ...more })));
  };
  const first = (): string => acs.arrivals[0]?.body ?? '';

  quirk(1, async (start) => {
    acs.preface = '<?xml version="1.0"?>';
    await assert.rejects(start(), /begins with <\?xml/);
    await acs.cpe();
  });

  quirk(2, async (start) => {
    acs.prefix = 'c';
    await assert.rejects(start(), /does not begin with cwmp:/);
    await acs.cpe();
  });

  quirk(3, async (start) => {
    const cpe = await start();
    const [fault] = await acs.ask(cpe, getValues('Device.Nope'));
    assert.doesNotMatch(first(), /xmlns:xsi|xmlns:xsd/);
    assert.match(first(), /xsi:type="xsd:string"/);
    assert.match(fault ?? '', /<soap:Fault>/);
    assert.doesNotMatch(fault ?? '', /xmlns:soap=/);
  });

  quirk(4, async (start) => {
    await start();
    assert.match(first(), /xmlns:xsi="http:\/\/www.w3.org\/1999\/XMLSchema-instance"/);
    assert.match(first(), /<EventCode xsi:type="xsd:string">0 BOOTSTRAP/);
  });

  quirk(5, async (start) => {
    await start();
    assert.match(first(), /<cwmp:Inform xmlns:cwmp="urn:dslforum-org:cwmp-1-3">/);
    assert.doesNotMatch(first(), /<soap-env:Envelope[^>]*xmlns:cwmp/);
  });

  quirk(6, async (start) => {
    await start();
    assert.doesNotMatch(first(), /xsi:type/);
  });

  quirk(7, async (start) => {
    await start();
    assert.match(first(), /<Name>Device\.DeviceInfo\.ProvisioningCode<\/Name><\/ParameterValueStruct>/);
  });

  quirk(8, async (start) => {
    const cpe = await start();
    const [values] = await acs.ask(
      cpe,
      getValues(`${server}PeriodicInformEnable`, `${server}PeriodicInformTime`, `${radio}Channel`),
    );
    assert.deepEqual(Object.values(valuesIn(values ?? '')), ['', '', '6']);
    assert.equal(textIn(first(), 'CurrentTime'), '');
  });

  quirk(9, async (start) => {
    await start();
    assert.equal(textIn(first(), 'Manufacturer'), '');
    assert.equal(textIn(first(), 'SerialNumber'), '\n    S1\n  ');
    assert.match(first(), /<EventCode>\n {4}0 BOOTSTRAP\n/);
  });

  quirk(10, async (start) => {
    const cpe = await start();
    const [read, refused, taken] = await acs.ask(
      cpe,
      getValues(`${radio}Enable`),
      setValues({ [`${radio}Enable`]: ['boolean', 'false'] }),
      setValues({ [`${radio}Enable`]: ['boolean', '0'] }),
    );
    assert.deepEqual(Object.values(valuesIn(read ?? '')), ['True']);
    assert.match(refused ?? '', /<FaultCode>9007</);
    assert.equal(textIn(taken ?? '', 'Status'), '0');
  });

  quirk(11, async (start) => {
    const cpe = await start();
    const time = `${server}PeriodicInformTime`;
    const [refused, read] = await acs.ask(
      cpe,
      setValues({ [time]: ['dateTime', '2026-01-01T00:00:00.000Z'] }),
      getValues(time),
    );
    assert.match(refused ?? '', /<FaultCode>9007</);
    assert.deepEqual(Object.values(valuesIn(read ?? '')), ['0001-01-01T00:00:00']);
    assert.match(textIn(first(), 'CurrentTime') ?? '', /:\d\d$/);
  });

  quirk(12, async (start) => {
    await start();
    assert.match(first(), /arrayType="cwmp:EventStruct\[04\]"/);
  });

  quirk(13, async (start) => {
    await start();
    assert.match(first(), /xsi:type="xsd:json"/);
  });

  quirk(14, async (start) => {
    await start();
    assert.match(first(), /^ <\?xml/);
    assert.ok(first().includes(' & Co\u0002</Manufacturer>'));
    assert.ok(first().endsWith('\0'));
  });

  quirk(15, async (start) => {
    await start();
    assert.ok(acs.arrivals[0]?.bytes.includes(Buffer.from('caf\u00e9', 'latin1')));
    assert.match(first(), /encoding="UTF-8"/);
  });

  quirk(16, async (start) => {
    await start();
    assert.match(first(), /<SerialNumber><!-- SerialNumber --><!\[CDATA\[S1\]\]><\/SerialNumber>/);
    assert.match(first(), /<\?cpe trivet\?>/);
  });

  quirk(17, async (start) => {
    const cpe = await start();
    const [fault] = await acs.ask(cpe, setValues({ [`${info}SerialNumber`]: ['string', 'x'] }));
    assert.match(fault ?? '', /<faultstring>\n<detail><cwmp:Fault>.*<\/detail>\n<\/faultstring>/);
  });

  quirk(18, async (start) => {
    const cpe = await start();
    const [fault] = await acs.ask(
      cpe,
      setValues({ [`${info}SerialNumber`]: ['string', 'x'], [`${info}ProvisioningCode`]: ['string', 'y'] }),
    );
    assert.deepEqual(textsIn(fault ?? '', 'FaultCode'), ['9008']);
    assert.doesNotMatch(fault ?? '', /SetParameterValuesFault/);
  });

  quirk(19, async (start) => {
    const cpe = await start();
    const [attributes, unknown] = await acs.ask(
      cpe,
      `<cwmp:GetParameterAttributes><ParameterNames><string>${info}UpTime</string></ParameterNames></cwmp:GetParameterAttributes>`,
      '<cwmp:GetOptions><OptionName></OptionName></cwmp:GetOptions>',
    );
    assert.deepEqual([attributes, unknown], ['', '']);
  });

  quirk(20, async (start) => {
    const cpe = await start();
    const [values] = await acs.ask(cpe, getValues('Device.Nope', `${info}SerialNumber`));
    assert.deepEqual(valuesIn(values ?? ''), { [`${info}SerialNumber`]: 'S1' });
  });

  quirk(21, async (start) => {
    const cpe = await start();
    const [fault] = await acs.ask(cpe, getValues('Device.Nope', `${info}SerialNumber`));
    assert.equal(textIn(fault ?? '', 'FaultCode'), '9005');
    assert.doesNotMatch(fault ?? '', /Nope/);
  });

  quirk(22, async (start) => {
    const cpe = await start();
    const endless = 'Device.X_TRIVET_Endless.';
    const [root, level, deep] = await acs.ask(
      cpe,
      getNames('', true),
      getNames('Device.', true),
      getNames(`${endless}Endless.`, true),
    );
    assert.equal(textIn(root ?? '', 'FaultCode'), '9005');
    assert.ok(textsIn(level ?? '', 'Name').includes(endless));
    assert.deepEqual(textsIn(deep ?? '', 'Name'), [`${endless}Endless.Endless.`]);
  });

  quirk(23, async (start) => {
    const cpe = await start();
    const [names] = await acs.ask(cpe, getNames('Device.X_TRIVET_Many.', false));
    assert.equal(textsIn(names ?? '', 'Name').length, 3001);
    assert.ok((names ?? '').length > 250_000);
  });

  quirk(24, async (start) => {
    const cpe = await start();
    const [names] = await acs.ask(cpe, getNames(`${info}SerialNumber`, false));
    assert.deepEqual(textsIn(names ?? '', 'Writable'), ['true']);
  });

  describe('about transfers', () => {
    const files = createServer((_, response) => response.end(makeImage({ name: 'f', version: '2', size: 10 })));
    let url = '';
    before((done) => void files.listen(0, '127.0.0.1', done));
    before(() => void (url = `http://127.0.0.1:${(files.address() as AddressInfo).port}/`));
    after((done) => void files.close(done));

    quirk(25, async (start) => {
      const cpe = await start();
      await acs.ask(cpe, download(url, 'key', { type: '2 Web Content' }));
      const complete = await acs.arrival('TransferComplete');
      assert.equal(textIn(complete.body, 'CommandKey'), '');
      assert.ok(!acs.named('Inform').some((one) => one.body.includes('7 TRANSFER COMPLETE')));
    });

    quirk(26, async (start) => {
      const cpe = await start();
      await acs.ask(cpe, download(url, 'key', { type: '2 Web Content' }));
      const since = acs.arrivals.length;
      const answer = acs.queue(getValues(`${info}SerialNumber`));
      assert.match(await answer, /GetParameterValuesResponse/);
      await eventually(() => acs.arrivals[since + 3], 'the session does not go on');
      assert.deepEqual(
        acs.arrivals.slice(since, since + 4).map((one) => one.name),
        ['Inform', '', 'TransferComplete', 'GetParameterValuesResponse'],
      );
    });

    quirk(27, async (start) => {
      const cpe = await start();
      await acs.ask(cpe, download(url, 'key', { type: '2 Web Content' }));
      const { body } = await acs.arrival('TransferComplete');
      assert.ok(body.indexOf('StartTime') < body.indexOf('FaultStruct'));
      assert.doesNotMatch(body, /FaultCode/);
    });
  });

  quirk(28, async (start) => {
    await start();
    assert.deepEqual(
      acs.arrivals.map((one) => one.headers.cookie),
      [undefined, undefined],
    );
  });

  quirk(29, async (start) => {
    const cpe = await start();
    await acs.ask(cpe, getValues(`${info}UpTime`));
    assert.equal(new Set(acs.arrivals.map((one) => one.connection)).size, acs.arrivals.length);
  });

  quirk(30, async (start) => {
    await Promise.all(['A', 'B', 'C'].map((serialNumber) => start({ serialNumber })));
    assert.equal(new Set(acs.arrivals.map((one) => one.connection)).size, 1);
    assert.equal(acs.named('Inform').length, 3);
  });

  quirk(31, async (start) => {
    const cpe = await start();
    await cpe.inform();
    assert.equal(acs.named('Inform')[0]?.headers.cookie, 'session=of-an-older-life');
    assert.equal(acs.named('Inform')[1]?.headers.cookie, 'session=x1');
  });

  quirk(32, async (start) => {
    await start();
    assert.deepEqual(
      acs.arrivals.map((one) => one.name),
      ['Inform', 'Inform', ''],
    );
  });

  quirk(34, async (start) => {
    acs.authentication = { scheme: 'digest', username: 'u', password: 'p' };
    const cpe = await start({ username: 'u', password: 'p' });
    const given = acs.arrivals.at(-1)?.headers.authorization ?? '';
    assert.match(given, /nc=00000001/);
    assert.match(given, /uri="http:\/\//);
    assert.match(given, /response="[0-9A-F]{32}"/);
    const since = acs.arrivals.length;
    await cpe.inform();
    assert.equal(acs.arrivals[since]?.name, 'Inform');
  });

  quirk(35, async (start) => {
    acs.authentication = { scheme: 'basic', username: 'u', password: 'p' };
    await start({ username: 'u', password: 'p' });
    assert.deepEqual(
      acs.arrivals.map((one) => one.name),
      ['Inform', ''],
    );
  });

  quirk(36, async (start) => {
    const cpe = await start();
    const [values] = await acs.ask(cpe, getValues(`${info}SerialNumber`));
    assert.deepEqual(Object.values(valuesIn(values ?? '')), ['S1']);
    const [inform, empty] = acs.arrivals;
    assert.deepEqual(
      [inform?.httpVersion, inform?.headers['content-type'], empty?.headers['content-length']],
      ['1.0', 'text/html', undefined],
    );
  });

  quirk(37, async (start) => {
    acs.chunked = true;
    await assert.rejects(start(), /comes in chunks/);
  });

  quirk(38, async (start) => {
    const cpe = await start();
    await cpe.inform();
    assert.equal(acs.sockets.size, 2);
  });

  const credentials = { username: 'a', password: 'b' };

  quirk(39, async (start) => {
    const cpe = await start({ connectionRequest: credentials });
    const answer = await knock(cpe.connectionRequestUrl, credentials);
    assert.deepEqual([answer.status, answer.body], [200, 'OK']);
  });

  quirk(40, async (start) => {
    const cpe = await start({ connectionRequest: credentials });
    const statuses = [];
    for (let at = 0; at < 2; at += 1) statuses.push((await knock(cpe.connectionRequestUrl, credentials)).status);
    assert.deepEqual(statuses, [503, 200]);
  });

  quirk(41, async (start) => {
    const cpe = await start({ connectionRequest: credentials });
    const [answer] = await acs.ask(cpe, setValues({ [`${server}ConnectionRequestPassword`]: ['string', 'new'] }));
    assert.equal(textIn(answer ?? '', 'Status'), '0');
    assert.equal(cpe.parameter(`${server}ConnectionRequestPassword`), 'b');
  });

  quirk(42, async (start) => {
    await start();
    assert.match(textIn(first(), 'CurrentTime') ?? '', /^1970-01-01T00:00:0/);
  });

  quirk(43, async (start) => {
    const cpe = await start();
    cpe.reboot();
    const inform = await eventually(() => acs.named('Inform')[1], 'no second Inform');
    assert.deepEqual(textsIn(inform.body, 'EventCode'), ['0 bootstrap', '1 boot', 'x 001122 cold start']);
  });

  quirk(44, async (start) => {
    await start();
    assert.match(first(), /cwmp:sessiontimeout .*cwmp:supportedCwmpVersions/);
  });

  quirk(45, async (start) => {
    const cpe = await start();
    assert.equal(textIn(first(), 'SerialNumber'), 'S1%3A 1\u00fc');
    assert.equal(cpe.serialNumber, 'S1%3A 1\u00fc');
  });

  quirk(46, async (start) => {
    const cpe = await start();
    const answers = await acs.ask(cpe, getValues(`${info}UpTime`), getValues(`${info}UpTime`), getNames('', true));
    assert.deepEqual(
      answers.map((body) => textIn(body, 'FaultCode')),
      ['9002', undefined, '9002'],
    );
  });

  quirk(48, async (start) => {
    await start();
    assert.match(first(), /<!DOCTYPE e \[<!ENTITY a/);
  });

  it('is tested for each number that there is, and none can be shown that is not there', async () => {
    assert.deepEqual(
      [...tested].sort((one, other) => one - other),
      [...quirkNumbers],
    );
    await assert.rejects(acs.cpe({ quirks: [33] }), /quirk 33 is none that a CPE can show/);
  });
});
