import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { namedFaults, startLwm2mDevice } from '../simulators/lwm2m-device.ts';
import type { DeviceEvent, EnablerVersion, Faults, SimulatedDevice } from '../simulators/lwm2m-device.ts';
import { startFleet } from '../simulators/lwm2m-fleet.ts';
import { namedFaults as namedCpeFaults, quirkNumbers, quirks } from '../simulators/cwmp-cpe.ts';
import type { DataModel, Faults as CpeFaults, ProtocolVersion } from '../simulators/cwmp-cpe.ts';
import {
  dialects,
  namedFaults as namedClientFaults,
  quirkNames,
  quirks as clientQuirks,
} from '../simulators/omadm-client.ts';
import type { Dialect, Faults as ClientFaults, ProtocolVersion as DmVersion } from '../simulators/omadm-client.ts';
import { startCpes } from './simulate-cwmp.ts';
import { startClients } from './simulate-omadm.ts';

const technologies = ['lwm2m', 'cwmp', 'omadm'] as const;
const versions: readonly EnablerVersion[] = ['1.0', '1.1', '1.2'];
const cpeVersions: readonly ProtocolVersion[] = ['1.0', '1.1', '1.2', '1.3', '1.4'];
const dmVersions: readonly DmVersion[] = ['1.1', '1.2', '1.3'];
const dialectNames = Object.keys(dialects) as Dialect[];
const dataModels: readonly DataModel[] = ['tr181', 'tr098'];
const encodings = ['xml', 'wbxml'] as const;
const bearers = ['udp', 'http'] as const;
const maximumCount = 1000;

const listed = (rows: [string, string][], width: number): string =>
  rows.map(([name, text]) => `                        ${name.padEnd(width)}${text}`).join('\n');

const help = `trivet simulate [OPTIONS]: simulated devices against a running gateway.

  --technology NAME   ${technologies.join(', ')} (default lwm2m)
  --endpoint NAME     endpoint name, serial number or DevId (default sim-1); with --count the prefix of the names
  --count N           that many devices, 1 to ${maximumCount}; with --fleet any number (default 1)
  --server URL        LwM2M server (default coap://127.0.0.1:5683), ACS (default http://127.0.0.1:7547/), or DM server
                      (default http://127.0.0.1:7548/omadm)
  --version V         version of LwM2M: ${versions.join(', ')} (default 1.1), of CWMP: ${cpeVersions.join(', ')} (default 1.4),
                      or of OMA DM: ${dmVersions.join(', ')} (default 1.2)
  --speed N           how much faster than in life it boots, installs, drains, and retries (default 1)
  --json              one JSON object a line
  --help              this text

LwM2M:
  --lifetime S        seconds (default 300)
  --fleet             many small devices that answer /3/0 and notify, for load
  --fault NAME        what goes wrong; several times for several:
${listed(
  Object.entries(namedFaults).map(([name, { help: text }]) => [name, text]),
  22,
)}

CWMP:
  --model NAME        data model: ${dataModels.join(', ')} (default tr181)
  --periodic S        seconds between periodic Informs (default 0: as the server sets it)
  --username NAME     of the device at the server (default: its identity)
  --password TEXT     of the device at the server (default: none)
  --ca FILE           authority of the server (PEM), for https://
  --certificate FILE  certificate of the device (PEM), for a server that asks for one; with --key
  --key FILE          its private key (PEM)
  --nat               it stands behind a NAT: nothing reaches it but UDP connection requests, by STUN
  --fault NAME        what goes wrong; several times for several:
${listed(
  Object.entries(namedCpeFaults).map(([name, { help: text }]) => [name, text]),
  22,
)}
  --quirk N           what it does against the letter of TR-069; several times for several:
${listed(
  quirkNumbers.map((number) => [String(number), quirks[number]]),
  4,
)}

OMA DM, besides --username, --password, --ca, --certificate and --key:
  --encoding NAME     ${encodings.join(', ')} (default xml)
  --poll S            seconds from one session to the next (default 0: by need only)
  --server-id NAME    ServerID of its account (default trivet)
  --server-password TEXT  the server has to prove that it knows it, and so must notifications
  --listen NAME       bearer of notifications, on a free port: ${bearers.join(', ')}; several times for several
  --dialect NAME      a client that somebody has seen: ${dialectNames.join(', ')}
  --fault NAME        what goes wrong; several times for several:
${listed(
  Object.entries(namedClientFaults).map(([name, { help: text }]) => [name, text]),
  22,
)}
  --quirk NAME        what it does against the letter of OMA DM; several times for several:
${listed(
  quirkNames.map((name) => [name, clientQuirks[name]]),
  26,
)}

The device prints what happens to it. Ctrl-C ends it; an LwM2M device de-registers first.
`;

