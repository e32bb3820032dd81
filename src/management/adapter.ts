/**
 * The contract of a leg. A leg never touches a oneM2M resource; what it learns goes up through the context, what it has to
 * do comes down through the lane. A new leg is one folder below `adapters/` that exports a `ProtocolAdapter`.
 */
import type { Json } from '../onem2m/primitive.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import type { DeviceId, LaneId, Operation, OperationId, Pending, Value } from './operation.ts';
import type { Failure, Outcome } from './outcome.ts';

/** Inputs a procedure takes: `true` = required. Checked against the mappings by `npm run check`. */
export type ProcedureSignature = Record<string, boolean>;

export interface ProtocolAdapter {
  readonly technology: string;
  readonly procedures: Record<string, ProcedureSignature>;
  start(context: AdapterContext): Promise<Listener[]>;
  wake(device: ManagedDevice): Promise<WakeResult>;
  /** Asks the device to stop an accepted operation; goes past the queue. */
  cancel(device: ManagedDevice, operation: Operation): Promise<CancelResult>;
  /** The subscriptions of a device changed: make what is observed equal to `context.wish(device)`. */
  wishChanged(device: ManagedDevice): void;
  stop(deadline: Date): Promise<void>;
}

export interface Listener {
  name: string; // 'lwm2m'
  url: string; // coap://127.0.0.1:5683
  address: string;
  port: number;
}

export interface ManagedDevice {
  id: DeviceId;
  technology: string;
  /** The device's own identity: endpoint name, OUI-ProductClass-Serial, DevId. */
  identity: string;
  /** Lane of whoever holds the session: a proxied device shares its proxy's. */
  lane: LaneId;
  /** Resource ID of its `<node>`. */
  node?: string;
  presence: Presence;
  inventory: Inventory;
  /** The leg's own facts: registration, capabilities, limits. */
  facts: Json;
}

export interface Presence {
  state: 'reachable' | 'asleep' | 'gone';
  /** When anything came from it last; ms since 1970, store clock. */
  lastSeen: number;
  /** Registered until; absent = unlimited. */
  until?: number;
  /** When it said so: the lifetime is the difference. Absent in rows of older versions: `lastSeen`. */
  renewedAt?: number;
  address?: string;
  why?: string;
}

/** As a leg tells it; when that was is noted by management. */
export type ToldPresence = Omit<Presence, 'lastSeen' | 'renewedAt'>;

/** What the device has, in the leg's own paths. */
export interface Inventory {
  /** Object instances: `/3/0`, `Device.DeviceInfo.`, `./DevInfo`; an object without instances is listed as `/16`. */
  objects: InventoryObject[];
  /** For choosing profiles. */
  manufacturer?: string;
  model?: string;
  productClass?: string;
  softwareVersion?: string;
  /** These four were read from the device by management, because its leg does not tell them. */
  learned?: boolean;
}

export interface InventoryObject {
  path: string;
  /** Object URN where the technology has one, e.g. `urn:oma:lwm2m:oma:3`; the version apart. */
  objectID?: string;
  version?: string;
  /** A name of the instance that stays when its number becomes another. */
  alias?: string;
}

/** A device showed up or renewed itself: Register, Update, Inform, package #1. */
export interface Sighting {
  identity: string;
  technology: string;
  /** Identity of the device whose session carries this one. */
  proxiedBy?: string;
  presence: ToldPresence;
  /** Absent: unchanged since the last sighting. */
  inventory?: Inventory;
  /** A new start of the device (Register, BOOT): unknown outcomes that wait for it are settled. */
  restarted: boolean;
  /** ms since 1970, by `now`: when that start was told first, if it is told again: it proves nothing that was sent later. */
  startedAt?: number;
  facts?: Json;
}

export type Admission = { admitted: true; device: ManagedDevice } | { admitted: false; why: string };

export type WakeResult =
  | { state: 'awake' }
  | { state: 'asked'; by: string; expectedBefore?: number }
  /** Asleep with no way to call it; it will be served at its next contact. */
  | { state: 'waiting'; why: string; nextContact?: number }
  | { state: 'impossible'; why: string };

export type CancelResult =
  | { state: 'cancelled' }
  | { state: 'refused'; failure: Failure }
  | { state: 'not-cancellable'; why: string };

