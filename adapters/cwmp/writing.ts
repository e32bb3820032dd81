/** The steps that change a CPE: write, create, delete; and discover. SetParameterValues is all or nothing (TR-069 A.3.2.1). */
import type { Assignment, Step } from '../../src/management/operation.ts';
import type { Failure, TargetResult } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import { failureOfFault, type CpeFault } from './faults.ts';
import { setValues } from './literals.ts';
import { readValues, type Done } from './reading.ts';
import { ValueError, valueToWire, type ParameterValue } from './values.ts';

export type Create = Extract<Step, { action: 'create' }>;

/** Most characters of a ParameterKey or CommandKey. */
export const maximumKey = 32;

/** @param key goes into ManagementServer.ParameterKey when the CPE applies it */
export async function writeAssignments(
  channel: Channel,
  assignments: readonly Assignment[],
  key: string,
): Promise<Done & { evidence?: string }> {
  const unheard = assignments.map(({ path }) => path).filter((path) => channel.knowledge.typeOf(path) === '');
  // The CPE takes a value only in the type that it keeps itself; what it cannot read is sent in the type of the mapping.
  if (unheard.length > 0) {
    const { stopped } = await readValues(channel, unheard);
    if (stopped)
      return { results: assignments.map(({ path }) => ({ path, failure: { ...stopped, path } })), failure: stopped };
  }
  const values: ParameterValue[] = [];
  for (const { path, value, type } of assignments) {
    try {
      values.push(valueToWire(path, value, channel.knowledge.typeOf(path), type, channel.style));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const failure: Failure = { cause: 'conversion', explanation: `${error.message}; nothing was written`, path };
      return { results: [{ path, failure }], failure };
    }
  }
  const { answer, failure, fault } = await setValues(channel, values, key);
  if (answer) {
    const evidence = answer.status === 1 ? 'Status 1 (applied later)' : 'Status 0 (applied)';
    return { results: assignments.map(({ path }) => ({ path, done: true })), evidence };
  }
  return blame(assignments, failure, fault);
}

/** What the CPE names is to blame; the others were not written either. Names nobody: all are to blame (quirk 18). */
function blame(assignments: readonly Assignment[], failure: Failure, fault: CpeFault | undefined): Done {
  const blamed = new Map(fault?.parameters.map((one) => [one.name, failureOfFault(one, one.name)]));
  const [first] = blamed.values();
  const results = assignments.map(({ path }): TargetResult => {
    const own = blamed.get(path);
    if (own || !first) return { path, failure: own ?? { ...failure, path } };
    const explanation = 'not written, because another value of the same request was refused';
    return { path, failure: { ...failure, cause: first.cause, explanation, path } };
  });
  return { results, failure: first ?? failure };
}

/**
 * Creates an instance and gives it its values. The CPE chooses the number: paths of the assignments say `{instance}`, or the
 * alias that was wanted. An instance that does not take its values is deleted again.
 */
export async function createInstance(
  channel: Channel,
  step: Create,
  key: string,
): Promise<{ created?: string; results: TargetResult[]; failure?: Failure; evidence?: string }> {
  const { path, instance, assignments } = step;
  const isAlias = instance?.startsWith('[') ?? false;
  if (instance !== undefined && !isAlias) {
    const explanation = `a CPE chooses the numbers of its instances, so ${path}${instance}. cannot be asked for; leave objectPaths out`;
    const failure: Failure = { cause: 'conversion', explanation, path };
    return { results: [{ path, failure }], failure };
  }
  const hasValues = assignments.length > 0;
  const added = await channel.ask(
    'AddObject',
    { path: isAlias ? `${path}${instance}.` : path, parameterKey: key },
    hasValues,
  );
  if (!added.answer) return { results: [{ path, failure: added.failure }], failure: added.failure };
  const number = added.answer.instance;
  if (number === undefined || number < 1) {
    const failure: Failure = { cause: 'device-error', explanation: 'the CPE did not say which instance it made', path };
    return { results: [{ path, failure }], failure };
  }
  const created = `${path}${number}.`;
  const planned = `${path}${instance ?? '{instance}'}.`;
  const own = assignments.map((one) => ({
    ...one,
    path: one.path.startsWith(planned) ? created + one.path.slice(planned.length) : one.path,
  }));
  const written = hasValues ? await writeAssignments(channel, own, key) : { results: [] };
  if (!written.failure) return { created, results: [{ path: created, done: true }], evidence: `instance ${number}` };
  if (written.failure.cause !== 'no-answer') {
    const { failure } = await channel.ask('DeleteObject', { path: created, parameterKey: key });
    if (failure) return { ...written, evidence: `${created} was made, and could not be deleted again` };
  }
  return written;
}

export async function deleteInstance(channel: Channel, path: string, key: string): Promise<Done> {
  const whole = path.endsWith('.') ? path : `${path}.`;
  const { failure } = await channel.ask('DeleteObject', { path: whole, parameterKey: key });
  return failure
    ? { results: [{ path, failure: { ...failure, path } }], failure }
    : { results: [{ path, done: true }] };
}

/** The children of a path. */
export async function discoverChildren(channel: Channel, path: string): Promise<Done> {
  const { answer, failure } = await channel.ask('GetParameterNames', { path, nextLevel: true });
  if (!answer) return { results: [{ path, failure }], failure };
  return { results: answer.names.map(({ name, writable }) => ({ path: name, value: writable ? 'writable' : '' })) };
}
