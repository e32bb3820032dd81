import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/config.ts';
import { startGateway, type Gateway } from '../../src/gateway.ts';
import { startLwm2mDevice, type SimulatedDevice } from '../../src/simulators/lwm2m-device.ts';
import { createLog } from '../../src/support/pino-log.ts';
import { eventually } from '../support/eventually.ts';
import { McaClient } from '../support/mca-client.ts';
import { expectOk } from './world.ts';

interface Line {
  level: string;
  msg: string;
  requestIdentifier?: string;
  operation?: string;
  device?: string;
}

interface Bench {
  mca: McaClient;
  admin: string;
  device: SimulatedDevice;
  lines: Line[];
  stop(): Promise<void>;
}

async function open(level: string, lwm2m: Partial<Parameters<typeof startLwm2mDevice>[0]> = {}): Promise<Bench> {
  const data = await mkdtemp(join(tmpdir(), 'trivet-test-'));
  const ports = ['mca', 'lwm2m', 'cwmp', 'artifact', 'admin'].flatMap((name) => [`--${name}-port`, '0']);
  const { settings } = loadSettings({ arguments: ['--data', data, ...ports], environment: {} });
  const lines: Line[] = [];
  const log = createLog(level, { write: (line) => void lines.push(JSON.parse(line) as Line) });
  const gateway: Gateway = await startGateway(settings, log);
  const url = (wanted: string): string => gateway.listeners.find(({ name }) => name === wanted)!.url;
  const mca = new McaClient(url('mca'));
  const server = url('lwm2m');
  const options = { endpoint: 'pump', server, localAddress: '127.0.0.1', life: false, speed: 50, timeout: 10 };
  const device = await startLwm2mDevice({ ...options, ...lwm2m });
  await eventually('the node of the device', async () => (await mca.get('cse-in/pump/battery?rcn=1')).rsc === 2000);
  return {
    mca,
    admin: url('admin').replace(/\/$/, ''),
    device,
    lines,
    async stop() {
      await device.stop();
      mca.close();
      await gateway.stop(new Date(Date.now() + 5000));
      await rm(data, { recursive: true, force: true });
    },
  };
}

const named = (requestIdentifier: string) => ({ headers: { 'X-M2M-RI': requestIdentifier } });

describe('the log at level debug', () => {
  let bench: Bench;
  before(async () => {
    bench = await open('debug');
  });
  after(() => bench.stop());

  /** What the log says of a request, from the request identifier alone. */
  const said = (requestIdentifier: string): string[] =>
    bench.lines.filter((line) => line.requestIdentifier === requestIdentifier).map(({ msg }) => msg);

  it('tells a RETRIEVE from its acceptance over the exchange with the device to its answer', async () => {
    expectOk(await bench.mca.get('cse-in/pump/battery', named('read-1')));
    assert.deepEqual(said('read-1').map(plain), [
      'operation accepted',
      'operation dispatched',
      'GET /3/0',
      '2.05 Content',
      'operation succeeded',
      'request answered',
    ]);
    const operations = new Set(bench.lines.filter((line) => line.requestIdentifier === 'read-1').map(operationOf));
    operations.delete(undefined);
    assert.equal(operations.size, 1, 'one request is one operation');
  });

  it('names every request that shares an exchange', async () => {
    const names = ['both-1', 'both-2'];
    for (const answer of await Promise.all(names.map((name) => bench.mca.get('cse-in/pump/memory', named(name))))) {
      expectOk(answer);
    }
    const joined = names.find((name) => said(name).includes('operation shared by another request'));
    const first = names.find((name) => said(name).includes('operation accepted'));
    assert.deepEqual([joined, first].toSorted(), names);
    const [operation] = bench.lines.filter((line) => line.requestIdentifier === joined).map(operationOf);
    assert.ok(bench.lines.some((line) => line.operation === operation && line.msg.startsWith('GET ')));
  });

  it('tells every step of a procedure, hours after the request was answered', async () => {
    const image = Buffer.alloc(3000, 1);
    const made = await fetch(`${bench.admin}/artifacts?name=pump.img`, { method: 'POST', body: image });
    assert.equal(made.status, 201, await made.clone().text());
    const { url } = (await made.json()) as { url: string };
    const body = { 'm2m:fwr': { url, ud: true } };
    expectOk(await bench.mca.update('cse-in/pump/firmware', body, named('update-1')));
    await eventually('the end of the update', () =>
      said('update-1').some((line) => /^operation (succ|fail)/.test(line)),
    );
    const told = said('update-1').map(plain);
    for (const step of [
      'operation accepted',
      'operation dispatched',
      'operation taken over by the device',
      'request answered',
    ]) {
      assert.ok(told.includes(step), `${step} is missing in\n${told.join('\n')}`);
    }
    assert.ok(
      told.some((line) => /^(PUT|POST) \/5\/0\//.test(line)),
      told.join('\n'),
    );
    assert.ok(
      told.some((line) => line.startsWith('firmware-update ')),
      told.join('\n'),
    );
  });

  it('is the same name that the trace of the device shows', async () => {
    expectOk(await bench.mca.get('cse-in/pump/battery', named('read-2')));
    const response = await fetch(`${bench.admin}/devices/pump/trace`);
    const { messages } = (await response.json()) as { messages: (Line & { summary: string })[] };
    const mine = messages.filter(({ requestIdentifier }) => requestIdentifier === 'read-2');
    assert.deepEqual(
      mine.map(({ summary }) => plain(summary)),
      ['GET /3/0', '2.05 Content'],
    );
    const [operation] = bench.lines.filter((line) => line.requestIdentifier === 'read-2').map(operationOf);
    assert.ok(operation !== undefined && mine.every((line) => line.operation === operation));
  });
});

describe('the log at level info', () => {
  it('has no line for a request that went well', async () => {
    const bench = await open('info');
    try {
      expectOk(await bench.mca.get('cse-in/pump/battery', named('quiet-1')));
      assert.equal(JSON.stringify(bench.lines).includes('quiet-1'), false);
    } finally {
      await bench.stop();
    }
  });
});

function operationOf({ operation }: Line): string | undefined {
  return operation;
}

/** Without format and size. */
function plain(message: string): string {
  return message.replace(/ as .*$/, '').replace(/ \d+ octets.*$/, '');
}
