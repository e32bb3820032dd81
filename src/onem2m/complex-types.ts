/**
 * Complex data types of TS-0004 6.3.5 as data: members by long and short name. Values are held with the long names and go on
 * the wire with the short ones.
 */
import type { DataType, Member, ObjectType } from './data-types.ts';

type Row = [name: string, shortName: string, type: string, presence?: 'M' | 'O'];

function members(rows: Row[]): Member[] {
  return rows.map(([name, shortName, type, presence]) => ({ name, shortName, type, required: presence === 'M' }));
}

function object(rows: Row[], extra: Omit<ObjectType, 'kind' | 'members'> = {}): ObjectType {
  return { kind: 'object', members: members(rows), ...extra };
}

/**
 * Arguments of one command. The standard gives every field but anyArg the multiplicity 1 (TS-0004 6.3.5.17 to 23); we insist on
 * what no technology can do without, for a device that needs no password should not need an invented one. Whoever wants them
 * all says so in the settings (`command.arguments`).
 */
function commandArguments(rows: Row[]): ObjectType {
  return object([...rows, ['anyArg', 'any', 'anyArguments']], { missingRefusedWith: 6024, refusedWith: 6023 });
}

function oneOrMore(of: string): DataType {
  return { kind: 'list', of, maximumItems: 100, orSingle: true };
}

