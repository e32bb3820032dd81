/** Reads one Inform again and again, as a worker: by the leg of the build, or by saxes alone with the same options and empty handlers. */
import { SaxesParser } from 'saxes';
import { built } from './built.ts';
import { informWith } from './cwmp-strings.ts';
import type { Tally } from './rounds.ts';
import { serveCommands } from './worker.ts';

const { readEnvelope } = await built<typeof import('../../adapters/cwmp/soap.ts')>('adapters/cwmp/soap.js');
const { readIncoming } = await built<typeof import('../../adapters/cwmp/rpc.ts')>('adapters/cwmp/rpc.js');

const parameters = 40;
const text = informWith(parameters);
const batch = 100;

function ours(): void {
  const incoming = readIncoming(readEnvelope(text));
  if (incoming.kind !== 'request' || incoming.request.method !== 'Inform') throw new Error('it is no Inform');
  if (incoming.request.parameters.length !== parameters) throw new Error('parameters were lost');
}

function bare(): void {
  const parser = new SaxesParser({ position: false, xmlns: false });
  parser.on('opentag', () => {});
  parser.on('closetag', () => {});
  parser.on('text', () => {});
  parser.on('cdata', () => {});
  parser.on('doctype', () => {});
  parser.write(text);
  parser.close();
}

function repeat(read: () => void, seconds: number): Tally {
  let count = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  for (; performance.now() < until; count += batch) for (let left = batch; left > 0; left -= 1) read();
  return { count, seconds: (performance.now() - started) / 1000 };
}

serveCommands({
  ours: (seconds: number) => repeat(ours, seconds),
  bare: (seconds: number) => repeat(bare, seconds),
});
