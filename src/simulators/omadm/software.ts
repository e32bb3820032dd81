import { inspectImage } from '../lwm2m/image.ts';
import { FetchError, fetchFile } from './fetching.ts';
import type { FetchFailure } from './fetching.ts';
import { tellResult } from './operation.ts';
import type { Deed } from './journal.ts';
import { Refusal } from './tree.ts';
import type { ExecOrder, TreeNode } from './tree.ts';
import type { Workshop } from './workshop.ts';

/** A component that is there from the factory. */
export interface Component {
  name: string;
  version: string;
  /** Default true. */
  active?: boolean;
}

type Verb =
  | 'Download'
  | 'DownloadInstall'
  | 'DownloadInstallInactive'
  | 'Install'
  | 'InstallInactive'
  | 'Remove'
  | 'Activate'
  | 'Deactivate';

interface Work {
  verb: Verb;
  /** The instance that is operated on. */
  path: string;
  correlator: string;
}

const results: Readonly<Record<FetchFailure, number>> = {
  url: 1402,
  unreachable: 1501,
  credentials: 1403,
  server: 1500,
  'not-found': 1402,
  broken: 1402,
  memory: 1404,
};
const failureOf: Readonly<Record<Verb, number>> = {
  Download: 1402,
  DownloadInstall: 1405,
  DownloadInstallInactive: 1405,
  Install: 1405,
  InstallInactive: 1405,
  Remove: 1408,
  Activate: 1409,
  Deactivate: 1410,
};
const success = 1200;
const working = 1;

class OperationFailure extends Error {
  readonly code: number;

  constructor(code: number, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** SCOMO 1.0: downloads, installs, activates and removes components, and tells. */
export class Software {
  readonly #workshop: Workshop;
  readonly #path: string;
  readonly #images = new Map<string, Buffer>();
  #works: Work[] = [];

  constructor(workshop: Workshop, path: string, components: readonly Component[]) {
    this.#workshop = workshop;
    this.#path = path;
    const { tree } = workshop;
    tree.define(path, { format: 'node', type: 'urn:oma:mo:oma-scomo:1.0' });
    tree.define(`${path}/Download`, { format: 'node', access: 'AG' });
    tree.define(`${path}/Inventory/Delivered`, { format: 'node', access: 'AG' });
    tree.define(`${path}/Inventory/Deployed`, { format: 'node', access: 'G' });
    for (const component of components) this.#deploy(component.name, component, component.active ?? true, '');
  }

  /** A server has made a node: an instance of Download or Delivered gets its Status and its operations. */
  added(path: string, node: TreeNode): void {
    if (node.format !== 'node') return;
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (parent === `${this.#path}/Download`) {
      this.#workshop.tree.define(`${path}/Status`, { format: 'int', value: 10 });
      this.#operations(path, ['Download', 'DownloadInstall', 'DownloadInstallInactive']);
    } else if (parent === `${this.#path}/Inventory/Delivered`) this.#delivered(path);
  }

  /** A server has written a node: the package itself, over DM. */
  changed(path: string, node: TreeNode): void {
    const instance = path.slice(0, path.lastIndexOf('/'));
    if (node.name === 'Data' && instance.startsWith(`${this.#path}/Inventory/Delivered/`))
      this.#images.set(instance, Buffer.from(node.value as string));
  }

  /** What was going on when the power went begins anew. */
  booted(): void {
    for (const work of this.#works) this.#workshop.later(working, () => void this.#run(work));
  }

  forget(): void {
    this.#works = [];
    this.#images.clear();
  }

  #operations(path: string, verbs: readonly Verb[]): void {
    for (const verb of verbs)
      this.#workshop.tree.define(`${path}/Operations/${verb}`, {
        format: 'node',
        access: 'EG',
        run: (order) => this.#ordered(verb, path, order),
      });
  }

