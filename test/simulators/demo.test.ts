import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const demo = new URL('../../src/cli/demo.ts', import.meta.url).href;
const gateway = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const standIn = fileURLToPath(new URL('demo-gateway.ts', import.meta.url));

/** Runs the demo as a process of its own, with a stand-in for the gateway. */
async function runDemo(argv: string[], command: string[]): Promise<{ code: number; out: string; err: string }> {
  const script = `import { runDemo } from ${JSON.stringify(demo)};
    process.exitCode = await runDemo(${JSON.stringify(argv)}, ${JSON.stringify(command)});`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (err += part.toString()));
  const [code] = await once(child, 'close');
  return { code, out, err };
}

describe('trivet demo', () => {
  it('onboards a device, reads its battery, updates its firmware and shows each step', async function () {
    this.timeout(30_000);
    const { code, out, err } = await runDemo(['--speed', '20'], ['--import', 'tsx', standIn]);
    assert.equal(code, 0, `${out}${err}`);
    for (const line of [
      '2  A device registers by LwM2M',
      '→ batteryLevel 87 %, normal',
      'PUT /cse-in/nod1/firmware  {"ud":true}  → 200',
      'updateStatus In_Process',
      'updateStatus Successful',
      '→ fwVersion 2.4.0 (was 1.0.0)',
    ]) {
      assert.ok(out.includes(line), `${line} is missing in:\n${out}`);
    }
  });

  it('updates a TR-069 device by the same request, with the gateway itself', async function () {
    this.timeout(60_000);
    const { code, out, err } = await runDemo(['--speed', '20'], ['--import', 'tsx', gateway, 'start']);
    assert.equal(code, 0, `${out}${err}`);
    const [, router = ''] = out.split('Another device informs by TR-069');
    const node = /→ \/(cse-in\/\S+)/.exec(router)?.[1];
    for (const line of [
      '0024BE-',
      'And is updated by the same request',
      `PUT /${node}/firmware  {"ud":true}  → 200`,
      'updateStatus In_Process',
      'updateStatus Successful',
      '→ fwVersion 2.4.0 (was 1.0.0)',
    ]) {
      assert.ok(router.includes(line), `${line} is missing in:\n${out}`);
    }
  });

  it('ends with code 1 and the reason when the update fails', async function () {
    this.timeout(30_000);
    const { code, err } = await runDemo([], ['--import', 'tsx', standIn, '--never-update']);
    assert.equal(code, 1);
    assert.match(err, /trivet demo: the firmware update failed/);
  });

  it('ends with code 1 and the last words of a gateway that does not start', async () => {
    const { code, err } = await runDemo([], ['-e', 'console.error("no port left"); process.exit(3)', '--']);
    assert.equal(code, 1);
    assert.match(err, /the gateway ended with code 3:\nno port left/);
  });

  it('refuses an option that it does not know with code 2', async () => {
    const { code, err } = await runDemo(['--loud'], []);
    assert.equal(code, 2);
    assert.match(err, /Unknown option '--loud'/);
  });
});
