/** <subscription> (TS-0001 9.6.8, TS-0004 7.4.8): what may be subscribed to, by whom, and who is told. */
import { enumerations } from '../../onem2m/enumerations.ts';
import type { Json } from '../../onem2m/primitive.ts';
import type { Attributes, Resource } from '../../onem2m/resource.ts';
import { withArticle } from '../../onem2m/nearest-name.ts';
import { resourceTypes } from '../../onem2m/resource-types.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { privilege } from '../access-control.ts';
import type { Behaviour, Creation } from '../behaviour.ts';
import { compileCriteria } from '../criteria.ts';
import { numbersOf, objectOf, stringsOf } from '../json-values.ts';
import { schemeOf, targetsOf } from '../notification-targets.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';

const { UPDATE_OF_RESOURCE, CREATE_OF_DIRECT_CHILD_RESOURCE, DELETE_OF_DIRECT_CHILD_RESOURCE } =
  enumerations.notificationEventType;
const { MODIFIED_ATTRIBUTES, RESOURCE_ID, ALL_ATTRIBUTES } = enumerations.notificationContentType;

export const subscription: Behaviour = {
  async validateCreate(creation, parts) {
    const { request, parent, attributes, definition } = creation;
    const parentDefinition = parts.vocabulary.definitionOf(parent.resourceType, parent.mgmtDefinition);
    if (!parentDefinition?.children.includes(definition.resourceType)) {
      throw new Refused(
        statusCodes.TARGET_NOT_SUBSCRIBABLE,
        `${withArticle(parentDefinition?.name ?? 'resource of this type')} cannot be subscribed to; subscribe to its parent`,
      );
    }
    const mayRetrieve = await parts.access.isAllowed({
      originator: request.originator,
      operation: privilege.RETRIEVE,
      resource: parent,
      sender: request.primitive.sender,
    });
    if (!mayRetrieve) {
      throw new Refused(
        statusCodes.ORIGINATOR_HAS_NO_PRIVILEGE,
        `${request.originator} may not retrieve '${parent.path}', so it may not subscribe to it; give it RETRIEVE (2) in a policy`,
      );
    }
    checkAttributes(attributes, parent, parts);
    const foreign = await checkTargets(stringsOf(attributes['notificationURI']), request.originator, parts);
    if (typeof attributes['subscriberURI'] === 'string') {
      await checkTargets([attributes['subscriberURI']], request.originator, parts);
    }
    if (foreign.length > 0) {
      // TS-0004 7.4.8.1: recorded when notifications go to somebody else
      attributes['creator'] ??= request.originator;
      if (parts.settings.verifySubscriptions) await verify(foreign, creation, parts);
    }
  },

  async validateUpdate({ resource, patch, request }, parts) {
    const parent = await parts.tree.byId(resource.parentID);
    if (parent) checkAttributes({ ...resource.attributes, ...patch }, parent, parts);
    if (Array.isArray(patch['notificationURI'])) {
      await checkTargets(stringsOf(patch['notificationURI']), request.originator, parts);
    }
  },
};

function checkAttributes(attributes: Attributes, parent: Resource, parts: CseParts): void {
  const criteria = objectOf(attributes['eventNotificationCriteria']);
  for (const absent of ['operationMonitor', 'missingData']) {
    if (criteria[absent] === undefined) continue;
    throw new Refused(
      statusCodes.NOT_IMPLEMENTED,
      `${absent} in 'enc' is not implemented by this gateway; leave it out and use 'net' 1 to 4`,
    );
  }
  compileCriteria(criteria);
  const events = numbersOf(criteria['notificationEventType']);
  checkEvents(events.length > 0 ? events : [UPDATE_OF_RESOURCE], attributes['notificationContentType']);
  checkChildResourceTypes(numbersOf(criteria['childResourceType']), events, parent, parts);
  checkAttributeNames(stringsOf(criteria['attribute']), events, parent, parts);
}