/** Where the command writes, and what ends it besides SIGINT and SIGTERM. Tests replace it. */
export interface SimulateConsole {
  write(line: string): void;
  complain(line: string): void;
  ended?: AbortSignal;
}

const processConsole: SimulateConsole = {
  write: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
};

/** A wrong option, in a sentence. */
class UsageError extends Error {}

function wholeNumber(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
    throw new UsageError(`--${name} ${text} is not possible; it takes a whole number from ${minimum} to ${maximum}`);
  }
  return value;
}

function oneOf<Allowed extends string>(name: string, text: string, allowed: readonly Allowed[]): Allowed {
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw new UsageError(`--${name} ${text} is not known; it takes ${allowed.join(', ')}`);
  return found;
}

function readArguments(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        technology: { type: 'string', default: 'lwm2m' },
        endpoint: { type: 'string' },
        count: { type: 'string', default: '1' },
        server: { type: 'string' },
        lifetime: { type: 'string' },
        version: { type: 'string' },
        model: { type: 'string' },
        periodic: { type: 'string' },
        encoding: { type: 'string' },
        poll: { type: 'string' },
        'server-id': { type: 'string' },
        'server-password': { type: 'string' },
        dialect: { type: 'string' },
        listen: { type: 'string', multiple: true, default: [] },
        username: { type: 'string' },
        password: { type: 'string' },
        ca: { type: 'string' },
        certificate: { type: 'string' },
        key: { type: 'string' },
        quirk: { type: 'string', multiple: true, default: [] },
        fault: { type: 'string', multiple: true, default: [] },
        speed: { type: 'string', default: '1' },
        nat: { type: 'boolean', default: false },
        fleet: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (problem) {
    throw new UsageError(problem instanceof Error ? problem.message : String(problem));
  }
}

function parse(argv: string[]) {
  const values = readArguments(argv);
  const technology = oneOf('technology', values.technology, technologies);
  const speed = Number(values.speed);
  if (!(speed > 0 && speed <= 1000))
    throw new UsageError(`--speed ${values.speed} is not possible; it takes a number above 0, at most 1000`);
  const count = wholeNumber('count', values.count, 1, values.fleet ? 1_000_000 : maximumCount);
  const common = { ...values, speed, count };
  if (technology === 'lwm2m') return lwm2mChoices(common);
  return technology === 'cwmp' ? cwmpChoices(common) : omadmChoices(common);
}

type Values = Omit<ReturnType<typeof readArguments>, 'speed' | 'count'> & { speed: number; count: number };

/** Options of the other technology are a mistake, not something to pass over. */
function refuse(values: Values, names: readonly (keyof Values)[], technology: string): void {
  for (const name of names) {
    const value = values[name];
    const given = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
    if (given) throw new UsageError(`--${name} is nothing that a device of ${technology} has`);
  }
}

const omadmOnly = ['encoding', 'poll', 'server-id', 'server-password', 'dialect', 'listen'] as const;

function lwm2mChoices(values: Values) {
  const others = ['model', 'periodic', 'username', 'password', 'ca', 'certificate', 'key', 'nat', 'quirk'] as const;
  refuse(values, [...others, ...omadmOnly], 'lwm2m');
  const server = values.server ?? 'coap://127.0.0.1:5683';
  if (!URL.canParse(server) || new URL(server).protocol !== 'coap:') {
    throw new UsageError(`--server ${server} is not possible; it takes coap://HOST or coap://HOST:PORT`);
  }
  return {
    ...values,
    technology: 'lwm2m' as const,
    server,
    names: values.fault.map((name) => oneOf('fault', name, Object.keys(namedFaults))),
    version: oneOf('version', values.version ?? '1.1', versions),
    lifetime: wholeNumber('lifetime', values.lifetime ?? '300', 1, 2_147_483_647),
  };
}

