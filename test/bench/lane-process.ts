/** The LwM2M leg, device management and the store from the build, without HTTP, as a worker: live reads of what is registered with it. */
import type { ManagedDevice } from '../../src/management/adapter.ts';
import type { BoundObject, ResourceSide } from '../../src/management/resource-side.ts';
import { makeTemporaryDirectory } from '../support/store.ts';
import { built } from './built.ts';
import type { Tally } from './rounds.ts';
import { serveCommands } from './worker.ts';

const [
  adapterModule,
  busModule,
  cseModule,
  objectsModule,
  sideModule,
  managementModule,
  mappingModule,
  vocabularyModule,
] = await Promise.all([
  built<typeof import('../../adapters/lwm2m/adapter.ts')>('adapters/lwm2m/adapter.js'),
  built<typeof import('../../src/bus/in-process.ts')>('src/bus/in-process.js'),
  built<typeof import('../../src/cse/create-cse.ts')>('src/cse/create-cse.js'),
  built<typeof import('../../src/cse/managed-objects.ts')>('src/cse/managed-objects.js'),
  built<typeof import('../../src/cse/resource-side.ts')>('src/cse/resource-side.js'),
  built<typeof import('../../src/management/management.ts')>('src/management/management.js'),
  built<typeof import('../../src/management/mapping.ts')>('src/management/mapping.js'),
  built<typeof import('../../src/onem2m/create-vocabulary.ts')>('src/onem2m/create-vocabulary.js'),
]);
const { openStore } = await built<typeof import('../../src/store/open.ts')>('src/store/open.js');
const { systemClock: clock } = await built<typeof import('../../src/support/clock.ts')>('src/support/clock.js');
const { silentLog: log } = await built<typeof import('../../src/support/log.ts')>('src/support/log.js');
const { noMetrics: metrics } = await built<typeof import('../../src/support/metrics.ts')>('src/support/metrics.js');
const { packageFile } =
  await built<typeof import('../../src/support/package-files.ts')>('src/support/package-files.js');

const directory = await makeTemporaryDirectory();
const store = await openStore({ dataDirectory: directory.path, log });
const bus = busModule.createInProcessBus(log);
const mappings = mappingModule.loadMappings({ directory: packageFile('mappings') });
const vocabulary = vocabularyModule.createVocabulary(mappings.definitions());
const adapter = adapterModule.createLwm2mAdapter({ host: '127.0.0.1', port: 0 });
const noArtifacts = (): Promise<never> => Promise.reject(new Error('there are no artifacts here'));
let resourceSide: ResourceSide | undefined;
const management = managementModule.createManagement({
  store,
  bus,
  clock,
  log,
  metrics,
  mappings,
  adapters: [adapter],
  resourceSide: () => resourceSide!,
  artifacts: {
    byUrl: () => Promise.resolve(undefined),
    linkFor: () => Promise.resolve(undefined),
    read: noArtifacts,
    fetch: noArtifacts,
  },
  credentials: { forDevice: () => Promise.resolve(undefined) },
});
await cseModule.createCse({
  store,
  bus,
  vocabulary,
  log,
  metrics,
  clock,
  settings: {},
  sendNow: () => Promise.resolve({ ok: true }),
  management: (tree) => {
    resourceSide = sideModule.createResourceSide({
      tree,
      clock,
      vocabulary,
      settings: { accessControlPolicyIDs: [], labels: [], lifetime: 1e12 },
    });
    return objectsModule.createManagedObjects({
      management,
      tree: () => tree,
      clock,
      settings: { maximumAge: 0, fallback: 'error' },
    });
  },
});
await management.start();
const context = management.contextFor('lwm2m');
const [listener] = await adapter.start(context);

/** The battery of every device, once it is there. */
async function batteries(count: number): Promise<BoundObject[]> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const devices: ManagedDevice[] = [];
    for await (const device of context.devices()) devices.push(device);
    const objects = (await Promise.all(devices.map((device) => resourceSide!.objectsOf(device)))).flat();
    const found = objects.filter(({ mapping }) => mapping === 'battery');
    if (found.length >= count) return found;
    if (Date.now() > deadline) throw new Error(`${found.length} of ${count} batteries are there`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** One read at a time of each device. @returns how many */
async function reads({ count: devices, seconds }: { count: number; seconds: number }): Promise<Tally> {
  let count = 0;
  const read = async (object: BoundObject): Promise<void> => {
    const expiresAt = Date.now() + 30_000;
    const requester = { originator: 'CAdmin', requestIdentifier: `bench-${count++}`, expiresAt, blocking: true };
    const reply = await management.retrieve(object, undefined, requester);
    if (reply.done !== true) throw new Error(`a read was refused: ${JSON.stringify(reply)}`);
  };
  for (const object of await batteries(devices)) await read(object); // now the stored copy is that of the device
  const objects = await batteries(devices);
  count = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  await Promise.all(
    objects.map(async (object) => {
      while (performance.now() < until) await read(object);
    }),
  );
  return { count, seconds: (performance.now() - started) / 1000 };
}

async function stop(): Promise<void> {
  await management.stop(new Date());
  await adapter.stop(new Date());
  await store.close();
  await directory.remove();
}

serveCommands({ port: () => listener!.port, reads, stop });
