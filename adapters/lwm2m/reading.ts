/** The step "read": targets grouped into few exchanges, whatever is missing told apart from what failed. */
import type { Target, Value } from '../../src/management/operation.ts';
import type { Failure, TargetResult } from '../../src/management/outcome.ts';
import { isSuccess } from './coap/codes.ts';
import { encodePaths } from './codec/codec.ts';
import { decodeAnswer, depthOf, instanceOf, relativePath, unreadable, type Asked, type Channel } from './channel.ts';
import { compositeFormats, isStructured, structuredFormats } from './content-formats.ts';
import { emptyAck, failureOfCode } from './failures.ts';
import { withTargets, type ObjectModel } from './object-model.ts';

export interface Done {
  results: TargetResult[];
  /** The first failure: the step has failed. */
  failure?: Failure;
}

/** Instances from which on one composite read is worth a try. */
const compositeFrom = 3;

/**
 * Reads targets. Two or more of one object instance are read as the instance; what it leaves out and is not optional is asked for by itself, for
 * the device's own word. An optional target that the device does not have or does not show is absent; when all of them belong to one instance that
 * the device does not have, nothing is left that could lack them: not found. A value that cannot be read is a failure of its target alone, as long as
 * another one has a value.
 */
export function readTargets(channel: Channel, targets: readonly Target[]): Promise<Done> {
  const reading = readingOf(channel, targets);
  const { groups, model } = reading;
  const only = groups.length === 1 && targets.length > 1 && groups[0]!.areResources ? groups[0]! : undefined;
  if (!only) return readInGroups(channel, targets, reading);
  // The most common read: one exchange brings all of it, and nothing has to be kept track of.
  return readValues(channel, only.instance, model).then((whole) => {
    const results = whole.values && resultsOf(channel, whole, targets);
    return results ? finish(channel, results) : readInGroups(channel, targets, reading, whole);
  });
}

/** @param whole the answer of the only instance, when it was asked for already */
async function readInGroups(
  channel: Channel,
  targets: readonly Target[],
  { groups, model }: Reading,
  whole?: Read,
): Promise<Done> {
  const found = new Map<string, TargetResult>();
  if (groups.length >= compositeFrom && (await channel.servesComposite()))
    await readComposite(channel, targets, model, found);
  for (const group of groups) {
    const stopped = await readGroup(channel, group, model, found, groups.length === 1, whole);
    if (stopped) {
      for (const { path } of targets) if (!found.has(path)) found.set(path, { path, failure: { ...stopped, path } });
      break;
    }
  }
  return finish(
    channel,
    targets.map(({ path }) => found.get(path)!),
  );
}

/** What targets mean for a device: worked out once for those that are kept and shared (plans of whole objects). */
interface Reading {
  /** Of the device that it was worked out for. */
  root: string;
  base: ObjectModel;
  /** The base, and what the targets themselves say of types. */
  model: ObjectModel;
  groups: Group[];
}

interface Group {
  instance: string;
  members: Target[];
  /** Resources only: the instance that they are of may be read instead. */
  areResources: boolean;
}

const readings = new WeakMap<readonly Target[], Reading>();

function readingOf(channel: Channel, targets: readonly Target[]): Reading {
  const known = readings.get(targets);
  if (known && known.root === channel.facts.root && known.base === channel.model) return known;
  const model = withTargets(
    channel.model,
    targets.map((target) => withoutRootOf(channel, target)),
  );
  const groups = groupByInstance(channel, targets);
  const reading: Reading = { root: channel.facts.root, base: channel.model, model, groups };
  // Other targets may still grow.
  if (Object.isFrozen(targets)) readings.set(targets, reading);
  return reading;
}

function withoutRootOf(channel: Channel, target: Target): Target {
  return channel.facts.root === '' ? target : { ...target, path: relativePath(channel.facts, target.path) };
}

function groupByInstance(channel: Channel, targets: readonly Target[]): Group[] {
  const groups = new Map<string, Target[]>();
  for (const target of targets) {
    const instance = instanceOf(channel.facts, target.path);
    const members = groups.get(instance);
    if (members) members.push(target);
    else groups.set(instance, [target]);
  }
  return Array.from(groups, ([instance, members]) => {
    const areResources = members.every(({ path }) => depthOf(relativePath(channel.facts, path)) >= 3);
    return { instance, members, areResources };
  });
}

