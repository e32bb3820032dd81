/** `execReqArgs` of a `<mgmtCmd>` (TS-0004 6.3.5.15 to 6.3.5.23), by long names: does it fit, and what must not be shown. */
import type { Json, JsonObject } from '../onem2m/primitive.ts';
import type { Attributes, Resource, ResourceInternals } from '../onem2m/resource.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { FittingArguments } from '../management/commands.ts';
import { objectOf } from './json-values.ts';
import type { CseParts } from './parts.ts';
import { Refused } from './refused.ts';

/** Throws Refused: 6022 a command that no mapping has, 6023 arguments of another command, 6024 too few, 5001 several sets of them. */
export function requireFittingArguments(attributes: Attributes, parts: CseParts): void {
  const fits = parts.managedObjects?.commands?.argumentsOf(Number(attributes['cmdType']));
  if (!fits) {
    throw new Refused(
      statusCodes.INVALID_CMDTYPE,
      `this gateway has no command for cmdType 'cmt' ${JSON.stringify(attributes['cmdType'])}`,
    );
  }
  const { member, shortName, name, fields } = fits;
  for (const [given, sets] of Object.entries(objectOf(attributes['execReqArgs']))) {
    if (given !== member) {
      throw new Refused(
        statusCodes.INVALID_ARGUMENTS,
        `execReqArgs 'exra' holds the arguments ${given}, and the command is ${name}; give them as '${shortName}' (${member})`,
      );
    }
    if (Array.isArray(sets) && sets.length > 1) {
      throw new Refused(
        statusCodes.NOT_IMPLEMENTED,
        `execReqArgs 'exra' holds ${sets.length} sets of arguments, and one is carried out at a time; make a <mgmtCmd> for each`,
      );
    }
    if (parts.settings.strictArguments && Array.isArray(sets)) requireEveryArgument(objectOf(sets[0]), fields, name);
  }
}

/** TS-0004 6.3.5.17 to 6.3.5.23 to the letter: every field once, and positive integers that are. */
function requireEveryArgument(set: JsonObject, fields: FittingArguments['fields'], command: string): void {
  const setting = 'or set command.arguments to lenient';
  for (const [name, { shortName, type }] of Object.entries(fields)) {
    const value = set[name];
    if (value === undefined || value === null) {
      throw new Refused(
        statusCodes.INSUFFICIENT_ARGUMENTS,
        `${command} needs the argument '${shortName}' (${name}); give it, ${setting}`,
      );
    }
    if (type === 'positiveInteger' && Number(value) < 1) {
      throw new Refused(
        statusCodes.INVALID_ARGUMENTS,
        `the argument '${shortName}' (${name}) of ${command} has to be a positive integer; change it, ${setting}`,
      );
    }
  }
}

const secret = 'password';

/** What may be shown of them, and what the CSE keeps to itself. `execReqArgs` absent or null: there is no secret any more. */
export function withoutSecrets(execReqArgs: Json | undefined): { shown: Json; internal: ResourceInternals } {
  const secrets: JsonObject = {};
  const shown = mapSets(execReqArgs, (set) => {
    const { [secret]: hidden, ...rest } = set;
    if (hidden !== undefined) secrets[secret] = hidden;
    return rest;
  });
  return { shown: shown ?? null, internal: { secrets: Object.keys(secrets).length > 0 ? secrets : undefined } };
}

/** The arguments as they are carried out. */
export function withSecrets(execReqArgs: Json | undefined, internal: ResourceInternals): JsonObject | undefined {
  const secrets = internal['secrets'] as JsonObject | undefined;
  return mapSets(execReqArgs, (set) => ({ ...set, ...secrets }));
}

function mapSets(execReqArgs: Json | undefined, change: (set: JsonObject) => JsonObject): JsonObject | undefined {
  if (execReqArgs === undefined || execReqArgs === null) return undefined;
  const mapped = Object.entries(objectOf(execReqArgs)).map(([member, sets]): [string, Json] => [
    member,
    Array.isArray(sets) ? sets.map((set) => change(objectOf(set))) : sets,
  ]);
  return Object.fromEntries(mapped);
}

/** Modes and what must not go with them (TS-0004 7.4.16.1). Throws Refused (4000). */
export function requireFittingMode(attributes: Attributes): void {
  const mode = Number(attributes['execMode'] ?? 1);
  for (const [name, shortName] of excludedBy[mode] ?? []) {
    if (attributes[name] === undefined || attributes[name] === null) continue;
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `execMode 'exm' ${mode} does not go with ${name} '${shortName}'; leave '${shortName}' out, or choose another mode`,
    );
  }
}

const frequency = ['execFrequency', 'exf'] as const;
const delay = ['execDelay', 'exy'] as const;
const number = ['execNumber', 'exn'] as const;

const excludedBy: Readonly<Record<number, readonly (readonly [string, string])[]>> = {
  1: [frequency, delay, number],
  2: [delay],
  3: [frequency, number],
};

/** The `<node>` that execTarget names, by resource ID or address. Throws Refused: 4000, 5001. */
export async function targetOf(attributes: Attributes, parts: CseParts): Promise<Resource> {
  const reference = String(attributes['execTarget']);
  const target = await parts.tree.resolve(reference);
  if (target?.resourceType === resourceTypes.NODE && !(await parts.tree.hasEnded(target, parts.clock.now())))
    return target;
  if (target?.resourceType === resourceTypes.GROUP) {
    throw new Refused(
      statusCodes.NOT_IMPLEMENTED,
      `execTarget 'ext' names the group '${reference}'; a command is carried out on one <node>, make a <mgmtCmd> for each`,
    );
  }
  throw new Refused(
    statusCodes.BAD_REQUEST,
    `execTarget 'ext' names '${reference}', which is no <node> here; give the resource ID or the path of one`,
  );
}