export interface Observation {
  path: string;
  value: Value;
}

/** What a device says on its own. */
export type DeviceEvent =
  /** Values that changed: notification, Send, VALUE CHANGE. `time` = the device's own clock, shown and never compared. */
  | { event: 'values'; values: Observation[]; time?: string }
  /** Resources that the device no longer has. */
  | { event: 'gone'; paths: string[] }
  /**
   * It tells something that is no value and no outcome: a generic alert, `…firmwareupdate.userrequest`. `path`: the object that it is
   * about; '' = the device. Shown as a label of the resource of that object, so that a subscription tells of it.
   */
  | { event: 'alert'; type: string; path: string; text: string };

/** What should be observed on a device now; computed from the subscriptions. */
export interface ObservationWish {
  path: string;
  minimumPeriod?: number; // s
  maximumPeriod?: number; // s
}

export interface AdapterContext {
  /** Durable when it resolves; or refused, and why. */
  deviceSeen(sighting: Sighting): Promise<Admission>;
  /**
   * The device renewed itself and nothing else changed: kept in memory and written in the background. A restart of the
   * gateway gives every registration a fresh lifetime, so a lost renewal never expires a device.
   */
  deviceRenewed(id: DeviceId, presence: ToldPresence): void;
  /** Anything came from the device: its last contact is now. In memory, and cheap: call it for every message. */
  deviceHeard(id: DeviceId): void;
  deviceGone(id: DeviceId, why: string): Promise<void>;
  device(id: DeviceId): Promise<ManagedDevice | undefined>;
  deviceByIdentity(identity: string): Promise<ManagedDevice | undefined>;
  /** All devices of the leg, for its start: 200 at a time. */
  devices(): AsyncIterable<ManagedDevice>;
  /** Durable when it resolves; answer the device after it. A repeat changes nothing. */
  report(id: DeviceId, event: DeviceEvent): Promise<void>;
  /** Replaces the leg's facts of the device. */
  remember(id: DeviceId, facts: Json): Promise<void>;
  /** Takes the lane; an older session of it is aborted. */
  openSession(id: DeviceId, onWork: () => void): Promise<LaneSession>;
  /** Operations are in its lane that no session has taken. */
  hasWork(id: DeviceId): boolean;
  /** Accepted, not settled. */
  pending(id: DeviceId, correlator?: string): Promise<Operation[]>;
  /** Sent in a session that broke before the device answered: nobody knows what came of them, and evidence is sought. */
  unanswered(id: DeviceId): Promise<Operation[]>;
  /** The device is at work on one of these after all: it is accepted. Durable when it resolves. Rejects with `Withdrawn` when it is over. */
  takeUp(operation: Operation, pending: Pending): Promise<void>;
  /**
   * New state of an accepted operation; durable when it resolves. Values are shown on the resource at once. Rejects with `Withdrawn`
   * when the operation is over: nothing more may be done for it on the device.
   */
  progress(operation: Operation, pending: Pending, values?: Observation[]): Promise<void>;
  /** Ends an accepted operation, with or without a session. A second settlement of the same operation changes nothing. */
  settle(operation: Operation, outcome: Outcome): Promise<void>;
  wish(id: DeviceId): Promise<ObservationWish[]>;
  /** Which paths the device keeps us informed of now; a live RETRIEVE of them is served from the stored copy. */
  observing(id: DeviceId, paths: string[]): void;
  /** Settings of the profile for this device that concern a leg, e.g. `versionAfterUpdate`. */
  profile(id: DeviceId): Promise<Record<string, unknown>>;
  /** Store clock, ms since 1970. */
  now(): number;
  /** Waits and timers; tests replace it. */
  clock: Clock;
  log: Log;
  metrics: Metrics;
  trace: Tracer;
  artifacts: ArtifactSource;
  credentials: CredentialSource;
  notes: NoteStore;
}

/** What a leg keeps under names of its own, apart from the facts of a device: two sessions may change it at the same time. */
export interface NoteStore {
  read(name: string): Promise<{ value: Json; version: number } | undefined>;
  /** Durable when it resolves. False: nothing was written, for it is not that version any more (0 = it did not exist). */
  write(name: string, version: number, value: Json): Promise<boolean>;
}

