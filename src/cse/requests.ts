/**
 * Non-blocking requests (TS-0004 7.3.2.2 to 7.3.2.5, 7.4.10). The `<request>` is durable before its originator is answered, and
 * what performs the request puts a mark on it in the same commit; so after a restart it is known what was done.
 */
import { enumerations } from '../onem2m/enumerations.ts';
import { ResponseType } from '../onem2m/primitive.ts';
import type { JsonObject, ResponsePrimitive } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { formatTimestamp } from '../onem2m/timestamp.ts';
import type { Append } from '../store/store.ts';
import type { Answer, ArrivedRequest } from './behaviour.ts';
import { knownResult } from './interrupted-requests.ts';
import { stringsOf } from './json-values.ts';
import { isHttp, schemeOf, targetsOf } from './notification-targets.ts';
import type { CseParts } from './parts.ts';
import { Refused } from './refused.ts';
import { asJson, contentOf, keptOn, keptUntil, requestAttributes, requestFrom, resultOf } from './request-resource.ts';

/** What waits for a device may wait for days: it is durable, and goes on after the next start. ms */
const longestSettling = 1_000;
const { requestStatus } = enumerations;

export interface Requests {
  /** Takes a non-blocking request; the answer is the acknowledgement. Throws Refused. */
  submit(request: ArrivedRequest): Promise<Answer>;
  /** Goes on with, or truthfully ends, what was pending when the process ended. */
  resume(): Promise<void>;
  /** Waits for what is being worked on, at most until the deadline (ms). */
  settle(milliseconds: number): Promise<void>;
  readonly inFlight: number;
}

export type Perform = (request: ArrivedRequest) => Promise<ResponsePrimitive>;

export function createRequests(parts: CseParts, perform: Perform): Requests {
  const running = new Set<Promise<void>>();

  function start(resource: Resource, task: () => Promise<void>): void {
    const work = task().catch((error: unknown) => {
      parts.metrics.count('trivet_faults_total', { part: 'cse' });
      parts.log.error({ error, request: resource.path }, 'the result of a non-blocking request could not be stored');
    });
    running.add(work);
    void work.finally(() => running.delete(work));
  }

  async function run(request: ArrivedRequest, resource: Resource, notify: string[]): Promise<void> {
    const marked: ArrivedRequest = {
      ...request,
      async mark(changes, { responseStatusCode, resourceID }) {
        const current = await parts.tree.byId(resource.resourceID);
        if (current) changes.update(current, {}, { performed: { responseStatusCode, resourceID } });
      },
    };
    await finish(resource, await perform(marked), notify);
  }

  /** Result and notification in one commit. */
  async function finish(resource: Resource, response: ResponsePrimitive, notify: string[]): Promise<void> {
    const failed = response.responseStatusCode >= statusCodes.BAD_REQUEST;
    const notifications = notificationsOf(resource, response, notify);
    await parts.turns.take(resource.resourceID, () =>
      parts.change(
        async (changes) => {
          const current = await parts.tree.byId(resource.resourceID);
          if (!current) return;
          const until = keptOn(current, parts.clock.now());
          changes.update(
            current,
            {
              requestStatus: failed ? requestStatus.FAILED : requestStatus.COMPLETED,
              operationResult: resultOf(response, resource),
              ...(until === undefined ? {} : { expirationTime: formatTimestamp(until, 3) }),
            },
            { performed: undefined, notify: undefined, sender: undefined },
          );
        },
        () => (notifications.length > 0 ? { append: notifications } : undefined),
      ),
    );
    if (notifications.length > 0) parts.bus.publish('outbox', []);
  }

  function notificationsOf(resource: Resource, response: ResponsePrimitive, notify: string[]): Append[] {
    return notify.map((target) => ({
      table: 'outbox',
      columns: { subscription: resource.resourceID, target },
      data: {
        content: { 'm2m:rsp': responseOnWire(response, resource, parts.settings.cseId) },
        kind: 'response',
        originator: parts.settings.cseId,
        ...(response.eventCategory === undefined ? {} : { eventCategory: response.eventCategory }),
      },
    }));
  }

  return {
    get inFlight() {
      return running.size;
    },

    async submit(request) {
      const { primitive, originator } = request;
      if (running.size >= parts.settings.maximumRequestsInFlight) {
        throw new Refused(
          statusCodes.NOT_ACCEPTABLE,
          `${running.size} non-blocking requests are waiting already; retrieve their results and try again later`,
        );
      }
      const target = await parts.tree.resolve(primitive.to);
      if (target?.resourceType === resourceTypes.REQUEST) {
        throw new Refused(statusCodes.BAD_REQUEST, 'a <request> is accessed by blocking requests only; leave rt out');
      }
      const notify =
        primitive.responseType === ResponseType.NON_BLOCKING_ASYNCH ? await notificationTargets(request, parts) : [];
      const resource = await parts.change(async (changes) =>
        changes.create({
          parent: parts.tree.base,
          resourceType: resourceTypes.REQUEST,
          attributes: requestAttributes(request),
          expirationTime: formatTimestamp(keptUntil(request, parts), 3),
          internal: {
            createdBy: originator,
            notify,
            sender: { ...primitive.sender },
            expiresAt: request.expiresAt,
          },
        }),
      );
      start(resource, () => run(request, resource, notify));
      return {
        responseStatusCode:
          primitive.responseType === ResponseType.NON_BLOCKING_SYNCH
            ? statusCodes.ACCEPTED_NON_BLOCKING_REQUEST_SYNCH
            : statusCodes.ACCEPTED_NON_BLOCKING_REQUEST_ASYNCH,
        content: { 'm2m:uri': resource.path },
      };
    },

    async resume() {
      for await (const page of parts.tree.below(parts.tree.base.path, [resourceTypes.REQUEST])) {
        for (const resource of page) {
          if (resource.attributes['requestStatus'] !== requestStatus.PENDING) continue;
          const request = requestFrom(resource, parts);
          const notify = stringsOf(asJson(resource.internal['notify']));
          // An operation that goes on may take its time; nobody waits for it here.
          start(resource, async () => {
            const known = await knownResult(resource, request, parts);
            await (known ? finish(resource, known, notify) : run(request, resource, notify));
          });
        }
      }
    },

    async settle(milliseconds) {
      if (running.size === 0) return;
      let cancel = (): void => {};
      const deadline = new Promise<void>((resolve) => {
        cancel = parts.clock.after(Math.min(milliseconds, longestSettling), resolve);
      });
      await Promise.race([Promise.allSettled(running), deadline]);
      cancel();
    },
  };
}

