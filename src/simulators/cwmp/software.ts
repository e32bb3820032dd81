import { createHash, randomUUID } from 'node:crypto';
import { inspectImage } from '../lwm2m/image.ts';
import { keyArgument } from './call.ts';
import type { Handler } from './call.ts';
import { CpeFault } from './cpe-fault.ts';
import type { Content } from './envelope.ts';
import { checkFileUrl, downloadFile, showsCredentials } from './files.ts';
import { wireTime } from './values.ts';
import type { Workshop } from './workshop.ts';
import { textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

type Kind = 'Install' | 'Update' | 'Uninstall';

/** One operation of ChangeDUState; what is absent is ''. */
export interface SoftwareOperation {
  kind: Kind;
  url: string;
  uuid: string;
  version: string;
  username: string;
  password: string;
  environment: string;
}

interface OperationResult {
  kind: Kind;
  uuid: string;
  unit: string;
  version: string;
  state: 'Installed' | 'Uninstalled' | 'Failed';
  executionUnits: string;
  startTime: string;
  fault?: CpeFault;
}

const most = 16;
const perOperation = 1;
const uuidForm = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const nobody = '00000000-0000-0000-0000-000000000000';

/** The codes that a result may carry (cwmp-1-2.xsd, DeploymentUnitCPEFaultCodeType); others become 9001. */
const resultCodes = new Set([
  9001,
  9003,
  9012,
  9013,
  9015,
  9016,
  9017,
  9018,
  ...Array.from({ length: 11 }, (_, at) => 9022 + at),
]);

export function operationFrom(element: XmlElement): SoftwareOperation {
  const type = (element.attributes['type'] ?? '').replace(/^.*:/, '');
  const kind = (['Install', 'Update', 'Uninstall'] as const).find((one) => `${one}OpStruct` === type);
  if (!kind) throw new CpeFault(9003, `an operation of the type ${type || '(none)'}`);
  const text = (name: string): string => textOf(element, name) ?? '';
  return {
    kind,
    url: text('URL'),
    uuid: text('UUID'),
    version: text('Version'),
    username: text('Username'),
    password: text('Password'),
    environment: text('ExecutionEnvRef'),
  };
}

/** A UUID of version 5 in form, of what makes a deployment unit the same (TR-069 H). */
export function uuidOf(vendor: string, name: string): string {
  const hash = createHash('sha1').update(`${vendor}\0${name}`).digest('hex');
  const variant = ((Number.parseInt(hash.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-${variant}${hash.slice(18, 20)}-${hash.slice(20, 32)}`;
}

function compareVersions(one: string, other: string): number {
  const parts = (text: string): number[] => text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const [left, right] = [parts(one), parts(other)];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Deployment and execution units: what ChangeDUState does to them, and its report. */
export class Software {
  readonly #workshop: Workshop;
  readonly #path: (tail: string) => string;

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
    this.#path = (tail) => workshop.path(`SoftwareModules.${tail}`);
  }

  /** Every operation is tried in its order; the report comes when all have ended, also after a reboot. */
  readonly changeState: Handler = (workshop, rpc) => {
    const operations = rpc.children.filter((child) => child.local === 'Operations').map(operationFrom);
    const commandKey = textOf(rpc, 'CommandKey') === undefined ? '' : keyArgument(rpc, 'CommandKey');
    if (operations.length === 0) throw new CpeFault(9003, 'there are no Operations');
    if (operations.length > most) throw new CpeFault(9004, `at most ${most} operations at a time`);
    workshop.afterSession(() => workshop.later(perOperation, () => void this.#perform(operations, commandKey)));
    return '';
  };

  async #perform(operations: SoftwareOperation[], commandKey: string, done: OperationResult[] = []): Promise<void> {
    const { faults, outbox, power, later, wantSession } = this.#workshop;
    const results = [...done];
    for (const [at, operation] of operations.entries()) {
      const result = await this.#one(operation, commandKey);
      // Power went in the middle of it: the rest is done at boot.
      if (power.aborted && result.some((one) => one.fault)) {
        later(0, () => void this.#perform(operations.slice(at), commandKey, results));
        return;
      }
      results.push(...result);
    }
    if (faults.softwareSilent) return;
    outbox.request({
      method: 'DUStateChangeComplete',
      content: { Results: results.map((one) => this.#resultContent(one)), CommandKey: commandKey },
      events: [
        { code: '11 DU STATE CHANGE COMPLETE', commandKey: '' },
        { code: 'M ChangeDUState', commandKey },
      ],
    });
    wantSession();
  }

  /** Does an operation that no server asked for, and reports it. */
  async alone(operation: SoftwareOperation): Promise<void> {
    const results = await this.#one(operation, '');
    this.#workshop.outbox.request({
      method: 'AutonomousDUStateChangeComplete',
      content: {
        Results: results.map((one) => ({ ...this.#resultContent(one), OperationPerformed: one.kind })),
      },
      events: [{ code: '12 AUTONOMOUS DU STATE CHANGE COMPLETE', commandKey: '' }],
    });
    this.#workshop.wantSession();
  }

  #resultContent(result: OperationResult): Record<string, Content> {
    const { quirks } = this.#workshop;
    const code = result.fault && (resultCodes.has(result.fault.code) ? result.fault.code : 9001);
    return {
      UUID: result.uuid || nobody,
      DeploymentUnitRef: result.unit,
      Version: result.version,
      CurrentState: result.state,
      Resolved: result.fault ? 'false' : 'true',
      ExecutionUnitRefList: result.executionUnits,
      StartTime: quirks.has(8) ? '' : result.startTime,
      CompleteTime: quirks.has(8) ? '' : wireTime(this.#workshop.now()),
      Fault: { FaultCode: String(code ?? 0), FaultString: result.fault?.message ?? '' },
    };
  }

  async #one(operation: SoftwareOperation, commandKey: string): Promise<OperationResult[]> {
    const { journal, faults, now } = this.#workshop;
    const startTime = wireTime(now());
    try {
      if (faults.softwareFailure !== undefined) throw new CpeFault(faults.softwareFailure, 'on request');
      if (operation.uuid !== '' && !uuidForm.test(operation.uuid)) throw new CpeFault(9022, operation.uuid);
      const rows = await this.#apply(operation);
      const deed = {
        Install: 'software-installed',
        Update: 'software-updated',
        Uninstall: 'software-uninstalled',
      } as const;
      for (const row of rows) {
        journal.record({ kind: deed[operation.kind], path: row.unit, value: row.version, commandKey });
        journal.tell('software', `${operation.kind} of ${row.unit} ${row.version}`, { path: row.unit });
      }
      return rows.map((row) => ({ ...row, kind: operation.kind, startTime }));
    } catch (problem) {
      const fault = problem instanceof CpeFault ? problem : new CpeFault(9001, String(problem));
      journal.record({ kind: 'software-failed', commandKey, fault: fault.code, detail: fault.message });
      journal.tell('software', `${operation.kind} failed: ${fault.code} ${fault.message}`);
      const [unit] = this.#units(operation.uuid === '' ? undefined : operation.uuid);
      const state = operation.kind === 'Install' || !unit ? 'Failed' : 'Installed';
      return [
        {
          kind: operation.kind,
          uuid: operation.uuid,
          unit: operation.kind === 'Install' ? '' : (unit ?? ''),
          version: operation.version,
          state,
          executionUnits: '',
          startTime,
          fault,
        },
      ];
    }
  }

  /** Paths without the last dot, as references are written. */
  #units(uuid?: string, version = ''): string[] {
    const { tree } = this.#workshop;
    const rows = [...(tree.object(this.#path('DeploymentUnit.'))?.children.values() ?? [])];
    return rows
      .map((row) => row.path.slice(0, -1))
      .filter((path) => uuid === undefined || tree.get(`${path}.UUID`)?.toLowerCase() === uuid.toLowerCase())
      .filter((path) => version === '' || tree.get(`${path}.Version`) === version);
  }

  #environment(reference: string): string {
    const { tree, path } = this.#workshop;
    // A reference may leave out the root: ".SoftwareModules.ExecEnv.1." (cwmp-1-2.xsd).
    const full =
      reference === '' ? this.#path('ExecEnv.1') : reference.startsWith('.') ? path(reference.slice(1)) : reference;
    const row = full.replace(/\.$/, '');
    if (!tree.object(`${row}.`)) throw new CpeFault(9023, reference);
    if (tree.get(`${row}.Enable`) !== 'true') throw new CpeFault(9024, reference);
    return row;
  }

  async #package(operation: SoftwareOperation, url: string): Promise<{ name: string; version: string }> {
    const { power, journal } = this.#workshop;
    if (url === '') throw new CpeFault(9003, 'there is no URL');
    checkFileUrl(url);
    const { username, password } = operation;
    const file = await downloadFile(
      { url, username, password, shows: showsCredentials(this.#workshop), signal: power },
      () => undefined,
    );
    journal.record({ kind: 'download', path: url, detail: `deployment unit, ${file.length} octets` });
    const image = inspectImage(file);
    if (typeof image === 'string') throw new CpeFault(9018, `the ${image} of the image is wrong`);
    if (image.install === 'fails') throw new CpeFault(9027, 'the image cannot be installed');
    return image;
  }

  async #apply(operation: SoftwareOperation): Promise<Omit<OperationResult, 'kind' | 'startTime'>[]> {
    if (operation.kind === 'Install') return [await this.#install(operation)];
    const units = this.#chosen(operation);
    if (operation.kind === 'Uninstall') return units.map((unit) => this.#uninstall(unit));
    const results = [];
    for (const unit of units) results.push(await this.#update(operation, unit));
    return results;
  }

  #chosen({ kind, uuid, version, url }: SoftwareOperation): string[] {
    const { tree } = this.#workshop;
    if (kind === 'Uninstall' && uuid === '') throw new CpeFault(9003, 'there is no UUID');
    // UpdateOpStruct: by UUID, else by URL, else all.
    const units =
      uuid === '' && url !== ''
        ? this.#units().filter((unit) => tree.get(`${unit}.URL`) === url)
        : this.#units(uuid === '' ? undefined : uuid, version);
    if (units.length === 0) throw new CpeFault(9028, uuid || url);
    if (kind === 'Update' && uuid !== '' && units.length > 1) throw new CpeFault(9031);
    return units;
  }

  async #install(operation: SoftwareOperation): Promise<Omit<OperationResult, 'kind' | 'startTime'>> {
    const { tree } = this.#workshop;
    const environment = this.#environment(operation.environment);
    const { name, version } = await this.#package(operation, operation.url);
    const uuid = operation.uuid || uuidOf('Trivet Simulators', name);
    if (this.#units(uuid, version).length > 0) throw new CpeFault(9026, `${name} ${version}`);
    const vendor = 'Trivet Simulators';
    const executionNumber = tree.addRow(this.#path('ExecutionUnit.'), {
      EUID: `eu-${randomUUID().slice(0, 8)}`,
      Name: name,
      ExecEnvLabel: name,
      Status: 'Idle',
      Vendor: vendor,
      Version: version,
      ExecutionEnvRef: environment,
    });
    const execution = this.#path(`ExecutionUnit.${executionNumber}`);
    const number = tree.addRow(this.#path('DeploymentUnit.'), {
      Alias: `cpe-${name}`,
      UUID: uuid,
      DUID: `du-${name}`,
      Name: name,
      URL: operation.url,
      Vendor: vendor,
      Version: version,
      ExecutionUnitList: execution,
      ExecutionEnvRef: environment,
    });
    return {
      uuid,
      unit: this.#path(`DeploymentUnit.${number}`),
      version,
      state: 'Installed',
      executionUnits: execution,
    };
  }

  async #update(operation: SoftwareOperation, unit: string): Promise<Omit<OperationResult, 'kind' | 'startTime'>> {
    const { tree } = this.#workshop;
    const url = operation.url || (tree.get(`${unit}.URL`) ?? '');
    const { version } = await this.#package(operation, url);
    const old = tree.get(`${unit}.Version`) ?? '';
    const order = compareVersions(version, old);
    if (order < 0) throw new CpeFault(9030, `${old} to ${version}`);
    if (order === 0) throw new CpeFault(9032, version);
    const executionUnits = tree.get(`${unit}.ExecutionUnitList`) ?? '';
    tree.set(`${unit}.Version`, version);
    tree.set(`${unit}.URL`, url);
    for (const one of executionUnits.split(','))
      if (tree.parameter(`${one}.Version`)) tree.set(`${one}.Version`, version);
    return { uuid: tree.get(`${unit}.UUID`) ?? '', unit, version, state: 'Installed', executionUnits };
  }

  #uninstall(unit: string): Omit<OperationResult, 'kind' | 'startTime'> {
    const { tree } = this.#workshop;
    const executionUnits = tree.get(`${unit}.ExecutionUnitList`) ?? '';
    const result = {
      uuid: tree.get(`${unit}.UUID`) ?? '',
      unit,
      version: tree.get(`${unit}.Version`) ?? '',
      state: 'Uninstalled' as const,
      executionUnits,
    };
    for (const one of executionUnits.split(',').filter((one) => one !== '')) tree.removeRow(`${one}.`);
    tree.removeRow(`${unit}.`);
    return result;
  }
}
