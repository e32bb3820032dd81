import assert from 'node:assert/strict';
import type { ManagedObjects } from '../../src/cse/managed-objects-port.ts';
import type { CommandOrder, Commands, ExecutionStart } from '../../src/management/commands.ts';
import type { Reply, Requester } from '../../src/management/facade.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import type { JsonObject } from '../../src/onem2m/primitive.ts';
import type { Store } from '../../src/store/store.ts';
import { bodyOf, contentOf, createPolicy, expectStatus, openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';
import { openTemporaryStore } from '../support/store.ts';

const kinds: Record<number, string> = { 2: 'reboot', 4: 'download' };

/** Device management that makes the execution as it is told, and answers as it is told. */
class FakeCommands implements Commands {
  readonly orders: (CommandOrder & { requester: Requester })[] = [];
  readonly cancelled: string[] = [];
  start: ExecutionStart = { operation: 'op-1', patch: { execStatus: 2, execResult: 31 } };
  reply: Reply = { done: true, patch: {} };
  cancelReply: Reply = { done: true, patch: {} };
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async execute(order: CommandOrder, make: Parameters<Commands['execute']>[1], requester: Requester): Promise<Reply> {
    this.orders.push({ ...order, requester });
    const changes = await make(this.start);
    if (changes) {
      await this.#store.commit(changes.commit);
      changes.afterCommit?.();
    }
    return this.reply;
  }

  async cancelExecution(operation: string): Promise<Reply> {
    this.cancelled.push(operation);
    return this.cancelReply;
  }

  argumentsOf(cmdType: number) {
    const member = kinds[cmdType];
    if (member === undefined) return undefined;
    return { member, shortName: member.slice(0, 3), name: member.toUpperCase(), fields: {} };
  }
}

const refuse = async (): Promise<undefined> => undefined;

describe('a command, in the CSE', () => {
  let cse: OpenCse;
  let store: Store;
  let commands: FakeCommands;

  beforeEach(async () => {
    store = await openTemporaryStore();
    commands = new FakeCommands(store);
    const management: ManagedObjects = { commands, retrieve: refuse, update: refuse, create: refuse, delete: refuse };
    cse = await openCse({ store, management: () => management });
    await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n1', ni: 'urn:n1' } });
  });

  afterEach(async () => {
    await cse.close();
    await store.close();
  });

  async function make(attributes: JsonObject = {}): Promise<string> {
    const answer = await cse.create('cse-in', 12, { 'm2m:mgc': { rn: 'c', cmt: 4, ext: 'cse-in/n1', ...attributes } });
    expectStatus(answer, 2001);
    return 'cse-in/c';
  }

  const run = (more: JsonObject = {}, parameters: object = {}) =>
    cse.update('cse-in/c', { 'm2m:mgc': { exe: true, ...more } }, parameters);

  async function executions(): Promise<JsonObject[]> {
    const body = bodyOf(await cse.retrieve('cse-in/c', { resultContent: 4 }));
    return (body['m2m:exin'] ?? []) as JsonObject[];
  }

  it('gives the device the password that nobody is shown, until other arguments take its place', async () => {
    await make({ exra: { dld: [{ ftyp: '1', url: 'http://a', pwd: 'secret' }] } });
    expectStatus(await run(), 2004);
    assert.deepEqual(commands.orders[0]!.arguments, {
      download: [{ fileType: '1', URL: 'http://a', password: 'secret' }],
    });
    const shown = { dld: [{ ftyp: '1', url: 'http://a' }] };
    assert.deepEqual(bodyOf(await cse.retrieve('cse-in/c'))['exra'], shown);
    assert.deepEqual((await executions())[0]!['exra'], shown);

    const anew = { dld: [{ ftyp: '1', url: 'http://b' }] };
    expectStatus(await cse.update('cse-in/c', { 'm2m:mgc': { exra: anew } }), 2004);
    expectStatus(await run(), 2004);
    assert.deepEqual(commands.orders[1]!.arguments, { download: [{ fileType: '1', URL: 'http://b' }] });
  });

  it('keeps a password that comes with the trigger, for the next time', async () => {
    await make();
    expectStatus(await run({ exra: { dld: [{ ftyp: '1', url: 'http://a', pwd: 'secret' }] } }), 2004);
    expectStatus(await run(), 2004);
    for (const order of commands.orders) assert.match(JSON.stringify(order.arguments), /secret/);
    assert.doesNotMatch(JSON.stringify([await cse.retrieve('cse-in/c'), await executions()]), /secret/);
  });

  it('runs whatever the value of the trigger is, and not without it', async () => {
    await make({ cmt: 2, exe: true });
    expectStatus(await cse.update('cse-in/c', { 'm2m:mgc': { dc: 'text' } }), 2004);
    assert.equal(commands.orders.length, 0);
    expectStatus(await run({ exe: false }), 2004);
    assert.equal(commands.orders.length, 1);
  });

  it('answers with the address of the execution, or with what Result Content asks for', async () => {
    await make({ cmt: 2 });
    const [path] = contentOf(await run())['m2m:uril'] as string[];
    const execution = bodyOf(expectStatus(await cse.retrieve(path!), 2000));
    assert.deepEqual([execution['exs'], execution['exr'], execution['exm']], [2, 31, 1]);
    const [id] = contentOf(await run({}, { desiredIdentifierResultType: 2 }))['m2m:uril'] as string[];
    expectStatus(await cse.retrieve(id!), 2000);
    assert.equal(bodyOf(await run({ dc: 'new' }, { resultContent: 1 }))['dc'], 'new');
    assert.equal((await run({}, { resultContent: 0 })).content, undefined);
  });

  it('waits for its device as long as the request says, and else as long as a non-blocking one', async () => {
    await make({ cmt: 2 });
    await run({}, { requestExpirationTimestamp: '5000' });
    await run();
    const [asked, unasked] = commands.orders.map(({ expiresAt }) => expiresAt - cse.clock.now());
    assert.deepEqual([asked, unasked], [5000, 24 * 3600 * 1000]);
    assert.equal(commands.orders[1]!.requester.expiresAt - cse.clock.now(), 30_000);
  });

  it('keeps an execution that failed, with the reason in its labels and in the answer', async () => {
    const failure = { cause: 'conversion' as const, explanation: 'no such\n value', evidence: '9003 Invalid' };
    const outcome: Outcome = { status: 'failed', failure, results: [] };
    commands.start = { patch: { execStatus: 3, execResult: 5 }, outcome };
    commands.reply = { done: false, responseStatusCode: 6025, explanation: 'it cannot be said' };
    await make({ cmt: 2 });
    await run();
    const [execution] = await executions();
    assert.deepEqual(execution!['lbl'], ['cause:conversion', 'explanation:no such value', 'evidence:9003 Invalid']);
    expectStatus(await run(), 6025, /it cannot be said; 'cse-in\/c\/exin\w+' keeps it/);
    expectStatus(await cse.update(`cse-in/c/${String(execution!['rn'])}`, { 'm2m:exin': { exd: true } }), 6028);
    assert.deepEqual(commands.cancelled, []);
  });

  it('gives its policies to its executions', async () => {
    const policy = await createPolicy(cse, 'crew', [{ acor: ['Ccrew'], acop: 2 }]);
    await make({ cmt: 2, acpi: [policy] });
    const [path] = contentOf(await run())['m2m:uril'] as string[];
    expectStatus(await cse.retrieve(path!, { from: 'Ccrew' }), 2000);
    expectStatus(await cse.retrieve(path!, { from: 'Cother' }), 4103);
  });

  it('is not deleted while one of its executions cannot be stopped, and every one was asked to', async () => {
    await make({ cmt: 2 });
    await run();
    commands.start = { ...commands.start, operation: 'op-2' };
    await run();
    commands.cancelReply = { done: false, responseStatusCode: 6026, explanation: 'the device did not cancel it: no' };
    expectStatus(await cse.remove('cse-in/c'), 6026, /is not deleted/);
    assert.deepEqual(commands.cancelled, ['op-1', 'op-2']);
    assert.equal((await executions()).length, 2);
    // Over in the meantime: nothing is left to be stopped.
    commands.cancelReply = { done: false, responseStatusCode: 6028, explanation: 'the execution is over already' };
    expectStatus(await cse.remove('cse-in/c'), 2002);
    expectStatus(await cse.retrieve('cse-in/c'), 4004);
  });

  it('takes one set of arguments, below the CSEBase only', async () => {
    const set = { ftyp: '1', url: 'http://a' };
    const two = { 'm2m:mgc': { cmt: 4, ext: 'cse-in/n1', exra: { dld: [set, set] } } };
    expectStatus(await cse.create('cse-in', 12, two), 5001, /2 sets of arguments/);
    expectStatus(await cse.create('cse-in/n1', 12, { 'm2m:mgc': { cmt: 2, ext: 'cse-in/n1' } }), 4108);
  });

  const modes: [object: JsonObject, shortName: string][] = [
    [{ exm: 1, exf: 'PT1S' }, 'exf'],
    [{ exm: 1, exn: 2 }, 'exn'],
    [{ exm: 2, exy: 'PT1S' }, 'exy'],
    [{ exm: 3, exf: 'PT1S' }, 'exf'],
    [{ exm: 3, exn: 2 }, 'exn'],
  ];
  for (const [attributes, shortName] of modes) {
    it(`does not take ${JSON.stringify(attributes)}, neither made nor changed`, async () => {
      const content = { 'm2m:mgc': { cmt: 2, ext: 'cse-in/n1', ...attributes } };
      expectStatus(await cse.create('cse-in', 12, content), 4000, new RegExp(`'${shortName}'`));
      await make({ cmt: 2 });
      expectStatus(await cse.update('cse-in/c', { 'm2m:mgc': attributes }), 4000, new RegExp(`'${shortName}'`));
    });
  }
});
