/** A CPE dies around every single message of a session that reads, writes, makes an object and downloads. */
import assert from 'node:assert/strict';
import { makeImage, type Faults } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from '../system/artifacts.ts';
import { addCpe, type TestCpe } from '../system/cpe.ts';
import { expectOk, openWorld, type Attributes, type World } from '../system/world.ts';
import { bufferTable } from './cpe-deeds.ts';

const version = '2.4.0';
const size = 4711;
/** requestStatus of TS-0004 6.3.4.2.36. */
const pending = 3;
/** ms; a session of which nothing is heard would be waited for 30 s at least. */
const promptly = 12_000;

type Death = Required<Pick<NonNullable<Faults['die']>, 'moment' | 'how'>>;

const deaths: Death[] = [
  { moment: 'unsent', how: 'connection' },
  { moment: 'sent', how: 'connection' },
  { moment: 'answered', how: 'connection' },
  { moment: 'unsent', how: 'power' },
  { moment: 'sent', how: 'power' },
  { moment: 'answered', how: 'power' },
];

describe('a CPE that dies after every single message of a session', function () {
  this.timeout(180_000);
  let world: World;
  let url: string;
  before(async () => {
    world = await openWorld();
    ({ url } = await uploadImage(world, makeImage({ name: 'main', version, size: 3000 })));
  });
  after(() => world.stop());

  /** What waits in the lane for the next Inform; paths of the `<request>`s. */
  async function order(cpe: TestCpe): Promise<string[]> {
    const { mca } = world;
    const later = { headers: { 'X-M2M-RET': '600000' } };
    const buffer = { rn: 'made', mgd: 1019, obis: ['urn:broadband-forum-org:tr-181-2'], aec: [3], mbfs: size, sgp: 2 };
    const answers = [
      await mca.get(`${cpe.node}/memory?rt=1`, later),
      await mca.update(`${cpe.node}/cmdhBuffer-1-1?rt=1`, { 'm2m:cmbf': { mbfs: size } }, later),
      await mca.create(`${cpe.node}?rt=1`, 13, { 'm2m:cmbf': buffer }, later),
      await mca.update(`${cpe.node}/firmware?rt=1`, { 'm2m:fwr': { url, vr: version, fwn: 'main', ud: true } }, later),
    ];
    return answers.map((answer) => String((expectOk(answer) as { uri?: string }).uri ?? answer.body['m2m:uri']));
  }

  async function statusOf(request: string): Promise<Attributes> {
    return expectOk(await world.mca.get(request));
  }

  /** A new CPE, the four orders, and a session with this fault. @returns messages of the session */
  async function live(fault: (Death & { message: number }) | undefined): Promise<number> {
    const cpe = await addCpe(world);
    const { simulator } = cpe;
    // All of it waits for one session.
    simulator.faults.connectionRequest = 'not-found';
    const requests = await order(cpe);
    let messages = 0;
    simulator.on('event', ({ kind, text }) => {
      if (kind === 'message' && text.startsWith('→')) messages++;
    });
    const from = simulator.journal.length;
    simulator.faults.die = fault && { ...fault, times: 1 };
    await simulator.inform();
    const count = messages;
    const begin = performance.now();
    await eventually(
      'all orders are over',
      async () => {
        await simulator.inform();
        const states = await Promise.all(requests.map(statusOf));
        const update = (await cpe.stored('firmware'))?.['uds'] as { sus?: number } | undefined;
        return states.every(({ rs }) => rs !== pending) && update?.sus !== 3;
      },
      promptly,
    );
    assert.ok(performance.now() - begin < promptly);
    const journal = simulator.journal.slice(from);
    const times = (method: string): number =>
      journal.filter((entry) => entry.kind === 'method' && entry.method === method).length;
    assert.ok(times('AddObject') <= 1, `AddObject was taken ${times('AddObject')} times`);
    assert.ok(times('Download') <= 1, `Download was taken ${times('Download')} times`);
    const [read, write, make] = await Promise.all(requests.map(statusOf));
    assert.equal(read?.['rs'], 1, JSON.stringify(read));
    assert.equal(write?.['rs'], 1, JSON.stringify(write));
    assert.equal(simulator.parameter(`${bufferTable}1.MaximumBufferSize`), String(size));
    const made = Object.keys(simulator.parameters(bufferTable)).some((name) => name.startsWith(`${bufferTable}2.`));
    if (make?.['rs'] === 1) assert.ok(made, 'the object is said to be made');
    else assert.match(JSON.stringify(make), /outcome unknown/);
    const isShown = async (): Promise<boolean> =>
      Object.values((await world.mca.get(`${cpe.node}?rcn=4`)).body['m2m:nod'] ?? {})
        .flat()
        .some((child) => JSON.stringify(child).includes(`${bufferTable}2.`));
    if (made) await eventually('the object that was made is shown', isShown);
    const { uds } = (await cpe.stored('firmware')) as { uds: { sus: number } };
    const status = uds.sus;
    const runs = simulator.parameter('Device.DeviceInfo.SoftwareVersion') === version;
    assert.equal(status, runs ? 1 : 2, `updateStatus ${status}, and the device ${runs ? 'runs' : 'does not run'} it`);
    assert.equal(runs, times('Download') === 1);
    simulator.faults.offline = true;
    return count;
  }

  let messages = 0;
  it('the session has its messages', async () => {
    messages = await live(undefined);
    assert.ok(messages >= 7, `${messages} messages`);
  });

  for (const death of deaths) {
    it(`by ${death.how}, its message ${death.moment}: the lane goes on at the next Inform, and nothing is done twice`, async () => {
      for (let message = 1; message <= messages; message++) {
        await live({ ...death, message }).catch((error: unknown) => {
          throw new Error(`at message ${message} of ${messages}: ${String(error)}`, { cause: error });
        });
      }
    });
  }
});
