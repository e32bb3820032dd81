/** Reading and writing, seen from what goes over the wire: a channel that records requests and answers from a script. */
import assert from 'node:assert/strict';
import type { Asked, Channel } from '../../adapters/lwm2m/channel.ts';
import type { CoapRequest } from '../../adapters/lwm2m/coap/endpoint.ts';
import { encode } from '../../adapters/lwm2m/codec/codec.ts';
import type { DeviceFacts } from '../../adapters/lwm2m/facts.ts';
import { emptyAck } from '../../adapters/lwm2m/failures.ts';
import { objectModel } from '../../adapters/lwm2m/object-model.ts';
import { readTargets } from '../../adapters/lwm2m/reading.ts';
import { checkAssignments, createInstance, discover, writeAssignments } from '../../adapters/lwm2m/writing.ts';

interface Script extends Channel {
  asked: CoapRequest[];
}

function createChannel(
  answer: (
    request: CoapRequest,
  ) => { code: string; format?: number; payload?: Buffer | string; location?: string[] } | 'silence',
  change: Partial<DeviceFacts> = {},
): Script {
  const facts: DeviceFacts = {
    location: 'x',
    peer: 'device',
    version: '1.1',
    lifetime: 60,
    binding: 'U',
    queueMode: false,
    root: '',
    contentFormats: [],
    links: '',
    learned: {},
    ...change,
  };
  const channel: Script = {
    facts,
    model: objectModel,
    asked: [],
    async ask(request): Promise<Asked> {
      channel.asked.push(request);
      const said = answer(request);
      if (said === 'silence') return { failure: { cause: 'no-answer', explanation: 'silence' } };
      const { code, format, payload = '', location } = said;
      return {
        response: { code, contentFormat: format, payload: Buffer.from(payload), options: { locationPath: location } },
      };
    },
    learn: (learned) => void Object.assign(facts.learned, learned),
    tellUnreadable: () => {},
    servesComposite: async () => facts.learned.composite ?? facts.version === '1.2',
  };
  return channel;
}

function wire(channel: Script): string[] {
  return channel.asked.map(
    ({ method, path, contentFormat }) => `${method} ${path}${contentFormat === undefined ? '' : ` ${contentFormat}`}`,
  );
}

const three = [{ path: '/3/0/9' }, { path: '/4/0/2' }, { path: '/6/0/0', optional: true }];

