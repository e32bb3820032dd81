import type { ManagementTree } from './tree.ts';

export interface Identity {
  deviceId: string;
  manufacturer: string;
  model: string;
  language: string;
  /** DmV. */
  version: string;
  deviceType: string;
  firmwareVersion: string;
  softwareVersion: string;
  hardwareVersion: string;
  largeObjects: boolean;
}

/** DevInfo, DevDetail and Inbox (DM Standard Objects 1.2.1). */
export function defineStandardObjects(tree: ManagementTree, identity: Identity): void {
  const leaves = (root: string, type: string, values: Record<string, string>): void => {
    tree.define(root, { format: 'node', type });
    for (const [name, value] of Object.entries(values)) tree.define(`${root}/${name}`, { value });
  };
  leaves('./DevInfo', 'urn:oma:mo:oma-dm-devinfo:1.0', {
    DevId: identity.deviceId,
    Man: identity.manufacturer,
    Mod: identity.model,
    DmV: identity.version,
    Lang: identity.language,
  });
  leaves('./DevDetail', 'urn:oma:mo:oma-dm-devdetail:1.0', {
    'URI/MaxDepth': '0',
    'URI/MaxTotLen': '0',
    'URI/MaxSegLen': '0',
    DevTyp: identity.deviceType,
    OEM: identity.manufacturer,
    FwV: identity.firmwareVersion,
    SwV: identity.softwareVersion,
    HwV: identity.hardwareVersion,
  });
  tree.define('./DevDetail/LrgObj', { format: 'bool', value: identity.largeObjects });
  tree.define('./Inbox', { format: 'node', type: 'urn:oma:mo:oma-dm-inbox:1.0', access: 'AR' });
}