export interface LaneSession {
  readonly device: DeviceId;
  /** Lost the lease, or a newer session came. */
  readonly signal: AbortSignal;
  /** In order; `[]` = nothing now: `onWork` is called when there is. */
  take(max: number): Promise<Operation[]>;
  /**
   * Durable before it resolves, for operations that are not repeatable. Rejects with `Withdrawn` when it lost the race, with another
   * error when the store fails: then they are back at their place; take them again after a pause.
   */
  dispatched(operations: Operation[]): Promise<void>;
  accepted(operation: Operation, pending: Pending, outcome?: Partial<Outcome>): Promise<void>;
  settle(operation: Operation, outcome: Outcome): Promise<void>;
  /** Not sent after all: back to their place. */
  release(operations: Operation[]): Promise<void>;
  close(): Promise<void>;
}

/** The requester gave up before the first byte left: the operation must not be sent. */
export class Withdrawn extends Error {
  readonly operation: string;
  constructor(operation: string) {
    super(`operation ${operation} was withdrawn before it was sent`);
    this.name = 'Withdrawn';
    this.operation = operation;
  }
}

export interface TraceEntry {
  direction: 'in' | 'out' | 'note';
  /** One line, decoded, secrets redacted. */
  summary: string;
  detail?: Json;
}

/** Last messages per device; cheap when nobody looks: the entry may be a function. */
export interface Tracer {
  /** @param operation what the message belongs to, where it belongs to one */
  record(device: DeviceId, entry: TraceEntry | (() => TraceEntry), operation?: Operation): void;
}

export interface Artifact {
  id: string;
  size: number;
  sha256: string;
  contentType: string;
  name: string;
}

/** An address that a device can fetch an artifact from. */
export interface ArtifactLink {
  url: string;
  /** Present when the address alone is not enough. */
  username?: string;
  password?: string;
}

export interface LinkRequest {
  scheme: 'http' | 'coap';
  /** What the image is fetched for: what the link grants ends with it. */
  operation: OperationId;
  /** The device can be told user name and password beside the address. */
  takesCredentials: boolean;
}

/** What a device asks for; over CoAP the path is all there is. */
export interface ArtifactRequest {
  /** Segments, decoded. */
  path: readonly string[];
  /** Of HTTP; default GET. */
  method?: string;
  authorization?: string;
}

export type ArtifactAccess =
  | { artifact: Artifact; refused?: undefined }
  | {
      /** `ended`: the credentials are right, and the operation is over. */
      refused: 'unauthorized' | 'ended' | 'not-found';
      explanation: string;
      /** Values of WWW-Authenticate. */
      challenges: string[];
    };

export interface ArtifactSource {
  /** The artifact that an URL names, when it is one of ours. */
  byUrl(url: string): Promise<Artifact | undefined>;
  /** For a leg that serves artifacts itself (CoAP): what it may give to who asks so. */
  access?(request: ArtifactRequest): Promise<ArtifactAccess>;
  /** Undefined: the gateway does not serve this scheme. */
  linkFor(device: ManagedDevice, artifact: Artifact, request: LinkRequest): Promise<ArtifactLink | undefined>;
  /** Octets from `offset`; fewer at the end. */
  read(artifact: Artifact, offset: number, length: number): Promise<Uint8Array>;
  /** Fetches a foreign http(s) URL into the store (bounded), so that it can be pushed. */
  fetch(url: string): Promise<Artifact>;
}

export interface DeviceCredentials {
  /** Absent: one of the names that the device has by itself. */
  username?: string;
  secret: string;
  /** With which the gateway calls the device (CWMP); absent: the gateway makes some of its own. */
  connectionRequest?: { username: string; password: string };
  /** OMA DM: the only scheme by which the device may prove itself. */
  scheme?: 'basic' | 'md5' | 'hmac';
  /** OMA DM: by which the gateway proves itself to the device. */
  server?: { identifier: string; secret: string };
  /** OMA DM: where notifications reach the device: `udp:192.0.2.7:2948`, `http://192.0.2.7/push`, or what a webhook knows: `sms:+49170…`. */
  notificationAddress?: string;
}

export interface CredentialSource {
  /** Undefined: none stored. */
  forDevice(technology: string, identity: string): Promise<DeviceCredentials | undefined>;
}
