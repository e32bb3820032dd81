/** A command of `<mgmtCmd>` for one device: the operation that it becomes, or the reason why not. Pure. */
import type { Json, JsonObject } from '../onem2m/primitive.ts';
import { parseTimestamp } from '../onem2m/timestamp.ts';
import type { ManagedDevice } from './adapter.ts';
import { commandOf, legOfCommand, type CommandLeg, type CommandRow, type CommandTable } from './command-table.ts';
import { matchesOf, namesOf } from './object-paths.ts';
import type { Evidence, Step, Value } from './operation.ts';
import type { Failure } from './outcome.ts';
import type { BoundObject } from './resource-side.ts';

export interface CommandPlan {
  ok: true;
  steps: Step[];
  evidence?: Evidence;
  /** The device acknowledges it and does it afterwards: its return is the end. */
  endsWithReturn: boolean;
  cancellable: boolean;
  /** Classes whose management objects are read again once it is done. */
  refresh: string[];
  /** Path of the object that it works on, against a second procedure. */
  object?: string;
}

export interface ImpossibleCommand {
  ok: false;
  failure: Failure;
}

/**
 * @param given `execReqArgs` by long names; undefined = none
 * @param objects management objects of the device
 * @param isFree tells whether nothing is going on at an object
 */
export function planCommand(
  table: CommandTable,
  cmdType: number,
  given: JsonObject | undefined,
  device: ManagedDevice,
  objects: readonly BoundObject[],
  isFree: (path: string) => boolean,
): CommandPlan | ImpossibleCommand {
  const command = commandOf(table, cmdType);
  const leg = command && legOfCommand(command.row, device.technology);
  if (!command || !leg) return unsupported(`the mappings have no command ${cmdType} for ${device.technology}`);
  const { name, row } = command;
  if (leg.none !== undefined) return unsupported(`${name} cannot be done on this device: ${leg.none}`);
  // An RPC acts on a whole CPE: one behind a proxier must not restart its proxier.
  if (leg.rpc !== undefined && device.lane !== device.id) {
    return unsupported(
      `${name} acts on the whole CPE, and this device is behind one; execute it on the <node> of its proxier`,
    );
  }
  const values = argumentsOf(row, given);
  for (const [argument, { required, shortName }] of Object.entries(row.arguments)) {
    if (!required || values.fields[argument] !== undefined) continue;
    return impossible(
      'conversion',
      `${name} needs the argument '${shortName}' (${argument}) in execReqArgs '${row.shortName}'`,
    );
  }
  for (const [argument, only] of Object.entries(leg.only ?? {})) {
    const value = values.fields[argument];
    if (value === undefined || firstWord(String(value)) === firstWord(only)) continue;
    return unsupported(`the device can only take '${only}' as ${argument}; it got '${String(value).slice(0, 80)}'`);
  }
  for (const [argument, { type, shortName }] of Object.entries(row.arguments)) {
    const value = values.fields[argument];
    if (type !== 'timestamp' || value === undefined) continue;
    const time = parseTimestamp(String(value));
    if (time === undefined) {
      return impossible('conversion', `the argument '${shortName}' (${argument}) of ${name} is no timestamp`);
    }
    // s since 1970: a leg does not know how oneM2M writes times.
    values.fields[argument] = Math.floor(time / 1000);
  }
  const refresh = [...(row.refresh ?? [])];
  const plan = { evidence: evidenceOf(leg), endsWithReturn: false, cancellable: row.cancellable, refresh };
  if (leg.rpc !== undefined) {
    return { ok: true, ...plan, steps: [rpcStep(leg.rpc, leg, values)] };
  }
  if (leg.execute !== undefined) {
    const [object, resource] = splitPath(leg.execute);
    const path = pathsOf(object, leg, device)[0];
    if (path === undefined) return unsupported(`the device has no ${shown(object, leg)}, where ${name} is executed`);
    const step: Step = { action: 'execute', target: { path: `${path}/${resource}` } };
    return { ok: true, ...plan, steps: [step], endsWithReturn: leg.unknown?.restart === true };
  }
  return procedurePlan(name, leg, values, plan, device, objects, isFree);
}

