/**
 * A translation without mapping files: three classes that show every kind of attribute. Tests of the lanes and of the registry are
 * about operations and outcomes; what the real mappings say is tested where they are.
 *
 * - `battery`: `level` is read from `/3/0/9`; whether a device has one is decided by `/3/0/6`.
 * - `label`: `text` is written to and read from `/3/0/14`.
 * - `reboot`: the trigger `reboot` executes `/3/0/4` and may not be repeated; the return of the device is evidence.
 * - `switch`: the trigger `turn` executes `/9/0/1` and may not be repeated; `/9/0/2` = true is evidence.
 * - `siren`: the trigger `sound` executes `/10/0/1`, may not be repeated, and nothing is evidence.
 * - `firmware`: `URL` and `version` are inputs of the procedure that `update` starts, `updateStatus` follows from `/5/0/5`
 *   and `/5/0/3`, `version` is read from `/5/0/7`.
 */
import type { InventoryObject } from '../../src/management/adapter.ts';
import type { Operation, Step, Target, Value } from '../../src/management/operation.ts';
import type { AttributePatch, BoundObject, MappedObject } from '../../src/management/resource-side.ts';
import {
  absent,
  noLinks,
  type ReadValues,
  type TriggerPlan,
  type UpdatePlan,
} from '../../src/management/translation.ts';
import type { Translator } from '../../src/management/translator.ts';

const reads: Record<string, Record<string, string>> = {
  battery: { level: '9' },
  label: { text: '14' },
  firmware: { version: '7' },
};
const roots: Record<string, string> = {
  battery: '/3/0',
  label: '/3/0',
  reboot: '/3/0',
  switch: '/9/0',
  siren: '/10/0',
  firmware: '/5/0',
};
const definitions: Record<string, number> = {
  firmware: 1001,
  switch: 1002,
  siren: 1003,
  battery: 1006,
  label: 1007,
  reboot: 1009,
};

export const testTranslator: Translator = {
  planRead(object, attributes) {
    const rows = Object.entries(reads[object.mapping] ?? {}).filter(([name]) => attributes?.includes(name) ?? true);
    return { targets: rows.map(([, resource]) => target(object, resource)), local: [] };
  },
  patchFromValues(object, values) {
    const patch: AttributePatch = {};
    for (const [name, resource] of Object.entries(reads[object.mapping] ?? {})) {
      const value = values.get(`${rootOf(object)}/${resource}`);
      if (value === undefined) continue;
      const said = value === absent ? null : plain(value);
      if (said !== (object.attributes[name] ?? null)) patch[name] = said;
    }
    const status = object.mapping === 'firmware' ? statusOf(values, rootOf(object)) : undefined;
    if (status !== undefined) patch['updateStatus'] = { action: 'update', status };
    return { patch, problems: [] };
  },
  planUpdate(object, patch, { inputs = {} }) {
    const plan: UpdatePlan = {
      ok: true,
      held: {},
      inputs: {},
      written: {},
      steps: [],
      repeatable: true,
      triggers: [],
      ignored: [],
    };
    for (const [name, value] of Object.entries(patch)) {
      if (object.mapping === 'label' && name === 'text') {
        if (typeof value !== 'string') return { ok: false, responseStatusCode: 4000, explanation: 'text is a string' };
        plan.steps.push({ action: 'write', assignments: [{ path: `${rootOf(object)}/14`, value }] });
        plan.written[name] = value;
      } else if (object.mapping === 'firmware' && name !== 'update') {
        plan.held[name] = value;
        plan.inputs[name] = value;
      } else if (value === true && triggers[name]) {
        plan.triggers.push(triggers[name](object, { ...object.attributes, ...inputs, ...patch }));
      } else {
        plan.held[name] = value;
      }
    }
    return plan;
  },
  planCreate: (mgmtDefinition, _profiles, attributes, { wanted }) => {
    if (mgmtDefinition !== definitions['label']) {
      return { ok: false, responseStatusCode: 4005, explanation: 'a device cannot create it' };
    }
    const existing = wanted?.objectPaths?.[0] === '/3/0';
    const steps: Step[] = existing ? [] : [{ action: 'create', path: '/3', assignments: [] }];
    return {
      ok: true,
      mapping: 'label',
      existing,
      steps,
      attributes,
      bind: (created) => ({
        objectIDs: ['urn:test:3'],
        objectPaths: [created ?? '/3/0'],
        names: {},
        objects: { label: created ?? '/3/0' },
      }),
    };
  },
  planDelete: (object) =>
    object.mapping === 'label'
      ? { ok: true, steps: [{ action: 'delete', path: rootOf(object) }] }
      : { ok: false, responseStatusCode: 4005, explanation: 'a device cannot delete it' },
  actionStatus: (_object, trigger, status) => ({ action: trigger, status }),
  attributesTouchedBy: (object, paths) =>
    [...paths].some((path) => path.startsWith(rootOf(object))) ? Object.keys(reads[object.mapping] ?? {}) : [],
  observationPaths(object, attributes) {
    return testTranslator.planRead(object, attributes).targets;
  },
  hasLinks: () => false,
  linksAmong: () => noLinks,
  objectsOf({ inventory }, values) {
    const has = (path: string): boolean => inventory.objects.some((object) => object.path === path);
    const objects: MappedObject[] = [];
    for (const mapping of Object.keys(roots)) {
      if (!has(roots[mapping]!) || mapping === 'battery') continue;
      objects.push(mapped(mapping));
    }
    const source = values?.get('/3/0/6');
    const undecided =
      has('/3/0') && source === undefined
        ? [{ mapping: 'battery', reads: [{ path: '/3/0/6' }], object: mapped('battery') }]
        : [];
    if (has('/3/0') && source !== undefined && source !== absent) objects.push(mapped('battery'));
    return { objects, undecided, profiles: [] };
  },
  initialReads: (_technology, objects) =>
    objects.flatMap(({ mapping }) =>
      Object.values(reads[mapping] ?? {}).map((resource) => ({ path: `${roots[mapping]}/${resource}` })),
    ),
  profilesFor: () => [],
  identityPaths: () => new Map(),
  identityReads: () => [],
  identified: () => undefined,
  mappingDigest: () => '',
  profileSettings: () => ({ versionAfterUpdate: 'exact' }),
};

