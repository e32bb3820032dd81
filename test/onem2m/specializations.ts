/** Hand-made specializations of mgmtObj, so that tests of the vocabulary need no mapping file. */
import type { Resource } from '../../src/onem2m/resource.ts';
import type { AttributeDefinition, ResourceTypeDefinition } from '../../src/onem2m/vocabulary.ts';

function attribute(
  name: string,
  shortName: string,
  type: string,
  extra: Partial<AttributeDefinition> = {},
): AttributeDefinition {
  return { name, shortName, type, cardinality: '1', create: 'M', update: 'O', ...extra };
}

export const battery: ResourceTypeDefinition = {
  name: 'battery',
  resourceType: 13,
  mgmtDefinition: 1006,
  root: 'm2m:bat',
  children: [23],
  attributes: [
    attribute('batteryLevel', 'btl', 'unsignedInt', { range: [0, 100] }),
    attribute('batteryStatus', 'bts', 'batteryStatus'),
  ],
};

export const reboot: ResourceTypeDefinition = {
  name: 'reboot',
  resourceType: 13,
  mgmtDefinition: 1009,
  root: 'm2m:rbo',
  children: [23],
  attributes: [
    attribute('reboot', 'rbo', 'boolean', { create: 'O', trigger: true, excludes: ['factoryReset'] }),
    attribute('factoryReset', 'far', 'boolean', { create: 'O', trigger: true, excludes: ['reboot'] }),
  ],
};

export const firmware: ResourceTypeDefinition = {
  name: 'firmware',
  resourceType: 13,
  mgmtDefinition: 1001,
  root: 'm2m:fwr',
  children: [23],
  attributes: [
    attribute('version', 'vr', 'string'),
    attribute('firmwareName', 'fwn', 'string'),
    attribute('URL', 'url', 'anyURI'),
    attribute('update', 'ud', 'boolean', { trigger: true }),
    attribute('updateStatus', 'uds', 'actionStatus', { create: 'NP', originators: 'device' }),
  ],
};

export const cmdhNetworkAccessRule: ResourceTypeDefinition = {
  name: 'cmdhNwAccessRule',
  resourceType: 13,
  mgmtDefinition: 1018,
  root: 'm2m:cmwr',
  children: [23],
  attributes: [
    attribute('targetNetwork', 'ttn', 'listOfM2MID'),
    attribute('backOffParameters', 'bop', 'backOffParameters'),
    attribute('otherConditions', 'ohc', 'anyType', { cardinality: '0..1(L)', create: 'O' }),
    attribute('mgmtLink', 'cmlk', 'mgmtLinkRef', { cardinality: '1(L)' }),
  ],
};

/** A resource as the CSE would hold it. */
export function resource(resourceType: number, parts: Partial<Resource> = {}): Resource {
  return {
    resourceID: 'r1',
    resourceType,
    resourceName: 'thing',
    parentID: 'p1',
    path: 'cse-in/node-7/thing',
    version: 1,
    creationTime: '20260401T081500',
    lastModifiedTime: '20260401T081501',
    expirationTime: '20270401T081500',
    attributes: {},
    internal: {},
    ...parts,
  };
}
