/** A process of its own that serves commands: load comes from there, so that it does not take the time of what is measured. */
import { fork } from 'node:child_process';

export interface Worker {
  readonly pid: number;
  call<Result>(command: string, argument?: unknown): Promise<Result>;
  stop(): Promise<void>;
}

interface Request {
  id: number;
  command: string;
  argument: unknown;
}

interface Response {
  id: number;
  result?: unknown;
  error?: string;
}

/** @param nodeOptions further options of node, e.g. `--expose-gc` */
export function startWorker(file: string, nodeOptions: string[] = []): Worker {
  const child = fork(new URL(file, import.meta.url), {
    execArgv: ['--import', 'tsx', ...nodeOptions],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let next = 0;
  let stopping = false;
  child.on('message', (message) => {
    const { id, result, error } = message as Response;
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(result);
    else one?.reject(new Error(`${file}: ${error}`));
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const one of waiting.values()) one.reject(new Error(`${file} ended (${code ?? signal})`));
      if (!stopping) process.stderr.write(`${file} ended (${code ?? signal})\n`);
      resolve();
    });
  });
  return {
    pid: child.pid!,
    call: <Result>(command: string, argument?: unknown) =>
      new Promise<Result>((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve: (result) => resolve(result as Result), reject });
        child.send({ id, command, argument } satisfies Request);
      }),
    async stop() {
      stopping = true;
      child.disconnect();
      await ended;
    },
  };
}

/** In the worker: a function per command. */
export function serveCommands(commands: Record<string, (argument: never) => unknown>): void {
  process.on('message', (message) => {
    const { id, command, argument } = message as Request;
    const run = async (): Promise<unknown> => commands[command]!(argument as never);
    run().then(
      (result) => process.send!({ id, result } satisfies Response),
      (error: Error) => process.send!({ id, error: error.stack ?? error.message } satisfies Response),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