/** TS-0001 9.6.8: which content goes with which event. */
function checkEvents(events: number[], contentType: Json | undefined): void {
  for (const event of events) {
    if (event > DELETE_OF_DIRECT_CHILD_RESOURCE) {
      throw new Refused(statusCodes.NOT_IMPLEMENTED, `'net' ${event} is not implemented by this gateway; use 1 to 4`);
    }
    const allowed =
      event === UPDATE_OF_RESOURCE ? [ALL_ATTRIBUTES, MODIFIED_ATTRIBUTES, RESOURCE_ID] : [ALL_ATTRIBUTES, RESOURCE_ID];
    if (contentType !== undefined && contentType !== null && !allowed.includes(contentType as 1 | 2 | 3)) {
      throw new Refused(
        statusCodes.BAD_REQUEST,
        `'nct' ${String(contentType)} does not go with 'net' ${event}; use ${allowed.join(' or ')}`,
      );
    }
  }
}

function checkChildResourceTypes(types: number[], events: number[], parent: Resource, parts: CseParts): void {
  if (types.length === 0) return;
  if (!events.some((event) => event === CREATE_OF_DIRECT_CHILD_RESOURCE || event === DELETE_OF_DIRECT_CHILD_RESOURCE)) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      "'chty' goes with 'net' 3 or 4 only; add one of them or leave 'chty' out",
    );
  }
  const children = parts.vocabulary.definitionOf(parent.resourceType, parent.mgmtDefinition)?.children ?? [];
  for (const type of types) {
    if (children.includes(type)) continue;
    throw new Refused(statusCodes.BAD_REQUEST, `'chty' ${type} cannot be a child of '${parent.path}'; leave it out`);
  }
}

function checkAttributeNames(names: string[], events: number[], parent: Resource, parts: CseParts): void {
  if (names.length === 0) return;
  if (events.length > 0 && !events.includes(UPDATE_OF_RESOURCE)) {
    throw new Refused(statusCodes.BAD_REQUEST, "'atr' goes with 'net' 1 only; add it or leave 'atr' out");
  }
  const definition = parts.vocabulary.definitionOf(parent.resourceType, parent.mgmtDefinition);
  if (!definition) return;
  for (const name of names) {
    if (parts.vocabulary.longName(definition, name) !== undefined) continue;
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `'atr' names '${name}', which the type ${definition.name} does not have; use short names such as 'lbl'`,
    );
  }
}

/** Answers with the references that are neither URLs nor the originator itself. Throws Refused. */
async function checkTargets(references: string[], originator: string, parts: CseParts): Promise<string[]> {
  const foreign: string[] = [];
  for (const reference of references) {
    const scheme = schemeOf(reference);
    if (scheme === 'http' || scheme === 'https') {
      checkUrl(reference);
    } else if (scheme !== undefined) {
      throw new Refused(statusCodes.NOT_IMPLEMENTED, `'${reference}': notifications are sent over http and https only`);
    } else {
      const resource = await parts.tree.resolve(reference);
      if (resource?.resourceType !== resourceTypes.AE) {
        throw new Refused(statusCodes.BAD_REQUEST, `'${reference}' is neither a URL nor the resource of an AE`);
      }
      if (resource.resourceID !== originator) foreign.push(reference);
    }
  }
  return foreign;
}

function checkUrl(reference: string): void {
  if (!URL.canParse(reference)) {
    throw new Refused(statusCodes.BAD_REQUEST, `'${reference}' is not a URL that can be reached`);
  }
  const serialization = new URL(reference).searchParams.get('ct');
  if (serialization !== null && serialization !== 'json') {
    throw new Refused(
      statusCodes.NOT_IMPLEMENTED,
      `'${reference}' asks for ${serialization}; notifications are JSON, use ct=json`,
    );
  }
}

/** TS-0004 7.4.8.2.1: whoever is to be told by another's wish is asked first. */
async function verify(references: string[], creation: Creation, parts: CseParts): Promise<void> {
  const { request, parent, resourceName } = creation;
  for (const reference of references) {
    const [url] = await targetsOf(reference, parts);
    if (url === undefined) {
      throw new Refused(
        statusCodes.SUBSCRIPTION_VERIFICATION_INITIATION_FAILED,
        `'${reference}' has no http point of access, so it cannot be asked; set its 'poa' first`,
      );
    }
    const sur = resourceName === undefined ? parent.path : `${parent.path}/${resourceName}`;
    const sent = await parts.sendNow(url, { 'm2m:sgn': { vrq: true, cr: request.originator, sur } });
    if (sent.ok) continue;
    throw new Refused(
      statusCodes.SUBSCRIPTION_VERIFICATION_INITIATION_FAILED,
      `'${reference}' did not agree to be notified (${sent.why ?? 'no answer'})`,
    );
  }
}
