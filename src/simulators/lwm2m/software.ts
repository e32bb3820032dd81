import { DownloadError } from './download.ts';
import type { DownloadFailure } from './download.ts';
import { isReset, progressTeller } from './firmware.ts';
import type { Workshop } from './firmware.ts';
import { inspectImage } from './image.ts';
import type { ImageHeader } from './image.ts';
import { Refusal } from './value.ts';
import type { Resource } from './value.ts';

const state = { initial: 0, started: 1, downloaded: 2, delivered: 3, installed: 4 } as const;
const result = {
  initial: 0,
  downloading: 1,
  installed: 2,
  delivered: 3,
  storage: 50,
  connection: 52,
  integrity: 53,
  type: 54,
  uri: 56,
  installFailed: 58,
} as const;
const ofFailure: Record<DownloadFailure, number> = {
  connection: result.connection,
  uri: result.uri,
  protocol: result.uri,
  storage: result.storage,
};

interface Package {
  image?: ImageHeader;
  download: AbortController;
  uploading: boolean;
  installing: boolean;
  tell?: (octets: number, total: number | undefined) => void;
}

/** Object 9: deliver by pull or push, install, activate, deactivate, uninstall; any number of instances. */
export class Software {
  readonly #workshop: Workshop;
  readonly #packages = new Map<number, Package>();

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
    const { hooks } = workshop;
    hooks.writes.set('9/2', {
      check: (instance, value) => this.#checkDelivery(instance, value),
      apply: (instance, value) => this.#takePackage(instance, value),
    });
    hooks.writes.set('9/3', {
      check: (instance, value) => this.#checkDelivery(instance, value),
      apply: (instance, value) => this.#takeUri(instance, value),
    });
    hooks.executes.set('9/4', (instance) => this.#install(instance));
    hooks.executes.set('9/6', (instance, argumentText) => this.#uninstall(instance, argumentText));
    hooks.executes.set('9/10', (instance) => this.#activate(instance, true));
    hooks.executes.set('9/11', (instance) => this.#activate(instance, false));
    hooks.uploads.set('9/2', {
      started: (instance) => this.#startUpload(instance),
      progress: (instance, octets, total) => this.#package(instance).tell?.(octets, total),
      failed: (instance) => this.#fail(instance, result.connection, 'the upload was given up'),
    });
  }

  /** PkgName and PkgVersion show from DELIVERED on (Software Management object, resources 0 and 1). */
  hides(path: readonly number[]): boolean {
    const [object, instance = 0, resource] = path;
    return object === 9 && (resource === 0 || resource === 1) && this.#state(instance) < state.delivered;
  }

  created(instance: number): void {
    this.#packages.get(instance)?.download.abort();
    this.#packages.delete(instance);
    const { tree } = this.#workshop;
    tree.set([9, instance, 7], state.initial);
    tree.set([9, instance, 9], result.initial);
    tree.set([9, instance, 12], false);
  }

  #package(instance: number): Package {
    const known = this.#packages.get(instance);
    if (known) return known;
    const fresh: Package = { download: new AbortController(), uploading: false, installing: false };
    this.#packages.set(instance, fresh);
    return fresh;
  }

  #state(instance: number): number {
    return Number(this.#workshop.tree.get([9, instance, 7]) ?? 0);
  }

  #become(instance: number, next: number, outcome: number): void {
    const { tree, journal } = this.#workshop;
    // The instance may have been deleted while work on it was under way.
    if (!tree.instances(9).includes(instance)) return;
    tree.set([9, instance, 9], outcome);
    tree.set([9, instance, 7], next);
    journal.tell('update', `software ${instance} state ${next}, result ${outcome}`, { path: `/9/${instance}/7` });
  }

  #fail(instance: number, outcome: number, sentence: string): void {
    this.#packages.get(instance)?.download.abort();
    this.#packages.delete(instance);
    this.#workshop.journal.tell('update', `software ${instance}: ${sentence}`, { path: `/9/${instance}/9` });
    this.#become(instance, state.initial, outcome);
  }

  #checkDelivery(instance: number, value: Resource): void {
    if (isReset(value) || this.#package(instance).uploading) return;
    const now = this.#state(instance);
    if (now !== state.initial)
      throw new Refusal('4.05', `software ${instance} is in state ${now}, a package is taken in state 0`);
  }

  #startUpload(instance: number): void {
    const known = this.#package(instance);
    if (known.uploading) {
      this.#fail(instance, result.initial, 'the upload begins anew');
    }
    this.#checkDelivery(instance, Buffer.of(1, 1));
    if (this.#workshop.faults.storageFull) {
      this.#become(instance, state.initial, result.storage);
      throw new Refusal('5.00', 'there is no room for a package');
    }
    const fresh = this.#package(instance);
    fresh.uploading = true;
    fresh.tell = progressTeller(this.#workshop.journal, `/9/${instance}/2`, 'received');
    this.#become(instance, state.started, result.downloading);
  }

