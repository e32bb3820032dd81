/** The CWMP leg before management in memory, with one small CPE. */
import { createCwmpAdapter, type CwmpSettings } from '../../adapters/cwmp/adapter.ts';
import type { ManagedDevice, ProtocolAdapter } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import { silentLog, type Log } from '../../src/support/log.ts';
import { createFakeManagement, type FakeManagement } from '../lwm2m/fake-management.ts';
import { createSmallCpe, type SmallCpe } from './small-cpe.ts';

export interface SmallLeg {
  management: FakeManagement;
  adapter: ProtocolAdapter;
  cpe: SmallCpe;
  port: number;
  /** Lines of the log, with their fields, at info and above. */
  lines: { level: 'info' | 'warn' | 'error'; fields: Record<string, unknown>; message: string }[];
  /** What was counted, by name and labels. */
  counted: { name: string; labels: Record<string, string> }[];
  device(): ManagedDevice;
  /** Names of the methods that the CPE was asked, in order. */
  methods(): string[];
  /** One session with an operation in the lane; the CPE is onboarded before. */
  run(steps: Step[], change?: Partial<Operation>): Promise<Outcome>;
  stop(): Promise<void>;
}

export const identity = 'urn:dev:ops:00D09E-IGD-S1';

/** @param management that of a leg before, as after a restart of the gateway */
export async function startSmallLeg(
  settings: Partial<CwmpSettings> = {},
  management: FakeManagement = createFakeManagement(),
): Promise<SmallLeg> {
  const lines: SmallLeg['lines'] = [];
  const counted: SmallLeg['counted'] = [];
  const writes =
    (level: 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields: fields as Record<string, unknown>, message });
  const log: Log = { ...silentLog, info: writes('info'), warn: writes('warn'), error: writes('error') };
  management.context.log = log;
  management.context.metrics = {
    ...management.context.metrics,
    count: (name, labels) => void counted.push({ name, labels: (labels ?? {}) as Record<string, string> }),
  };
  const adapter = createCwmpAdapter({ port: 0, transientPause: 1, ...settings });
  const [listener] = await adapter.start(management.context);
  const { port } = listener!;
  const cpe = createSmallCpe(() => port);
  const leg: SmallLeg = {
    management,
    adapter,
    cpe,
    port,
    lines,
    counted,
    device: () => management.device(identity),
    methods: () => cpe.asked.map(({ method }) => method),
    async run(steps, change = {}) {
      if (management.sightings.length === 0) await cpe.session();
      cpe.asked = [];
      const operation = management.queue(leg.device().id, steps, change);
      await cpe.session();
      return management.outcome(operation.id);
    },
    stop: () => adapter.stop(new Date(Date.now() + 100)),
  };
  return leg;
}
