/** Every capture of a real CPE goes through the real HTTP server in a session in which it fits, and the leg makes of it what it means. */
import assert from 'node:assert/strict';
import { createCwmpAdapter } from '../../adapters/cwmp/adapter.ts';
import type { ManagedDevice, ProtocolAdapter } from '../../src/management/adapter.ts';
import type { Assignment, Operation, Step } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import { createFakeManagement, type FakeManagement } from '../lwm2m/fake-management.ts';
import { connectCpe, cookieFrom, cwmp, idOf, type CpeReply } from './scripted-cpe.ts';
import { all, fault, response } from './small-cpe.ts';
import { captureNames, readCapture } from './support.ts';

/** What the agents say in the head of every request; the rest is ours, or of the connection that was captured. */
const keptHeaders = ['user-agent', 'accept', 'content-type'];

const clients = {
  orange: { inform: 'orange-inform-bootstrap', identity: 'urn:dev:ops:0016AE-TR69Generic-JINGBO' },
  netcwmp: { inform: 'netcwmp-inform-bootstrap', identity: 'urn:dev:ops:A00001-OT2800-NETCWMP000001' },
  'cwmp-sim': { inform: 'cwmp-sim-inform-boot', identity: 'urn:dev:ops:00AABB-Simulator-SIM001' },
  'genieacs-sim': {
    inform: 'genieacs-sim-inform-periodic-before-transfer-complete',
    identity: 'urn:dev:ops:202BC1-BM632w-000000',
  },
} as const;

type Client = keyof typeof clients;

function clientOf(capture: string): Client {
  return (Object.keys(clients) as Client[]).find((name) => capture.startsWith(`${name}-`))!;
}

/** The octets as they were captured, with the ID of our question in them. */
function answering(capture: string, question: string): Buffer {
  const text = readCapture(capture).body.toString('latin1');
  const answer = text.replace(/(<(?:\w+:)?ID\b[^>]*>)[^<]*</, `$1${idOf(question)}<`);
  assert.notEqual(answer, text, `${capture} has no ID`);
  return Buffer.from(answer, 'latin1');
}

const mapped = ['Device.DeviceInfo.', 'InternetGatewayDevice.DeviceInfo.'];

