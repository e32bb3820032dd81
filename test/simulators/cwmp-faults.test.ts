import assert from 'node:assert/strict';
import { namedFaults } from '../../src/simulators/cwmp-cpe.ts';
import type { Malformation } from '../../src/simulators/cwmp-cpe.ts';
import { TestAcs, eventually, getValues, setValues, textIn, textsIn } from './cwmp-acs.ts';

const code = 'Device.DeviceInfo.ProvisioningCode';
const write = setValues({ [code]: ['string', 'new'] });

describe('simulated CPE', () => {
  let acs: TestAcs;

  beforeEach(async () => {
    acs = await TestAcs.start();
  });
  afterEach(() => acs.stop());

  describe('dies on request', () => {
    // Messages of the session: 1 Inform, 2 empty POST, 3 the response.
    for (const [message, moment, arrived, written] of [
      [1, 'sent', ['Inform'], ''],
      [1, 'answered', ['Inform'], ''],
      [2, 'sent', ['Inform', ''], ''],
      [2, 'answered', ['Inform', ''], 'new'],
      [3, 'sent', ['Inform', '', 'SetParameterValuesResponse'], 'new'],
      [3, 'answered', ['Inform', '', 'SetParameterValuesResponse'], 'new'],
    ] as const) {
      it(`when message ${message} is ${moment}, and comes back with 1 BOOT`, async () => {
        const cpe = await acs.cpe();
        const since = acs.arrivals.length;
        cpe.faults.die = { message, moment };
        void acs.queue(write);
        const session = await cpe.inform('2 PERIODIC');
        assert.equal(session.ok, false);
        assert.match(session.why ?? '', new RegExp(`died at message ${message}`));
        assert.deepEqual(
          acs.arrivals.slice(since).map((one) => one.name),
          arrived,
        );
        assert.equal(cpe.parameter(code), written);
        const inform = await acs.informWith('1 BOOT', since + arrived.length);
        const told = message === 1 && moment === 'sent' ? ['2 PERIODIC', '1 BOOT'] : ['1 BOOT'];
        assert.deepEqual(textsIn(inform.body, 'EventCode'), told);
        assert.equal(textIn(inform.body, 'RetryCount'), '0');
      });
    }

    it('or loses only the connection and tries the session again', async () => {
      const cpe = await acs.cpe();
      cpe.faults.die = { message: 1, moment: 'sent', how: 'connection' };
      assert.equal((await cpe.inform('2 PERIODIC')).ok, false);
      const again = await eventually(() => acs.named('Inform')[2], 'no retry');
      assert.deepEqual([textIn(again.body, 'RetryCount'), ...textsIn(again.body, 'EventCode')], ['1', '2 PERIODIC']);
    });

    it('without answering a Reboot, and tells M Reboot all the same', async () => {
      const cpe = await acs.cpe({ faults: { silentReboot: true } });
      void acs.queue('<cwmp:Reboot><CommandKey>r</CommandKey></cwmp:Reboot>');
      assert.equal((await cpe.inform('2 PERIODIC')).ok, false);
      await acs.informWith('M Reboot');
      assert.equal(acs.named('RebootResponse').length, 0);
    });

    it('and stays down', async () => {
      const cpe = await acs.cpe({ faults: { staysDown: true } });
      cpe.reboot();
      assert.match((await cpe.inform()).why ?? '', /not on the net/);
    });
  });

  describe('refuses on request', () => {
    it('an RPC, for certain names, a number of times', async () => {
      const refuse = [
        { method: 'SetParameterValues', code: 9001, path: 'Device.DeviceInfo.', times: 1 },
        { method: 'Reboot', code: 9002, text: 'later' },
      ];
      const cpe = await acs.cpe({ faults: { refuse } });
      const [other, first, second, reboot] = await acs.ask(
        cpe,
        setValues({ 'Device.USB.Interface.1.Enable': ['boolean', '0'] }),
        write,
        write,
        '<cwmp:Reboot><CommandKey>r</CommandKey></cwmp:Reboot>',
      );
      assert.deepEqual(
        [other, first, second, reboot].map((body) => textIn(body ?? '', 'FaultCode')),
        [undefined, '9001', undefined, '9002'],
      );
      assert.match(reboot ?? '', /later/);
      assert.deepEqual(
        cpe.journal.filter((entry) => entry.fault !== undefined).map(({ method, fault }) => [method, fault]),
        [
          ['SetParameterValues', 9001],
          ['Reboot', 9002],
        ],
      );
    });

    it('too many names at a time', async () => {
      const cpe = await acs.cpe({ faults: { maximumNames: 1 } });
      const [two, one] = await acs.ask(cpe, getValues(code, code), getValues(code));
      assert.deepEqual([textIn(two ?? '', 'FaultCode'), textIn(one ?? '', 'FaultCode')], ['9004', undefined]);
    });
  });

  describe('answers wrongly on request', () => {
    it('with an empty POST, another ID, another method, Status 1, or where nothing was asked', async () => {
      const cpe = await acs.cpe();
      cpe.faults.emptyAnswer = ['GetParameterValues'];
      assert.deepEqual(await acs.ask(cpe, getValues(code)), ['']);
      cpe.faults.emptyAnswer = [];
      cpe.faults.wrongId = true;
      void acs.queue(getValues(code));
      await cpe.inform();
      assert.match(textIn(acs.named('GetParameterValuesResponse')[0]?.body ?? '', 'ID') ?? '', /-wrong$/);
      cpe.faults.wrongId = false;
      cpe.faults.wrongResponse = true;
      const [other] = await acs.ask(cpe, getValues(code));
      assert.match(other ?? '', /<cwmp:RebootResponse>/);
      cpe.faults.wrongResponse = false;
      cpe.faults.appliesLater = true;
      const [later] = await acs.ask(cpe, write);
      assert.equal(textIn(later ?? '', 'Status'), '1');
      cpe.faults.unasked = true;
      const since = acs.arrivals.length;
      await cpe.inform();
      assert.deepEqual(acs.arrivals[since + 1]?.name, 'GetParameterValuesResponse');
    });

    for (const [how, sign] of [
      ['truncated', (bytes: Buffer) => !bytes.includes('</soap-env:Envelope>')],
      ['misnested', (bytes: Buffer) => bytes.toString().endsWith('</soap-env:Envelope></soap-env:Body>')],
      ['not-xml', (bytes: Buffer) => bytes.toString() === '{"Inform": true}'],
      ['entity-bomb', (bytes: Buffer) => bytes.includes('<!DOCTYPE') && bytes.includes('&c;')],
      ['deep', (bytes: Buffer) => bytes.includes('<a>'.repeat(5000))],
      ['huge', (bytes: Buffer) => bytes.length > 10 * 1024 * 1024],
      ['wrong-encoding', (bytes: Buffer) => bytes[1] === 0],
      ['soap-12', (bytes: Buffer) => bytes.includes('2003/05/soap-envelope')],
    ] as [Malformation, (bytes: Buffer) => boolean][]) {
      it(`with a message that is ${how}, and goes on the next time`, async () => {
        acs.statuses.push(400);
        const cpe = await acs.cpe({ faults: { malformed: { message: 1, how } }, autoInform: false });
        const first = await eventually(() => acs.arrivals[0], 'nothing came');
        assert.ok(sign(first.bytes));
        await cpe.inform();
        assert.equal(acs.named('Inform').at(-1)?.body.includes('>0 BOOTSTRAP<'), true);
      });
    }

    it('slowly, and in small pieces', async () => {
      const cpe = await acs.cpe({ faults: { delay: 20, trickle: 5 } });
      const start = performance.now();
      assert.equal((await cpe.inform()).ok, true);
      assert.ok(performance.now() - start > 100);
    });
  });

  it('has a name and an explanation for the faults of the command line', () => {
    for (const [name, { help, faults }] of Object.entries(namedFaults)) {
      assert.match(name, /^[a-z-]+$/);
      assert.ok(help.length > 10 && Object.keys(faults).length > 0);
    }
  });
});
