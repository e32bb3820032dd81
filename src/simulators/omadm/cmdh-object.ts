import type { Workshop } from './workshop.ts';

/** Leaves of one instance of each part, as [format, value] (TS-0005 5.6.1). Links are paths. */
const parts: Readonly<Record<string, Record<string, readonly ['chr' | 'int' | 'bool', string]>>> = {
  'cmdhPolicy/1': {
    name: ['chr', 'policy of the factory'],
    defaultRule: ['chr', '{mo}/cmdhDefaults/1'],
    'limitRules/1': ['chr', '{mo}/cmdhLimits/1'],
    'networkAccessECRules/1': ['chr', '{mo}/cmdhNetworkAccessRules/1'],
    'bufferRules/1': ['chr', '{mo}/cmdhBuffer/1'],
  },
  activeCmdhPolicy: { activeLink: ['chr', '{mo}/cmdhPolicy/1'] },
  'cmdhDefaults/1': {
    'defaultEcRules/1': ['chr', '{mo}/cmdhDefEcValue/1'],
    'defaultEcParamRules/1': ['chr', '{mo}/cmdhEcDefParamValues/1'],
  },
  'cmdhDefEcValue/1': {
    order: ['int', '1'],
    defEcValue: ['chr', '2'],
    requestOrigin: ['chr', 'C-first C-second'],
    requestContext: ['chr', ''],
    requestContextNotification: ['bool', 'false'],
    requestCharacteristics: ['chr', ''],
  },
  'cmdhEcDefParamValues/1': {
    applicableEventCategory: ['chr', '2 3'],
    defaultRequestExpTime: ['int', '3600000'],
    defaultResultExpTime: ['int', '-1'],
    defaultOpExecTime: ['int', '60000'],
    defaultRespPersistence: ['int', '1000'],
    defaultDelAggregation: ['bool', 'true'],
  },
  'cmdhLimits/1': {
    order: ['int', '1'],
    requestOrigin: ['chr', 'C-first'],
    requestContext: ['chr', ''],
    requestContextNotification: ['bool', 'false'],
    requestCharacteristics: ['chr', ''],
    limitsEventCategory: ['chr', '2 3'],
    limitsRequestExpTime: ['chr', '0 3600000'],
    limitsResultExpTime: ['chr', '0 3600000'],
    limitsOpExecTime: ['chr', '0 60000'],
    limitsRespPersistence: ['chr', '0 1000'],
    limitsDelAggregation: ['chr', '0 1'],
  },
  'cmdhNetworkAccessRules/1': {
    applicableEventCategories: ['chr', '2'],
    'networkAccessRule/1': ['chr', '{mo}/cmdhNwAccessRule/1'],
  },
  'cmdhNwAccessRule/1': {
    targetNetwork: ['chr', 'cellular'],
    minReqVolume: ['int', '1024'],
    backOffParameters: ['chr', '1000 500 60000'],
    otherConditions: ['chr', ''],
  },
  'cmdhBuffer/1': {
    applicableEventCategory: ['chr', '2'],
    maxBufferSize: ['int', '65536'],
    storagePriority: ['int', '5'],
  },
};

/** The M2M CMDH Policies MO of oneM2M with one policy. */
export function defineCmdh({ tree }: Workshop, path: string): void {
  tree.define(path, { format: 'node', type: 'urn:oma:mo:ext-onem2m-mcmdhmo:1.0' });
  for (const [part, leaves] of Object.entries(parts)) {
    const [list = '', instance] = part.split('/');
    tree.define(`${path}/${list}`, { format: 'node', access: 'AG' });
    if (instance !== undefined) tree.define(`${path}/${part}`, { format: 'node', access: 'ADGR' });
    for (const [name, [format, value]] of Object.entries(leaves)) {
      const [inner, below] = name.split('/');
      if (below !== undefined) tree.define(`${path}/${part}/${inner}`, { format: 'node', access: 'ADGR' });
      tree.define(`${path}/${part}/${name}`, { format, value: value.replace('{mo}', path), access: 'DGR' });
    }
  }
}