function cwmpChoices(values: Values) {
  refuse(values, ['lifetime', 'fleet', ...omadmOnly], 'cwmp');
  const server = values.server ?? 'http://127.0.0.1:7547/';
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw new UsageError(`--server ${server} is not possible; it takes http://HOST:PORT/ or https://HOST:PORT/`);
  }
  return {
    ...values,
    technology: 'cwmp' as const,
    server,
    names: values.fault.map((name) => oneOf('fault', name, Object.keys(namedCpeFaults))),
    quirks: values.quirk.map((number) => Number(oneOf('quirk', number, quirkNumbers.map(String)))),
    version: oneOf('version', values.version ?? '1.4', cpeVersions),
    dataModel: oneOf('model', values.model ?? 'tr181', dataModels),
    periodic: wholeNumber('periodic', values.periodic ?? '0', 0, 4_294_967_295),
    tls: tlsOf(values),
  };
}

function omadmChoices(values: Values) {
  refuse(values, ['lifetime', 'fleet', 'model', 'periodic', 'nat'], 'omadm');
  const server = values.server ?? 'http://127.0.0.1:7548/omadm';
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw new UsageError(
      `--server ${server} is not possible; it takes http://HOST:PORT/PATH or https://HOST:PORT/PATH`,
    );
  }
  return {
    ...values,
    technology: 'omadm' as const,
    server,
    names: values.fault.map((name) => oneOf('fault', name, Object.keys(namedClientFaults))),
    quirks: values.quirk.map((name) => oneOf('quirk', name, quirkNames)),
    version: oneOf('version', values.version ?? '1.2', dmVersions),
    encoding: oneOf('encoding', values.encoding ?? 'xml', encodings),
    dialect: values.dialect === undefined ? undefined : oneOf('dialect', values.dialect, dialectNames),
    listen: values.listen.map((name) => oneOf('listen', name, bearers)),
    pollInterval: wholeNumber('poll', values.poll ?? '0', 0, 2_147_483),
    tls: tlsOf(values),
  };
}

function tlsOf({ ca, certificate, key }: Values): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  if ((certificate === undefined) !== (key === undefined))
    throw new UsageError('--certificate and --key belong together');
  return { ca: fileOf('ca', ca), cert: fileOf('certificate', certificate), key: fileOf('key', key) };
}

function fileOf(name: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (problem) {
    throw new UsageError(`--${name} ${path} cannot be read (${(problem as NodeJS.ErrnoException).code})`);
  }
}

type Lwm2mChoices = ReturnType<typeof lwm2mChoices>;
type CwmpChoices = ReturnType<typeof cwmpChoices>;
type OmadmChoices = ReturnType<typeof omadmChoices>;

function untilEnded(ended: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end);
    process.on('SIGTERM', end);
    if (ended?.aborted) end();
    else ended?.addEventListener('abort', end, { once: true });
  });
}

const clockTime = (at: number): string => new Date(at).toISOString().slice(11, 23);

/** `trivet simulate`: exit 0 = ended by a signal, 1 = a device could not start, 2 = wrong usage. */
export async function runSimulate(argv: string[], console: SimulateConsole = processConsole): Promise<number> {
  let choices: Lwm2mChoices | CwmpChoices | OmadmChoices;
  try {
    choices = parse(argv);
  } catch (problem) {
    if (!(problem instanceof UsageError)) throw problem;
    console.complain(`trivet simulate: ${problem.message}`);
    return 2;
  }
  if (choices.help) {
    console.write(help);
    return 0;
  }
  try {
    if (choices.technology === 'cwmp') return await runCpes(choices, console);
    if (choices.technology === 'omadm') return await runClients(choices, console);
    return await (choices.fleet ? runFleet(choices, console) : runDevices(choices, console));
  } catch (problem) {
    console.complain(`trivet simulate: ${problem instanceof Error ? problem.message : String(problem)}`);
    return 1;
  }
}