describe('reading', () => {
  it('below an alternate root asks below it, and gives the paths back as they were asked for', async () => {
    const channel = createChannel(
      ({ path }) =>
        path === '/lwm2m/3/0'
          ? { code: '2.05', format: 110, payload: '[{"bn":"/lwm2m/3/0/","n":"9","v":5},{"n":"20","v":1}]' }
          : { code: '2.05', format: 0, payload: '7' },
      { root: '/lwm2m' },
    );
    const { results } = await readTargets(channel, [
      { path: '/lwm2m/3/0/9' },
      { path: '/lwm2m/3/0/20' },
      { path: '/lwm2m/4/0/2' },
    ]);
    assert.deepEqual(results, [
      { path: '/lwm2m/3/0/9', value: 5 },
      { path: '/lwm2m/3/0/20', value: 1 },
      { path: '/lwm2m/4/0/2', value: 7 },
    ]);
    assert.deepEqual(wire(channel), ['GET /lwm2m/3/0', 'GET /lwm2m/4/0/2']);
  });

  it('over three instances is one composite read where the client serves it', async () => {
    const channel = createChannel(
      () => ({
        code: '2.05',
        format: 112,
        payload: encode(
          112,
          '/',
          [
            { path: '/3/0/9', value: 5 },
            { path: '/4/0/2', value: -80 },
          ],
          objectModel,
        ),
      }),
      { version: '1.2' },
    );
    const { results, failure } = await readTargets(channel, three);
    assert.equal(failure, undefined);
    assert.deepEqual(results, [
      { path: '/3/0/9', value: 5 },
      { path: '/4/0/2', value: -80 },
      { path: '/6/0/0', absent: true },
    ]);
    assert.deepEqual(wire(channel), ['FETCH / 112']);
    assert.equal(channel.facts.learned.composite, true);
  });

  it('falls back to single reads when a composite read is refused or never answered, and does not try again', async () => {
    for (const refusal of ['4.05', 'no-response']) {
      const channel = createChannel(
        ({ method }) => (method === 'FETCH' ? { code: '4.05' } : { code: '2.05', format: 0, payload: '1' }),
        { version: '1.2' },
      );
      if (refusal === 'no-response') {
        const ask = channel.ask.bind(channel);
        channel.ask = async (request) => {
          const said = await ask(request);
          return request.method === 'FETCH'
            ? { failure: { cause: 'no-answer', explanation: 'x', evidence: emptyAck } }
            : said;
        };
      }
      assert.equal((await readTargets(channel, three)).failure, undefined);
      assert.equal((await readTargets(channel, three)).failure, undefined);
      assert.deepEqual(wire(channel).filter((line) => line.startsWith('FETCH')).length, 1);
      assert.equal(channel.facts.learned.composite, false);
    }
  });

  it('takes one instance of a multiple resource', async () => {
    const channel = createChannel(() => ({
      code: '2.05',
      format: 11_542,
      payload: Buffer.from('410105', 'hex'),
    }));
    const { results } = await readTargets(channel, [{ path: '/3/0/6/1' }]);
    assert.deepEqual(results, [{ path: '/3/0/6/1', value: 5 }]);
  });

  it('of a multiple resource without instances is empty, not absent', async () => {
    const channel = createChannel(() => ({ code: '2.05', format: 11_542, payload: Buffer.alloc(0) }));
    assert.deepEqual((await readTargets(channel, [{ path: '/3/0/11' }])).results, [
      { path: '/3/0/11', value: { instances: {} } },
    ]);
  });

  it('of an instance that is not there makes optional targets absent, unless nothing else was asked for', async () => {
    const channel = createChannel(({ path }) =>
      path.startsWith('/5/0') ? { code: '4.04' } : { code: '2.05', format: 0, payload: Buffer.from('1.0.0') },
    );
    const firmware = [
      { path: '/5/0/3', optional: true },
      { path: '/5/0/5', optional: true },
    ];
    const some = await readTargets(channel, [...firmware, { path: '/3/0/3' }]);
    assert.equal(some.failure, undefined);
    assert.deepEqual(
      some.results.map((result) => 'absent' in result),
      [true, true, false],
    );
    const all = await readTargets(channel, firmware);
    assert.equal(all.failure?.cause, 'not-found');
    assert.equal(all.failure?.evidence, '4.04 Not Found');
    assert.equal(channel.asked.length, 3);
  });

  it('stops at the first silence: the device is not asked twenty times in vain', async () => {
    const channel = createChannel(() => 'silence');
    const { results, failure } = await readTargets(channel, three);
    assert.equal(failure?.cause, 'no-answer');
    assert.equal(results.length, 3);
    assert.equal(channel.asked.length, 1);
  });

  it('uses the type of the mapping where the object model knows none', async () => {
    const channel = createChannel(() => ({ code: '2.05', format: 11_542, payload: Buffer.from('c10105', 'hex') }));
    const { results } = await readTargets(channel, [{ path: '/31024/0/1', type: 'integer' }]);
    assert.deepEqual(results, [{ path: '/31024/0/1', value: 5 }]);
  });

  it('refuses what is no resource', async () => {
    const channel = createChannel(() => ({ code: '2.05' }));
    assert.equal((await readTargets(channel, [{ path: '/3/0' }])).failure?.cause, 'bad-request');
    assert.equal(channel.asked.length, 0);
  });
});

