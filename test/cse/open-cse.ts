/** A CSE on a store in memory with the real vocabulary, and short ways to send it requests. */
import assert from 'node:assert/strict';
import { createInProcessBus } from '../../src/bus/in-process.ts';
import { createCse } from '../../src/cse/create-cse.ts';
import type { CseOptions, CseRuntime } from '../../src/cse/create-cse.ts';
import { createVocabulary } from '../../src/onem2m/create-vocabulary.ts';
import { Operation, SerializedContent } from '../../src/onem2m/primitive.ts';
import type { Json, JsonObject, RequestPrimitive, ResponsePrimitive } from '../../src/onem2m/primitive.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { noMetrics } from '../../src/support/metrics.ts';
import { battery, firmware } from '../onem2m/specializations.ts';
import { openTemporaryStore } from '../support/store.ts';

type More = Partial<RequestPrimitive>;

export interface OutboxRow {
  subscription: string;
  target: string;
  content: JsonObject;
  kind: string;
  originator: string;
}

export interface OpenCse extends CseRuntime {
  store: Store;
  clock: ManualClock;
  /** What was sent at once, e.g. verifications. */
  sent: { url: string; content: Json }[];
  /** Answer of those who are sent something at once. */
  agree: { ok: boolean; why?: string };
  create(to: string, resourceType: number, content: Json, more?: More): Promise<ResponsePrimitive>;
  retrieve(to: string, more?: More): Promise<ResponsePrimitive>;
  update(to: string, content: Json, more?: More): Promise<ResponsePrimitive>;
  remove(to: string, more?: More): Promise<ResponsePrimitive>;
  notify(to: string, content: Json, more?: More): Promise<ResponsePrimitive>;
  /** Waiting notifications, oldest first. */
  outbox(): Promise<OutboxRow[]>;
  /** Registers an AE and answers with its AE-ID. */
  register(from: string, attributes?: JsonObject): Promise<string>;
  close(): Promise<void>;
}

let requests = 0;

/** 2027-01-15T08:00:00Z */
export const start = Date.UTC(2027, 0, 15, 8);

export async function openCse(options: Partial<CseOptions> & { store?: Store } = {}): Promise<OpenCse> {
  const store = options.store ?? (await openTemporaryStore());
  const clock = options.clock instanceof ManualClock ? options.clock : new ManualClock(start);
  const bus = createInProcessBus(silentLog);
  const sent: OpenCse['sent'] = [];
  const agree: OpenCse['agree'] = { ok: true };
  const cse = await createCse({
    store,
    bus,
    vocabulary: createVocabulary([battery, firmware]),
    log: silentLog,
    metrics: noMetrics,
    settings: {},
    async sendNow(url, content) {
      sent.push({ url, content });
      return { ...agree };
    },
    ...options,
    clock,
  });

  function send(operation: Operation, to: string, more: More): Promise<ResponsePrimitive> {
    return cse.request({
      operation,
      to,
      from: 'CAdmin',
      requestIdentifier: `r${++requests}`,
      releaseVersionIndicator: '3',
      sender: { authenticated: false },
      ...more,
    });
  }

  const opened: OpenCse = {
    ...cse,
    get tree() {
      return cse.tree;
    },
    store,
    clock,
    sent,
    agree,
    create: (to, resourceType, content, more = {}) => send(Operation.CREATE, to, { resourceType, content, ...more }),
    retrieve: (to, more = {}) => send(Operation.RETRIEVE, to, more),
    update: (to, content, more = {}) => send(Operation.UPDATE, to, { content, ...more }),
    remove: (to, more = {}) => send(Operation.DELETE, to, more),
    notify: (to, content, more = {}) => send(Operation.NOTIFY, to, { content, ...more }),
    async outbox() {
      const rows = await store.find<Omit<OutboxRow, 'subscription' | 'target'>>({
        table: 'outbox',
        orderBy: [{ column: 'key' }],
      });
      return rows.map(({ columns, data }) => ({
        ...data,
        subscription: String(columns['subscription']),
        target: String(columns['target']),
      }));
    },
    async register(from, attributes = {}) {
      const answer = await opened.create(
        'cse-in',
        2,
        { 'm2m:ae': { api: 'Napp', rr: true, srv: ['3'], ...attributes } },
        { from },
      );
      assert.equal(answer.responseStatusCode, 2001, dbg(answer));
      return String(bodyOf(answer)['aei']);
    },
    async close() {
      await cse.stop(1_000);
      await bus.close();
      if (!options.store) await store.close();
    },
  };
  return opened;
}

export function contentOf(response: ResponsePrimitive): JsonObject {
  const { content } = response;
  const value = content instanceof SerializedContent ? (JSON.parse(content.text) as Json) : content;
  assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value), 'the response has content');
  return value;
}

/** The members below the root of the content. */
export function bodyOf(response: ResponsePrimitive): JsonObject {
  const body = Object.values(contentOf(response))[0];
  assert.ok(body !== null && typeof body === 'object' && !Array.isArray(body), JSON.stringify(body));
  return body;
}

export function dbg(response: ResponsePrimitive): string {
  return JSON.stringify(response.content ?? null);
}

/** The response has this status code; an error has a sentence. */
export function expectStatus(response: ResponsePrimitive, code: number, sentence?: RegExp): ResponsePrimitive {
  assert.equal(response.responseStatusCode, code, dbg(response));
  if (code >= 4000) {
    const text = String(contentOf(response)['m2m:dbg']);
    assert.ok(text.length > 20, `"${text}" explains nothing`);
    if (sentence) assert.match(text, sentence);
  }
  return response;
}

/** A policy that gives the originators these rights; answers with its resource ID. */
export async function createPolicy(
  cse: OpenCse,
  name: string,
  rules: JsonObject[],
  self: JsonObject[] = [{ acor: ['CAdmin'], acop: 63 }],
): Promise<string> {
  const answer = await cse.create('cse-in', 1, { 'm2m:acp': { rn: name, pv: { acr: rules }, pvs: { acr: self } } });
  assert.equal(answer.responseStatusCode, 2001, dbg(answer));
  return String(bodyOf(answer)['ri']);
}

/** What is below the root of a waiting notification: `m2m:sgn` or `m2m:rsp`. */
export function toldBy(row: OutboxRow | undefined): JsonObject {
  const told = row && Object.values(row.content)[0];
  assert.ok(told !== null && typeof told === 'object' && !Array.isArray(told), 'there is a notification');
  return told;
}
