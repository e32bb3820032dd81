/**
 * How a package gets onto a device: it pulls the image from a URI that is written to it, or we push the image by Block1.
 * Shared by firmware (object 5) and software (object 9).
 */
import type { Artifact } from '../../src/management/adapter.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { OperationId, Value } from '../../src/management/operation.ts';
import type { DeviceLink, ProcedureRun } from './procedure.ts';

export type DeliveryMethod = 'pull' | 'push';

/** What the device says of itself: Delivery Method (/5/0/9) and Protocol Support (/5/0/8). */
export interface DeliveryCapabilities {
  /** 0 pull, 1 push, 2 both; undefined = the device does not say. */
  method?: number;
  /** 0 CoAP, 1 CoAPS, 2 HTTP, 3 HTTPS, 4 CoAP+TCP, 5 CoAP+TLS; undefined = the device does not say. */
  protocols?: number[];
}

export type DeliveryEnd =
  | { state: 'delivered' }
  /** The device said no, or the image is not to be had: nothing of this delivery goes on. */
  | { state: 'refused'; failure: Failure }
  /** No answer: the device may have it, or have it in part. */
  | { state: 'silent'; failure: Failure };

/** How a series of deliveries ended, and which ways are left after it; the first of them is the one that was used. */
export type DeliverySeries = { methods: DeliveryMethod[]; end: DeliveryEnd };

export interface Delivery {
  device: DeviceLink;
  run: ProcedureRun;
  url: string;
  protocols?: number[];
  packagePath: string;
  uriPath: string;
  /** The device took the URI or acknowledged a block; octets of a push. Awaited before anything else is sent. */
  begun(sent: number, total: number): Promise<void>;
}

const schemes: Record<string, number> = {
  'coap:': 0,
  'coaps:': 1,
  'http:': 2,
  'https:': 3,
  'coap+tcp:': 4,
  'coaps+tcp:': 5,
};

/** Package URI has at most 255 octets (object 5 and 9). */
const MAXIMUM_URI = 255;

/** Ways to try, best first. A device that does not say how it takes packages gets them pushed: that needs least of it. */
export function deliveryMethods(capabilities: DeliveryCapabilities): DeliveryMethod[] {
  switch (capabilities.method) {
    case 0:
      return ['pull'];
    case 1:
      return ['push'];
    case 2:
      return ['pull', 'push'];
    default:
      return ['push', 'pull'];
  }
}

/** Reads `{ 0: 2, 1: 3 }` of Protocol Support; a single number is a list of one. */
export function readProtocols(value: Value | undefined): number[] | undefined {
  if (typeof value === 'number') return [value];
  if (value === undefined || value === null || typeof value !== 'object' || !('instances' in value)) return undefined;
  return Object.values(value.instances).filter((protocol) => typeof protocol === 'number');
}

/** A sentence when `url` cannot be the source of a package. */
export function checkUrl(url: Value | undefined): { url: string } | { failure: Failure } {
  if (typeof url === 'string' && URL.canParse(url) && new URL(url).protocol in schemes) return { url };
  const shown = typeof url === 'string' && url !== '' ? JSON.stringify(url.slice(0, 80)) : 'No URL';
  return {
    failure: {
      cause: 'conversion',
      explanation: `${shown} names no package: set URL to an http, https, coap or coaps address, or to an uploaded artifact.`,
    },
  };
}

/**
 * Delivers in the first way that the device takes.
 * @param turn told before each way is tried.
 */
export async function deliverInTurn(
  methods: readonly DeliveryMethod[],
  delivery: Delivery,
  turn: (methods: DeliveryMethod[]) => void,
): Promise<DeliverySeries> {
  const explanation = 'No way to deliver the package is left.';
  let end: DeliveryEnd = { state: 'refused', failure: { cause: 'transfer-failed', explanation } };
  for (let index = 0; index < methods.length; index++) {
    const left = methods.slice(index);
    turn(left);
    end = left[0] === 'pull' ? await pull(delivery) : await push(delivery);
    if (end.state !== 'refused' || delivery.run.signal.aborted) return { methods: left, end };
  }
  return { methods: [], end };
}

