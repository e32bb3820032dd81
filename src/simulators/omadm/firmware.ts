import { inspectImage } from '../lwm2m/image.ts';
import { FetchError, fetchFile } from './fetching.ts';
import type { FetchFailure } from './fetching.ts';
import type { ExecOrder, TreeNode } from './tree.ts';
import { Refusal } from './tree.ts';
import type { Workshop } from './workshop.ts';

/** Which operations the object has (FUMO 1.0, 5.1). */
export type FirmwareForm = 'DownloadAndUpdate' | 'Download' | 'Update' | 'PkgData';

/** State of FUMO. */
const states = {
  idle: 10,
  downloadFailed: 20,
  downloading: 30,
  downloaded: 40,
  ready: 50,
  updating: 60,
  failedWithData: 70,
  failed: 80,
  updatedWithData: 90,
  updated: 100,
} as const;

type Operation = 'DownloadAndUpdate' | 'Download' | 'Update';

interface Work {
  operation: Operation;
  correlator: string;
}

const results: Readonly<Record<FetchFailure, number>> = {
  url: 411,
  unreachable: 412,
  credentials: 406,
  server: 500,
  'not-found': 411,
  broken: 503,
  memory: 501,
};

const success = 200;
const installing = 2;
const typeOf = (operation: string): string => `org.openmobilealliance.dm.firmwareupdate.${operation.toLowerCase()}`;

class UpdateFailure extends Error {
  readonly code: number;