const triggers: Record<string, (object: BoundObject, attributes: AttributePatch) => TriggerPlan> = {
  reboot: (object) => ({ ...executing('reboot', `${rootOf(object)}/4`), evidence: { restart: true } }),
  turn: (object) => ({
    ...executing('turn', `${rootOf(object)}/1`),
    reports: 'turnStatus',
    evidence: { read: { on: { path: `${rootOf(object)}/2` } }, succeededWhen: { on: true } },
  }),
  sound: (object) => executing('sound', `${rootOf(object)}/1`),
  update: (object, attributes) => ({
    attribute: 'update',
    procedure: 'firmware-update',
    steps: [
      {
        action: 'procedure',
        procedure: 'firmware-update',
        object: rootOf(object),
        inputs: { url: attributes['URL'] as Value, version: (attributes['version'] as Value | undefined) ?? '' },
      },
    ],
    repeatable: false,
    evidence: { read: { state: { path: `${rootOf(object)}/3` }, result: { path: `${rootOf(object)}/5` } } },
    reports: 'updateStatus',
    whileRunning: 'CONFLICT',
    inputsUsed: ['URL', 'version'],
    refresh: [{ attribute: 'version' }],
  }),
};

function executing(attribute: string, path: string): TriggerPlan {
  return {
    attribute,
    steps: [{ action: 'execute', target: { path } }],
    repeatable: false,
    whileRunning: 'ALLOWED',
    inputsUsed: [],
    refresh: [],
  };
}

function statusOf(values: ReadValues, root: string): number | undefined {
  const result = values.get(`${root}/5`);
  const state = values.get(`${root}/3`);
  if (result === 1) return 1;
  if (typeof result === 'number' && result > 1) return 2;
  return typeof state === 'number' && state > 0 ? 3 : undefined;
}

function mapped(mapping: string): MappedObject {
  const root = roots[mapping]!;
  return {
    mapping,
    mgmtDefinition: definitions[mapping]!,
    resourceName: mapping,
    objectIDs: [`urn:test${root}`],
    objectPaths: [root],
    names: {},
    objects: { [mapping]: root },
    attributes: {},
  };
}

function rootOf(object: BoundObject): string {
  return object.objects[object.mapping] ?? roots[object.mapping]!;
}

function target(object: BoundObject, resource: string): Target {
  return { path: `${rootOf(object)}/${resource}`, optional: true };
}

function plain(value: Value): string | number | boolean | null {
  return typeof value === 'object' ? null : value;
}

export function inventoryOf(...paths: string[]): InventoryObject[] {
  return paths.map((path) => ({ path, objectID: `urn:test${path}` }));
}

export type { Operation };
