import assert from 'node:assert/strict';
import { createCwmpAdapter } from '../../adapters/cwmp/adapter.ts';
import { createFakeManagement } from '../lwm2m/fake-management.ts';
import { connectCpe, cookieFrom, informText, type CpeConnection } from './scripted-cpe.ts';
import { createSmallCpe, transferComplete } from './small-cpe.ts';
import { captureNames, createRandom, readCapture } from './support.ts';

const MESSAGES = 3_000;

describe('the CWMP leg under fuzzing', function () {
  this.timeout(60_000);

  it(`answers ${MESSAGES} mutated messages in and out of sessions, and serves the next device as ever`, async () => {
    const management = createFakeManagement();
    const adapter = createCwmpAdapter({ port: 0, transientPause: 0 });
    const [listener] = await adapter.start(management.context);
    const port = listener!.port;
    const random = createRandom(7);
    const seeds = [
      ...captureNames.filter((name) => !name.includes('150k')).map((name) => readCapture(name).body),
      Buffer.from(informText({ events: ['0 BOOTSTRAP'] })),
      Buffer.from(transferComplete('k')),
      Buffer.alloc(0),
    ];
    const statuses = new Map<number, number>();
    let connection: CpeConnection | undefined;
    let cookie: string[] = [];
    for (let round = 0; round < MESSAGES; round++) {
      connection ??= await connectCpe(port);
      let message = seeds[random(seeds.length)]!;
      if (random(3) === 0) {
        const at = random(message.length + 1);
        message = Buffer.concat([
          message.subarray(0, at),
          Buffer.from([random(256)]),
          message.subarray(at + random(30)),
        ]);
      }
      const reply = await connection.post(message, random(4) === 0 ? [] : cookie);
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      if (reply.headers.has('set-cookie')) cookie = [cookieFrom(reply)];
      if (reply.headers.get('connection')?.[0] === 'close' || random(20) === 0) {
        connection.close();
        connection = undefined;
      }
    }
    connection?.close();
    // 500 would be an error of ours.
    assert.deepEqual([...statuses.keys()].sort(), [200, 204, 400], JSON.stringify([...statuses]));
    assert.equal(await createSmallCpe(() => port, 'AFTER').session(), 204);
    await adapter.stop(new Date(Date.now() + 100));
  });
});