const namesFor = ({ endpoint, count }: { endpoint?: string; count: number }): string[] =>
  count === 1 ? [endpoint ?? 'sim-1'] : Array.from({ length: count }, (_, at) => `${endpoint ?? 'sim'}-${at + 1}`);

/** Prints an event of a device; of several with its name. */
const teller =
  (console: SimulateConsole, json: boolean, count: number) =>
  (endpoint: string, event: { at: number; text: string }): void => {
    if (json) console.write(JSON.stringify({ endpoint, ...event }));
    else console.write(`${clockTime(event.at)}  ${count > 1 ? `${endpoint}  ` : ''}${event.text}`);
  };

async function runCpes(choices: CwmpChoices, console: SimulateConsole): Promise<number> {
  const { count, json, server, username, password, version, dataModel, periodic, speed, names } = choices;
  const faults: CpeFaults = Object.assign({}, ...names.map((name) => namedCpeFaults[name]?.faults));
  const tell = teller(console, json, count);
  const end = await startCpes(
    {
      serialNumbers: namesFor(choices),
      server,
      username,
      password,
      version,
      dataModel,
      periodic,
      speed,
      faults,
      nat: choices.nat,
      quirks: choices.quirks,
      tls: choices.tls,
    },
    tell,
  );
  await untilEnded(console.ended);
  await end();
  return 0;
}

async function runClients(choices: OmadmChoices, console: SimulateConsole): Promise<number> {
  const { count, json, names, 'server-id': serverId, 'server-password': serverPassword, ...rest } = choices;
  const faults: ClientFaults = Object.assign({}, ...names.map((name) => namedClientFaults[name]?.faults));
  const deviceIds = namesFor(choices);
  const end = await startClients(
    { ...rest, deviceIds, serverId, serverPassword, faults },
    teller(console, json, count),
  );
  await untilEnded(console.ended);
  await end();
  return 0;
}

async function runDevices(choices: Lwm2mChoices, console: SimulateConsole): Promise<number> {
  const { count, json } = choices;
  const faults: Faults = Object.assign({}, ...choices.names.map((name) => namedFaults[name]?.faults));
  const queueMode = choices.names.some((name) => namedFaults[name]?.queueMode);
  const endpoints = namesFor(choices);
  const tell = teller(console, json, count);
  const devices: SimulatedDevice[] = [];
  for (const [at, endpoint] of endpoints.entries()) {
    const device = await startLwm2mDevice({
      endpoint,
      server: choices.server,
      lifetime: choices.lifetime,
      version: choices.version,
      speed: choices.speed,
      seed: at + 1,
      faults: { ...faults },
      queueMode,
      awakeFor: queueMode ? 10 : undefined,
      timeout: 20,
      autoRegister: false,
    });
    device.on('event', (event: DeviceEvent) => tell(endpoint, event));
    device.keepRegistering();
    devices.push(device);
  }
  await untilEnded(console.ended);
  const farewell = Promise.allSettled(devices.map((device) => device.deregister()));
  await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, 5000).unref())]);
  await Promise.all(devices.map((device) => device.stop()));
  return 0;
}

async function runFleet(choices: Lwm2mChoices, console: SimulateConsole): Promise<number> {
  const { count, json, server, lifetime } = choices;
  const version = choices.version === '1.0' ? '1.0' : '1.1';
  const fleet = await startFleet({ count, server, lifetime, version, prefix: choices.endpoint ?? 'fleet-' });
  const report = (): void => {
    const state = { at: Date.now(), registered: fleet.registered, observations: fleet.observations, ...fleet.counters };
    if (json) console.write(JSON.stringify(state));
    else {
      const { at, ...rest } = state;
      console.write(
        `${clockTime(at)}  ${Object.entries(rest)
          .map(([key, value]) => `${key} ${value}`)
          .join(', ')}`,
      );
    }
  };
  const { done, failed, seconds } = fleet.registration;
  if (!json)
    console.write(`${clockTime(Date.now())}  ${done} devices registered in ${seconds.toFixed(1)} s, ${failed} failed`);
  report();
  const timer = setInterval(report, 10_000);
  await untilEnded(console.ended);
  clearInterval(timer);
  await fleet.stop();
  return done > 0 ? 0 : 1;
}