describe('a capture of a real CPE, replayed', () => {
  let management: FakeManagement;
  let adapter: ProtocolAdapter;
  let port: number;
  /** What we asked in the last session. */
  let asked: { method: string; body: string }[];
  /** Answers to what the CPE said in the last session. */
  let replies: CpeReply[];

  beforeEach(async () => {
    management = createFakeManagement();
    adapter = createCwmpAdapter({ port: 0, transientPause: 1, objects: mapped });
    const [listener] = await adapter.start(management.context);
    port = listener!.port;
  });
  afterEach(() => adapter.stop(new Date(Date.now() + 100)));

  const device = (client: Client): ManagedDevice => management.device(clients[client].identity);
  const isAsked = (name: string): boolean => asked.some(({ method }) => method === name);

  /**
   * One session. `inform`: a capture; `says`: captures that follow it; `answers`: method → capture, or a text of ours. What is
   * asked besides is answered with 9000.
   */
  async function session(
    inform: string,
    { says = [], answers = {} }: { says?: string[]; answers?: Record<string, string> } = {},
  ): Promise<void> {
    [asked, replies] = [[], []];
    const connection = await connectCpe(port);
    const headersOf = (capture: string): string[] =>
      [...readCapture(capture).headers].filter(([name]) => keptHeaders.includes(name)).map((pair) => pair.join(': '));
    try {
      const welcome = await connection.post(readCapture(inform).body, headersOf(inform));
      assert.equal(welcome.status, 200, welcome.body);
      replies.push(welcome);
      const cookie = cookieFrom(welcome);
      for (const capture of says) {
        replies.push(await connection.post(readCapture(capture).body, [...headersOf(capture), cookie]));
      }
      const empty = 'orange-empty-post';
      let reply = await connection.post(readCapture(empty).body, [...headersOf(empty), cookie]);
      while (reply.status === 200) {
        const method = /<soap-env:Body><cwmp:(\w+)/.exec(reply.body)?.[1] ?? '';
        asked.push({ method, body: reply.body });
        const answer = answers[method] ?? '';
        const octets = captureNames.includes(answer)
          ? answering(answer, reply.body)
          : cwmp(answer === '' ? fault(9000) : answer, idOf(reply.body));
        reply = await connection.post(octets, [
          ...(captureNames.includes(answer) ? headersOf(answer) : ['Content-Type: text/xml']),
          cookie,
        ]);
      }
      assert.equal(reply.status, 204, reply.body);
    } finally {
      connection.close();
    }
  }

  /** What becomes of an operation when the CPE answers it with this capture. */
  async function outcomeOf(capture: string, method: string, step: Step): Promise<Outcome> {
    const client = clientOf(capture);
    await session(clients[client].inform);
    const operation = management.queue(device(client).id, [step]);
    await session(clients[client].inform, { answers: { [method]: capture } });
    assert.ok(isAsked(method));
    return management.outcome(operation.id);
  }

  /** A Download with the CommandKey of the captures that the CPE is at work on. */
  async function downloading(client: Client): Promise<Operation> {
    const { inform } = clients[client];
    await session(inform);
    const given = JSON.stringify({ FileType: '1 Firmware Upgrade Image', URL: 'http://x/', CommandKey: 'dl1' });
    const step: Step = { action: 'execute', target: { path: 'rpc:Download' }, arguments: given };
    const operation = management.queue(device(client).id, [step], { kind: 'command', repeatable: false });
    await session(inform, { answers: { Download: response('Download', '<Status>1</Status><StartTime/>') } });
    assert.equal(operation.state, 'accepted');
    return operation;
  }

  async function afterTransfer(capture: string, inform: string): Promise<Operation> {
    const operation = await downloading(clientOf(capture));
    await session(inform, { says: [capture] });
    assert.match(replies.at(-1)!.body, /TransferCompleteResponse/);
    return operation;
  }

  const namesIn = (capture: string): string[] => all(readCapture(capture).body.toString('latin1'), 'Name');

  function read(capture: string): Step {
    return { action: 'read', targets: namesIn(capture).map((path) => ({ path })) };
  }

  function write(...assignments: Assignment[]): Step {
    return { action: 'write', assignments };
  }

  /** The first contact: what is known of the device then. */
  async function contact(capture: string): Promise<ManagedDevice> {
    await session(capture);
    assert.match(replies[0]!.body, /InformResponse/);
    return device(clientOf(capture));
  }

  const valueAt = (outcome: Outcome, path: string): unknown => {
    const found = outcome.results.find((result) => result.path === path);
    return found && 'value' in found ? found.value : undefined;
  };

  /** One replay for each capture: what it shows, and how. */
  const replays: Record<string, [shows: string, replay: () => Promise<void>]> = {
    'orange-inform-bootstrap': [
      'makes a device, which is given credentials and asked for its methods and objects',
      async () => {
        const { inventory, facts } = await contact('orange-inform-bootstrap');
        assert.equal(inventory.softwareVersion, 'SV1.0.5');
        assert.equal(management.sightings[0]!.restarted, true);
        assert.ok(JSON.stringify(facts).includes('"root":"Device."'));
        for (const method of ['SetParameterValues', 'GetRPCMethods', 'GetParameterNames']) assert.ok(isAsked(method));
      },
    ],
    'orange-inform-value-change-transfer-complete': [
      'reports its values, and announces a transfer without ending it',
      async () => {
        const operation = await downloading('orange');
        management.events.length = 0;
        await session('orange-inform-value-change-transfer-complete');
        const values = management.events.flatMap(({ event }) => (event.event === 'values' ? event.values : []));
        assert.ok(
          values.some(({ path, value }) => path === 'Device.DeviceInfo.SoftwareVersion' && value === 'SV1.0.6'),
        );
        assert.equal(operation.state, 'accepted');
      },
    ],
    'orange-transfer-complete-ok': [
      'ends the download that its Inform announces',
      async () => {
        const inform = 'orange-inform-value-change-transfer-complete';
        const operation = await afterTransfer('orange-transfer-complete-ok', inform);
        assert.equal(operation.state, 'succeeded');
      },
    ],
    'orange-empty-post': [
      'hands us the word, and in place of an answer says that the method is not known',
      async () => {
        await session(clients.orange.inform);
        assert.equal(readCapture('orange-empty-post').body.length, 0);
        assert.ok(asked.length > 0);
        const operation = management.queue(device('orange').id, [{ action: 'discover', path: 'Device.' }]);
        await session(clients.orange.inform, { answers: { GetParameterNames: 'orange-empty-post' } }).catch(() => {});
        await session(clients.orange.inform);
        assert.match((await management.outcome(operation.id)).failure?.evidence ?? '', /^9000/);
      },
    ],
    'orange-gpv-response': [
      'gives values in their types',
      async () => {
        const outcome = await outcomeOf('orange-gpv-response', 'GetParameterValues', read('orange-gpv-response'));
        assert.equal(outcome.status, 'succeeded');
        assert.equal(outcome.results.length, 11);
        assert.equal(valueAt(outcome, 'Device.ManagementServer.PeriodicInformInterval'), 15);
        assert.equal(valueAt(outcome, 'Device.DeviceInfo.SoftwareVersion'), 'SV1.0.5');
      },
    ],
    'orange-gpa-response': [
      'shows what a new firmware has forgotten to notify: one is passive, and is made active again',
      async () => {
        const [kept, lost] = ['Device.ManagementServer.URL', 'Device.DeviceInfo.ProvisioningCode'];
        const { inform } = clients.orange;
        const answers = { SetParameterAttributes: response('SetParameterAttributes', '') };
        await session(inform);
        management.wishes.set(device('orange').id, [{ path: kept }, { path: lost }]);
        await session(inform, { answers });
        // It tells of another version.
        const after = 'orange-inform-value-change-transfer-complete';
        await session(after, { answers: { ...answers, GetParameterAttributes: 'orange-gpa-response' } });
        const set = asked
          .filter(({ method }) => method === 'SetParameterAttributes')
          .map(({ body }) => all(body, 'Name'));
        assert.deepEqual(set, [[lost]]);
      },
    ],
    'orange-spv-response-status0': [
      'says that a value was written',
      async () => {
        const step = write({ path: 'Device.DeviceInfo.ProvisioningCode', value: 'x', type: 'string' });
        const outcome = await outcomeOf('orange-spv-response-status0', 'SetParameterValues', step);
        assert.deepEqual([outcome.status, outcome.evidence], ['succeeded', 'Status 0 (applied)']);
      },
    ],
    'orange-fault-spv-3-params': [
      'blames each parameter for itself',
      async () => {
        const paths = [
          'Device.DeviceInfo.SerialNumber',
          'Device.Nope',
          'Device.ManagementServer.PeriodicInformInterval',
        ];
        const step = write(...paths.map((path) => ({ path, value: 'x', type: 'string' as const })));
        const outcome = await outcomeOf('orange-fault-spv-3-params', 'SetParameterValues', step);
        assert.deepEqual(
          outcome.results.map((result) => ('failure' in result ? result.failure?.evidence?.slice(0, 4) : undefined)),
          ['9008', '9005', '9007'],
        );
      },
    ],
    'netcwmp-inform-bootstrap': [
      'makes a device of the data model TR-098',
      async () => {
        const { inventory } = await contact('netcwmp-inform-bootstrap');
        assert.equal(inventory.softwareVersion, 'V1.2.7.29');
        assert.ok(inventory.objects.some(({ path }) => path === 'InternetGatewayDevice.DeviceInfo.'));
      },
    ],
    'netcwmp-gpn-response': [
      'gives all names below a path',
      async () => {
        const capture = 'netcwmp-gpn-response';
        const outcome = await outcomeOf(capture, 'GetParameterNames', {
          action: 'discover',
          path: 'InternetGatewayDevice.',
        });
        assert.equal(outcome.results.length, 94);
      },
    ],
    'netcwmp-fault-misnested-detail': [
      'is a fault with its parameter, although its detail is in the wrong place',
      async () => {
        const path = 'InternetGatewayDevice.DeviceInfo.SerialNumber';
        const step = write({ path, value: 'x', type: 'string' });
        const outcome = await outcomeOf('netcwmp-fault-misnested-detail', 'SetParameterValues', step);
        assert.equal(outcome.failure?.path, path);
        assert.match(outcome.failure?.evidence ?? '', /^9008/);
      },
    ],
    'netcwmp-transfer-complete-empty-datetime': [
      'fails the download with its fault, although its times are empty',
      async () => {
        const capture = 'netcwmp-transfer-complete-empty-datetime';
        const operation = await afterTransfer(capture, clients.netcwmp.inform);
        assert.equal(operation.state, 'failed');
        assert.match(operation.outcome?.failure?.evidence ?? '', /^9001/);
      },
    ],
    'cwmp-sim-inform-boot': [
      'makes a device that has started',
      async () => {
        const { inventory } = await contact('cwmp-sim-inform-boot');
        assert.equal(inventory.softwareVersion, '1.0.0');
        assert.equal(management.sightings[0]!.restarted, true);
      },
    ],
    'cwmp-sim-gpv-response': [
      'gives 23 values, the switch among them as a boolean',
      async () => {
        const outcome = await outcomeOf('cwmp-sim-gpv-response', 'GetParameterValues', read('cwmp-sim-gpv-response'));
        assert.equal(outcome.results.length, 23);
        assert.equal(typeof valueAt(outcome, 'Device.ManagementServer.PeriodicInformEnable'), 'boolean');
      },
    ],
    'cwmp-sim-addobject-response': [
      'has no number of an instance, so nothing was made',
      async () => {
        const step: Step = { action: 'create', path: 'Device.Nope.', assignments: [] };
        const outcome = await outcomeOf('cwmp-sim-addobject-response', 'AddObject', step);
        assert.equal(outcome.status, 'failed');
        assert.match(outcome.failure?.explanation ?? '', /did not say which instance/);
      },
    ],
    'cwmp-sim-transfer-complete': [
      'ends the download, although its times stand before the fault',
      async () => {
        const operation = await afterTransfer('cwmp-sim-transfer-complete', clients['cwmp-sim'].inform);
        assert.equal(operation.state, 'succeeded');
      },
    ],
    'cwmp-sim-fault-undeclared-prefix': [
      'blames all values that were written, for it names none',
      async () => {
        const paths = ['Device.DeviceInfo.SerialNumber', 'Device.Nope'];
        const step = write(...paths.map((path) => ({ path, value: 'x', type: 'string' as const })));
        const outcome = await outcomeOf('cwmp-sim-fault-undeclared-prefix', 'SetParameterValues', step);
        assert.deepEqual(
          outcome.results.map((result) => ('failure' in result ? result.failure?.evidence?.slice(0, 4) : undefined)),
          ['9008', '9008'],
        );
      },
    ],
    'genieacs-sim-inform-periodic-before-transfer-complete': [
      'makes a device, although it was never started for us',
      async () => {
        const { inventory } = await contact('genieacs-sim-inform-periodic-before-transfer-complete');
        assert.equal(inventory.softwareVersion, 'V100R001IRQC56B017');
        assert.equal(management.sightings[0]!.restarted, false);
      },
    ],
    'genieacs-sim-transfer-complete': [
      'ends the download that its Inform does not announce',
      async () => {
        const operation = await afterTransfer('genieacs-sim-transfer-complete', clients['genieacs-sim'].inform);
        assert.equal(operation.state, 'succeeded');
      },
    ],
    'genieacs-sim-gpn-response-150k': [
      'gives about a thousand names in one answer',
      async () => {
        const capture = 'genieacs-sim-gpn-response-150k';
        const outcome = await outcomeOf(capture, 'GetParameterNames', {
          action: 'discover',
          path: 'InternetGatewayDevice.',
        });
        assert.equal(outcome.results.length, namesIn(capture).length);
        assert.ok(outcome.results.length > 900);
      },
    ],
  };

  for (const [name, [shows, replay]] of Object.entries(replays)) it(`${name} ${shows}`, replay);

  it('there is none without a replay', () => {
    assert.deepEqual(Object.keys(replays).sort(), captureNames);
  });
});
