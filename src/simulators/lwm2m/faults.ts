import { Refusal } from './value.ts';

export type Operation =
  | 'read'
  | 'write'
  | 'execute'
  | 'create'
  | 'delete'
  | 'discover'
  | 'attributes'
  | 'read-composite'
  | 'write-composite';

/** Which requests a fault is for; what is left out matches everything. `path` matches itself and what is below. */
export interface RequestFilter {
  operation?: Operation;
  path?: string;
}

/** What goes wrong. All of it can be changed while the device runs. */
export interface Faults {
  /** Share of datagrams that are lost, each way, 0..1. */
  loss?: number;
  /** Delay of each datagram in ms, or a range to draw from. */
  delay?: number | [number, number];
  /** Share of datagrams that arrive twice, each way, 0..1. */
  duplication?: number;
  /** Hears nothing, says nothing. */
  asleep?: boolean;
  /** Executes Reboot and is gone without having answered. */
  silentReboot?: boolean;
  /** Requests that are refused with a CoAP code such as '4.01'. */
  refuse?: (RequestFilter & { code: string })[];
  /** Every image is found bad: result 5, 6, or 8 at installation (firmware); 53, 54, 58 (software). */
  badImage?: 'integrity' | 'type' | 'install';
  /** Downloads by URI end like this: result 4, 7, 9 (firmware); 52, 56, 56 (software). */
  downloadFailure?: 'connection' | 'uri' | 'protocol';
  /** No room for an image: result 2 (firmware), 50 (software). */
  storageFull?: boolean;
  /** Stays in Updating for ever. */
  stuckUpdating?: boolean;
  /** Reports success after an update, but still runs the old version. */
  keepsOldVersion?: boolean;
  /** Requests that get an empty ACK and then nothing. */
  ackThenSilence?: RequestFilter[];
  /** Dies when it is asked to execute, before or after having done it; comes back by a new registration. */
  crash?: 'before-execute' | 'after-execute';
}

/** The faults by the names of the command line. */
export const namedFaults: Readonly<Record<string, { help: string; faults: Faults; queueMode?: boolean }>> = {
  sleep: { help: 'listens only for 10 s after a message of its own (queue mode)', faults: {}, queueMode: true },
  loss: { help: 'loses 20 % of the datagrams', faults: { loss: 0.2 } },
  delay: { help: 'delays each datagram by 200 to 1500 ms', faults: { delay: [200, 1500] } },
  duplication: { help: 'repeats 20 % of the datagrams', faults: { duplication: 0.2 } },
  'silent-reboot': { help: 'reboots without answering the Execute', faults: { silentReboot: true } },
  'refuse-write': { help: 'answers 4.01 to every Write', faults: { refuse: [{ operation: 'write', code: '4.01' }] } },
  'refuse-execute': {
    help: 'answers 4.05 to every Execute',
    faults: { refuse: [{ operation: 'execute', code: '4.05' }] },
  },
  'bad-image': { help: 'finds the digest of every image wrong', faults: { badImage: 'integrity' } },
  'bad-image-type': { help: 'finds every image of an unsupported type', faults: { badImage: 'type' } },
  'install-failure': { help: 'fails to install every image', faults: { badImage: 'install' } },
  'download-failure': {
    help: 'loses the connection in the middle of a download',
    faults: { downloadFailure: 'connection' },
  },
  'storage-full': { help: 'has no room for an image', faults: { storageFull: true } },
  'stuck-updating': { help: 'never ends an update', faults: { stuckUpdating: true } },
  'old-version': { help: 'reports a successful update but runs the old version', faults: { keepsOldVersion: true } },
  'ack-then-silence': { help: 'acknowledges requests and never answers them', faults: { ackThenSilence: [{}] } },
  'crash-before-execute': { help: 'dies before it executes', faults: { crash: 'before-execute' } },
  'crash-after-execute': { help: 'dies after it has executed, before it answers', faults: { crash: 'after-execute' } },
};

function matches(filter: RequestFilter, operation: Operation, path: string): boolean {
  if (filter.operation !== undefined && filter.operation !== operation) return false;
  return filter.path === undefined || path === filter.path || path.startsWith(`${filter.path}/`);
}

/** Throws the refusal that the faults ask for. */
export function refuseOnRequest(faults: Faults, operation: Operation, path: string): void {
  const refusal = faults.refuse?.find((filter) => matches(filter, operation, path));
  if (refusal) throw new Refusal(refusal.code, `refused on request: ${operation} ${path}`);
}

export function silentOnRequest(faults: Faults, operation: Operation, path: string): boolean {
  return faults.ackThenSilence?.some((filter) => matches(filter, operation, path)) ?? false;
}
