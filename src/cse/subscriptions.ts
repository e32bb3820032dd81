/**
 * Which subscribers learn of a set of changes, and what they are told (TS-0001 9.6.8, TS-0004 7.5.1). Runs inside the commit
 * of the change: a notification is in the outbox if and only if its change is in the store.
 */
import { enumerations } from '../onem2m/enumerations.ts';
import type { Json, JsonObject } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import type { Append } from '../store/store.ts';
import type { ResourceChange } from './behaviour.ts';
import { compileCriteria } from './criteria.ts';
import type { Criteria } from './criteria.ts';
import type { CseParts } from './parts.ts';
import { expiresAt, hasExpired } from './resource-row.ts';
import { resourceTypes as resourceType } from '../onem2m/resource-types.ts';
import { numbersOf, objectOf, stringsOf } from './json-values.ts';
import { targetsOf } from './notification-targets.ts';

const { notificationEventType, notificationContentType } = enumerations;

interface Event {
  type: number;
  /** Whose subscribers are told. */
  subscribedTo: Resource;
  /** What they are told about: the resource itself or its child. */
  subject: Resource;
  change: ResourceChange;
}

/** The attributes of a subscription in the form that the evaluation needs; compiled once per version. */
interface CompiledSubscription {
  events: ReadonlySet<number>;
  contentType: number;
  /** Short names; undefined = any. */
  attributes?: ReadonlySet<string>;
  childResourceTypes?: ReadonlySet<number>;
  criteria?: Criteria;
  notificationURIs: string[];
  subscriberURI?: string;
  eventCategory?: number;
}

const compiled = new WeakMap<Resource, CompiledSubscription>();

function compile(subscription: Resource): CompiledSubscription {
  const kept = compiled.get(subscription);
  if (kept) return kept;
  const { attributes } = subscription;
  const criteria = objectOf(attributes['eventNotificationCriteria']);
  const events = numbersOf(criteria['notificationEventType']);
  const attribute = stringsOf(criteria['attribute']);
  const childResourceTypes = numbersOf(criteria['childResourceType']);
  const made: CompiledSubscription = {
    events: new Set(events.length > 0 ? events : [notificationEventType.UPDATE_OF_RESOURCE]),
    contentType: Number(attributes['notificationContentType'] ?? notificationContentType.ALL_ATTRIBUTES),
    ...(attribute.length > 0 ? { attributes: new Set(attribute) } : {}),
    ...(childResourceTypes.length > 0 ? { childResourceTypes: new Set(childResourceTypes) } : {}),
    criteria: compileCriteria(criteria),
    notificationURIs: stringsOf(attributes['notificationURI']),
    ...(typeof attributes['subscriberURI'] === 'string' ? { subscriberURI: attributes['subscriberURI'] } : {}),
    ...(typeof attributes['notificationEventCat'] === 'number'
      ? { eventCategory: attributes['notificationEventCat'] }
      : {}),
  };
  compiled.set(subscription, made);
  return made;
}

/** Rows for the outbox, in the order of the changes. `now`: ms since 1970. */
export async function notificationsOf(changes: ResourceChange[], parts: CseParts, now: number): Promise<Append[]> {
  const rows: Append[] = [];
  // A subscriber hears of the end of its subscription last.
  const ends: Append[] = [];
  const removed = new Set<string>();
  for (const { before, after } of changes) if (before && !after) removed.add(before.resourceID);
  for (const change of changes) {
    if (change.quiet) continue;
    for (const event of await eventsOf(change, removed, parts)) {
      for (const subscription of await subscribersOf(event.subscribedTo, parts)) {
        if (isOver(subscription, event, now) || !concerns(event, subscription, parts)) continue;
        rows.push(...(await rowsFor(event, subscription, parts)));
      }
    }
    if (change.before && !change.after) ends.push(...(await deletionNotice(change.before, parts)));
  }
  return [...rows, ...ends];
}

/** An expired subscription tells nothing more, but for the end of a resource that expired no earlier. */
function isOver(subscription: Resource, event: Event, now: number): boolean {
  if (!hasExpired(subscription, now)) return false;
  const lived = expiresAt(subscription) ?? 0;
  return event.type !== notificationEventType.DELETE_OF_RESOURCE || lived < (expiresAt(event.subject) ?? 0);
}

const nobody: Resource[] = [];

