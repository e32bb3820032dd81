/** Load over HTTP, as a worker: connections that stay open, written and read by hand so that it costs less than what it asks. */
import { connect, type Socket } from 'node:net';
import { quantile } from './figures.ts';
import { serveCommands } from './worker.ts';

export interface HttpLoad {
  port: number;
  /** Whole requests as they go over the wire, taken in turn. */
  requests: string[];
  /** The status that every answer must have; default 200. */
  status?: number;
}

export interface LoadResult {
  count: number;
  seconds: number;
  /** ms */
  p50: number;
  p99: number;
  worst: number;
}

/** One request at a time over one connection. */
class Line {
  readonly #socket: Socket;
  #parts: Buffer[] = [];
  #length = 0;
  #wanted = -1;
  #resolve: ((answer: Buffer) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (part: Buffer) => this.#take(part));
    socket.on('error', (error) => this.#reject?.(error));
    socket.on('close', () => this.#reject?.(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new Line(socket)));
      socket.once('error', reject);
    });
  }

  get isOpen(): boolean {
    return this.#socket.writable && this.#socket.readable;
  }

  ask(request: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new Error('the server has closed the connection'));
      this.#resolve = resolve;
      this.#reject = reject;
      this.#socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.#reject = undefined;
    this.#socket.destroy();
  }

  #take(part: Buffer): void {
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#wanted < 0) {
      const bytes = this.#parts.length === 1 ? part : Buffer.concat(this.#parts);
      this.#parts = [bytes];
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /content-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end))?.[1];
      this.#wanted = end + 4 + Number(length ?? 0);
    }
    if (this.#length < this.#wanted) return;
    const answer = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#wanted = -1;
    this.#resolve?.(answer);
  }
}

const lines = new Map<number, Line[]>();

/** Connections stay open between rounds: what is measured is requests. The server closes those that were idle for long. */
async function linesTo(port: number, count: number): Promise<Line[]> {
  const open = (lines.get(port) ?? []).filter((line) => line.isOpen);
  lines.set(port, open);
  while (open.length < count) open.push(await Line.open(port));
  return open.slice(0, count);
}

function check(answer: Buffer, status = 200): void {
  if (answer.toString('latin1', 9, 12) !== String(status))
    throw new Error(`answered: ${answer.toString('utf8').slice(0, 600)}`);
}

function resultOf(times: number[], seconds: number): LoadResult {
  return {
    count: times.length,
    seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    worst: Math.max(0, ...times.slice(-100_000)),
  };
}

/** As fast as it goes, one request at a time on each connection. */
async function closedLoop(load: HttpLoad & { connections: number; seconds: number }): Promise<LoadResult> {
  const open = await linesTo(load.port, load.connections);
  const times: number[] = [];
  let next = 0;
  const started = performance.now();
  const until = started + load.seconds * 1000;
  await Promise.all(
    open.map(async (line) => {
      for (let now = performance.now(); now < until;) {
        check(await line.ask(load.requests[next++ % load.requests.length]!), load.status);
        const after = performance.now();
        times.push(after - now);
        now = after;
      }
    }),
  );
  return resultOf(times, (performance.now() - started) / 1000);
}

/** At a fixed rate, whether answers come or not. */
async function openLoop(load: HttpLoad & { perSecond: number; seconds: number }): Promise<LoadResult> {
  const free = [...(await linesTo(load.port, 64))];
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const started = performance.now();
  const total = Math.round(load.perSecond * load.seconds);
  for (let sent = 0; sent < total; sent += 1) {
    const due = started + (sent * 1000) / load.perSecond;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const line = free.pop() ?? (await Line.open(load.port));
    // Not since it was due: a timer is up to a millisecond late by itself.
    const before = performance.now();
    const asked = line.ask(load.requests[sent % load.requests.length]!).then((answer) => {
      check(answer, load.status);
      times.push(performance.now() - before);
      free.push(line);
    });
    running.push(asked);
  }
  await Promise.all(running);
  return resultOf(times, (performance.now() - started) / 1000);
}

/**
 * Every request once, `connections` at a time.
 * @param load `find`: a regular expression with one group that every answer must match; the groups are given back in the order of the requests
 */
async function all(load: HttpLoad & { connections: number; find?: string }): Promise<LoadResult & { found: string[] }> {
  const open = await linesTo(load.port, load.connections);
  const wanted = load.find === undefined ? undefined : new RegExp(load.find);
  const found: string[] = [];
  const times: number[] = [];
  let next = 0;
  const started = performance.now();
  await Promise.all(
    open.map(async (line) => {
      for (let at = next++; at < load.requests.length; at = next++) {
        const before = performance.now();
        const answer = await line.ask(load.requests[at]!);
        times.push(performance.now() - before);
        check(answer, load.status);
        if (!wanted) continue;
        const text = answer.toString('utf8');
        const group = wanted.exec(text)?.[1];
        if (group === undefined) throw new Error(`${load.find} is not in: ${text.slice(-600)}`);
        found[at] = group;
      }
    }),
  );
  return { ...resultOf(times, (performance.now() - started) / 1000), found };
}

serveCommands({ closedLoop, openLoop, all });