  constructor(code: number, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** FUMO (Firmware Update Management Object 1.0): downloads, updates, and tells. */
export class Firmware {
  readonly #workshop: Workshop;
  readonly #path: string;
  readonly #installed: (version: string) => void;
  #work: Work | undefined;
  #image: Buffer | undefined;

  /** `installed` runs while the device is down. */
  constructor(
    workshop: Workshop,
    path: string,
    forms: readonly FirmwareForm[],
    version: string,
    installed: (version: string) => void,
  ) {
    this.#workshop = workshop;
    this.#path = path;
    this.#installed = installed;
    const { tree } = workshop;
    tree.define(path, { format: 'node', access: 'G', type: 'urn:oma:mo:oma-fumo:1.0' });
    tree.define(`${path}/PkgName`, { access: 'GR', value: 'firmware' });
    tree.define(`${path}/PkgVersion`, { access: 'GR', value: version });
    for (const operation of ['DownloadAndUpdate', 'Download'] as const) {
      if (!forms.includes(operation)) continue;
      tree.define(`${path}/${operation}`, {
        format: 'node',
        access: 'EG',
        run: (order) => this.#ordered(operation, order),
      });
      tree.define(`${path}/${operation}/PkgURL`, { access: 'GR' });
    }
    if (forms.includes('Update') || forms.includes('PkgData'))
      tree.define(`${path}/Update`, { format: 'node', access: 'EG', run: (order) => this.#ordered('Update', order) });
    if (forms.includes('PkgData')) tree.define(`${path}/Update/PkgData`, { format: 'bin', access: 'R' });
    tree.define(`${path}/State`, { format: 'int', value: states.idle });
  }

  /** A server has written a node. */
  heard(path: string, node: TreeNode): void {
    if (path !== `${this.#path}/Update/PkgData`) return;
    this.#image = Buffer.from(node.value as string);
    this.#workshop.journal.record({ kind: 'download', path, detail: `${this.#image.length} octets` });
    this.#state(states.ready);
  }

  /** What was going on when the power went begins anew. */
  booted(): void {
    const work = this.#work;
    if (work) this.#workshop.later(1, () => void this.#run(work));
  }

  forget(): void {
    this.#work = undefined;
    this.#image = undefined;
  }

  #text(name: string): string {
    return this.#workshop.tree.find(`${this.#path}/${name}`)?.value.toString() ?? '';
  }

  #state(state: number): void {
    const node = this.#workshop.tree.find(`${this.#path}/State`);
    if (node) this.#workshop.tree.set(node, String(state));
  }

  #ordered(operation: Operation, { correlator }: ExecOrder): number | Promise<number> {
    const state = Number(this.#text('State'));
    if (this.#work) throw new Refusal(500, 'an update is in progress');
    if (operation === 'Update' && (!this.#image || state === states.updated))
      throw new Refusal(405, 'there is nothing to update to');
    const work = { operation, correlator };
    this.#work = work;
    if (this.#workshop.faults.synchronous) return this.#now(work);
    this.#workshop.afterSession(() => void this.#run(work));
    return 202;
  }

  async #now(work: Work): Promise<number> {
    try {
      const version = await this.#perform(work);
      this.#work = undefined;
      if (version !== undefined) this.#workshop.afterSession(() => this.#install(version, () => undefined));
      return 200;
    } catch (problem) {
      this.#work = undefined;
      throw new Refusal(500, this.#fail(work, problem).message);
    }
  }

  async #run(work: Work): Promise<void> {
    const { power } = this.#workshop;
    try {
      const version = await this.#perform(work);
      if (version === undefined) this.#tell(work, success);
      else this.#install(version, () => this.#tell(work, success));
    } catch (problem) {
      // Power went in the middle, or the object was taken away.
      if (power.aborted || this.#work !== work) return;
      const { code } = this.#fail(work, problem);
      this.#tell(work, code);
    }
  }

  #fail(work: Work, problem: unknown): UpdateFailure {
    const { journal } = this.#workshop;
    const code =
      problem instanceof FetchError ? results[problem.failure] : problem instanceof UpdateFailure ? problem.code : 409;
    const why = problem instanceof Error ? problem.message : String(problem);
    const downloading = Number(this.#text('State')) === states.downloading;
    this.#state(downloading ? states.downloadFailed : this.#image ? states.failedWithData : states.failed);
    journal.record({ kind: 'firmware-failed', code, correlator: work.correlator, detail: why });
    journal.tell('firmware', `${work.operation} failed: ${code} ${why}`);
    return new UpdateFailure(code, why);
  }

  /** Gives the version of new firmware; undefined: it was fetched only. */
  async #perform({ operation }: Work): Promise<string | undefined> {
    const { faults, journal, power } = this.#workshop;
    if (operation !== 'Update') {
      this.#state(states.downloading);
      if (faults.stuckDownload)
        await new Promise((_, reject) => power.addEventListener('abort', () => reject(new Error('power'))));
      const url = this.#text(`${operation}/PkgURL`);
      journal.tell('firmware', `downloads ${url}`, { progress: 0 });
      let shown = -1;
      const image = await fetchFile(url, power, (octets, total) => {
        const tenth = total ? Math.floor((octets / total) * 10) : 0;
        if (tenth === shown) return;
        shown = tenth;
        journal.tell('firmware', `downloaded ${octets} octets`, total ? { progress: octets / total } : {});
      });
      journal.record({ kind: 'download', path: url, detail: `${image.length} octets` });
      this.#image = image;
      const flaw = inspectImage(image);
      if (typeof flaw === 'string') {
        this.#image = undefined;
        throw new UpdateFailure(flaw === 'integrity' ? 402 : 403, `the ${flaw} of the image is wrong`);
      }
      this.#state(states.downloaded);
      if (operation === 'Download') {
        if (faults.firmwareResult !== undefined) throw new UpdateFailure(faults.firmwareResult, 'on request');
        return undefined;
      }
    }
    this.#state(states.updating);
    await new Promise<void>((resolve, reject) => {
      const stop = this.#workshop.later(installing, resolve);
      power.addEventListener('abort', () => (stop(), reject(new Error('power'))), { once: true });
    });
    const image = this.#image && inspectImage(this.#image);
    if (faults.firmwareResult !== undefined) throw new UpdateFailure(faults.firmwareResult, 'on request');
    if (image === undefined || typeof image === 'string') throw new UpdateFailure(402, 'the image is corrupted');
    if (image.install === 'fails') throw new UpdateFailure(410, 'the image cannot be installed');
    return image.version;
  }

  #install(version: string, told: () => void): void {
    const { journal, faults, tree } = this.#workshop;
    this.#image = undefined;
    this.#work = this.#work && { ...this.#work, operation: 'Update' };
    const work = this.#work;
    journal.record({ kind: 'firmware-installed', value: version });
    this.#workshop.restart('new firmware', () => {
      if (this.#work === work) this.#work = undefined;
      this.#state(states.updated);
      if (!faults.keepsOldVersion) {
        const node = tree.find(`${this.#path}/PkgVersion`);
        if (node) tree.set(node, version);
        this.#installed(version);
      }
      told();
    });
  }

  #tell({ operation, correlator }: Work, code: number): void {
    const { faults, journal } = this.#workshop;
    this.#work = undefined;
    journal.tell('firmware', `${operation} ended with ${code}`, { progress: 1 });
    if (faults.resultAlert === 'never') return;
    const alert = {
      type: typeOf(operation),
      format: 'int',
      mark: code === success ? 'informational' : 'warning',
      source: `${this.#path}/${operation}`,
      correlator: faults.resultAlert === 'without-correlator' ? '' : correlator,
      data: String(code),
    };
    this.#workshop.alert(alert);
    if (faults.resultAlert === 'twice') this.#workshop.alert({ ...alert });
  }

  /** The user, or the device itself, asks for an update. */
  request(by: 'userrequest' | 'devicerequest', data = ''): void {
    this.#workshop.alert({ type: typeOf(by), format: 'chr', source: this.#path, data });
  }
}
