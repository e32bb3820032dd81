/**
 * The attributes of every resource type as data, in the order of the standard (TS-0001 9.6, TS-0004 7.4). Those of the
 * specializations of mgmtObj come from the mapping files.
 */
import type { AttributeDefinition, Cardinality, Presence } from './vocabulary.ts';

type Row = [
  name: string,
  shortName: string,
  type: string,
  cardinality: Cardinality,
  create: Presence,
  update: Presence,
  extra?: Partial<AttributeDefinition>,
];

function attributes(rows: Row[]): AttributeDefinition[] {
  return rows.map(([name, shortName, type, cardinality, create, update, extra]) => ({
    name,
    shortName,
    type,
    cardinality,
    create,
    update,
    ...extra,
  }));
}

/** The standard knows it, we do not do what it asks for: NOT_IMPLEMENTED rather than an empty promise (TS-0004 7.3.3.4). */
const unsupported = { unsupported: true } as const;

/** TS-0004 6.3.6, table 1: every resource has them. */
export const universalAttributes = attributes([
  ['resourceType', 'ty', 'resourceType', '1', 'NP', 'NP'],
  ['resourceID', 'ri', 'ID', '1', 'NP', 'NP'],
  ['resourceName', 'rn', 'resourceName', '1', 'O', 'NP'],
  ['parentID', 'pi', 'nhURI', '1', 'NP', 'NP'],
  ['creationTime', 'ct', 'timestamp', '1', 'NP', 'NP'],
  ['lastModifiedTime', 'lt', 'timestamp', '1', 'NP', 'NP'],
]);

const expirationTime = attributes([['expirationTime', 'et', 'timestamp', '1', 'O', 'O']]);
const labels = attributes([['labels', 'lbl', 'labels', '0..1(L)', 'O', 'O']]);
const accessControl = attributes([
  ['accessControlPolicyIDs', 'acpi', 'acpType', '0..1(L)', 'O', 'O'],
  ['dynamicAuthorizationConsultationIDs', 'daci', 'listOfURIs', '0..1(L)', 'O', 'O', unsupported],
]);
const announcement = attributes([
  ['announceTo', 'at', 'listOfURIs', '0..1(L)', 'O', 'O', unsupported],
  ['announcedAttribute', 'aa', 'list of NCName', '0..1(L)', 'O', 'O', unsupported],
]);
const creator = attributes([['creator', 'cr', 'ID', '0..1', 'O', 'NP']]);

/** TS-0004 6.5: which common attributes a type has beside the universal ones. */
export const commonAttributes = {
  base: [...labels],
  regular: [...expirationTime, ...labels, ...accessControl],
  announceable: [...expirationTime, ...labels, ...accessControl, ...announcement],
  announceableSubordinate: [...expirationTime, ...labels, ...announcement],
} as const;

/** TS-0004 7.4.15: every specialization of mgmtObj. */
export const managementObjectAttributes = attributes([
  ['mgmtDefinition', 'mgd', 'mgmtDefinition', '1', 'M', 'NP'],
  ['objectIDs', 'obis', 'listOfURIs', '0..1(L)', 'O', 'NP'],
  ['objectPaths', 'obps', 'listOfURIs', '0..1(L)', 'O', 'NP'],
  ['description', 'dc', 'string', '0..1', 'O', 'O'],
]);

/** Class 0 only (TS-0001 9.6.15). */
export const selfDefinedAttributes = attributes([
  ['mgmtSchema', 'mgs', 'anyURI', '1', 'M', 'NP'],
  ['mgmtLink', 'cmlk', 'mgmtLinkRef', '0..1(L)', 'O', 'O'],
]);

