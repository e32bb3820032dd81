/** The parts of the leg that its files share. */
import type { AdapterContext } from '../../src/management/adapter.ts';
import type { DeviceId, OperationId } from '../../src/management/operation.ts';
import type { DeviceSession } from './device-session.ts';
import type { DeviceSettings } from './device-settings.ts';
import type { Notifier } from './waking.ts';

export interface Leg {
  readonly context: AdapterContext;
  readonly settings: DeviceSettings;
  readonly notifier: Notifier;
  /** Sessions in which the device can be talked to. */
  readonly sessions: Map<DeviceId, DeviceSession>;
  /** Devices whose wishes are to be looked at in their next session. */
  readonly wishes: Set<DeviceId>;
  /** Devices of which nobody wishes anything. */
  readonly unwatched: Set<DeviceId>;
  /** When their versions were read last; ms, monotonic. In memory: a restart asks once more. */
  readonly versionsRead: Map<DeviceId, number>;
  readonly polls: Polls;
  /** Orders whose success is silence: they end at their deadline. */
  readonly silences: Map<OperationId, () => void>;
  /** A device has begun a session: it need not be called any more. */
  came(id: DeviceId): void;
}

/** When devices are to be read again. */
export interface Polls {
  isDue(id: DeviceId): boolean;
  /** Read now; again after the interval. */
  read(id: DeviceId): void;
  /** There is nothing to read by itself: it tells. */
  rest(id: DeviceId): void;
  /** Nobody wishes anything of it any more. */
  forget(id: DeviceId): void;
}