interface CommandArguments {
  fields: Record<string, Json>;
  /** `anyArg` by name. */
  more: Record<string, Json>;
}

function argumentsOf(row: CommandRow, given: JsonObject | undefined): CommandArguments {
  const { anyArg, ...fields } = objectOf(listOf(given?.[row.execReqArgs])[0]);
  const more: Record<string, Json> = {};
  for (const item of listOf(anyArg)) {
    const { name, value } = objectOf(item);
    if (typeof name === 'string' && value !== undefined) more[name] = value;
  }
  return { fields, more };
}

function procedurePlan(
  name: string,
  leg: CommandLeg,
  { fields }: CommandArguments,
  plan: Omit<CommandPlan, 'ok' | 'steps' | 'object'>,
  device: ManagedDevice,
  objects: readonly BoundObject[],
  isFree: (path: string) => boolean,
): CommandPlan | ImpossibleCommand {
  const { procedure = '', object: template = '' } = leg;
  const paths = pathsOf(template, leg, device);
  if (paths.length === 0) return unsupported(`the device has no ${shown(template, leg)}, on which ${name} works`);
  const one = namesOf(template).length === 0;
  const path = paths.find((candidate) => isFree(candidate) && (one || !holdsSoftware(candidate, objects)));
  if (path === undefined) {
    return one
      ? impossible('conflict', `an earlier operation on ${paths[0]} is not over; wait for its outcome, or cancel it`)
      : impossible(
          'unavailable',
          `every instance of ${template} holds software; uninstall one through its [software] resource`,
        );
  }
  const inputs: Record<string, Value> = {};
  for (const [input, argument] of Object.entries(leg.inputs ?? {})) {
    const value = fields[argument];
    if (typeof value === 'string' || typeof value === 'number') inputs[input] = value;
  }
  return { ok: true, ...plan, steps: [{ action: 'procedure', procedure, object: path, inputs }], object: path };
}

/** Values of an RPC travel as one JSON object of texts. */
function rpcStep(rpc: string, leg: CommandLeg, { fields, more }: CommandArguments): Step {
  const values: Record<string, string> = leg.struct === undefined ? {} : { Operation: leg.struct };
  for (const [argument, source] of Object.entries(leg.arguments ?? {})) {
    const value = source.startsWith('anyArg.') ? more[source.slice('anyArg.'.length)] : fields[source];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      values[argument] = String(value);
    }
  }
  return { action: 'execute', target: { path: `rpc:${rpc}` }, arguments: JSON.stringify(values) };
}

function evidenceOf(leg: CommandLeg): Evidence | undefined {
  if (leg.unknown?.restart) return { restart: true };
  return leg.unknown?.report ? { report: true } : undefined;
}

function pathsOf(template: string, { objectID }: CommandLeg, device: ManagedDevice): string[] {
  const object = {
    name: '',
    alsoSeenAs: [],
    paths: [template],
    listed: true,
    fill: {},
    every: false,
    kinds: [],
    ...(objectID === undefined ? {} : { objectID }),
  };
  return matchesOf(device.technology, object, device.inventory).map(({ path }) => path);
}

function shown(template: string, { objectID }: CommandLeg): string {
  return objectID === undefined ? `object ${template}` : `management object ${objectID}`;
}

/** A package without a name is none. */
function holdsSoftware(path: string, objects: readonly BoundObject[]): boolean {
  const object = objects.find((candidate) => Object.values(candidate.objects).includes(path));
  const name = object?.attributes['softwareName'];
  return typeof name === 'string' && name !== '';
}

/** `/3/0/4` → object `/3/0` and resource `4`. */
function splitPath(path: string): [object: string, resource: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

function firstWord(text: string): string {
  return text.trim().split(/\s+/)[0] ?? '';
}

function unsupported(explanation: string): ImpossibleCommand {
  return impossible('not-implemented', explanation);
}

function impossible(cause: Failure['cause'], explanation: string): ImpossibleCommand {
  return { ok: false, failure: { cause, explanation } };
}

function objectOf(value: Json | undefined): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}
