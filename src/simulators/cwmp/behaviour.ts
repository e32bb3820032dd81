import type { Root } from './model-roots.ts';
import { wireTime } from './values.ts';
import type { Workshop } from './workshop.ts';

const stateChange = 1;
const diagnosing = 2;

/** What follows when a server has set a value, apart from the value itself. `rearm` is called when the timing of Informs has changed. */
export function behaviourOf(workshop: Workshop, root: Root, rearm: () => void): (path: string, value: string) => void {
  const { tree, journal, outbox, later, afterSession } = workshop;
  const change = (path: string, value: string): void => {
    if (tree.parameter(path)) tree.set(path, value);
  };
  return (path, value) => {
    const tail = path.slice(root.name.length);
    const object = path.slice(0, path.lastIndexOf('.') + 1);
    if (tail === 'ManagementServer.URL') {
      afterSession(() => {
        journal.tell('life', `has a new server: ${value}`);
        outbox.bootstrap();
        workshop.wantSession();
      });
    } else if (/^ManagementServer\.(PeriodicInform|STUN)/.test(tail)) rearm();
    else if (tail === `${root.ping}DiagnosticsState`)
      afterSession(() => later(diagnosing, () => ping(workshop, object)));
    else if (tail.startsWith(root.ping)) {
      // TR-181 Device.IP.Diagnostics.IPPing.: writing an input takes the results away.
      if (tree.get(`${object}DiagnosticsState`) === 'Complete') change(`${object}DiagnosticsState`, 'None');
    } else if (/SoftwareModules\.ExecutionUnit\.\d+\.RequestedState$/.test(tail)) {
      const active = value === 'Active';
      if (tree.get(`${object}Status`) === value) return;
      change(`${object}Status`, active ? 'Starting' : 'Stopping');
      later(stateChange, () => {
        change(`${object}Status`, value);
        journal.tell('software', `${object} is ${value}`, { path: object });
      });
    } else if (/EventLog\.\d+\.Enable$/.test(tail)) {
      change(`${object}Status`, value === 'true' ? 'Started' : 'Stopped');
      change(
        `${object}Data`,
        journal.entries
          .slice(-20)
          .map((entry) => `${wireTime(new Date(entry.at))} ${entry.kind} ${entry.path ?? entry.method ?? ''}`)
          .join('\n'),
      );
    } else if (tail.endsWith('.Enable') && ['Up', 'Down', 'Disabled'].includes(tree.get(`${object}Status`) ?? '')) {
      const off = tail.includes('ExecEnv') ? 'Disabled' : 'Down';
      change(`${object}Status`, value === 'true' ? 'Up' : off);
    }
  };
}

/** A ping that finds its host, unless there is none. */
function ping({ tree, outbox, journal, wantSession }: Workshop, object: string): void {
  if (tree.get(`${object}DiagnosticsState`) !== 'Requested') return;
  const count = Number(tree.get(`${object}NumberOfRepetitions`));
  const found = tree.get(`${object}Host`) !== '';
  const results = {
    SuccessCount: found ? count : 0,
    FailureCount: found ? 0 : count,
    AverageResponseTime: 4,
    MinimumResponseTime: 2,
    MaximumResponseTime: 9,
  };
  for (const [name, value] of Object.entries(results)) tree.set(`${object}${name}`, String(value));
  tree.set(`${object}DiagnosticsState`, found ? 'Complete' : 'Error_CannotResolveHostName');
  journal.tell('life', `has sent ${count} pings`);
  outbox.add('8 DIAGNOSTICS COMPLETE');
  wantSession();
}

/** What changes on a device that nobody touches: the battery drains and is charged again, memory moves. */
export function live({ tree, path, random, journal }: Workshop): () => void {
  let charging = false;
  return () => {
    const free = path('DeviceInfo.MemoryStatus.Free');
    if (tree.parameter(free)) tree.set(free, String(Math.round(131_072 + (random() - 0.5) * 8192)));
    const rows = tree.below(path('DeviceInfo.X_oneM2M_org_BatteryStatus.Battery.')) ?? [];
    const level = rows.find((node) => node.path.endsWith('.Level'));
    if (!level) return;
    const now = Number(level.value);
    charging = charging ? now < 100 : now <= 5;
    const next = charging ? Math.min(100, now + 5) : Math.max(0, now - 1);
    journal.tell('life', `battery at ${next} %${charging ? ', charging' : ''}`, { path: level.path });
    // m2m:batteryStatus: 1 normal, 2 charging, 5 low.
    tree.set(level.path.replace(/Level$/, 'Status'), charging ? '2' : next <= 10 ? '5' : '1');
    tree.set(level.path, String(next));
  };
}