function finish(channel: Channel, results: TargetResult[]): Done {
  let failure: Failure | undefined;
  let spoiled: Failure[] | undefined;
  let hasValue = false;
  for (const result of results) {
    if ('value' in result) hasValue = true;
    else if ('failure' in result && result.failure.cause === 'unreadable') (spoiled ??= []).push(result.failure);
    else if ('failure' in result) failure ??= result.failure;
  }
  if (spoiled && hasValue) channel.tellUnreadable(spoiled);
  else failure ??= spoiled?.[0];
  return failure ? { results, failure } : { results };
}

/** The answer is a failure that ends the step: the device is silent. */
async function readGroup(
  channel: Channel,
  { instance, members, areResources }: Group,
  model: ObjectModel,
  found: Map<string, TargetResult>,
  isAll: boolean,
  answer?: Read,
): Promise<Failure | undefined> {
  const targets = found.size === 0 ? members : members.filter(({ path }) => !found.has(path));
  let left = targets;
  if (targets.length > 1 && areResources) {
    const whole = answer ?? (await readValues(channel, instance, model));
    if (whole.stopped) return whole.failure;
    if (whole.values) {
      left = targets.filter((target) => {
        const result = resultOf(channel, whole, target);
        if (result) found.set(target.path, result);
        return result === undefined;
      });
    } else if (whole.code === '4.04') {
      left = [];
      for (const target of targets) {
        const result = isAll ? failureAt(target, whole.failure) : missing(target, whole.failure);
        found.set(target.path, result);
      }
    }
  }
  for (const target of left) {
    const result = await readOne(channel, target, model);
    found.set(target.path, result);
    if ('failure' in result && isSilence(result.failure)) return result.failure;
  }
  return undefined;
}

async function readOne(channel: Channel, target: Target, model: ObjectModel): Promise<TargetResult> {
  const path = target.path;
  const depth = depthOf(relativePath(channel.facts, path));
  if (depth < 3) {
    return {
      path,
      failure: { cause: 'bad-request', explanation: `${path} is no resource: only resources have values`, path },
    };
  }
  const read = await readValues(channel, path, model);
  if (!read.values) return missing(target, read.failure);
  const value = pick(channel, read.values, target);
  if (value !== undefined) return { path, value };
  // 2.05 with nothing in it: a multiple resource without instances.
  if (target.multiple || isMultiple(channel, path, model)) return { path, value: { instances: {} } };
  return missing(target, lacking(path));
}

function isMultiple(channel: Channel, path: string, model: ObjectModel): boolean {
  const [objectId, , resourceId] = relativePath(channel.facts, path).split('/').slice(1).map(Number);
  return model.resource(objectId ?? -1, resourceId ?? -1)?.multiple ?? false;
}

/** 4.04: it is not there. 4.05: it is there, but not to be read. Both are "absent" for what the device may lack. */
function missing(target: Target, failure: Failure): TargetResult {
  const absent = failure.cause === 'not-found' || failure.cause === 'not-allowed';
  return target.optional && absent ? { path: target.path, absent: true } : failureAt(target, failure);
}

function failureAt({ path }: Target, failure: Failure): TargetResult {
  return { path, failure: { ...failure, path } };
}

type Values = Map<string, Value>;

interface Answered {
  values: Values;
  /** Resource → why its value cannot be read. */
  unreadable?: Map<string, Failure>;
}

type Read =
  | (Answered & { failure?: undefined; code?: undefined; stopped?: undefined })
  | { values?: undefined; failure: Failure; code: string; stopped: boolean };

/** One GET, and a second one in another format when the first answer cannot be read or had. */
function readValues(channel: Channel, path: string, model: ObjectModel): Promise<Read> {
  // Without Accept the client answers in what it likes best, and that is always acceptable to it.
  return channel.ask({ method: 'GET', path }).then((first) => {
    const read = take(channel, first, path, model);
    if (read.values) return read;
    const unread = first.response !== undefined && isSuccess(first.response.code);
    if (!unread && read.code !== '4.06') return read;
    return readOtherwise(channel, path, model, first.response?.contentFormat, read);
  });
}

