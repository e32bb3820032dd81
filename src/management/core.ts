/** The parts of device management, as its functions see each other. Made by `createManagement`. */
import type { Bus } from '../bus/bus.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import type { ProtocolAdapter } from './adapter.ts';
import type { Alterations } from './alterations.ts';
import type { CommandTable } from './command-table.ts';
import type { DeviceRegistry } from './device-registry.ts';
import type { LaneEntry } from './lane.ts';
import type { Lanes } from './lanes.ts';
import type { TellOperation } from './operation-log.ts';
import type { OperationId } from './operation.ts';
import type { ResourceSide } from './resource-side.ts';
import type { ManagementSettings } from './settings.ts';
import type { TraceStore } from './trace.ts';
import type { Translator } from './translator.ts';
import type { Turns } from './turns.ts';

export interface Core {
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly settings: ManagementSettings;
  readonly lanes: Lanes;
  readonly devices: DeviceRegistry;
  readonly translator: Translator;
  readonly commands: CommandTable;
  readonly adapters: ReadonlyMap<string, ProtocolAdapter>;
  readonly resourceSide: () => ResourceSide;
  readonly trace: TraceStore;
  /** A line of the log for a turn of an operation; absent where nobody wants to read it. */
  readonly tell: TellOperation | undefined;
  readonly alterations: Alterations;
  /** Sightings and reports of one device, one at a time. */
  readonly turns: Turns;
  newOperationId(): OperationId;
  /** An outcome that nobody knows, and evidence that may settle it: see `evidence.ts`. */
  seekEvidence(entry: LaneEntry): void;
  /** True once the gateway stops: nothing new is accepted. */
  stopping: boolean;
}