  #delivered(path: string): void {
    const { tree } = this.#workshop;
    tree.define(`${path}/Status`, { format: 'int', value: 10 });
    tree.define(`${path}/State`, { format: 'int', value: 10 });
    this.#operations(path, ['Install', 'InstallInactive', 'Remove']);
  }

  #deploy(name: string, component: { name: string; version: string }, active: boolean, packageId: string): string {
    const { tree } = this.#workshop;
    const path = `${this.#path}/Inventory/Deployed/${name}`;
    tree.define(path, { format: 'node' });
    const values = {
      ID: component.name,
      PkgIDRef: packageId,
      Name: component.name,
      Version: component.version,
      EnvType: '',
    };
    for (const [leaf, value] of Object.entries(values)) tree.define(`${path}/${leaf}`, { value });
    tree.define(`${path}/Status`, { format: 'int', value: 10 });
    tree.define(`${path}/State`, { format: 'int', value: active ? 20 : 10 });
    this.#operations(path, ['Activate', 'Deactivate', 'Remove']);
    return path;
  }

  #ordered(verb: Verb, path: string, { correlator }: ExecOrder): number | Promise<number> {
    if (this.#works.some((work) => work.path === path)) throw new Refusal(500, 'an operation is in progress');
    const work = { verb, path, correlator };
    this.#works.push(work);
    if (this.#workshop.faults.synchronous)
      return this.#carryOut(work).then(({ code }) => (code === success ? 200 : 500));
    this.#workshop.afterSession(() => this.#workshop.later(working, () => void this.#run(work)));
    return 202;
  }

  async #run(work: Work): Promise<void> {
    const { power } = this.#workshop;
    const { code, target } = await this.#carryOut(work);
    if (power.aborted) return;
    const { correlator, path: source } = work;
    tellResult(this.#workshop, {
      type: 'urn:oma:at:scomo:1.0:OperationComplete',
      source,
      ...(target === undefined ? {} : { target }),
      correlator,
      code,
    });
  }

  /** Result code, and the component that it is about when it is another node. Never rejects. */
  async #carryOut(work: Work): Promise<{ code: number; target?: string }> {
    const { journal, power, faults } = this.#workshop;
    const { verb, path, correlator } = work;
    const kinds: Partial<Record<Verb, Deed>> = {
      Remove: 'software-removed',
      Activate: 'activated',
      Deactivate: 'deactivated',
    };
    try {
      if (faults.softwareResult !== undefined) throw new OperationFailure(faults.softwareResult, 'on request');
      const target = await this.#perform(work);
      const kind = kinds[verb] ?? (verb === 'Download' ? 'download' : 'software-installed');
      journal.record({ kind, path: target ?? path, code: success, correlator });
      journal.tell('software', `${verb} of ${path} is done`);
      this.#works = this.#works.filter((one) => one !== work);
      return { code: success, ...(target === undefined ? {} : { target }) };
    } catch (problem) {
      if (power.aborted) return { code: 1412 };
      this.#works = this.#works.filter((one) => one !== work);
      const code =
        problem instanceof FetchError
          ? results[problem.failure]
          : problem instanceof OperationFailure
            ? problem.code
            : failureOf[verb];
      const why = problem instanceof Error ? problem.message : String(problem);
      if (verb.startsWith('Download')) this.#set(`${path}/Status`, code === 1405 ? 70 : 20);
      journal.record({ kind: 'software-failed', path, code, correlator, detail: why });
      journal.tell('software', `${verb} of ${path} failed: ${code} ${why}`);
      return { code };
    }
  }

  #set(path: string, value: number): void {
    const node = this.#workshop.tree.find(path);
    if (node) this.#workshop.tree.set(node, String(value));
  }

  #text(path: string): string {
    return this.#workshop.tree.find(path)?.value.toString() ?? '';
  }

  async #perform({ verb, path }: Work): Promise<string | undefined> {
    const { tree, power, faults, journal } = this.#workshop;
    const name = path.split('/').at(-1) ?? '';
    if (verb === 'Activate' || verb === 'Deactivate') {
      this.#set(`${path}/State`, verb === 'Activate' ? 20 : 10);
      return undefined;
    }
    if (verb === 'Remove') {
      const node = tree.find(path);
      if (node) tree.remove(node);
      this.#images.delete(path);
      return undefined;
    }
    if (verb === 'Install' || verb === 'InstallInactive') {
      const target = this.#install(this.#images.get(path), name, verb === 'Install', this.#text(`${path}/PkgID`));
      this.#set(`${path}/State`, 20);
      return target;
    }
    this.#set(`${path}/Status`, 30);
    if (faults.stuckDownload)
      await new Promise((_, reject) => power.addEventListener('abort', () => reject(new Error('power'))));
    const image = await fetchFile(this.#text(`${path}/PkgURL`), power, () => undefined);
    journal.record({ kind: 'download', path: this.#text(`${path}/PkgURL`), detail: `${image.length} octets` });
    this.#set(`${path}/Status`, 40);
    if (verb !== 'Download') {
      this.#set(`${path}/Status`, 50);
      const target = this.#install(image, name, verb === 'DownloadInstall', this.#text(`${path}/PkgID`));
      this.#set(`${path}/Status`, 10);
      return target;
    }
    const delivered = `${this.#path}/Inventory/Delivered/${name}`;
    tree.define(delivered, { format: 'node', access: 'DG' });
    for (const leaf of ['PkgID', 'Name']) tree.define(`${delivered}/${leaf}`, { value: this.#text(`${path}/${leaf}`) });
    this.#delivered(delivered);
    this.#images.set(delivered, image);
    return delivered;
  }

  #install(file: Buffer | undefined, name: string, active: boolean, packageId: string): string {
    const image = file ? inspectImage(file) : 'type';
    if (typeof image === 'string') throw new OperationFailure(1407, `the ${image} of the package is wrong`);
    if (image.install === 'fails') throw new OperationFailure(1405, 'the package cannot be installed');
    return this.#deploy(name, image, active, packageId);
  }
}
