/** Counts and times requests; the label objects are made once per combination, for this is done for every request. */
import { Operation } from '../onem2m/primitive.ts';
import type { Labels, Metrics } from '../support/metrics.ts';

export interface RequestMetrics {
  /** `operation` undefined: the request did not get so far. */
  record(operation: Operation | undefined, responseStatusCode: number, milliseconds: number): void;
  /** A failure inside the binding itself. */
  fault(): void;
}

const operationNames = new Map<number | undefined, string>(
  Object.entries(Operation).map(([name, value]) => [value, name.toLowerCase()]),
);

export function createRequestMetrics(metrics: Metrics): RequestMetrics {
  const byOperation = new Map<string, { operation: Labels; codes: Map<number, Labels> }>();
  return {
    record(operation, responseStatusCode, milliseconds) {
      const name = operationNames.get(operation) ?? 'unknown';
      let labels = byOperation.get(name);
      if (!labels) byOperation.set(name, (labels = { operation: { operation: name }, codes: new Map() }));
      let counted = labels.codes.get(responseStatusCode);
      if (!counted) labels.codes.set(responseStatusCode, (counted = { operation: name, rsc: responseStatusCode }));
      metrics.count('trivet_requests_total', counted);
      metrics.observe('trivet_request_seconds', milliseconds / 1000, labels.operation);
    },
    fault() {
      metrics.count('trivet_faults_total', { part: 'mca' });
    },
  };
}