  #takePackage(instance: number, value: Resource): boolean {
    if (!(value instanceof Uint8Array)) return true;
    if (isReset(value)) {
      this.#fail(instance, result.initial, 'reset by the server');
      return true;
    }
    if (!this.#package(instance).uploading) this.#startUpload(instance);
    this.#package(instance).uploading = false;
    this.#inspect(instance, Buffer.from(value));
    return true;
  }

  #takeUri(instance: number, value: Resource): boolean {
    const { journal, tree } = this.#workshop;
    if (typeof value !== 'string' || isReset(value)) {
      this.#fail(instance, result.initial, 'reset by the server');
      return true;
    }
    tree.set([9, instance, 3], value);
    this.#become(instance, state.started, result.downloading);
    const { signal } = this.#package(instance).download;
    this.#workshop
      .fetch(value, signal, progressTeller(journal, `/9/${instance}/3`, 'downloaded'))
      .then((image) => {
        if (!signal.aborted) this.#inspect(instance, image);
      })
      .catch((problem: unknown) => {
        if (signal.aborted) return;
        if (problem instanceof DownloadError) this.#fail(instance, ofFailure[problem.failure], problem.message);
        else this.#fail(instance, result.connection, String(problem));
      });
    return true;
  }

  #inspect(instance: number, octets: Buffer): void {
    const { faults, scale, timers, tree } = this.#workshop;
    this.#become(instance, state.downloaded, result.downloading);
    timers.after(scale(0.3), () => {
      if (this.#state(instance) !== state.downloaded) return;
      const found =
        faults.badImage === 'integrity' || faults.badImage === 'type' ? faults.badImage : inspectImage(octets);
      if (found === 'integrity') this.#fail(instance, result.integrity, 'the digest of the package is wrong');
      else if (found === 'type') this.#fail(instance, result.type, 'the package is of an unsupported type');
      else {
        this.#package(instance).image = found;
        tree.set([9, instance, 0], found.name);
        tree.set([9, instance, 1], found.version);
        this.#become(instance, state.delivered, result.delivered);
      }
    });
  }

  #install(instance: number): () => void {
    const known = this.#package(instance);
    if (this.#state(instance) !== state.delivered || known.installing) {
      throw new Refusal(
        '4.05',
        `software ${instance} is in state ${this.#state(instance)}, Install is executed in state 3`,
      );
    }
    known.installing = true;
    return () => {
      const { faults, journal, scale, timers } = this.#workshop;
      if (faults.stuckUpdating) return;
      timers.after(scale(1), () => {
        known.installing = false;
        if (this.#state(instance) !== state.delivered) return;
        const value = { name: known.image?.name, version: known.image?.version };
        if (faults.badImage === 'install' || known.image?.install === 'fails') {
          this.#become(instance, state.delivered, result.installFailed);
          return;
        }
        journal.record({ kind: 'software-installed', path: `/9/${instance}`, value });
        this.#become(instance, state.installed, result.installed);
      });
    };
  }

  #uninstall(instance: number, argumentText: string): () => void {
    const now = this.#state(instance);
    if (now !== state.delivered && now !== state.installed) {
      throw new Refusal('4.05', `software ${instance} is in state ${now}, Uninstall is executed in state 3 or 4`);
    }
    return () => {
      const { journal, scale, timers, tree } = this.#workshop;
      timers.after(scale(0.5), () => {
        if (!tree.instances(9).includes(instance)) return;
        this.#packages.delete(instance);
        tree.set([9, instance, 12], false);
        tree.set([9, instance, 0], undefined);
        tree.set([9, instance, 1], undefined);
        const detail = argumentText.startsWith('1') || argumentText.includes("'1'") ? 'for update' : undefined;
        journal.record({ kind: 'software-uninstalled', path: `/9/${instance}`, detail });
        this.#become(instance, state.initial, result.initial);
      });
    };
  }

  #activate(instance: number, active: boolean): () => void {
    if (this.#state(instance) !== state.installed) {
      throw new Refusal('4.05', `software ${instance} is in state ${this.#state(instance)}, it is switched in state 4`);
    }
    return () => {
      const { journal, scale, timers, tree } = this.#workshop;
      timers.after(scale(0.2), () => {
        if (!tree.instances(9).includes(instance)) return;
        journal.record({ kind: active ? 'software-activated' : 'software-deactivated', path: `/9/${instance}` });
        tree.set([9, instance, 12], active);
        journal.tell('update', `software ${instance} ${active ? 'active' : 'inactive'}`, { path: `/9/${instance}/12` });
      });
    };
  }

  /** After a reboot: downloads and installations that were under way are lost, what was delivered or installed stays. */
  boot(): void {
    for (const instance of this.#workshop.tree.instances(9)) {
      const known = this.#packages.get(instance);
      known?.download.abort();
      if (known) known.installing = false;
      const now = this.#state(instance);
      if (now === state.started || now === state.downloaded) {
        this.#fail(instance, result.connection, 'the download did not survive the reboot');
      }
    }
  }

  stop(): void {
    for (const known of this.#packages.values()) known.download.abort();
  }
}
