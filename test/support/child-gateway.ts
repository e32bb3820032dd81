/** The gateway as its users run it: a process of its own (`bin/trivet.js` on the build), which can be killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { McaClient } from './mca-client.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const command = join(root, 'bin/trivet.js');
const listenerNames = ['mca', 'lwm2m', 'cwmp', 'artifact', 'admin'] as const;
const keptLines = 400;
const startTimeout = 60_000;

export type ListenerName = (typeof listenerNames)[number];

export interface ChildOptions {
  /** Directory of the store; default: a temporary one, removed by `dispose`. */
  data?: string;
  /** Further options of `trivet start`. */
  options?: string[];
  /** Listeners that keep the port of the first start over restarts; the others get any free one. Default: all. */
  keepPorts?: readonly ListenerName[];
  /** What the process is started through: `['prlimit', '--fsize=…']`. */
  through?: string[];
  /** Default: warn. */
  logLevel?: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** ms from the signal to the end. */
  after: number;
}

export interface ChildGateway {
  readonly data: string;
  /** The process is there. */
  readonly running: boolean;
  readonly pid: number;
  readonly urls: Record<ListenerName, string>;
  readonly ports: Record<ListenerName, number>;
  /** A client of the present process; another one after every start. */
  readonly mca: McaClient;
  /** The last lines of the log, as objects where they are JSON. */
  readonly log: readonly string[];
  /** How often it was started. */
  readonly starts: number;
  /** At once: no await between the decision and the signal. */
  killNow(): void;
  /** SIGKILL, and the end of the process. */
  kill(): Promise<void>;
  /** SIGTERM, and how it ended. */
  terminate(): Promise<Exit>;
  /** After `kill` or `terminate`: the same data, the same ports. */
  start(): Promise<void>;
  /** Ends it and removes a temporary directory. */
  dispose(): Promise<void>;
}

/** Rejects with the end of its log when it does not get ready. */
export async function startChildGateway(given: ChildOptions = {}): Promise<ChildGateway> {
  if (!existsSync(join(root, 'dist/src/main.js'))) {
    throw new Error('there is no build: run `npm run build` first (the fault suite starts the gateway as users do)');
  }
  const data = given.data ?? (await mkdtemp(join(tmpdir(), 'trivet-child-')));
  const kept = new Set<ListenerName>(given.keepPorts ?? listenerNames);
  const log: string[] = [];
  let ports: Partial<Record<ListenerName, number>> = {};
  let urls: Partial<Record<ListenerName, string>> = {};
  let process: ChildProcess | undefined;
  let ended: Promise<Exit> | undefined;
  let signalledAt = 0;
  let mca: McaClient | undefined;
  let starts = 0;

  async function start(): Promise<void> {
    // Between two starts another process may have been given the port; it goes away again.
    for (let attempt = 1; ; attempt++) {
      try {
        await startOnce();
        return;
      } catch (error) {
        if (attempt >= 40 || !String(error).includes('is in use')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  async function startOnce(): Promise<void> {
    const wanted = listenerNames.flatMap((name) => [`--${name}-port`, String((kept.has(name) && ports[name]) || 0)]);
    const argv = [
      ...(given.through ?? []),
      globalThis.process.execPath,
      command,
      'start',
      '--data',
      data,
      '--ready-json',
      '--log-level',
      given.logLevel ?? 'warn',
      ...wanted,
      ...(given.options ?? []),
    ];
    const [file, ...others] = argv;
    const child = spawn(file!, others, { stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment() });
    process = child;
    ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal, after: performance.now() - signalledAt }));
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      if (log.length > keptLines) log.shift();
    });
    const ready = await new Promise<ReadyLine>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready in ${startTimeout} ms\n${tail()}`)), startTimeout);
      createInterface({ input: child.stdout }).on('line', (line) => {
        clearTimeout(timer);
        resolve(JSON.parse(line) as ReadyLine);
      });
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        reject(new Error(`the gateway ended before it was ready (${code ?? signal})\n${tail()}`));
      });
    });
    starts++;
    urls = {};
    ports = {};
    for (const name of listenerNames) {
      urls[name] = ready.listeners[name]?.url;
      ports[name] = ready.listeners[name]?.port;
    }
    mca = new McaClient(urls.mca!);
  }

  function tail(): string {
    return log.slice(-15).join('\n');
  }

  function signal(name: NodeJS.Signals): void {
    signalledAt = performance.now();
    process?.kill(name);
  }

  async function end(name: NodeJS.Signals): Promise<Exit> {
    signal(name);
    const exit = await ended!;
    mca?.close();
    return exit;
  }

  const gateway: ChildGateway = {
    data,
    get running() {
      return process !== undefined && process.exitCode === null && process.signalCode === null;
    },
    get pid() {
      return process!.pid!;
    },
    get urls() {
      return urls as Record<ListenerName, string>;
    },
    get ports() {
      return ports as Record<ListenerName, number>;
    },
    get mca() {
      return mca!;
    },
    log,
    get starts() {
      return starts;
    },
    killNow: () => signal('SIGKILL'),
    async kill() {
      await end('SIGKILL');
    },
    terminate: () => end('SIGTERM'),
    start,
    async dispose() {
      if (gateway.running) await end('SIGKILL');
      if (given.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await gateway.dispose();
    throw error;
  }
  return gateway;
}

interface ReadyLine {
  listeners: Partial<Record<ListenerName, { url: string; port: number }>>;
}

/** Settings of the one who runs the tests are not the gateway's. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TRIVET_')));
}