describe('writing', () => {
  const two = [
    { path: '/3/0/14', value: '+01:00' },
    { path: '/2049/0/0', value: { link: '/2048/0' } },
  ];

  it('over several instances is one composite write where the client serves it, all or nothing', async () => {
    const channel = createChannel(() => ({ code: '2.04' }), { version: '1.2' });
    assert.equal((await writeAssignments(channel, two)).failure, undefined);
    assert.deepEqual(wire(channel), ['iPATCH / 112']);
  });

  it('over several instances otherwise goes one by one, and says what was done when one fails', async () => {
    const channel = createChannel(({ path }) => ({ code: path === '/2049/0/0' ? '4.01' : '2.04' }));
    const { results, failure } = await writeAssignments(channel, two);
    assert.deepEqual(results[0], { path: '/3/0/14', done: true });
    assert.equal(failure?.cause, 'no-privilege');
    assert.equal(failure?.path, '/2049/0/0');
  });

  it('falls back to single writes when the client has no partial update', async () => {
    const channel = createChannel(({ method }) => ({ code: method === 'POST' ? '4.05' : '2.04' }));
    const assignments = [
      { path: '/3/0/14', value: 'a' },
      { path: '/3/0/15', value: 'b' },
    ];
    assert.equal((await writeAssignments(channel, assignments)).failure, undefined);
    assert.deepEqual(wire(channel), ['POST /3/0 11542', 'PUT /3/0/14 0', 'PUT /3/0/15 0']);
  });

  it('sends octets as they are, and several instances of a resource in a format that can say them', async () => {
    const channel = createChannel(() => ({ code: '2.04' }));
    await writeAssignments(channel, [{ path: '/10/0/6', value: { bytes: 'AQI=' }, type: 'opaque' }]);
    await writeAssignments(channel, [
      { path: '/2051/0/2', value: { instances: { 0: 'a', 1: 'b' } }, type: 'string', multiple: true },
    ]);
    assert.deepEqual(wire(channel), ['PUT /10/0/6 42', 'PUT /2051/0/2 11542']);
    assert.equal(channel.asked[0]!.payload?.toString('hex'), '0102');
  });

  it('says what cannot be said before it is sent', () => {
    const channel = createChannel(() => ({ code: '2.04' }));
    const failure = checkAssignments(channel, [{ path: '/3/0/13', value: 'yesterday' }]);
    assert.equal(failure?.cause, 'conversion');
    assert.match(failure.explanation, /nothing was sent/);
  });

  it('keeps the last refusal when the client takes no format', async () => {
    const channel = createChannel(() => ({ code: '4.15' }));
    const { failure } = await writeAssignments(channel, [{ path: '/3/0/14', value: 'a' }]);
    assert.equal(failure?.cause, 'contents-unacceptable');
    assert.equal(failure?.evidence, '4.15 Unsupported Content-Format');
  });
});

describe('creating', () => {
  const step = { action: 'create' as const, path: '/2048', assignments: [{ path: '/2048/65535/0', value: 'p' }] };

  it('finds the instance that the device chose, by its location or by looking', async () => {
    const told = createChannel(() => ({ code: '2.01', location: ['2048', '4'] }));
    assert.equal((await createInstance(told, step, () => false)).created, '/2048/4');
    let created = false;
    const found = createChannel(({ method }) => {
      if (method === 'GET')
        return { code: '2.05', format: 40, payload: created ? '</2048>,</2048/0>,</2048/1>' : '</2048>,</2048/0>' };
      created = true;
      return { code: '2.01' };
    });
    assert.equal((await createInstance(found, step, () => false)).created, '/2048/1');
  });

  it('tells "it exists already" from other reasons for 4.00', async () => {
    const channel = createChannel(() => ({ code: '4.00' }));
    const wanted = { ...step, instance: '3', assignments: [{ path: '/2048/3/0', value: 'p' }] };
    assert.equal((await createInstance(channel, wanted, () => true)).failure?.cause, 'already-exists');
    assert.equal((await createInstance(channel, wanted, () => false)).failure?.cause, 'contents-unacceptable');
  });
});

describe('discovering', () => {
  it('gives links with their attributes, and survives a broken list', async () => {
    const channel = createChannel(({ path }) => ({
      code: '2.05',
      format: 40,
      payload: path === '/3' ? '</3>;ver=1.1,</3/0>;pmin=10,</3/0/6>;dim=2' : '</3',
    }));
    assert.deepEqual((await discover(channel, '/3')).links, [
      { path: '/3', attributes: 'ver=1.1' },
      { path: '/3/0', attributes: 'pmin=10' },
      { path: '/3/0/6', attributes: 'dim=2' },
    ]);
    assert.equal((await discover(channel, '/4')).failure?.cause, 'unreadable');
  });
});