async function readOtherwise(
  channel: Channel,
  path: string,
  model: ObjectModel,
  answered: number | undefined,
  read: Read,
): Promise<Read> {
  const accept = structuredFormats(channel.facts).find((format) => format !== answered);
  if (accept === undefined) return read;
  const second = take(channel, await channel.ask({ method: 'GET', path, accept }), path, model);
  return second.values ? second : read;
}

function take(channel: Channel, asked: Asked, path: string, model: ObjectModel): Read {
  if (!asked.response) return { failure: asked.failure, code: '', stopped: isSilence(asked.failure) };
  const { response } = asked;
  if (!isSuccess(response.code)) {
    return { failure: failureOfCode(response.code, path), code: response.code, stopped: false };
  }
  const decoded = decodeAnswer(channel, response, path, model);
  if ('explanation' in decoded) {
    return { failure: unreadable(decoded.explanation, path, response), code: response.code, stopped: false };
  }
  const { root, learned } = channel.facts;
  if (response.contentFormat !== learned.structured && isStructured(response.contentFormat)) {
    channel.learn({ structured: response.contentFormat! });
  }
  const values: Values = new Map();
  for (const one of decoded.values) values.set(root === '' ? one.path : root + one.path, one.value);
  if (decoded.unreadable.length === 0) return { values };
  const failures = decoded.unreadable.map((one): [string, Failure] => {
    const full = root + one.path;
    return [full, unreadable(one.explanation, full, response)];
  });
  return { values, unreadable: new Map(failures) };
}

/** What an answer says of a target; undefined = nothing, and the device has to be asked for it by itself. */
function resultOf(channel: Channel, answered: Answered, target: Target): TargetResult | undefined {
  const { path } = target;
  const value = pick(channel, answered.values, target);
  if (value !== undefined) return { path, value };
  const failure = answered.unreadable && (answered.unreadable.get(path) ?? answered.unreadable.get(parentOf(path)));
  if (failure) return { path, failure: { ...failure, path } };
  return target.optional ? { path, absent: true } : undefined;
}

/** Of all targets; undefined = one of them has to be asked for by itself. */
function resultsOf(channel: Channel, answered: Answered, targets: readonly Target[]): TargetResult[] | undefined {
  const results: TargetResult[] = [];
  for (const target of targets) {
    const result = resultOf(channel, answered, target);
    if (!result) return undefined;
    results.push(result);
  }
  return results;
}

/** `/3/0/7/1` → `/3/0/7` */
function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** The value of a target; of one instance of a multiple resource when the target names it. */
function pick(channel: Channel, values: Values, target: Target): Value | undefined {
  const value = values.get(target.path);
  if (value !== undefined || depthOf(relativePath(channel.facts, target.path)) < 4) return value;
  const parent = parentOf(target.path);
  const whole = values.get(parent);
  return typeof whole === 'object' && whole !== null && 'instances' in whole
    ? whole.instances[target.path.slice(parent.length + 1)]
    : undefined;
}

/** Reads all targets with one Read-Composite (TS-Core 1.1, 6.3.4). What it leaves out is left to the ordinary way. */
async function readComposite(
  channel: Channel,
  targets: readonly Target[],
  model: ObjectModel,
  found: Map<string, TargetResult>,
): Promise<void> {
  const [contentFormat] = compositeFormats(channel.facts);
  const paths = targets.map(({ path }) => path);
  const payload = encodePaths(contentFormat!, paths, { root: channel.facts.root });
  const asked = await channel.ask({ method: 'FETCH', path: '/', contentFormat, accept: contentFormat, payload }, paths);
  const read = take(channel, asked, '/', model);
  if (!read.values) {
    // A client may acknowledge a FETCH and then say nothing: it is not asked that way again.
    if (asked.response || asked.failure?.evidence === emptyAck) channel.learn({ composite: false });
    return;
  }
  channel.learn({ composite: true });
  for (const target of targets) {
    const result = resultOf(channel, read, target);
    if (result) found.set(target.path, result);
  }
}

/** The answer is sound and says nothing of what was asked: nobody can tell whether the device has it. */
function lacking(path: string): Failure {
  return {
    cause: 'device-error',
    explanation: 'the answer of the device does not hold the resource that was asked for',
    path,
  };
}

/** No answer, or nothing sent: the rest of the operation has no chance now. */
export function isSilence(failure: Failure): boolean {
  return failure.cause === 'no-answer' || failure.cause === 'no-session';
}