function subscribersOf(resource: Resource, parts: CseParts): Resource[] | Promise<Resource[]> {
  return parts.tree.peekSubscriptions(resource.resourceID)?.length === 0
    ? nobody
    : parts.tree.subscriptionsOf(resource.resourceID);
}

async function eventsOf(change: ResourceChange, removed: ReadonlySet<string>, parts: CseParts): Promise<Event[]> {
  const { before, after } = change;
  if (before && after) {
    return [{ type: notificationEventType.UPDATE_OF_RESOURCE, subscribedTo: after, subject: after, change }];
  }
  const subject = after ?? before;
  if (!subject) return [];
  const events: Event[] = [];
  if (!after) {
    events.push({ type: notificationEventType.DELETE_OF_RESOURCE, subscribedTo: subject, subject, change });
  }
  // A parent that goes at the same time tells of its own end.
  if (removed.has(subject.parentID)) return events;
  const parent = await parts.tree.byId(subject.parentID);
  if (parent) {
    const type = after
      ? notificationEventType.CREATE_OF_DIRECT_CHILD_RESOURCE
      : notificationEventType.DELETE_OF_DIRECT_CHILD_RESOURCE;
    events.push({ type, subscribedTo: parent, subject, change });
  }
  return events;
}

function concerns(event: Event, subscription: Resource, parts: CseParts): boolean {
  const wanted = compile(subscription);
  if (!wanted.events.has(event.type)) return false;
  if (event.type === notificationEventType.UPDATE_OF_RESOURCE && wanted.attributes) {
    const { attributes } = wanted;
    const short = parts.vocabulary.patchToWire(event.subject, event.change.modified);
    if (!Object.keys(short).some((name) => attributes.has(name))) return false;
  }
  if (event.subject !== event.subscribedTo && wanted.childResourceTypes) {
    if (!wanted.childResourceTypes.has(event.subject.resourceType)) return false;
  }
  return wanted.criteria ? wanted.criteria(event.subscribedTo) : true;
}

async function rowsFor(event: Event, subscription: Resource, parts: CseParts): Promise<Append[]> {
  const wanted = compile(subscription);
  const notification = {
    'm2m:sgn': { nev: { rep: representation(event, wanted, parts), net: event.type }, sur: subscription.path },
  };
  const rows: Append[] = [];
  for (const reference of wanted.notificationURIs) {
    rows.push(...(await rowsTo(reference, notification, 'notification', subscription, wanted, parts)));
  }
  return rows;
}

function representation(event: Event, wanted: CompiledSubscription, parts: CseParts): JsonObject {
  const { subject, change } = event;
  if (wanted.contentType === notificationContentType.RESOURCE_ID) return { 'm2m:uri': subject.resourceID };
  const root = parts.vocabulary.definitionOf(subject.resourceType, subject.mgmtDefinition)?.root ?? 'm2m:unknown';
  const onlyModified =
    wanted.contentType === notificationContentType.MODIFIED_ATTRIBUTES &&
    event.type === notificationEventType.UPDATE_OF_RESOURCE;
  return {
    [root]: onlyModified ? parts.vocabulary.patchToWire(subject, change.modified) : parts.vocabulary.toWire(subject),
  };
}

/** TS-0004 7.4.8.2.4: the subscriber is told that the subscription is gone. */
async function deletionNotice(resource: Resource, parts: CseParts): Promise<Append[]> {
  if (resource.resourceType !== resourceType.SUBSCRIPTION) return [];
  const wanted = compile(resource);
  if (wanted.subscriberURI === undefined) return [];
  const notification = { 'm2m:sgn': { sud: true, sur: resource.path } };
  return rowsTo(wanted.subscriberURI, notification, 'deletion', resource, wanted, parts);
}

async function rowsTo(
  reference: string,
  content: Json,
  kind: 'notification' | 'deletion',
  subscription: Resource,
  wanted: CompiledSubscription,
  parts: CseParts,
): Promise<Append[]> {
  const [target] = await targetsOf(reference, parts);
  if (target === undefined) {
    parts.metrics.count('trivet_notifications_total', { result: 'no target' });
    parts.log.warn({ subscription: subscription.path, reference }, 'notification target has no http address; dropped');
    return [];
  }
  return [
    {
      table: 'outbox',
      columns: { subscription: subscription.resourceID, target },
      data: {
        content,
        kind,
        originator: parts.settings.cseId,
        ...(wanted.eventCategory === undefined ? {} : { eventCategory: wanted.eventCategory }),
      },
    },
  ];
}
