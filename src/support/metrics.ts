/**
 * Metrics by name. Every metric is declared once in `definitions` (name → kind, help, labels); `/metrics` renders them and
 * docs/operations.md lists them from here. A name that is not declared is a programming error and does not type-check.
 */
export interface MetricDefinition {
  kind: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels?: string[];
  buckets?: number[];
}

export const definitions = {
  trivet_operations_total: {
    kind: 'counter',
    help: 'Settled operations by leg, kind and outcome',
    labels: ['technology', 'kind', 'outcome'],
  },
  trivet_lane_depth: { kind: 'gauge', help: 'Operations that wait in lanes, by leg', labels: ['technology'] },
  trivet_lane_oldest_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest waiting operation, by leg',
    labels: ['technology'],
  },
  trivet_sessions: { kind: 'gauge', help: 'Open lane sessions, by leg', labels: ['technology'] },
  trivet_registrations: {
    kind: 'gauge',
    help: 'Registered devices, by leg and presence',
    labels: ['technology', 'presence'],
  },
  trivet_event_loop_delay_seconds: { kind: 'gauge', help: 'Event loop delay, 99th percentile of the last period' },
  trivet_commit_latency_seconds: { kind: 'gauge', help: 'Store commit latency', labels: ['quantile'] },
  trivet_commits_total: { kind: 'gauge', help: 'Store commits since start' },
  trivet_commit_conflicts_total: { kind: 'gauge', help: 'Store commits refused for a version conflict since start' },
  trivet_outbox_depth: { kind: 'gauge', help: 'Notifications that wait to be sent' },
  trivet_notifications_total: { kind: 'counter', help: 'Notifications by result', labels: ['result'] },
  trivet_datagrams_dropped_total: {
    kind: 'counter',
    help: 'Datagrams dropped, by reason',
    labels: ['technology', 'reason'],
  },
  trivet_datagrams_total: { kind: 'counter', help: 'Datagrams, by direction', labels: ['technology', 'direction'] },
  trivet_messages_total: {
    kind: 'counter',
    help: 'Messages over connections of devices, by direction',
    labels: ['technology', 'direction'],
  },
  trivet_omadm_sessions: { kind: 'gauge', help: 'OMA DM sessions that are not at their end' },
  trivet_cwmp_sessions: { kind: 'gauge', help: 'TR-069 sessions that are not at their end' },
  trivet_connection_requests_total: {
    kind: 'counter',
    help: 'TR-069 connection requests, by result: accepted, busy, unauthorized, unreachable, forbidden',
    labels: ['result'],
  },
  trivet_omadm_notifications_total: {
    kind: 'counter',
    help: 'Notifications to OMA DM devices (package #0), by result: sent, failed',
    labels: ['result'],
  },
  trivet_downloads_total: {
    kind: 'counter',
    help: 'Requests of devices for images over HTTP, by result: served, interrupted, unauthorized, ended, not-found, range',
    labels: ['result'],
  },
  trivet_stun_messages_total: {
    kind: 'counter',
    help: 'Messages to the STUN server, by result: answered, bound, challenged, unauthorized, refused, malformed, unexpected, reflection, limited, failed',
    labels: ['result'],
  },
  trivet_messages_refused_total: {
    kind: 'counter',
    help: 'Messages of devices that were refused, by reason',
    labels: ['technology', 'reason'],
  },
  trivet_requests_total: {
    kind: 'counter',
    help: 'Mca requests, by operation and response status code',
    labels: ['operation', 'rsc'],
  },
  trivet_request_seconds: {
    kind: 'histogram',
    help: 'Duration of Mca requests',
    labels: ['operation'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  trivet_faults_total: { kind: 'counter', help: 'Failures caught at an outer edge, by part', labels: ['part'] },
} satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof definitions;
export type Labels = Record<string, string | number>;

export interface Metrics {
  count(name: MetricName, labels?: Labels, by?: number): void;
  observe(name: MetricName, value: number, labels?: Labels): void;
  /** Read when `/metrics` is asked for. */
  gauge(name: MetricName, read: () => { value: number; labels?: Labels }[]): void;
}

export const noMetrics: Metrics = { count() {}, observe() {}, gauge() {} };
