/** The parts of the leg that its files share. */
import type { AdapterContext, CancelResult } from '../../src/management/adapter.ts';
import type { DeviceId, Operation } from '../../src/management/operation.ts';
import type { CpeSession } from './cpe-session.ts';
import type { KnowledgeBase } from './knowledge.ts';
import type { CwmpSettings } from './settings.ts';
import type { StunPlan } from './stun-provisioning.ts';
import type { DatagramSender } from './stun-server.ts';

export interface Leg {
  readonly context: AdapterContext;
  readonly settings: CwmpSettings;
  readonly knowledge: KnowledgeBase;
  /** Sessions in which the CPE can be talked to. */
  readonly sessions: Map<DeviceId, CpeSession>;
  /** Devices whose wishes are to be looked at in their next session. */
  readonly wishes: Set<DeviceId>;
  /** Devices whose wishes were looked at since they, or this process, have started. */
  readonly observed: Set<DeviceId>;
  /** Devices that have refused the credentials of a connection request: they get them again in their next session. */
  readonly estranged: Set<DeviceId>;
  /** Cancellations that wait for a session. */
  readonly cancellations: Map<DeviceId, Cancellation[]>;
  /** Our STUN server, once it is open: what CPEs are told of it, and the socket. */
  stun?: { readonly plan: StunPlan; readonly sender: DatagramSender };
  /** A device has begun a session: it need not be called any more. */
  came(id: DeviceId): void;
}

export interface Cancellation {
  operation: Operation;
  done(result: CancelResult): void;
}
