import { DownloadError } from './download.ts';
import type { DownloadFailure } from './download.ts';
import type { Faults } from './faults.ts';
import { inspectImage } from './image.ts';
import type { ImageHeader } from './image.ts';
import type { Journal } from './journal.ts';
import type { Hooks } from './operations.ts';
import type { Timers } from './timers.ts';
import type { ResourceTree } from './tree.ts';
import { isMultiple, Refusal } from './value.ts';
import type { Resource } from './value.ts';

/** What firmware and software need of the device. */
export interface Workshop {
  tree: ResourceTree;
  hooks: Hooks;
  faults: Faults;
  journal: Journal;
  timers: Timers;
  /** Device seconds to ms of waiting. */
  scale(seconds: number): number;
  fetch(
    uri: string,
    signal: AbortSignal,
    progress: (octets: number, total: number | undefined) => void,
  ): Promise<Buffer>;
  reboot(why: string): void;
}

const state = { idle: 0, downloading: 1, downloaded: 2, updating: 3 } as const;
const result = {
  none: 0,
  success: 1,
  storage: 2,
  connection: 4,
  integrity: 5,
  type: 6,
  uri: 7,
  failed: 8,
  protocol: 9,
  cancelled: 10,
} as const;
const ofFailure: Record<DownloadFailure, number> = {
  connection: result.connection,
  uri: result.uri,
  protocol: result.protocol,
  storage: result.storage,
};

const protocols: Record<string, number> = { 'coap:': 0, 'coaps:': 1, 'http:': 2, 'https:': 3 };

/** True for what resets the state machine: an empty URI, no octets, or the one octet 0 (Firmware Update object, State). */
export function isReset(value: Resource): boolean {
  if (value instanceof Uint8Array) return value.length === 0 || (value.length === 1 && value[0] === 0);
  return value === '';
}

/** Tells progress in steps of a tenth. */
export function progressTeller(
  journal: Journal,
  path: string,
  verb: string,
): (octets: number, total: number | undefined) => void {
  let told = -1;
  return (octets, total) => {
    const step = total ? Math.floor((octets / total) * 10) : Math.floor(octets / 65_536);
    if (step === told) return;
    told = step;
    const share = total ? ` of ${total} (${Math.min(100, Math.round((octets / total) * 100))} %)` : '';
    journal.tell('update', `${verb} ${octets}${share} octets`, { path, progress: total ? octets / total : undefined });
  };
}

