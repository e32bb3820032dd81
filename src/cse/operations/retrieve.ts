/** RETRIEVE (TS-0001 10.1.3, TS-0004 7.3.3), discovery included. */
import { ResultContent } from '../../onem2m/primitive.ts';
import type { Resource } from '../../onem2m/resource.ts';
import { resourceTypes } from '../../onem2m/resource-types.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { privilege } from '../access-control.ts';
import { resultContentOf } from '../arrival.ts';
import type { Answer, ArrivedRequest } from '../behaviour.ts';
import { discover } from '../discovery.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';
import { attributesOf, retrievedContent } from '../result-content.ts';
import { findTarget } from '../target.ts';
import { requesterOf, requireMatch, requirePrivilege } from './common.ts';

const discovery = 1;

export async function retrieve(request: ArrivedRequest, parts: CseParts): Promise<Answer> {
  const target = await findTarget(request, parts);
  if ('answer' in target) return target.answer;
  const { primitive } = request;
  if (primitive.filterCriteria?.filterUsage === discovery) return discover(target.resource, request, parts);
  await requirePrivilege(request, target.resource, privilege.RETRIEVE, parts);
  const resultContent = resultContentOf(primitive);
  const alone = resultContent === ResultContent.ATTRIBUTES;
  if (alone) requireMatch(request, target.resource, parts);
  const longNames = primitive.attributeList && attributeNames(primitive.attributeList, target.resource, parts);
  const behaviour = parts.behaviours.get(target.resource.resourceType);
  let resource = (await behaviour?.retrieve?.(target.resource, request, parts)) ?? target.resource;
  if (alone) resource = (await liveCopy(resource, longNames, request, parts)) ?? resource;
  if (primitive.attributeList) {
    return {
      responseStatusCode: statusCodes.OK,
      content: attributesOf(resource, parts.vocabulary, primitive.attributeList),
    };
  }
  if (alone && resource === target.resource) {
    return { responseStatusCode: statusCodes.OK, content: parts.serialized(resource) };
  }
  return {
    responseStatusCode: statusCodes.OK,
    ...(await retrievedContent(resultContent, resource, request, parts)),
  };
}

/** A management object of a device: its stored copy may be old. */
export function isLive(resource: Resource): boolean {
  return resource.resourceType === resourceTypes.MGMT_OBJ && resource.internal.binding !== undefined;
}

/** Only when the management object itself is the target; lists and discovery show the stored copies (TS-0004 7.3.4). */
async function liveCopy(
  resource: Resource,
  attributes: string[] | undefined,
  request: ArrivedRequest,
  parts: CseParts,
): Promise<Resource | undefined> {
  if (!parts.managedObjects || !isLive(resource)) return undefined;
  const reply = await parts.managedObjects.retrieve(resource, attributes, requesterOf(request));
  if (!reply) return undefined;
  if (!reply.done) throw new Refused(reply.responseStatusCode, reply.explanation);
  return reply.resource;
}

function attributeNames(shortNames: string[], resource: Resource, parts: CseParts): string[] {
  const definition = parts.vocabulary.definitionOf(resource.resourceType, resource.mgmtDefinition);
  return shortNames.map((shortName) => {
    const longName = definition && parts.vocabulary.longName(definition, shortName);
    if (longName === undefined) {
      throw new Refused(
        statusCodes.BAD_REQUEST,
        `atrl names '${shortName}', which the type ${definition?.name ?? 'of this resource'} does not have; use short names such as 'lbl'`,
      );
    }
    return longName;
  });
}
