import { defineOperation, tellResult } from './operation.ts';
import type { Workshop } from './workshop.ts';

const success = 1200;

const setText = ({ tree }: Workshop, path: string, value: string): void => {
  const node = tree.find(path);
  if (node) tree.set(node, value);
};

const textAt = ({ tree }: Workshop, path: string): string => tree.find(path)?.value.toString() ?? '';

/** LAWMO 1.0: lock, wipe, back to the factory. */
export function defineLockAndWipe(workshop: Workshop, path: string): void {
  const { tree } = workshop;
  tree.define(path, { format: 'node', type: 'urn:oma:mo:oma-lawmo:1.0' });
  tree.define(`${path}/State`, { format: 'int', value: 30 });
  for (const [at, name] of ['contacts', 'messages'].entries()) {
    tree.define(`${path}/AvailableWipeList/${at + 1}/ListItemName`, { value: name });
    tree.define(`${path}/AvailableWipeList/${at + 1}/ToBeWiped`, { format: 'bool', access: 'GR', value: false });
  }
  tree.define(`${path}/LAWMOConfig/NotifyUser`, { format: 'bool', access: 'GR', value: false });
  const common = { source: path, alertType: 'urn:oma:at:lawmo:1.0:OperationComplete', seconds: 1 };
  for (const [name, state] of Object.entries({ FullyLock: 10, PartiallyLock: 20, UnLock: 30 }))
    defineOperation(workshop, {
      ...common,
      path: `${path}/Operations/${name}`,
      kind: 'lock',
      perform() {
        setText(workshop, `${path}/State`, String(state));
        return success;
      },
    });
  defineOperation(workshop, {
    ...common,
    path: `${path}/Operations/Wipe`,
    kind: 'wipe',
    perform() {
      const list = [...(tree.find(`${path}/AvailableWipeList`)?.children?.values() ?? [])];
      const chosen = list.filter((item) => item.children?.get('ToBeWiped')?.value === 'true');
      for (const item of chosen) tree.remove(item);
      return chosen.length > 0 ? 1202 : 1201;
    },
  });
  tree.define(`${path}/Operations/FactoryReset`, {
    format: 'node',
    access: 'EG',
    run() {
      if (workshop.faults.silentRestart) workshop.factoryReset();
      else workshop.afterSession(() => workshop.factoryReset());
      return 202;
    },
  });
}

/** DCMO 1.0: one object for each capability. */
export function defineCapability(workshop: Workshop, path: string, property: string): void {
  const { tree } = workshop;
  tree.define(path, { format: 'node', type: 'urn:oma:mo:oma-dcmo:1.0' });
  tree.define(`${path}/Property`, { value: property });
  tree.define(`${path}/Group`, { value: 'Hardware' });
  tree.define(`${path}/Description`, { value: `${property} of the device` });
  tree.define(`${path}/Attached`, { format: 'bool', value: true });
  tree.define(`${path}/Enabled`, { format: 'bool', value: true });
  tree.define(`${path}/DCMOConfig/NotifyUser`, { format: 'bool', access: 'GR', value: false });
  for (const [name, enabled] of Object.entries({ Enable: true, Disable: false }))
    defineOperation(workshop, {
      path: `${path}/Operations/${name}`,
      source: path,
      alertType: 'urn:oma:at:dcmo:1.0:OperationComplete',
      kind: 'capability',
      seconds: 1,
      perform() {
        setText(workshop, `${path}/Enabled`, String(enabled));
        return success;
      },
    });
}

const diagnosed = 'urn:oma:at:diagmon:1.0:OperationComplete';

function defineFunction(workshop: Workshop, path: string, type: string, id: string): void {
  const { tree } = workshop;
  tree.define(path, { format: 'node', type });
  tree.define(`${path}/DiagMonID`, { value: id });
  tree.define(`${path}/Enabled`, { format: 'bool', access: 'GR', value: true });
  tree.define(`${path}/Status`, { value: 'NOT_STARTED' });
}

/** DiagMon functions for memory (kB) and battery (percent). */
export function defineMemory(workshop: Workshop, path: string): void {
  defineFunction(workshop, path, 'urn:oma:mo:oma-diag:memory:1.0', 'memory');
  workshop.tree.define(`${path}/DiagMonData/RAMAvail`, { format: 'int', value: 262_144 });
  workshop.tree.define(`${path}/DiagMonData/RAMTotal`, { format: 'int', value: 524_288 });
  defineStart(workshop, path);
}

export function defineBattery(workshop: Workshop, path: string): void {
  defineFunction(workshop, path, 'urn:oma:mo:oma-diag:batteryinfo:1.0', 'batteryinfo');
  workshop.tree.define(`${path}/DiagMonData/1/BatteryLevel`, { format: 'int', value: 80 });
  workshop.tree.define(`${path}/DiagMonData/1/BatteryStatus`, { format: 'int', value: 1 });
  defineStart(workshop, path);
}

function defineStart(workshop: Workshop, path: string): void {
  defineOperation(workshop, {
    path: `${path}/Operations/Start`,
    source: path,
    alertType: diagnosed,
    kind: 'diagnosis',
    seconds: 1,
    perform() {
      setText(workshop, `${path}/Status`, 'DONE');
      return success;
    },
  });
}