async function pull(delivery: Delivery): Promise<DeliveryEnd> {
  const { device, uriPath } = delivery;
  const uri = await uriFor(delivery);
  if (typeof uri !== 'string') return { state: 'refused', failure: uri };
  const answer = await device.write(uriPath, uri);
  if (!answer.ok) return ended(answer.failure, answer.code, uriPath);
  await delivery.begun(0, 0);
  return { state: 'delivered' };
}

/** Our own artifacts get an address that the device can reach; foreign addresses are passed on as they are. */
async function uriFor({ device, run, url, protocols }: Delivery): Promise<string | Failure> {
  const artifact = await device.context.artifacts.byUrl(url);
  const candidates = artifact ? await linksOf(device, artifact, run.operation().id) : [url];
  const known = candidates.filter((candidate) => {
    const protocol = schemes[new URL(candidate).protocol];
    return protocol !== undefined && (protocols?.includes(protocol) ?? true);
  });
  const uri = known.find((candidate) => Buffer.byteLength(candidate) <= MAXIMUM_URI);
  if (uri !== undefined) return uri;
  if (known.length > 0) {
    return {
      cause: 'contents-unacceptable',
      explanation: `The URL is longer than the ${MAXIMUM_URI} octets that a device takes: use a shorter one.`,
    };
  }
  return {
    cause: 'not-acceptable',
    explanation: `The device cannot download from ${artifact ? 'the addresses that the gateway serves artifacts at' : new URL(url).protocol}; it supports protocols ${protocols?.join(', ') ?? 'unknown'} of its resource 8.`,
  };
}

/** HTTP first: with Range it takes a fraction of the exchanges of CoAP blocks. */
async function linksOf(device: DeviceLink, artifact: Artifact, operation: OperationId): Promise<string[]> {
  const links: string[] = [];
  for (const scheme of ['http', 'coap'] as const) {
    // Objects 5 and 9 have no resource for user name and password.
    const request = { scheme, operation, takesCredentials: false };
    const link = await device.context.artifacts.linkFor(device.device(), artifact, request);
    if (link && URL.canParse(link.url)) links.push(link.url);
  }
  return links;
}

async function push(delivery: Delivery): Promise<DeliveryEnd> {
  const { device, run, packagePath } = delivery;
  const artifact = await artifactFor(device, delivery.url);
  if (!('id' in artifact)) return { state: 'refused', failure: artifact };
  if (artifact.size === 0) {
    return {
      state: 'refused',
      failure: { cause: 'transfer-failed', explanation: 'The image is empty: upload it again.' },
    };
  }
  let hasBegun = false;
  const answer = await device.push(
    packagePath,
    { size: artifact.size, read: (offset, length) => device.context.artifacts.read(artifact, offset, length) },
    {
      onBlock: async (sent, total) => {
        hasBegun = true;
        await delivery.begun(sent, total);
      },
    },
  );
  if (!answer.ok) return ended(answer.failure, answer.code, packagePath);
  if (!hasBegun && !run.signal.aborted) await delivery.begun(artifact.size, artifact.size);
  return { state: 'delivered' };
}

async function artifactFor(device: DeviceLink, url: string): Promise<Artifact | Failure> {
  try {
    return (await device.context.artifacts.byUrl(url)) ?? (await device.context.artifacts.fetch(url));
  } catch (error) {
    device.context.log.warn({ err: error, device: device.device().id }, 'image could not be fetched');
    const reason = error instanceof Error ? error.message : String(error);
    return {
      cause: 'transfer-failed',
      explanation: `The gateway could not fetch the image: ${reason}. Check the URL and try again.`,
    };
  }
}

function ended(failure: Failure | undefined, code: string, path: string): DeliveryEnd {
  const known = failure ?? {
    cause: 'device-error',
    explanation: 'The device refused the package.',
    evidence: code,
    path,
  };
  return { state: code === '' ? 'silent' : 'refused', failure: known };
}
