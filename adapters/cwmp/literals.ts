/**
 * SetParameterValues in the literals that a CPE takes: some take booleans only as 1 and 0 (quirk 10). Its profile says so, or a
 * fault teaches it: nothing was set then (TR-069 A.3.2.1), so the same is asked again in the other literals.
 */
import type { Channel, Result } from './channel.ts';
import type { CpeFault } from './faults.ts';
import type { Answer } from './rpc.ts';
import { readBoolean } from './scalars.ts';
import { knownType, type LiteralStyle, type ParameterValue } from './values.ts';

/** Arguments, type or value wrong: what a CPE says of a literal that it does not know. */
const refusals: ReadonlySet<number> = new Set([9003, 9006, 9007]);

/** Sets all of them, or none. */
export async function setValues(
  channel: Channel,
  values: readonly ParameterValue[],
  parameterKey: string,
): Promise<Result<Answer<'SetParameterValues'>>> {
  const { style, knowledge } = channel;
  const booleans = new Set(values.filter(({ type }) => knownType(type) === 'boolean').map(({ name }) => name));
  const first = await channel.ask('SetParameterValues', { values: inStyle(values, style), parameterKey });
  if (booleans.size === 0 || channel.isStyleStated) return first;
  if (first.answer) {
    knowledge.learnBooleans(style.booleans);
    return first;
  }
  const isCertain = knowledge.booleans !== undefined;
  if (isCertain || !first.fault || !blamesOneOf(booleans, first.fault)) return first;
  const other: LiteralStyle = { booleans: style.booleans === 'word' ? 'digit' : 'word' };
  const second = await channel.ask('SetParameterValues', { values: inStyle(values, other), parameterKey });
  const isTaken = second.answer !== undefined || isOnlyAboutOthers(booleans, second.fault);
  if (isTaken) knowledge.learnBooleans(other.booleans);
  return isTaken ? second : first;
}

function inStyle(values: readonly ParameterValue[], { booleans }: LiteralStyle): ParameterValue[] {
  return values.map((one) => {
    const truth = knownType(one.type) === 'boolean' ? readBoolean(one.value) : undefined;
    if (truth === undefined) return one;
    return { ...one, value: booleans === 'digit' ? (truth ? '1' : '0') : String(truth) };
  });
}

/** A fault that names no parameter may mean any of them (quirk 18). */
function blamesOneOf(names: ReadonlySet<string>, { code, parameters }: CpeFault): boolean {
  if (parameters.length === 0) return refusals.has(code);
  return parameters.some((one) => names.has(one.name) && refusals.has(one.code));
}

function isOnlyAboutOthers(names: ReadonlySet<string>, fault: CpeFault | undefined): boolean {
  return fault !== undefined && fault.parameters.length > 0 && !blamesOneOf(names, fault);
}
