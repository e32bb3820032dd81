/**
 * The last messages of each device, for people. A ring per device, at most `devices` rings: the device that was silent for
 * longest goes first. Recording keeps a reference only; words are made, and secrets taken out, when somebody looks.
 */
import type { Json } from '../onem2m/primitive.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import type { TraceEntry, Tracer } from './adapter.ts';
import type { DeviceId, OperationId } from './operation.ts';

export interface TraceLine extends TraceEntry {
  /** ms since 1970. */
  at: number;
  operation?: OperationId;
  /** X-M2M-RI of the request that asked for the operation. */
  requestIdentifier?: string;
}

export interface TraceStore extends Tracer {
  /** Oldest first. */
  of(device: DeviceId): TraceLine[];
  forget(device: DeviceId): void;
}

interface Ring {
  /** When it was put to its place among the others. */
  placed: number;
  times: number[];
  entries: (TraceEntry | (() => TraceEntry))[];
  operations: (OperationId | undefined)[];
  requests: (string | undefined)[];
  next: number;
}

/** ms; which ring was silent for longest is not told apart below that. */
const replaceAfter = 1000;

/**
 * @param limits messages per device, and devices; 0 messages = no trace
 * @param log gets every message as a line too, without its details; where that level is off, nothing is made for it
 */
export function createTrace(clock: Clock, limits: { messages: number; devices: number }, log?: Log): TraceStore {
  const isLogged = log?.isLevelEnabled('debug') ?? false;
  const rings = new Map<DeviceId, Ring>();
  return {
    record(device, entry, operation) {
      if (isLogged) {
        const { direction, summary } = tell(entry);
        const requestIdentifier = operation?.requester.requestIdentifier || undefined;
        log?.debug({ device, operation: operation?.id, requestIdentifier, direction }, summary);
      }
      if (limits.messages <= 0) return;
      const now = clock.now();
      let ring = rings.get(device);
      if (!ring) {
        ring = { placed: now, times: [], entries: [], operations: [], requests: [], next: 0 };
        if (rings.size >= limits.devices) rings.delete(rings.keys().next().value!);
        rings.set(device, ring);
      } else if (now - ring.placed >= replaceAfter) {
        // Taken out and put back: a Map keeps the order of insertion, so the first is the one that was silent for longest.
        ring.placed = now;
        rings.delete(device);
        rings.set(device, ring);
      }
      ring.times[ring.next] = now;
      ring.entries[ring.next] = entry;
      ring.operations[ring.next] = operation?.id;
      ring.requests[ring.next] = operation?.requester.requestIdentifier;
      ring.next = (ring.next + 1) % limits.messages;
    },
    of(device) {
      const ring = rings.get(device);
      if (!ring) return [];
      const lines: TraceLine[] = [];
      for (let offset = 0; offset < ring.entries.length; offset++) {
        const index = ring.entries.length < limits.messages ? offset : (ring.next + offset) % limits.messages;
        lines.push(lineOf(ring, index));
      }
      return lines;
    },
    forget(device) {
      rings.delete(device);
    },
  };
}

function lineOf({ entries, times, operations, requests }: Ring, index: number): TraceLine {
  const line: TraceLine = { ...tell(entries[index]!), at: times[index]! };
  if (line.detail !== undefined) line.detail = redacted(line.detail);
  const operation = operations[index];
  const request = requests[index];
  if (operation !== undefined) line.operation = operation;
  // The gateway itself has none.
  if (request !== undefined && request !== '') line.requestIdentifier = request;
  return line;
}

function tell(entry: TraceEntry | (() => TraceEntry)): TraceEntry {
  try {
    return typeof entry === 'function' ? entry() : entry;
  } catch (error) {
    return { direction: 'note', summary: `this message cannot be shown: ${String(error)}` };
  }
}

const secretName =
  /secret|passw|passphrase|psk|private.?key|secret.?key|preshared|token|credential|authorization|^key$/i;

/** A copy with `***` in place of every member whose name speaks of a secret. */
export function redacted(value: Json, depth = 0): Json {
  if (value === null || typeof value !== 'object') return value;
  if (depth > 20) return '…';
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, secretName.test(name) ? '***' : redacted(member, depth + 1)]),
  );
}