/** URLs that get the result: those of the request, or the originator's own. Throws Refused when one cannot be reached. */
async function notificationTargets(request: ArrivedRequest, parts: CseParts): Promise<string[]> {
  const given = request.primitive.responseTypeNotificationURIs;
  const targets: string[] = [];
  for (const reference of given ?? [request.originator]) {
    if (schemeOf(reference) !== undefined && !(isHttp(reference) && URL.canParse(reference))) {
      throw new Refused(
        statusCodes.BAD_REQUEST,
        `'${reference}' is no http or https URL; correct the notification URI (X-M2M-RTU)`,
      );
    }
    const [url] = await targetsOf(reference, parts);
    if (url !== undefined) {
      targets.push(url);
      continue;
    }
    throw new Refused(
      statusCodes.BAD_REQUEST,
      given
        ? `'${reference}' is neither a URL nor an AE with an http point of access; correct the notification URI (X-M2M-RTU)`
        : `${request.originator} has no http point of access for the result; give one in X-M2M-RTU, or use rt=1`,
    );
  }
  return targets;
}

/** The response primitive as the content of a notification. */
function responseOnWire(response: ResponsePrimitive, resource: Resource, cseId: string): JsonObject {
  const content = contentOf(response);
  return {
    rsc: response.responseStatusCode,
    rqi: String(resource.attributes['requestID']),
    to: String(resource.attributes['originator']),
    fr: cseId,
    ...(content === undefined ? {} : { pc: content }),
    ...(response.releaseVersionIndicator === undefined ? {} : { rvi: response.releaseVersionIndicator }),
    ...(response.contentStatus === undefined ? {} : { cnst: response.contentStatus }),
    ...(response.contentOffset === undefined ? {} : { cnot: response.contentOffset }),
  };
}
