/** Figures of device management, for /metrics and for people. */
import type { Presence } from './adapter.ts';
import type { Core } from './core.ts';

export interface LegStatistics {
  technology: string;
  /** Operations that wait in lanes. */
  waiting: number;
  /** Seconds since the oldest of them was accepted; 0 = none waits. */
  oldest: number;
  sessions: number;
  registrations: Record<Presence['state'], number>;
}

export interface ManagementStatistics {
  legs: LegStatistics[];
  /** Operations that are not settled, wherever they are. */
  operations: number;
}

export function statisticsOf(core: Core): ManagementStatistics {
  const oldest = core.lanes.oldest();
  const now = core.clock.now();
  let operations = 0;
  for (const entry of core.lanes.entries()) if (entry) operations++;
  const legs = technologiesOf(core).map((technology) => ({
    technology,
    waiting: core.lanes.depths().get(technology) ?? 0,
    oldest: oldest.has(technology) ? (now - oldest.get(technology)!) / 1000 : 0,
    sessions: core.lanes.sessions().get(technology) ?? 0,
    registrations: registrationsOf(core, technology),
  }));
  return { legs, operations };
}

/** Read when /metrics is asked for. */
export function registerGauges(core: Core): void {
  const each = (value: (leg: LegStatistics) => number) => () =>
    statisticsOf(core).legs.map((leg) => ({ value: value(leg), labels: { technology: leg.technology } }));
  core.metrics.gauge(
    'trivet_lane_depth',
    each(({ waiting }) => waiting),
  );
  core.metrics.gauge(
    'trivet_lane_oldest_seconds',
    each((leg) => leg.oldest),
  );
  core.metrics.gauge(
    'trivet_sessions',
    each(({ sessions }) => sessions),
  );
  core.metrics.gauge('trivet_registrations', () =>
    technologiesOf(core).flatMap((technology) =>
      Object.entries(registrationsOf(core, technology)).map(([presence, value]) => ({
        value,
        labels: { technology, presence },
      })),
    ),
  );
}

function technologiesOf(core: Core): string[] {
  return [...new Set([...core.adapters.keys(), ...core.devices.presences().keys()])];
}

function registrationsOf(core: Core, technology: string): Record<Presence['state'], number> {
  const states = core.devices.presences().get(technology);
  return {
    reachable: states?.get('reachable') ?? 0,
    asleep: states?.get('asleep') ?? 0,
    gone: states?.get('gone') ?? 0,
  };
}