export const complexTypes: Record<string, DataType> = {
  // TS-0004 6.3.5.26, 6.3.5.27
  setOfAcrs: object([['accessControlRule', 'acr', 'list of accessControlRule']]),
  accessControlRule: object([
    ['accessControlOriginators', 'acor', 'list of ID', 'M'],
    ['accessControlOperations', 'acop', 'accessControlOperations', 'M'],
    ['accessControlContexts', 'acco', 'list of accessControlContext'],
    ['accessControlAuthenticationFlag', 'acaf', 'boolean'],
    ['accessControlObjectDetails', 'acod', 'list of accessControlObjectDetail'],
  ]),
  accessControlContext: object([
    ['accessControlWindow', 'actw', 'list of scheduleEntry'],
    ['accessControlIpAddresses', 'acip', 'accessControlIpAddresses'],
    ['accessControlLocationRegion', 'aclr', 'locationRegion'],
  ]),
  accessControlIpAddresses: object([
    ['ipv4Addresses', 'ipv4', 'list of ipv4'],
    ['ipv6Addresses', 'ipv6', 'list of ipv6'],
  ]),
  locationRegion: object(
    [
      ['countryCode', 'accc', 'list of countryCode'],
      ['circRegion', 'accr', 'circularRegion'],
    ],
    { choice: true },
  ),
  /** Latitude, longitude in degrees, radius in metres. */
  circularRegion: { kind: 'list', of: 'float', minimumItems: 3, maximumItems: 3 },
  accessControlObjectDetail: object([
    ['resourceType', 'ty', 'resourceType'],
    ['specialization', 'spty', 'anyType'],
    ['childResourceType', 'chty', 'list of resourceType', 'M'],
  ]),

  // TS-0004 6.3.5.8
  eventNotificationCriteria: object([
    ['createdBefore', 'crb', 'timestamp'],
    ['createdAfter', 'cra', 'timestamp'],
    ['modifiedSince', 'ms', 'timestamp'],
    ['unmodifiedSince', 'us', 'timestamp'],
    ['stateTagSmaller', 'sts', 'positiveInteger'],
    ['stateTagBigger', 'stb', 'nonNegativeInteger'],
    ['expireBefore', 'exb', 'timestamp'],
    ['expireAfter', 'exa', 'timestamp'],
    ['sizeAbove', 'sza', 'nonNegativeInteger'],
    ['sizeBelow', 'szb', 'positiveInteger'],
    ['notificationEventType', 'net', 'list of notificationEventType'],
    ['operationMonitor', 'om', 'list of operationMonitor'],
    ['attribute', 'atr', 'list of NCName'],
    ['childResourceType', 'chty', 'list of resourceType'],
    ['missingData', 'md', 'missingData'],
    ['filterOperation', 'fo', 'filterOperation'],
  ]),
  operationMonitor: {
    kind: 'object',
    members: [
      { name: 'operations', shortName: 'ops', type: 'operation' },
      // TS-0004 prints `or`; conformance tools send `org`.
      { name: 'originator', shortName: 'or', alias: 'org', type: 'ID' },
    ],
  },
  missingData: object([
    ['number', 'num', 'positiveInteger', 'M'],
    ['duration', 'dur', 'duration', 'M'],
  ]),
  batchNotify: object([
    ['number', 'num', 'positiveInteger'],
    ['duration', 'dur', 'duration'],
  ]),
  rateLimit: object([
    ['maxNrOfNotify', 'mnn', 'nonNegativeInteger'],
    ['timeWindow', 'tww', 'duration'],
  ]),

  // TS-0004 6.3.5.14; `ac` is what Release 1 and 2 called the action.
  actionStatus: {
    kind: 'object',
    members: [
      { name: 'action', shortName: 'acn', alias: 'ac', type: 'anyURI' },
      { name: 'status', shortName: 'sus', type: 'status' },
    ],
  },
  // TS-0004 6.3.5.34
  mgmtLinkRef: object([
    ['name', 'nm', 'string', 'M'],
    ['type', 'typ', 'mgmtDefinition', 'M'],
    ['value', 'val', 'anyURI', 'M'],
  ]),
  // TS-0004 6.3.5.54; all times in ms
  backOffParameters: object([['backOffParametersSet', 'bops', 'list of backOffParametersSet', 'M']]),
  backOffParametersSet: object([
    ['networkAction', 'nwa', 'networkAction'],
    ['initialBackoffTime', 'ibt', 'nonNegativeInteger', 'M'],
    ['additionalBackoffTime', 'abt', 'nonNegativeInteger', 'M'],
    ['maximumBackoffTime', 'mbt', 'nonNegativeInteger', 'M'],
    ['optionalRandomBackoffTime', 'rbt', 'nonNegativeInteger'],
  ]),
  scheduleEntries: object([['scheduleEntry', 'sce', 'list of scheduleEntry', 'M']]),

  // TS-0004 6.3.5.15 to 6.3.5.23
  execReqArgsListType: object(
    [
      ['reset', 'rst', 'resetArguments'],
      ['reboot', 'rbo', 'rebootArguments'],
      ['upload', 'uld', 'uploadArguments'],
      ['download', 'dld', 'downloadArguments'],
      ['softwareInstall', 'swin', 'softwareInstallArguments'],
      ['softwareUpdate', 'swup', 'softwareUpdateArguments'],
      ['softwareUninstall', 'swun', 'softwareUninstallArguments'],
    ],
    { choice: true, refusedWith: 6023 },
  ),
  anyArguments: oneOrMore('anyArgument'),
  anyArgument: object([
    ['name', 'nm', 'NCName', 'M'],
    ['value', 'val', 'anyType', 'M'],
  ]),
  resetArguments: oneOrMore('resetArgument'),
  resetArgument: commandArguments([]),
  rebootArguments: oneOrMore('rebootArgument'),
  rebootArgument: commandArguments([]),
  uploadArguments: oneOrMore('uploadArgument'),
  uploadArgument: commandArguments([
    ['fileType', 'ftyp', 'string', 'M'],
    ['URL', 'url', 'anyURI', 'M'],
    ['username', 'unm', 'string'],
    ['password', 'pwd', 'string'],
  ]),
  downloadArguments: oneOrMore('downloadArgument'),
  downloadArgument: commandArguments([
    ['fileType', 'ftyp', 'string', 'M'],
    ['URL', 'url', 'anyURI', 'M'],
    ['username', 'unm', 'string'],
    ['password', 'pwd', 'string'],
    ['filesize', 'fsi', 'nonNegativeInteger'],
    ['targetFile', 'tgf', 'string'],
    ['delaySeconds', 'dss', 'nonNegativeInteger'],
    ['successURL', 'surl', 'anyURI'],
    ['startTime', 'stt', 'timestamp'],
    ['completeTime', 'cpt', 'timestamp'],
  ]),
  softwareInstallArguments: oneOrMore('softwareInstallArgument'),
  softwareInstallArgument: commandArguments([
    ['URL', 'url', 'anyURI', 'M'],
    ['UUID', 'uuid', 'string'],
    ['username', 'unm', 'string'],
    ['password', 'pwd', 'string'],
    ['executionEnvRef', 'eer', 'string'],
  ]),
  softwareUpdateArguments: oneOrMore('softwareUpdateArgument'),
  softwareUpdateArgument: commandArguments([
    ['UUID', 'uuid', 'string', 'M'],
    ['version', 'vr', 'string'],
    ['URL', 'url', 'anyURI'],
    ['username', 'unm', 'string'],
    ['password', 'pwd', 'string'],
    ['executionEnvRef', 'eer', 'string'],
  ]),
  softwareUninstallArguments: oneOrMore('softwareUninstallArgument'),
  softwareUninstallArgument: commandArguments([
    ['UUID', 'uuid', 'string', 'M'],
    ['version', 'vr', 'string'],
    ['executionEnvRef', 'eer', 'string'],
  ]),

  // TS-0004 6.3.5.10
  operationResult: object([
    ['responseStatusCode', 'rsc', 'nonNegativeInteger', 'M'],
    ['requestIdentifier', 'rqi', 'requestID', 'M'],
    ['primitiveContent', 'pc', 'primitiveContent'],
    ['to', 'to', 'anyURI'],
    ['from', 'fr', 'ID'],
    ['originatingTimestamp', 'ot', 'timestamp'],
    ['resultExpirationTimestamp', 'rset', 'absRelTimestamp'],
    ['eventCategory', 'ec', 'eventCat'],
    ['contentStatus', 'cnst', 'contentStatus'],
    ['contentOffset', 'cnot', 'nonNegativeInteger'],
    ['releaseVersionIndicator', 'rvi', 'string'],
    ['vendorInformation', 'vsi', 'string'],
  ]),
  responseTypeInfo: object([
    ['responseTypeValue', 'rtv', 'responseType', 'M'],
    ['notificationURI', 'nu', 'list of anyURI'],
  ]),
  // TS-0004 6.3.5.35
  metaInformation: object([
    ['resourceType', 'ty', 'resourceType'],
    ['name', 'nm', 'string'],
    ['originatingTimestamp', 'ot', 'timestamp'],
    ['requestExpirationTimestamp', 'rqet', 'absRelTimestamp'],
    ['resultExpirationTimestamp', 'rset', 'absRelTimestamp'],
    ['operationExecutionTime', 'oet', 'absRelTimestamp'],
    ['responseType', 'rt', 'responseTypeInfo'],
    ['resultPersistence', 'rp', 'string'],
    ['resultContent', 'rcn', 'resultContent'],
    ['eventCategory', 'ec', 'eventCat'],
    ['deliveryAggregation', 'da', 'boolean'],
    ['groupRequestIdentifier', 'gid', 'string'],
    ['filterCriteria', 'fc', 'filterCriteria'],
    ['desiredIdentifierResultType', 'drt', 'desIdResType'],
    ['attributeList', 'atrl', 'list of NCName'],
    ['releaseVersionIndicator', 'rvi', 'string'],
    ['vendorInformation', 'vsi', 'string'],
  ]),
  // Members are named as in `FilterCriteria` of primitive.ts.
  filterCriteria: object([
    ['createdBefore', 'crb', 'timestamp'],
    ['createdAfter', 'cra', 'timestamp'],
    ['modifiedSince', 'ms', 'timestamp'],
    ['unmodifiedSince', 'us', 'timestamp'],
    ['stateTagSmaller', 'sts', 'positiveInteger'],
    ['stateTagBigger', 'stb', 'nonNegativeInteger'],
    ['expireBefore', 'exb', 'timestamp'],
    ['expireAfter', 'exa', 'timestamp'],
    ['labels', 'lbl', 'labels'],
    ['resourceTypes', 'ty', 'list of resourceType'],
    ['sizeAbove', 'sza', 'nonNegativeInteger'],
    ['sizeBelow', 'szb', 'positiveInteger'],
    ['attributes', 'atr', 'anyType'],
    ['filterUsage', 'fu', 'filterUsage'],
    ['filterOperation', 'fo', 'filterOperation'],
    ['limit', 'lim', 'nonNegativeInteger'],
    ['level', 'lvl', 'nonNegativeInteger'],
    ['offset', 'ofst', 'nonNegativeInteger'],
    ['applyRelativePath', 'arp', 'string'],
  ]),
};
