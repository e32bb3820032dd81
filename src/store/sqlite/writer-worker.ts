/** The thread that owns the writing connection. It takes all units that have arrived and writes them as one group. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { StoreFailure } from '../failure.ts';
import { closeWriterDatabase, copyDatabase, openWriterDatabase } from './writer-database.ts';
import { createWriter } from './writer.ts';
import type { WriterReply, WriterRequest, WriterWorkerData } from './writer-port.ts';
import type { Unit } from '../unit.ts';

/** Units per transaction: a bound for the time that the first of them waits. */
const GROUP = 2048;

function requirePort(): NonNullable<typeof parentPort> {
  if (!parentPort) throw new Error('writer-worker is started by writer-port');
  return parentPort;
}

const port = requirePort();

function say(reply: WriterReply): void {
  port.postMessage(reply);
}

function sayFailed(error: unknown): void {
  if (error instanceof StoreFailure) say({ said: 'failed', code: error.code, message: error.message });
  else say({ said: 'failed', code: 'engine', message: error instanceof Error ? error.message : String(error) });
}

function serve({ file, durability }: WriterWorkerData): void {
  const database = openWriterDatabase(file, durability);
  const writer = createWriter(database);

  /** Writes what has arrived, up to the bound, and answers every message of it; the next other request is handed back. */
  const writeGroup = (first: Unit[]): WriterRequest | undefined => {
    const batches = [first];
    let size = first.length;
    let next: WriterRequest | undefined;
    while (size < GROUP && !next) {
      const arrived: { message: WriterRequest } | undefined = receiveMessageOnPort(port);
      if (!arrived) break;
      if (arrived.message.ask === 'write') {
        batches.push(arrived.message.units);
        size += arrived.message.units.length;
      } else next = arrived.message;
    }
    const answers = writer.write(batches.length === 1 ? first : batches.flat());
    let from = 0;
    for (const batch of batches) {
      say({ said: 'answers', answers: answers.slice(from, from + batch.length) });
      from += batch.length;
    }
    return next;
  };

  port.on('message', (message: WriterRequest) => {
    const request = message.ask === 'write' ? writeGroup(message.units) : message;
    if (!request) return;
    try {
      if (request.ask === 'backup') copyDatabase(database, request.file);
      else if (request.ask === 'close') closeWriterDatabase(database);
      say({ said: 'done' });
    } catch (error) {
      sayFailed(error);
    }
    if (request.ask === 'close') port.close();
  });
  say({ said: 'ready' });
}

try {
  serve(workerData.data);
} catch (error) {
  sayFailed(error);
}
