/** `<execInstance>` as it is made by an execution, and the labels that tell why one ended. */
import { enumerations } from '../onem2m/enumerations.ts';
import type { Outcome } from '../management/outcome.ts';
import type { OperationId } from '../management/operation.ts';
import type { Attributes, Resource } from '../onem2m/resource.ts';
import { stringsOf } from './json-values.ts';

/** Attributes of the `<mgmtCmd>` of which an execution has a copy (TS-0004 7.4.16.2.3). */
const copied = ['execMode', 'execFrequency', 'execDelay', 'execNumber', 'execReqArgs', 'accessControlPolicyIDs'];

export function executionAttributes(command: Attributes, node: Resource, patch: Attributes): Attributes {
  const attributes: Attributes = { ...patch, execTarget: node.resourceID };
  for (const name of copied) {
    const value = command[name];
    if (value !== undefined && value !== null) attributes[name] = value;
  }
  return attributes;
}

/** The operation that carries it out, while it is not over. */
export function operationOfExecution(instance: Resource): OperationId | undefined {
  const { FINISHED, CANCELLED } = enumerations.execStatusType;
  const status = instance.attributes['execStatus'];
  const operation = instance.internal['operation'];
  return status === FINISHED || status === CANCELLED || typeof operation !== 'string' ? undefined : operation;
}

const keys = ['cause:', 'explanation:', 'evidence:'] as const;
const longestLabel = 500;

/** execInstance has no attribute for a sentence: its labels say why it ended, in the device's own words where there are any. */
export function labelsAfter(labels: Attributes[string] | undefined, { failure }: Outcome): string[] | undefined {
  if (!failure) return undefined;
  const others = stringsOf(labels).filter((label) => !keys.some((key) => label.startsWith(key)));
  const [cause, explanation, evidence] = keys;
  return [
    ...others,
    label(cause, failure.cause),
    label(explanation, failure.explanation),
    ...(failure.evidence === undefined ? [] : [label(evidence, failure.evidence)]),
  ];
}

function label(key: string, text: string): string {
  return `${key}${text.replaceAll(/\s+/g, ' ').trim()}`.slice(0, longestLabel);
}
