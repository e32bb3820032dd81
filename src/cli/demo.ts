import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCwmpCpe } from '../simulators/cwmp-cpe.ts';
import { makeImage, startLwm2mDevice } from '../simulators/lwm2m-device.ts';
import { startOmadmClient } from '../simulators/omadm-client.ts';
import { DemoFailure, McaClient, member, text } from './demo-client.ts';

const help = `trivet demo [--keep]: starts a gateway and a simulated LwM2M device, waits until the gateway has made a <node> of it,
reads its battery and updates its firmware, all by oneM2M over HTTP; then does the same to devices that speak TR-069 and OMA DM. Takes
some seconds and leaves nothing behind.

  --keep      leave gateway and devices running at the end, until Ctrl-C
  --speed N   how much faster than in life the device downloads, installs and boots (default 1.5)
`;

const endpoint = 'urn:dev:os:demo-sensor-1';
const router = { oui: '0024BE', productClass: 'Router', serialNumber: 'DEMO1' };
const vehicle = 'urn:imei:490154203237518';
const battery = 87;
const oldVersion = '1.0.0';
const newVersion = '2.4.0';
const timeLimit = 30_000;
const pollEvery = 300;

interface Listeners {
  mca: string;
  lwm2m: string;
  /** Undefined: the gateway has no such leg. */
  cwmp?: string;
  omadm?: string;
  admin: string;
}

/** A simulated device, whatever it speaks. */
interface Device {
  stop(): Promise<void>;
}

/** What a device says of itself; gives what ends it. */
type Watch = (hear: (words: string) => void) => () => void;

interface Gateway {
  process: ChildProcess;
  /** The last lines of its log. */
  log: string[];
  ready: Promise<Listeners>;
}

// ---- What is shown ----

const terminal = process.stdout.isTTY;
let openLine = false;

function print(line: string): void {
  if (openLine) process.stdout.write('\n');
  openLine = false;
  process.stdout.write(`${line}\n`);
}

let steps = 0;
function step(title: string): void {
  steps += 1;
  print(`\n${steps}  ${title}`);
}

/** One line that is written over, where that is possible. */
function progress(line: string): void {
  if (!terminal) {
    print(`   ${line}`);
    return;
  }
  process.stdout.write(`\r\u001B[K   ${line}`);
  openLine = true;
}

// ---- The gateway, started as a user would ----

/** How `trivet start` is run: as this very command is, from source or compiled. */
function startCommand(): string[] {
  const main = new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url);
  return [...process.execArgv, fileURLToPath(main), 'start'];
}

function startGatewayProcess(command: string[], data: string): Gateway {
  const ports = ['mca', 'lwm2m', 'cwmp', 'omadm', 'admin', 'artifact'].flatMap((name) => [`--${name}-port`, '0']);
  const argv = [...command, '--data', data, ...ports, '--ready-json'];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    if (log.length > 20) log.shift();
  });
  const ready = new Promise<Listeners>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      try {
        const listeners = member(JSON.parse(line), 'listeners');
        const url = (name: string): string =>
          text(member(member(listeners, name), 'url'), `the ${name} listener`).replace(/\/$/, '');
        const others = ['cwmp', 'omadm'].filter((name) => member(listeners, name) !== undefined);
        const legs = Object.fromEntries(others.map((name) => [name, url(name)]));
        resolve({ mca: url('mca'), lwm2m: url('lwm2m'), ...legs, admin: url('admin') });
      } catch (problem) {
        reject(problem);
      }
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new DemoFailure(`the gateway ended with code ${code}:\n${log.join('\n')}`)));
  });
  return { process: child, log, ready };
}

async function stopGatewayProcess({ process: child }: Gateway): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([gone, wait(5000, undefined, { ref: false })]);
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await gone;
  }
}

// ---- Steps of the story ----

async function findNode(mca: McaClient, identity: string): Promise<string> {
  for (;;) {
    for (const address of await mca.discover('cse-in', 'ty=14')) {
      const node = member(await mca.send('GET', address), 'm2m:nod');
      if (member(node, 'ni') === identity) return address;
    }
    await wait(pollEvery);
  }
}

/** The address of the child of the node with this mgmtDefinition. Its class may come a moment after the node. */
async function findManagementObject(mca: McaClient, node: string, definition: number, name: string): Promise<string> {
  for (;;) {
    const [address] = await mca.discover(node, `ty=13&mgd=${definition}`);
    if (address !== undefined) return address;
    progress(`waiting for ${name}`);
    await wait(pollEvery);
  }
}

async function upload(admin: string, image: Buffer, signal: AbortSignal): Promise<{ url: string; sha256: string }> {
  const response = await fetch(`${admin}/artifacts?name=sensor-main-${newVersion}.img`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: new Uint8Array(image),
    signal,
  });
  const content: unknown = await response.json();
  if (!response.ok) throw new DemoFailure(`the upload answered ${response.status}: ${JSON.stringify(content)}`);
  return {
    url: text(member(content, 'url'), 'the URL of the artifact'),
    sha256: text(member(content, 'sha256'), 'its digest'),
  };
}