export const specificAttributes = {
  // TS-0004 7.4.3
  CSEBase: attributes([
    ['accessControlPolicyIDs', 'acpi', 'acpType', '0..1(L)', 'NP', 'NP'],
    ['cseType', 'cst', 'cseTypeID', '0..1', 'NP', 'NP'],
    ['CSE-ID', 'csi', 'ID', '1', 'NP', 'NP'],
    ['supportedResourceType', 'srt', 'list of resourceType', '1(L)', 'NP', 'NP'],
    ['pointOfAccess', 'poa', 'poaList', '1(L)', 'NP', 'NP'],
    ['nodeLink', 'nl', 'anyURI', '0..1', 'NP', 'NP'],
    ['contentSerialization', 'csz', 'serializations', '0..1(L)', 'NP', 'NP'],
    ['supportedReleaseVersions', 'srv', 'supportedReleaseVersions', '0..1(L)', 'NP', 'NP'],
  ]),
  // TS-0004 7.4.5
  AE: attributes([
    ['appName', 'apn', 'string', '0..1', 'O', 'O'],
    ['App-ID', 'api', 'appID', '1', 'M', 'NP'],
    ['AE-ID', 'aei', 'ID', '1', 'NP', 'NP'],
    ['pointOfAccess', 'poa', 'poaList', '0..1(L)', 'O', 'O'],
    ['ontologyRef', 'or', 'anyURI', '0..1', 'O', 'O'],
    ['nodeLink', 'nl', 'anyURI', '0..1', 'O', 'O'],
    ['requestReachability', 'rr', 'boolean', '1', 'M', 'O'],
    ['contentSerialization', 'csz', 'serializations', '0..1(L)', 'O', 'O'],
    ['e2eSecInfo', 'esi', 'anyType', '0..1', 'O', 'O', unsupported],
    ['M2M-Ext-ID', 'mei', 'externalID', '0..1', 'O', 'O'],
    // Release 2 does not know it.
    ['supportedReleaseVersions', 'srv', 'supportedReleaseVersions', '0..1(L)', 'M', 'O', { mandatorySince: 3 }],
    ['registrationStatus', 'regs', 'anyType', '0..1', 'O', 'O', unsupported],
    ['trackRegistrationPoints', 'trps', 'boolean', '0..1', 'O', 'O', unsupported],
    ['sessionCapabilities', 'scp', 'anyType', '0..1(L)', 'O', 'O', unsupported],
    ['triggerEnable', 'tren', 'boolean', '0..1', 'O', 'O', unsupported],
    ['activityPatternElements', 'ape', 'anyType', '0..1(L)', 'O', 'O', unsupported],
    ['Trigger-Recipient-ID', 'tri', 'unsignedInt', '0..1', 'O', 'O', unsupported],
    ['triggerReferenceNumber', 'trn', 'unsignedInt', '0..1', 'O', 'O', unsupported],
  ]),
  // TS-0004 7.4.2
  accessControlPolicy: attributes([
    ['privileges', 'pv', 'setOfAcrs', '1', 'M', 'O'],
    ['selfPrivileges', 'pvs', 'setOfAcrs', '1', 'M', 'O'],
    ['authorizationDecisionResourceIDs', 'adri', 'listOfURIs', '0..1(L)', 'O', 'O', unsupported],
    ['authorizationPolicyResourceIDs', 'apri', 'listOfURIs', '0..1(L)', 'O', 'O', unsupported],
    ['authorizationInformationResourceIDs', 'airi', 'listOfURIs', '0..1(L)', 'O', 'O', unsupported],
  ]),
  // TS-0004 7.4.6
  container: [
    ...attributes([['stateTag', 'st', 'nonNegativeInteger', '1', 'NP', 'NP']]),
    ...creator,
    ...attributes([
      ['maxNrOfInstances', 'mni', 'nonNegativeInteger', '0..1', 'O', 'O'],
      ['maxByteSize', 'mbs', 'nonNegativeInteger', '0..1', 'O', 'O'],
      ['maxInstanceAge', 'mia', 'nonNegativeInteger', '0..1', 'O', 'O'],
      ['currentNrOfInstances', 'cni', 'nonNegativeInteger', '1', 'NP', 'NP'],
      ['currentByteSize', 'cbs', 'nonNegativeInteger', '1', 'NP', 'NP'],
      ['locationID', 'li', 'anyURI', '0..1', 'NP', 'NP'],
      ['ontologyRef', 'or', 'anyURI', '0..1', 'O', 'O'],
      ['disableRetrieval', 'disr', 'boolean', '0..1', 'O', 'O'],
    ]),
  ],
  // TS-0004 7.4.7
  contentInstance: [
    ...attributes([['stateTag', 'st', 'nonNegativeInteger', '1', 'NP', 'NP']]),
    ...creator,
    ...attributes([
      ['contentInfo', 'cnf', 'contentInfo', '0..1', 'O', 'NP'],
      ['contentSize', 'cs', 'nonNegativeInteger', '1', 'NP', 'NP'],
      ['contentRef', 'conr', 'anyType', '0..1', 'O', 'NP', unsupported],
      ['ontologyRef', 'or', 'anyURI', '0..1', 'O', 'NP'],
      ['content', 'con', 'anyType', '1', 'M', 'NP'],
    ]),
  ],
  // TS-0004 7.4.18
  node: attributes([
    ['nodeID', 'ni', 'nodeID', '1', 'M', 'O'],
    ['hostedCSELink', 'hcl', 'ID', '0..1', 'O', 'O'],
    ['hostedAELinks', 'hael', 'links', '0..1(L)', 'O', 'O'],
    ['hostedServiceLinks', 'hsl', 'links', '0..1(L)', 'O', 'O'],
    ['mgmtClientAddress', 'mgca', 'string', '0..1', 'O', 'O'],
    ['roamingStatus', 'rms', 'boolean', '0..1', 'NP', 'NP'],
    ['networkID', 'nid', 'string', '0..1', 'NP', 'NP'],
  ]),
  // TS-0004 7.4.8
  subscription: [
    ...creator,
    ...attributes([
      ['eventNotificationCriteria', 'enc', 'eventNotificationCriteria', '0..1', 'O', 'O'],
      ['expirationCounter', 'exc', 'positiveInteger', '0..1', 'O', 'O'],
      ['notificationURI', 'nu', 'notificationURIs', '1(L)', 'M', 'O'],
      ['groupID', 'gpi', 'anyURI', '0..1', 'O', 'O', unsupported],
      ['notificationForwardingURI', 'nfu', 'anyURI', '0..1(L)', 'O', 'O', unsupported],
      ['batchNotify', 'bn', 'batchNotify', '0..1', 'O', 'O', unsupported],
      ['rateLimit', 'rl', 'rateLimit', '0..1', 'O', 'O', unsupported],
      ['preSubscriptionNotify', 'psn', 'positiveInteger', '0..1', 'O', 'NP', unsupported],
      ['pendingNotification', 'pn', 'pendingNotification', '0..1', 'O', 'O', unsupported],
      ['notificationStoragePriority', 'nsp', 'positiveInteger', '0..1', 'O', 'O', unsupported],
      ['latestNotify', 'ln', 'boolean', '0..1', 'O', 'O', unsupported],
      ['notificationContentType', 'nct', 'notificationContentType', '1', 'O', 'O', { default: 1 }],
      ['notificationEventCat', 'nec', 'eventCat', '0..1', 'O', 'O'],
      ['subscriberURI', 'su', 'anyURI', '0..1', 'O', 'NP'],
      ['associatedCrossResourceSub', 'acrs', 'listOfURIs', '0..1', 'O', 'O', unsupported],
    ]),
  ],
  // TS-0004 7.4.10
  request: attributes([
    ['operation', 'op', 'operation', '1', 'NP', 'NP'],
    ['target', 'tg', 'anyURI', '1', 'NP', 'NP'],
    ['originator', 'org', 'ID', '1', 'NP', 'NP'],
    ['requestID', 'rid', 'requestID', '1', 'NP', 'NP'],
    ['metaInformation', 'mi', 'metaInformation', '1', 'NP', 'NP'],
    ['primitiveContent', 'pc', 'primitiveContent', '0..1', 'NP', 'NP'],
    ['requestStatus', 'rs', 'requestStatus', '1', 'NP', 'NP'],
    ['operationResult', 'ors', 'operationResult', '1', 'NP', 'NP'],
  ]),
  // TS-0004 7.4.16; execMode defaults to IMMEDIATEONCE, and nothing runs on CREATE
  mgmtCmd: attributes([
    ['description', 'dc', 'description', '0..1', 'O', 'O'],
    ['cmdType', 'cmt', 'cmdType', '1', 'M', 'NP'],
    ['execReqArgs', 'exra', 'execReqArgsListType', '0..1', 'O', 'O'],
    ['execEnable', 'exe', 'boolean', '1', 'O', 'O', { default: false }],
    ['execTarget', 'ext', 'nodeID', '1', 'M', 'O'],
    ['execMode', 'exm', 'execModeType', '0..1', 'O', 'O', { default: 1 }],
    ['execFrequency', 'exf', 'duration', '0..1', 'O', 'O'],
    ['execDelay', 'exy', 'duration', '0..1', 'O', 'O'],
    ['execNumber', 'exn', 'nonNegativeInteger', '0..1', 'O', 'O'],
  ]),
  // TS-0004 7.4.17
  execInstance: attributes([
    ['execStatus', 'exs', 'execStatusType', '1', 'NP', 'NP'],
    ['execResult', 'exr', 'execResultType', '1', 'NP', 'NP'],
    ['execDisable', 'exd', 'boolean', '0..1', 'NP', 'O'],
    ['execTarget', 'ext', 'nodeID', '1', 'NP', 'NP'],
    ['execMode', 'exm', 'execModeType', '0..1', 'NP', 'NP'],
    ['execFrequency', 'exf', 'duration', '0..1', 'NP', 'NP'],
    ['execDelay', 'exy', 'duration', '0..1', 'NP', 'NP'],
    ['execNumber', 'exn', 'nonNegativeInteger', '0..1', 'NP', 'NP'],
    ['execReqArgs', 'exra', 'execReqArgsListType', '0..1', 'NP', 'NP'],
  ]),
} as const;
