/** `trivet bootstrap` as it is called. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function run(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, TRIVET_WEBHOOK_SECRET: 'hush' };
    execFile(
      process.execPath,
      ['--import', 'tsx', 'src/main.ts', 'bootstrap', ...argv],
      { env },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

describe('trivet bootstrap', function () {
  this.timeout(20_000);
  let directory: string;
  let credentials: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trivet-bootstrap-'));
    credentials = join(directory, 'devices.csv');
    const columns = 'technology,identity,username,password,serverId,serverPassword';
    await writeFile(credentials, `${columns}\nomadm,IMEI:1,alice,wonder,gw.example.com,gwpass\nomadm,*,,fleet,,\n`);
  });

  afterEach(() => rm(directory, { recursive: true }));

  const common = () => ['--credentials', credentials, '--url', 'https://gw.example.com/omadm'];

  it('writes the account of a device into a file of its owner, and says how it is signed', async () => {
    const output = join(directory, 'w7.xml');
    const { code, stderr } = await run('IMEI:1', ...common(), '--pin', '1234', '--output', output);
    assert.equal(code, 0, stderr);
    const body = await readFile(output);
    assert.match(body.toString(), /AAUTHNAME" value="alice"/);
    assert.equal((await stat(output)).mode & 0o077, 0);
    const mac = createHmac('sha1', '1234').update(body).digest('hex').toUpperCase();
    assert.match(stderr, new RegExp(`text/vnd\\.wap\\.connectivity-xml; SEC=1; MAC=${mac}`));
  });

  it('sends it to a webhook, signed', async () => {
    let received = '';
    let signature: unknown;
    const server = createServer(async (request, response) => {
      for await (const chunk of request) received += String(chunk);
      const signed = `${String(request.headers['x-trivet-timestamp'])}.${received}`;
      signature = request.headers['x-trivet-signature'];
      assert.equal(signature, `sha256=${createHmac('sha256', 'hush').update(signed).digest('hex')}`);
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const given = ['--profile', 'dm', '--wbxml', '--webhook', webhook, '--to', 'sms:+49'];
      const { code, stderr } = await run('IMEI:1', ...common(), ...given);
      assert.equal(code, 0, stderr);
      const sent = JSON.parse(received) as Record<string, string>;
      assert.equal(sent['address'], 'sms:+49');
      assert.equal(sent['contentType'], 'application/vnd.syncml.dm+wbxml');
      assert.ok(Buffer.from(sent['body']!, 'base64').includes('./Inbox'));
    } finally {
      server.close();
    }
  });

  it('says what is missing', async () => {
    const cases: [argv: string[], code: number, sentence: RegExp][] = [
      [['IMEI:1'], 2, /say --credentials FILE/],
      [['IMEI:1', '--credentials', credentials, '--url', 'gw'], 2, /say --url with an http/],
      [['IMEI:2', ...common()], 1, /no line of omadm with serverId and serverPassword for IMEI:2/],
      [['IMEI:1', ...common(), '--imsi', 'x'], 1, /6 to 15 digits/],
    ];
    const results = await Promise.all(cases.map(([argv]) => run(...argv)));
    for (const [at, [, code, sentence]] of cases.entries()) {
      assert.equal(results[at]!.code, code);
      assert.match(results[at]!.stderr, sentence);
      assert.doesNotMatch(results[at]!.stderr, /wonder|gwpass/);
    }
  });
});