const batteryStates = ['', 'normal', 'charging', 'charging complete', 'damaged', 'low', 'not installed', 'unknown'];
const statusNames = ['Uninitialized', 'Successful', 'Failure', 'In_Process'];

async function updateFirmware(mca: McaClient, address: string, watch: Watch, url: string): Promise<void> {
  await mca.send('PUT', address, { 'm2m:fwr': { vr: newVersion, fwn: 'sensor-main', url } });
  print(`   PUT /${address}  {"vr":"${newVersion}","fwn":"sensor-main","url":"…"}  → 200`);
  let doing = 'accepted';
  const unwatch = watch((words) => (doing = words));
  const started = performance.now();
  await mca.send('PUT', address, { 'm2m:fwr': { ud: true } });
  print(`   PUT /${address}  {"ud":true}  → 200`);
  let shown = '';
  for (;;) {
    // While the device boots, a read of it may find nobody: that is part of the story, not its end.
    const firmware = await mca
      .send('GET', `${address}?atrl=uds`, undefined, 2000)
      .then((content) => member(content, 'm2m:fwr'))
      .catch((problem: unknown) => {
        if (problem instanceof DemoFailure) return { uds: { sus: 3 } };
        throw problem;
      });
    const status = Number(member(member(firmware, 'uds'), 'sus') ?? 0);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const line = `updateStatus ${statusNames[status] ?? status}  ·  device: ${doing}`;
    if (terminal || line !== shown) progress(`${seconds.padStart(4)} s  ${line}`);
    shown = line;
    if (status === 1) break;
    if (status === 2) throw new DemoFailure(`the firmware update failed; the device's last words: ${doing}`);
    await wait(pollEvery);
  }
  unwatch();
}

// ---- The story ----

async function tell(gateway: Listeners, devices: Device[], speed: number, signal: AbortSignal): Promise<void> {
  const mca = new McaClient(gateway.mca, signal);
  step('A device registers by LwM2M');
  const device = await startLwm2mDevice({
    endpoint,
    server: gateway.lwm2m,
    localAddress: new URL(gateway.lwm2m).hostname.includes(':') ? undefined : '127.0.0.1',
    timeout: 10,
    life: false,
    speed,
    objects: { 3: { 0: { 3: oldVersion, 9: battery } } },
  });
  devices.push(device);
  print(`   ${endpoint}, objects 1 3 4 5 6 9 15 20 and CMDH, at /${device.location}`);

  step('The gateway makes a <node> of it');
  const node = await findNode(mca, endpoint);
  print(`   GET /cse-in?fu=1&ty=14  → /${node}`);

  step('Its battery, read from the device by oneM2M');
  const batteryAddress = await findManagementObject(mca, node, 1006, '[battery]');
  const read = member(await mca.send('GET', batteryAddress), 'm2m:bat');
  const level = member(read, 'btl');
  print(
    `   GET /${batteryAddress}  → batteryLevel ${String(level)} %, ${batteryStates[Number(member(read, 'bts'))] ?? 'no status'}`,
  );
  if (level !== battery) throw new DemoFailure(`the device has ${battery} %, the gateway says ${String(level)}`);

  step(`New firmware ${newVersion} is uploaded`);
  const image = makeImage({ name: 'sensor-main', version: newVersion, size: 384 * 1024 });
  const artifact = await upload(gateway.admin, image, signal);
  print(`   POST /artifacts  ${image.length} octets  → sha256 ${artifact.sha256.slice(0, 16)}…`);

  step('The device is told to update');
  const firmwareAddress = await findManagementObject(mca, node, 1001, '[firmware]');
  const watch: Watch = (hear) => {
    const listen = (event: { kind: string; text: string }): void => {
      if (event.kind === 'update' || event.kind === 'life') hear(event.text);
    };
    device.on('event', listen);
    return () => device.off('event', listen);
  };
  await updateFirmware(mca, firmwareAddress, watch, artifact.url);

  step('And runs the new version');
  await showVersion(mca, node);
  if (gateway.cwmp !== undefined) await tellOfRouter(mca, gateway.cwmp, devices, speed, artifact.url);
  if (gateway.omadm !== undefined) await tellOfVehicle(mca, gateway.omadm, devices, speed, artifact.url);
}

/** The same requests, to a device that speaks something else. */
async function tellOfRouter(mca: McaClient, acs: string, devices: Device[], speed: number, url: string): Promise<void> {
  step('Another device informs by TR-069');
  // It waits and boots longer than a sensor.
  const cpe = await startCwmpCpe({ acs, ...router, softwareVersion: oldVersion, life: false, speed: speed * 2 });
  devices.push(cpe);
  const node = await findNode(mca, `urn:dev:ops:${cpe.id}`);
  print(`   ${cpe.id}  → /${node}`);

  step('And is updated by the same request');
  const watch: Watch = (hear) => {
    const listen = (event: { kind: string; text: string }): void => {
      if (event.kind === 'transfer' || event.kind === 'life') hear(event.text);
    };
    cpe.on('event', listen);
    return () => cpe.off('event', listen);
  };
  await updateFirmware(mca, await findManagementObject(mca, node, 1001, '[firmware]'), watch, url);
  await showVersion(mca, node);
}

