/** The step "read": names in batches, a bad one found by halving, what is not there told apart from what failed. */
import type { Target } from '../../src/management/operation.ts';
import type { Failure, TargetResult } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import type { ParameterValue } from './values.ts';
import { valueFromWire } from './values.ts';

export interface Done {
  results: TargetResult[];
  /** The first failure: the step has failed. */
  failure?: Failure;
}

export interface ValuesRead {
  values: Map<string, ParameterValue>;
  /** Why a name has no value; a name in neither map was left out by the CPE (quirk 20). */
  failures: Map<string, Failure>;
  /** The CPE is silent: there is no use in going on. */
  stopped?: Failure;
}

/** Faults that one name of a batch may have caused. */
const badName: ReadonlySet<number> = new Set([9003, 9005]);

/** Reads parameters by name, in as few questions as it takes. */
export async function readValues(channel: Channel, names: readonly string[]): Promise<ValuesRead> {
  const read: ValuesRead = { values: new Map(), failures: new Map() };
  for (let at = 0; at < names.length && !read.stopped; at += channel.batchSize) {
    await readBatch(channel, names.slice(at, at + channel.batchSize), read);
  }
  return read;
}

async function readBatch(channel: Channel, names: readonly string[], read: ValuesRead): Promise<void> {
  const { answer, failure, fault } = await channel.ask('GetParameterValues', { names });
  if (answer) {
    for (const parameter of answer.values) {
      read.values.set(parameter.name, parameter);
      channel.knowledge.learnType(parameter.name, parameter.type);
    }
    const missing = names.filter((name) => !read.values.has(name));
    // Some stop at the first name that they do not know: what they left out with it may be there (quirk 20).
    if (names.length > 1) return readHalves(channel, missing, read);
    for (const name of missing) channel.knowledge.learnUnknown(name);
    return;
  }
  if (failure.cause === 'no-answer') {
    read.stopped = failure;
    return;
  }
  // Too much at once (9004), or one bad name that the fault does not tell (quirk 21).
  if (names.length > 1 && fault && (badName.has(fault.code) || fault.code === 9004)) {
    return readHalves(channel, names, read);
  }
  if (fault?.code === 9005) for (const name of names) channel.knowledge.learnUnknown(name);
  for (const name of names) read.failures.set(name, { ...failure, path: name });
}

async function readHalves(channel: Channel, names: readonly string[], read: ValuesRead): Promise<void> {
  const half = Math.ceil(names.length / 2);
  for (const part of [names.slice(0, half), names.slice(half)]) {
    if (part.length > 0 && !read.stopped) await readBatch(channel, part, read);
  }
}

/**
 * Reads targets. An optional one that the CPE does not know is absent; when all of several belong to one object and none is
 * there, the object itself is missing, and that is a failure.
 */
export async function readTargets(channel: Channel, targets: readonly Target[]): Promise<Done> {
  const open = targets.filter((target) => !isKnownAbsent(channel, target));
  // All are known to be absent: one of them tells whether their object is there.
  const isProbe = open.length === 0 && targets.length > 1;
  let read = await readPaths(channel, isProbe ? targets.slice(0, 1) : open);
  if (isProbe && read.values.size > 0) read = await readPaths(channel, targets);
  const results = targets.map((target) => resultOf(channel, target, read));
  const failure = results.find((result) => 'failure' in result)?.failure ?? missingObject(targets, results, read);
  return failure ? { results, failure } : { results };
}

function readPaths(channel: Channel, targets: readonly Target[]): Promise<ValuesRead> {
  return readValues(channel, [...new Set(targets.map(({ path }) => path))]);
}

function isKnownAbsent({ knowledge }: Channel, { path, optional }: Target): boolean {
  return optional === true && knowledge.isUnknown(path);
}

function resultOf(channel: Channel, target: Target, read: ValuesRead): TargetResult {
  const { path, type, optional } = target;
  const found = read.values.get(path);
  if (found) {
    const typed = found.type === '' ? { ...found, type: channel.knowledge.typeOf(path) } : found;
    const value = valueFromWire(typed, type);
    // An unknown time, an empty number: the CPE has the parameter, and no value for it.
    return value === null ? { path, absent: true } : { path, value };
  }
  if (isKnownAbsent(channel, target)) return { path, absent: true };
  const failure = read.failures.get(path);
  if (failure) return optional && isAbsence(failure) ? { path, absent: true } : { path, failure };
  if (read.stopped) return { path, failure: { ...read.stopped, path } };
  if (optional) return { path, absent: true };
  return {
    path,
    failure: {
      cause: 'not-found',
      explanation: 'the CPE left the parameter out of its answer: it does not have it',
      path,
    },
  };
}

/** The CPE has said that there is no such parameter. */
export function isAbsence({ cause, evidence }: Failure): boolean {
  return cause === 'not-implemented' && (evidence?.startsWith('9005') ?? false);
}

function missingObject(
  targets: readonly Target[],
  results: readonly TargetResult[],
  read: ValuesRead,
): Failure | undefined {
  const [first, ...others] = targets;
  if (!first || others.length === 0 || !results.every((result) => 'absent' in result)) return undefined;
  const object = objectOf(first.path);
  const [refused] = read.failures.values();
  if (!refused || !others.every(({ path }) => objectOf(path) === object)) return undefined;
  return { ...refused, path: object };
}

function objectOf(path: string): string {
  return path.slice(0, path.lastIndexOf('.') + 1);
}