/** DiagMon function that restarts the device: the alert comes from the other side of the restart. */
export function defineRestart(workshop: Workshop, path: string): void {
  defineFunction(workshop, path, 'urn:oma:mo:oma-diag:restart:1.0', 'restart');
  workshop.tree.define(`${path}/Operations/Start`, {
    format: 'node',
    access: 'EG',
    run({ correlator }) {
      const { faults } = workshop;
      const tell = (): void => tellResult(workshop, { type: diagnosed, source: path, correlator, code: success });
      const restart = (): void => workshop.restart('asked by the server', tell);
      if (faults.operationResult !== undefined) {
        const code = faults.operationResult;
        workshop.afterSession(() => tellResult(workshop, { type: diagnosed, source: path, correlator, code }));
      } else if (faults.silentRestart) restart();
      else workshop.afterSession(restart);
      return 202;
    },
  });
}

/** DiagMon function that collects a log: Start and Stop. */
export function defineEventLog(workshop: Workshop, path: string): void {
  const { tree, journal } = workshop;
  tree.define(path, { format: 'node', type: 'urn:oma:mo:oma-diag:eventlog:1.0' });
  tree.define(`${path}/DiagMonID`, { value: 'eventlog' });
  tree.define(`${path}/Status`, { value: 'DONE' });
  tree.define(`${path}/DiagMonData`, { value: '' });
  for (const [name, status] of Object.entries({ Start: 'RUNNING', Stop: 'DONE' }))
    tree.define(`${path}/Operations/${name}`, {
      format: 'node',
      access: 'EG',
      run() {
        const lines = journal.entries.slice(-5).map((entry) => `${entry.kind} ${entry.path ?? ''}`.trim());
        setText(workshop, `${path}/Status`, status);
        setText(workshop, `${path}/DiagMonData`, lines.join('; '));
        journal.record({ kind: 'diagnosis', path, value: status });
        return 200;
      },
    });
}

/** ConnMO 1.0: one network access point and a proxy. */
export function defineConnectivity({ tree }: Workshop, path: string): void {
  const leaves = (root: string, type: string, values: Record<string, string>): void => {
    tree.define(root, { format: 'node', type, access: 'ADGR' });
    for (const [name, value] of Object.entries(values)) tree.define(`${root}/${name}`, { value, access: 'DGR' });
  };
  leaves(`${path}/NAP`, 'urn:oma:mo:oma-connmo-nap:1.0', {
    NAPID: 'nap-1',
    Name: 'mobile',
    BearerType: 'GSM-GPRS',
    AddrType: 'APN',
    Addr: 'internet.example',
  });
  leaves(`${path}/Proxy`, 'urn:oma:mo:oma-connmo-proxy:1.0', {
    ProxyID: 'proxy-1',
    Name: 'none',
    AddrType: 'FQDN',
    Addr: 'proxy.example',
    PortNbr: '8080',
  });
}

export interface DeviceBehind {
  id: string;
  type: string;
}

/** Device inventory of a DM gateway (GwMO 1.0). */
export function defineGateway({ tree }: Workshop, path: string, devices: readonly DeviceBehind[]): void {
  tree.define(path, { format: 'node', type: 'urn:oma:mo:oma-gwmo-deviceinventory:1.0' });
  tree.define(`${path}/Inventory/Records`, { format: 'node' });
  for (const [at, { id, type }] of devices.entries()) {
    tree.define(`${path}/Inventory/Records/${at + 1}/DeviceID`, { value: id });
    tree.define(`${path}/Inventory/Records/${at + 1}/DeviceType`, { value: type });
    tree.define(`${path}/Inventory/Records/${at + 1}/Status`, { value: 'ATTACHED' });
  }
}

/** A trap on a leaf. It fires at every change, or once when the value falls to a threshold and once when it rises again. */
export interface TrapOption {
  watches: string;
  threshold?: number;
  enabled?: boolean;
}

export class Trap {
  readonly watches: string;
  readonly #workshop: Workshop;
  readonly #path: string;
  #active = false;

  constructor(workshop: Workshop, path: string, { watches, threshold, enabled }: TrapOption) {
    const { tree } = workshop;
    this.#workshop = workshop;
    this.#path = path;
    this.watches = watches;
    tree.define(path, { format: 'node', type: 'urn:oma:mo:oma-diagmontrap:1.0' });
    tree.define(`${path}/TrapID`, { value: path.split('/').at(-1) ?? '' });
    tree.define(`${path}/Enabled`, { format: 'bool', access: 'GR', value: enabled ?? false });
    tree.define(`${path}/TrapConfig/Node`, { value: watches });
    if (threshold !== undefined)
      tree.define(`${path}/TrapConfig/Threshold`, { format: 'int', access: 'GR', value: threshold });
    tree.define(`${path}/Status`, { value: 'NOT_STARTED' });
  }

  /** The leaf has a new value. */
  changed(value: string): void {
    const workshop = this.#workshop;
    if (textAt(workshop, `${this.#path}/Enabled`) !== 'true') return;
    const text = textAt(workshop, `${this.#path}/TrapConfig/Threshold`);
    const active = text === '' || Number(value) <= Number(text);
    const fires = text === '' || active !== this.#active;
    this.#active = active;
    if (!fires) return;
    const type = `urn:oma:at:diagmon:1.0:Trap${active ? '' : 'Inactive'}Notification`;
    workshop.alert({ type, source: this.#path, target: this.watches, format: 'chr', data: value });
  }
}