/** And to one that speaks a third protocol. */
async function tellOfVehicle(
  mca: McaClient,
  server: string,
  devices: Device[],
  speed: number,
  url: string,
): Promise<void> {
  step('A third device opens a session by OMA DM');
  // Nobody can call it here, so it comes every second.
  const client = await startOmadmClient({
    server,
    deviceId: vehicle,
    firmwareVersion: oldVersion,
    pollInterval: speed,
    speed,
  });
  devices.push(client);
  const node = await findNode(mca, vehicle);
  print(`   ${vehicle}  → /${node}`);

  step('And is updated by the same request');
  const watch: Watch = (hear) => {
    const listen = (event: { kind: string; text: string }): void => {
      if (event.kind === 'firmware' || event.kind === 'life') hear(event.text);
    };
    client.on('event', listen);
    return () => client.off('event', listen);
  };
  await updateFirmware(mca, await findManagementObject(mca, node, 1001, '[firmware]'), watch, url);
  await showVersion(mca, node);
}

async function showVersion(mca: McaClient, node: string): Promise<void> {
  const infoAddress = await findManagementObject(mca, node, 1007, '[deviceInfo]');
  let running: unknown;
  for (let attempt = 0; attempt < 10 && running !== newVersion; attempt += 1) {
    if (attempt > 0) await wait(pollEvery);
    running = member(member(await mca.send('GET', infoAddress), 'm2m:dvi'), 'fwv');
  }
  print(`   GET /${infoAddress}  → fwVersion ${String(running)} (was ${oldVersion})`);
  if (running !== newVersion) throw new DemoFailure(`the device should run ${newVersion}`);
}

/** `trivet demo`: exit 0 = everything happened, 1 = something did not, 2 = wrong usage. `command` is what node runs as the gateway. */
export async function runDemo(argv: string[], command = startCommand()): Promise<number> {
  let keep = false;
  let speed = 1;
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        keep: { type: 'boolean', default: false },
        speed: { type: 'string', default: '1.5' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    keep = values.keep;
    speed = Number(values.speed);
    if (!(speed > 0 && speed <= 1000))
      throw new Error(`--speed ${values.speed} is not possible; it takes a number above 0, at most 1000`);
    if (values.help) {
      process.stdout.write(help);
      return 0;
    }
  } catch (problem) {
    process.stderr.write(`trivet demo: ${problem instanceof Error ? problem.message : String(problem)}\n\n${help}`);
    return 2;
  }

  const started = performance.now();
  const data = await mkdtemp(path.join(tmpdir(), 'trivet-demo-'));
  const limit = AbortSignal.timeout(timeLimit);
  const devices: Device[] = [];
  let gateway: Gateway | undefined;
  let onSignal: (() => void) | undefined;
  const interrupted = new Promise<never>((_, reject) => {
    onSignal = () => reject(new DemoFailure('interrupted'));
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
    limit.addEventListener('abort', () => reject(new DemoFailure(`not done within ${timeLimit / 1000} s`)), {
      once: true,
    });
  });
  try {
    step('The gateway starts');
    gateway = startGatewayProcess(command, data);
    const listeners = await Promise.race([gateway.ready, interrupted]);
    print(
      `   Mca ${listeners.mca}   LwM2M ${listeners.lwm2m}   TR-069 ${listeners.cwmp ?? 'none'}   OMA DM ${listeners.omadm ?? 'none'}   admin ${listeners.admin}`,
    );
    await Promise.race([tell(listeners, devices, speed, limit), interrupted]);
    print(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
    if (keep) {
      print('Gateway and devices go on; Ctrl-C ends them.');
      await new Promise<void>((resolve) => {
        process.once('SIGINT', () => resolve());
        process.once('SIGTERM', () => resolve());
      });
    }
    return 0;
  } catch (problem) {
    const sentence = problem instanceof Error ? problem.message : String(problem);
    if (openLine) process.stdout.write('\n');
    process.stderr.write(`\ntrivet demo: ${sentence}\n`);
    if (gateway && gateway.log.length > 0 && !sentence.includes(gateway.log.at(-1) ?? ''))
      process.stderr.write(`The gateway's last words:\n${gateway.log.slice(-5).join('\n')}\n`);
    return 1;
  } finally {
    if (onSignal) {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    }
    for (const device of devices) await device.stop();
    if (gateway) await stopGatewayProcess(gateway);
    await rm(data, { recursive: true, force: true });
  }
}
