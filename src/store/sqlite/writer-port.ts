/** The way to the writer: in this thread for a database in memory, in a worker thread for a file. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { StoreFailure } from '../failure.ts';
import type { StoreFailureCode } from '../failure.ts';
import type { Answer, Unit } from '../unit.ts';
import { startWorker } from './worker-start.ts';
import { copyDatabase } from './writer-database.ts';
import type { Durability } from './writer-database.ts';
import type { Database } from './database.ts';
import { createWriter } from './writer.ts';

export interface WriterPort {
  /** Answers in the order of the units; rejects with a StoreFailure when the writer is gone. */
  write(units: Unit[]): Promise<Answer[]>;
  backup(file: string): Promise<void>;
  /** What was handed over before is written first. */
  close(): Promise<void>;
}

export type WriterRequest = { ask: 'write'; units: Unit[] } | { ask: 'backup'; file: string } | { ask: 'close' };
export type WriterReply =
  | { said: 'ready' }
  | { said: 'answers'; answers: Answer[] }
  | { said: 'done' }
  | { said: 'failed'; code: StoreFailureCode; message: string };

export interface WriterWorkerData {
  file: string;
  durability: Durability;
}

/** Writes on the caller's thread; the connection is the caller's. */
export function createInlineWriterPort(database: Database): WriterPort {
  const writer = createWriter(database);
  return {
    write: async (units) => writer.write(units),
    backup: async (file) => copyDatabase(database, file),
    close: async () => {},
  };
}

interface Waiting {
  resolve(reply: WriterReply): void;
  reject(error: Error): void;
}

/**
 * Starts the worker thread and waits until it has opened the database. Replies come in the order of the requests.
 * `thread` is the worker itself.
 * @throws StoreFailure what the worker said about the database.
 */
export async function startWriterThread(data: WriterWorkerData): Promise<WriterPort & { thread: Worker }> {
  const thread = startWorker('writer-worker', data);
  const waiting: Waiting[] = [];
  let lost: StoreFailure | undefined;

  const loseThread = (cause: unknown): void => {
    lost ??= new StoreFailure(
      'writer-lost',
      'the writer of the store ended unexpectedly; whether waiting changes were written is unknown: restart the gateway',
      cause,
    );
    for (const one of waiting.splice(0)) one.reject(lost);
  };
  const expectReply = (): Promise<WriterReply> =>
    new Promise((resolve, reject) => {
      if (lost) reject(lost);
      else {
        // Only open requests keep the process alive.
        if (waiting.length === 0) thread.ref();
        waiting.push({ resolve, reject });
      }
    });
  thread.on('message', (reply: WriterReply) => {
    waiting.shift()?.resolve(reply);
    if (waiting.length === 0) thread.unref();
  });
  thread.on('error', loseThread);
  thread.on('exit', (code) => loseThread(new Error(`exit code ${code}`)));

  const ask = async (request: WriterRequest): Promise<WriterReply> => {
    const reply = expectReply();
    if (!lost) thread.postMessage(request, []);
    return succeed(await reply);
  };

  succeed(await expectReply());
  return {
    thread,
    async write(units) {
      const reply = await ask({ ask: 'write', units });
      return reply.said === 'answers' ? reply.answers : [];
    },
    async backup(file) {
      await ask({ ask: 'backup', file });
    },
    async close() {
      if (lost) return;
      const ended = once(thread, 'exit');
      await ask({ ask: 'close' });
      thread.ref();
      await ended;
    },
  };
}

function succeed(reply: WriterReply): WriterReply {
  if (reply.said === 'failed') throw new StoreFailure(reply.code, reply.message);
  return reply;
}
