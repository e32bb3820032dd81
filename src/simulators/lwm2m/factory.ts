import { definitions } from './definitions.ts';
import type { EnablerVersion } from './links.ts';
import type { TreeValues } from './tree.ts';
import type { Resource } from './value.ts';

/** Values to lay over the factory's: null takes an object, an instance or a resource away. */
export type Overrides = Record<number, Record<number, Record<number, Resource | null> | null> | null>;

/** What a new device holds before it has ever met a server. */
export function factoryValues(options: {
  endpoint: string;
  version: EnablerVersion;
  binding: string;
  lifetime: number;
  address: string;
  random: () => number;
}): TreeValues {
  const { endpoint, version, binding, lifetime, address, random } = options;
  const now = Math.floor(Date.now() / 1000);
  const values: TreeValues = {
    1: { 0: { 0: 1, 1: lifetime, 2: 0, 5: 86_400, 6: true, 7: binding } },
    3: {
      0: {
        0: 'Trivet Simulators',
        1: 'SIM-3000',
        2: `SN-${endpoint}`,
        3: '1.0.0',
        6: { 0: 1, 1: 5 },
        7: { 0: 3800, 1: 5000 },
        8: { 0: 125, 1: 900 },
        9: 80 + Math.floor(random() * 20),
        10: 24_576,
        11: { 0: 0 },
        14: '+00:00',
        15: 'Etc/UTC',
        16: binding,
        17: 'sensor',
        18: 'B2',
        19: '1.4.2',
        20: 0,
        21: 65_536,
      },
    },
    4: {
      0: {
        0: 21,
        1: { 0: 21, 1: 41 },
        2: -72,
        3: 90,
        4: { 0: address },
        5: { 0: '192.0.2.1' },
        6: 12,
        8: 4711,
        9: 1,
        10: 262,
      },
    },
    5: { 0: { 1: '', 3: 0, 5: 0, 8: { 0: 0, 1: 2 }, 9: 2 } },
    6: { 0: { 0: 52.5163, 1: 13.3777, 2: 34.5, 3: 12.5, 5: now, 6: 0 } },
    9: {
      0: { 0: 'metering-agent', 1: '1.4.2', 7: 4, 9: 2, 12: true },
      1: { 7: 0, 9: 0, 12: false },
    },
    15: {
      0: { 0: 'camera', 1: 5, 2: 'front camera', 3: true, 4: true, 7: false },
      1: { 0: 'microSD', 1: 4, 2: 'card slot', 3: false, 4: false, 7: false },
    },
    20: { 0: { 4010: 1, 4013: 1, 4014: Buffer.alloc(0), 4015: 0 } },
  };
  if (version !== '1.0') {
    Object.assign(values[3]?.[0] ?? {}, { 22: { 0: '15:0' } });
    Object.assign(values[5]?.[0] ?? {}, { 11: 1, 12: now, 13: 0 });
  }
  for (const id of definitions.keys()) if (id >= 2048 && id <= 2057) values[id] = {};
  return values;
}

/** Values with the overrides laid over them. */
export function withOverrides(values: TreeValues, overrides: Overrides): TreeValues {
  const result: TreeValues = structuredClone(values);
  for (const [objectId, instances] of Object.entries(overrides)) {
    const object = Number(objectId);
    if (instances === null) {
      delete result[object];
      continue;
    }
    const held = (result[object] ??= {});
    for (const [instanceId, resources] of Object.entries(instances)) {
      const instance = Number(instanceId);
      if (resources === null) {
        delete held[instance];
        continue;
      }
      const row = (held[instance] ??= {});
      for (const [id, value] of Object.entries(resources)) {
        if (value === null) delete row[Number(id)];
        else row[Number(id)] = value;
      }
    }
  }
  return result;
}
