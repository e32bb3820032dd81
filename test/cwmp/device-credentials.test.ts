/** The file with the credentials of devices: what it may look like, whom it speaks for, what is said when it is wrong. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SettingError } from '../../src/config.ts';
import { openDeviceCredentials, readCredentialTable } from '../../src/device-credentials.ts';
import { systemClock } from '../../src/support/clock.ts';
import { silentLog, type Log } from '../../src/support/log.ts';
import { eventually } from '../support/eventually.ts';

const header = 'technology,identity,username,password,connectionRequestUsername,connectionRequestPassword';

describe('the file with the credentials of devices', () => {
  it('names a device as the registry does, with or without its URN, and an OUI in any case', async () => {
    const table = await readCredentialTable(
      `${header}\ncwmp,00D09E-IGD-1,alice,secret,call,back\r\ncwmp,urn:dev:os:00d09e-2,,pass,,\n\n# a remark\n`,
    );
    assert.deepEqual(table.find('cwmp', 'urn:dev:ops:00D09E-IGD-1'), {
      username: 'alice',
      secret: 'secret',
      connectionRequest: { username: 'call', password: 'back' },
    });
    assert.deepEqual(table.find('cwmp', 'urn:dev:os:00D09E-2'), { secret: 'pass' });
    assert.equal(table.find('cwmp', 'urn:dev:ops:00D09E-IGD-2'), undefined);
    assert.equal(table.find('lwm2m', '00D09E-IGD-1'), undefined);
  });

  it('gives the line * to every device that has no line of its own', async () => {
    const table = await readCredentialTable('password,technology,identity\nfleet,cwmp,*\nown,cwmp,00D09E-1\n');
    assert.deepEqual(table.find('cwmp', 'urn:dev:os:00D09E-1'), { secret: 'own' });
    assert.deepEqual(table.find('cwmp', 'urn:dev:os:00D09E-9'), { secret: 'fleet' });
    assert.equal(table.find('lwm2m', 'x'), undefined);
  });

  it('takes commas, quotation marks and other characters in a password', async () => {
    const table = await readCredentialTable('\uFEFFtechnology,identity,password\ncwmp,A,"a ""b"", ü"\ncwmp,B,"x"\n');
    assert.equal(table.find('cwmp', 'A')?.secret, 'a "b", ü');
    assert.equal(table.find('cwmp', 'B')?.secret, 'x');
  });

  it('tells of an OMA DM device how it and the gateway prove themselves, and where it is called', async () => {
    const table = await readCredentialTable(
      'technology,identity,username,password,scheme,serverId,serverPassword,notificationAddress\n' +
        'omadm,IMEI:1,IMEI:1,secret,hmac,gw.example.com,gwpass,sms:+4917012345\nomadm,*,,fleet,,,,\n',
    );
    assert.deepEqual(table.find('omadm', 'IMEI:1'), {
      username: 'IMEI:1',
      secret: 'secret',
      scheme: 'hmac',
      server: { identifier: 'gw.example.com', secret: 'gwpass' },
      notificationAddress: 'sms:+4917012345',
    });
    assert.deepEqual(table.find('omadm', 'IMEI:2'), { secret: 'fleet' });
  });

  const wrong: [text: string, sentence: RegExp][] = [
    ['', /the first line must name the columns: technology,identity,/],
    ['cwmp,A,secret\n', /line 1: the first line must name the columns/],
    ['technology,identity,password\ncwmp,A\n', /line 2: it has 2 fields, the first line has 3/],
    ['technology,identity,password\n\ncwmp,A,secret\ncwmp,A,secret\n', /line 4: line 3 is for the same device/],
    ['technology,identity,password\nsnmp,A,secret\n', /line 2: the technology must be one of cwmp, lwm2m, omadm/],
    ['technology,identity,password\ncwmp,A,\n', /line 2: it has no password/],
    ['technology,identity,password\ncwmp,,secret\n', /line 2: it has no identity/],
    ['technology,identity,password\ncwmp,A,"secret\n', /line 2: a quotation mark/],
    ['technology,identity,password,username\ncwmp,A,secret,a:b\n', /line 2: a user name cannot have a colon/],
    [`${header}\ncwmp,A,a,secret,b,\n`, /line 2: connectionRequestUsername and connectionRequestPassword belong/],
    [
      'technology,identity,password,scheme\nomadm,A,secret,sha1\n',
      /line 2: the scheme must be one of basic, md5, hmac/,
    ],
    [
      'technology,identity,password,serverId\nomadm,A,secret,gw\n',
      /line 2: serverId and serverPassword belong together/,
    ],
  ];
  for (const [text, sentence] of wrong) {
    it(`names the line, and no password: ${sentence.source}`, async () => {
      await assert.rejects(
        readCredentialTable(text),
        ({ message }: Error) => sentence.test(message) && !/secret/.test(message),
      );
    });
  }

  it('lets others have their turn while 200,000 lines are read', async function () {
    this.timeout(20_000);
    const lines = Array.from({ length: 200_000 }, (_, at) => `cwmp,00D09E-IGD-${at},,password-${at}`);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const table = await readCredentialTable(`technology,identity,username,password\n${lines.join('\n')}\n`);
    clearInterval(timer);
    assert.equal(table.counts.get('cwmp'), 200_000);
    assert.equal(table.find('cwmp', 'urn:dev:ops:00D09E-IGD-199999')?.secret, 'password-199999');
    assert.ok(longest < 500, `nobody had a turn for ${Math.round(longest)} ms`);
  });
});

describe('the file with the credentials of devices, in use', () => {
  let directory: string;
  let path: string;
  const said: string[] = [];
  const note = (fields: object, message: string): void => void said.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  const options = { clock: systemClock, log, interval: 5 };

  beforeEach(async () => {
    said.length = 0;
    directory = await mkdtemp(join(tmpdir(), 'trivet-credentials-'));
    path = join(directory, 'devices.csv');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const write = (text: string, mode = 0o600): Promise<void> =>
    writeFile(`${path}.new`, `technology,identity,password\n${text}`, { mode }).then(() => rename(`${path}.new`, path));

  it('is read again when it changes; a wrong one leaves the old one in use', async () => {
    await write('cwmp,A,old-secret\n');
    const source = await openDeviceCredentials(path, options);
    assert.equal((await source.forDevice('cwmp', 'A'))?.secret, 'old-secret');
    await write('cwmp,A,new-secret\n');
    await eventually('the new password counts', async () => {
      return (await source.forDevice('cwmp', 'A'))?.secret === 'new-secret';
    });
    await write('cwmp,A\n');
    await eventually('the wrong file is named', () => said.some((line) => /line 2: it has 2 fields/.test(line)));
    assert.equal((await source.forDevice('cwmp', 'A'))?.secret, 'new-secret');
    source.close();
    assert.doesNotMatch(said.join('\n'), /-secret/, 'no password is logged');
  });

  it('says when every user of the machine can read it', async function () {
    // Windows has no modes.
    if (process.platform === 'win32') return;
    await write('cwmp,A,secret\n', 0o644);
    (await openDeviceCredentials(path, options)).close();
    assert.match(said.join('\n'), /devices\.csv: every user of this machine can read it/);
  });

  it('is named with its setting when it cannot be used at the start', async () => {
    const fails = (sentence: RegExp) =>
      assert.rejects(openDeviceCredentials(path, options), (error: Error) => {
        return error instanceof SettingError && sentence.test(error.message);
      });
    await fails(/--devices-credentials .*devices\.csv: there is no such file/);
    await write('cwmp,A\n');
    await fails(/--devices-credentials .*devices\.csv: line 2: it has 2 fields/);
  });
});