/** Object 5: pull by URI, push by Package, then Update with a reboot. One image is kept from Downloaded to the end of the update. */
export class Firmware {
  readonly #workshop: Workshop;
  #image: ImageHeader | undefined;
  #download = new AbortController();
  #tellUpload: ((octets: number, total: number | undefined) => void) | undefined;
  #uploading = false;

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
    const { hooks } = workshop;
    hooks.writes.set('5/0', {
      check: (_, value) => this.#checkDelivery(value, 0),
      apply: (_, value) => this.#takePackage(value),
    });
    hooks.writes.set('5/1', {
      check: (_, value) => this.#checkDelivery(value, 1),
      apply: (_, value) => this.#takeUri(value),
    });
    hooks.executes.set('5/2', () => this.#update());
    hooks.executes.set('5/10', () => this.#cancel());
    hooks.uploads.set('5/0', {
      started: () => this.#startUpload(),
      progress: (_, octets, total) => this.#tellUpload?.(octets, total),
      failed: () => this.#fail(result.connection, 'the upload was given up'),
    });
  }

  get #state(): number {
    return Number(this.#workshop.tree.get([5, 0, 3]) ?? 0);
  }

  #become(next: number, outcome?: number): void {
    const { tree } = this.#workshop;
    if (outcome !== undefined) tree.set([5, 0, 5], outcome);
    if (tree.get([5, 0, 12]) !== undefined && next !== this.#state) tree.set([5, 0, 12], Math.floor(Date.now() / 1000));
    tree.set([5, 0, 3], next);
    this.#workshop.journal.tell('update', `firmware state ${next}, result ${Number(tree.get([5, 0, 5]))}`, {
      path: '/5/0/3',
    });
  }

  #fail(outcome: number, sentence: string): void {
    this.#uploading = false;
    this.#image = undefined;
    this.#workshop.journal.tell('update', `firmware: ${sentence}`, { path: '/5/0/5' });
    this.#become(state.idle, outcome);
  }

  #checkDelivery(value: Resource, resource: 0 | 1): void {
    if (this.#state === state.updating) throw new Refusal('4.05', 'an update is running');
    if (isReset(value) || this.#uploading) return;
    const method = this.#workshop.tree.get([5, 0, 9]);
    // Delivery method: 0 pull only, 1 push only, 2 both.
    if ((resource === 0 && method === 0) || (resource === 1 && method === 1)) {
      throw new Refusal('4.05', `delivery method ${Number(method)} does not include this one`);
    }
    if (this.#state !== state.idle)
      throw new Refusal('4.05', `firmware state is ${this.#state}, a package is taken in state 0`);
    if (resource === 0 && this.#workshop.faults.storageFull) {
      this.#become(state.idle, result.storage);
      throw new Refusal('5.00', 'there is no room for an image');
    }
  }

  #startUpload(): void {
    this.#uploading = false;
    if (this.#state === state.downloading) this.#become(state.idle, result.none);
    this.#checkDelivery(Buffer.of(1, 1), 0);
    this.#uploading = true;
    this.#tellUpload = progressTeller(this.#workshop.journal, '/5/0/0', 'received');
    this.#become(state.downloading, result.none);
  }

  #reset(outcome: number): void {
    this.#download.abort();
    this.#uploading = false;
    this.#image = undefined;
    const { tree } = this.#workshop;
    tree.set([5, 0, 1], '');
    tree.set([5, 0, 6], undefined);
    tree.set([5, 0, 7], undefined);
    this.#become(state.idle, outcome);
  }

  #takePackage(value: Resource): boolean {
    if (isReset(value)) this.#reset(result.none);
    else if (value instanceof Uint8Array) {
      this.#uploading = false;
      if (this.#state === state.idle) this.#become(state.downloading, result.none);
      this.#inspect(Buffer.from(value));
    }
    return true;
  }

  #takeUri(value: Resource): boolean {
    const { tree, journal } = this.#workshop;
    if (typeof value !== 'string' || isReset(value)) {
      this.#reset(result.none);
      return true;
    }
    tree.set([5, 0, 1], value);
    if (!URL.canParse(value)) {
      this.#fail(result.uri, `${value} is not a URI`);
      return true;
    }
    const supported = tree.get([5, 0, 8]);
    const protocol = protocols[new URL(value).protocol];
    if (supported !== undefined && isMultiple(supported) && !Object.values(supported).includes(protocol ?? -1)) {
      this.#fail(result.protocol, `${value} needs a protocol that the device does not have`);
      return true;
    }
    this.#become(state.downloading, result.none);
    this.#download = new AbortController();
    const { signal } = this.#download;
    this.#workshop
      .fetch(value, signal, progressTeller(journal, '/5/0/1', 'downloaded'))
      .then((image) => {
        if (!signal.aborted) this.#inspect(image);
      })
      .catch((problem: unknown) => {
        if (signal.aborted) return;
        if (problem instanceof DownloadError) this.#fail(ofFailure[problem.failure], problem.message);
        else this.#fail(result.connection, String(problem));
      });
    return true;
  }

  #inspect(octets: Buffer): void {
    const { faults, scale, timers, tree } = this.#workshop;
    timers.after(scale(0.3), () => {
      if (this.#state !== state.downloading) return;
      const found =
        faults.badImage === 'integrity' || faults.badImage === 'type' ? faults.badImage : inspectImage(octets);
      if (found === 'integrity') this.#fail(result.integrity, 'the digest of the image is wrong');
      else if (found === 'type') this.#fail(result.type, 'the image is of an unsupported type');
      else {
        this.#image = found;
        tree.set([5, 0, 6], found.name);
        tree.set([5, 0, 7], found.version);
        this.#become(state.downloaded, result.none);
      }
    });
  }

  #update(): () => void {
    if (this.#state !== state.downloaded || !this.#image) {
      throw new Refusal('4.05', `firmware state is ${this.#state}, Update is executed in state 2`);
    }
    this.#become(state.updating, result.none);
    return () => {
      const { faults, scale, timers } = this.#workshop;
      if (faults.stuckUpdating) return;
      timers.after(scale(2), () => this.#install());
    };
  }

  #cancel(): undefined {
    if (this.#state !== state.downloaded && this.#state !== state.downloading) {
      throw new Refusal('4.05', `firmware state is ${this.#state}, Cancel is executed in state 1 or 2`);
    }
    this.#reset(result.cancelled);
    return undefined;
  }

  #install(): void {
    const { faults, journal, reboot } = this.#workshop;
    const image = this.#image;
    if (!image) return;
    if (faults.badImage === 'install' || image.install === 'fails') {
      journal.record({ kind: 'firmware-failed', value: { name: image.name, version: image.version } });
      this.#fail(result.failed, 'the image cannot be installed');
      return;
    }
    reboot('firmware update');
  }

  /** What the boot loader does: an update that was under way ends, a download does not survive. */
  boot(): void {
    const { faults, journal, tree } = this.#workshop;
    this.#download.abort();
    this.#uploading = false;
    const image = this.#image;
    if (this.#state === state.downloading) this.#fail(result.connection, 'the download did not survive the reboot');
    if (this.#state !== state.updating || faults.stuckUpdating || !image) return;
    this.#image = undefined;
    if (!faults.keepsOldVersion) tree.set([3, 0, 3], image.version);
    const detail = faults.keepsOldVersion ? 'the old version runs on' : undefined;
    journal.record({ kind: 'firmware-installed', value: { name: image.name, version: image.version }, detail });
    this.#become(state.idle, result.success);
  }

  stop(): void {
    this.#download.abort();
  }
}
