/** Resource types by number (TS-0004 6.3.4.2.1): those of the gateway with their attributes, the others by name. */
import {
  commonAttributes,
  managementObjectAttributes,
  selfDefinedAttributes,
  specificAttributes,
  universalAttributes,
} from './attribute-tables.ts';
import type { ResourceTypeDefinition } from './vocabulary.ts';

/** Numbers of the resource types, by name in capitals. */
export const resourceTypes = {
  ACCESS_CONTROL_POLICY: 1,
  AE: 2,
  CONTAINER: 3,
  CONTENT_INSTANCE: 4,
  CSE_BASE: 5,
  EXEC_INSTANCE: 8,
  GROUP: 9,
  MGMT_CMD: 12,
  MGMT_OBJ: 13,
  NODE: 14,
  POLLING_CHANNEL: 15,
  REMOTE_CSE: 16,
  REQUEST: 17,
  SCHEDULE: 18,
  SUBSCRIPTION: 23,
} as const;

/** mgmtDefinition of a class that the requester defines itself; its root on the wire is `m2m:mgo`. */
export const selfDefined = 0;

const type = resourceTypes;

export const plainResourceTypes: readonly ResourceTypeDefinition[] = [
  {
    name: 'CSEBase',
    resourceType: type.CSE_BASE,
    root: 'm2m:cb',
    children: [
      1, 2, 3, 9, 10, 11, 12, 14, 16, 17, 18, 23, 24, 28, 29, 31, 32, 33, 34, 35, 36, 37, 38, 44, 45, 47, 48, 49, 50,
    ],
    attributes: [...universalAttributes, ...commonAttributes.base, ...specificAttributes.CSEBase],
    notAllowed: ['create', 'update', 'delete'],
  },
  {
    name: 'AE',
    resourceType: type.AE,
    root: 'm2m:ae',
    children: [1, 3, 9, 15, 23, 24, 28, 29, 46, 48, 50],
    attributes: [...universalAttributes, ...commonAttributes.announceable, ...specificAttributes.AE],
  },
  {
    name: 'accessControlPolicy',
    resourceType: type.ACCESS_CONTROL_POLICY,
    root: 'm2m:acp',
    children: [type.SUBSCRIPTION],
    attributes: [
      ...universalAttributes,
      ...commonAttributes.announceableSubordinate,
      ...specificAttributes.accessControlPolicy,
    ],
  },
  {
    name: 'container',
    resourceType: type.CONTAINER,
    root: 'm2m:cnt',
    children: [3, 4, 23, 24, 28, 29, 50],
    attributes: [...universalAttributes, ...commonAttributes.announceable, ...specificAttributes.container],
  },
  {
    name: 'contentInstance',
    resourceType: type.CONTENT_INSTANCE,
    root: 'm2m:cin',
    children: [],
    attributes: [
      ...universalAttributes,
      ...commonAttributes.announceableSubordinate,
      ...specificAttributes.contentInstance,
    ],
    notAllowed: ['update'],
  },
  {
    name: 'node',
    resourceType: type.NODE,
    root: 'm2m:nod',
    children: [13, 18, 23, 24, 50],
    attributes: [...universalAttributes, ...commonAttributes.announceable, ...specificAttributes.node],
  },
  {
    name: 'subscription',
    resourceType: type.SUBSCRIPTION,
    root: 'm2m:sub',
    children: [type.SCHEDULE],
    attributes: [...universalAttributes, ...commonAttributes.regular, ...specificAttributes.subscription],
  },
  {
    name: 'request',
    resourceType: type.REQUEST,
    root: 'm2m:req',
    children: [type.SUBSCRIPTION],
    attributes: [...universalAttributes, ...commonAttributes.regular, ...specificAttributes.request],
    notAllowed: ['create'],
  },
  {
    name: 'mgmtCmd',
    resourceType: type.MGMT_CMD,
    root: 'm2m:mgc',
    children: [type.EXEC_INSTANCE, type.SUBSCRIPTION],
    attributes: [...universalAttributes, ...commonAttributes.regular, ...specificAttributes.mgmtCmd],
  },
  {
    name: 'execInstance',
    resourceType: type.EXEC_INSTANCE,
    root: 'm2m:exin',
    children: [type.SUBSCRIPTION],
    attributes: [...universalAttributes, ...commonAttributes.regular, ...specificAttributes.execInstance],
    notAllowed: ['create'],
  },
];

const commonOfManagementObjects = [
  ...universalAttributes,
  ...commonAttributes.announceable,
  ...managementObjectAttributes,
];

/** The whole definition of a specialization of mgmtObj from its specific attributes. */
export function managementObject(specialization: ResourceTypeDefinition): ResourceTypeDefinition {
  return {
    ...specialization,
    resourceType: type.MGMT_OBJ,
    attributes: [...commonOfManagementObjects, ...specialization.attributes],
  };
}

/** Class 0: attributes beside these are free (TS-0001 9.6.15). */
export const selfDefinedManagementObject: ResourceTypeDefinition = managementObject({
  name: 'self-defined mgmtObj',
  resourceType: type.MGMT_OBJ,
  mgmtDefinition: selfDefined,
  root: 'm2m:mgo',
  children: [type.SUBSCRIPTION],
  attributes: selfDefinedAttributes,
});

/** Every type of the standard that the gateway does not have; creating one answers NOT_IMPLEMENTED with this name. */
export const absentResourceTypes: ReadonlyMap<number, string> = new Map([
  [6, 'delivery'],
  [7, 'eventConfig'],
  [9, 'group'],
  [10, 'locationPolicy'],
  [11, 'm2mServiceSubscriptionProfile'],
  [15, 'pollingChannel'],
  [16, 'remoteCSE'],
  [18, 'schedule'],
  [19, 'serviceSubscribedAppRule'],
  [20, 'serviceSubscribedNode'],
  [21, 'statsCollect'],
  [22, 'statsConfig'],
  [24, 'semanticDescriptor'],
  [25, 'notificationTargetMgmtPolicyRef'],
  [26, 'notificationTargetPolicy'],
  [27, 'policyDeletionRules'],
  [28, 'flexContainer'],
  [29, 'timeSeries'],
  [30, 'timeSeriesInstance'],
  [31, 'role'],
  [32, 'token'],
  [33, 'trafficPattern'],
  [34, 'dynamicAuthorizationConsultation'],
  [35, 'authorizationDecision'],
  [36, 'authorizationPolicy'],
  [37, 'authorizationInformation'],
  [38, 'ontologyRepository'],
  [39, 'ontology'],
  [40, 'semanticMashupJobProfile'],
  [41, 'semanticMashupInstance'],
  [42, 'semanticMashupResult'],
  [43, 'AEContactList'],
  [44, 'AEContactListPerCSE'],
  [45, 'localMulticastGroup'],
  [46, 'multimediaSession'],
  [47, 'triggerRequest'],
  [48, 'crossResourceSubscription'],
  [49, 'backgroundDataTransfer'],
  [50, 'transactionMgmt'],
  [51, 'transaction'],
  [58, 'flexContainerInstance'],
  [60, 'timeSyncBeacon'],
  [62, 'primitiveProfile'],
  [63, 'processManagement'],
  [64, 'state'],
  [65, 'action'],
  [66, 'dependency'],
]);
