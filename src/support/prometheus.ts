/** `Metrics` on prom-client, in a registry of its own so that two gateways in one process (tests) do not meet. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { definitions, type Labels, type MetricDefinition, type MetricName, type Metrics } from './metrics.ts';

export interface PrometheusMetrics extends Metrics {
  readonly contentType: string;
  render(): Promise<string>;
}

export function createPrometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  const counters = new Map<MetricName, Counter>();
  const histograms = new Map<MetricName, Histogram>();
  const readers = new Map<MetricName, (() => { value: number; labels?: Labels }[])[]>();

  for (const [key, value] of Object.entries(definitions)) {
    const name = key as MetricName;
    const definition: MetricDefinition = value;
    const labelNames = definition.labels ?? [];
    const registers = [registry];
    if (definition.kind === 'counter') {
      counters.set(name, new Counter({ name, help: definition.help, labelNames, registers }));
    } else if (definition.kind === 'histogram') {
      histograms.set(
        name,
        new Histogram({ name, help: definition.help, labelNames, registers, buckets: definition.buckets }),
      );
    } else {
      const gauge: Gauge = new Gauge({
        name,
        help: definition.help,
        labelNames,
        registers,
        collect() {
          gauge.reset();
          for (const read of readers.get(name) ?? []) {
            for (const { value: reading, labels } of read()) gauge.inc(labels ?? {}, reading);
          }
        },
      });
    }
  }

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels ?? {}, by),
    observe: (name, value, labels) => histograms.get(name)?.observe(labels ?? {}, value),
    gauge(name, read) {
      readers.set(name, [...(readers.get(name) ?? []), read]);
    },
  };
}
