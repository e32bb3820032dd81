/** Composition root: the only file that knows every part. Starts them from the bottom up and stops them from the top down. */
import { join } from 'node:path';
import { createCwmpAdapter } from '../adapters/cwmp/adapter.ts';
import { createLwm2mAdapter } from '../adapters/lwm2m/adapter.ts';
import { createFirmwareUpdate } from '../adapters/lwm2m/firmware-update.ts';
import { createSoftwareManagement } from '../adapters/lwm2m/software-management.ts';
import { createArtifacts, type Artifacts } from './artifacts/artifacts.ts';
import { createGrants, grantSecret } from './artifacts/grants.ts';
import { createInProcessBus } from './bus/in-process.ts';
import { isLoopback, openListeners as listenersThatAreOpen, redactedSettings, type Settings } from './config.ts';
import { createCse, type CseRuntime } from './cse/create-cse.ts';
import { adminPolicyID } from './cse/first-start.ts';
import type { CseSettings } from './cse/settings.ts';
import type { OnboardingSettings } from './cse/onboarding.ts';
import { createManagedObjects } from './cse/managed-objects.ts';
import { createResourceSide } from './cse/resource-side.ts';
import { noCredentials, openDeviceCredentials } from './device-credentials.ts';
import { createDeviceDirectory } from './device-directory.ts';
import { explainListenError, listenHttp, onDemand, urlOf } from './listeners.ts';
import type { Listener, ProtocolAdapter } from './management/adapter.ts';
import { createManagement, type ManagementRuntime } from './management/management.ts';
import { loadMappings, preparedMappings, type Mappings } from './management/mapping.ts';
import type { ResourceSide } from './management/resource-side.ts';
import { createHttpBinding } from './mca/http.ts';
import { createNotifier, type Notifier } from './mca/notifier.ts';
import { createOperationDirectory } from './operation-directory.ts';
import { createVocabulary } from './onem2m/create-vocabulary.ts';
import { openStore } from './store/open.ts';
import { systemClock } from './support/clock.ts';
import { ensureDirectory } from './support/directories.ts';
import type { LiveTls } from './support/live-tls.ts';
import { watchEventLoop } from './support/event-loop.ts';
import type { Log } from './support/log.ts';
import { packageFile } from './support/package-files.ts';
import { createLog } from './support/pino-log.ts';
import { createPrometheusMetrics, type PrometheusMetrics } from './support/prometheus.ts';
import { openTlsFiles } from './tls.ts';
import type { Store } from './store/store.ts';
import type { Metrics } from './support/metrics.ts';

export interface Gateway {
  listeners: Listener[];
  log: Log;
  /** Answers what has arrived, writes what is durable, then ends; what takes longer than the deadline is cut off. */
  stop(deadline: Date): Promise<void>;
}

/** ms in which an image at a foreign URL must have arrived before it can be pushed to a device. */
const foreignImageTimeout = 300_000;

/** In the order in which they are shown. */
const listenerNames = ['mca', 'lwm2m', 'cwmp', 'cwmps', 'artifact', 'admin'] as const;
type ListenerName = Exclude<(typeof listenerNames)[number], 'cwmps'>;

/** Steps of the stop, run in reverse order of the start; also when the start fails half way. */
type StopStep = (deadline: Date) => Promise<void>;

/** @throws an error whose sentence says what to change; what was started by then is stopped again */
export async function startGateway(settings: Settings, log: Log = createLog(settings['log.level'])): Promise<Gateway> {
  const stopSteps: StopStep[] = [];
  try {
    const listeners = await startParts(settings, log, stopSteps);
    log.info({ listeners: listeners.map(({ name, url }) => `${name} ${url}`) }, 'the gateway serves');
    return { listeners, log, stop: (deadline) => stopParts(stopSteps, deadline, log) };
  } catch (error) {
    await stopParts(stopSteps, new Date(Date.now() + 2000), log);
    throw error;
  }
}

async function stopParts(steps: StopStep[], deadline: Date, log: Log): Promise<void> {
  for (const step of steps.splice(0).reverse()) {
    try {
      await step(deadline);
    } catch (error) {
      log.error({ err: error }, 'a part did not stop cleanly');
    }
  }
}

async function startParts(settings: Settings, log: Log, stopSteps: StopStep[]): Promise<Listener[]> {
  log.debug({ settings: redactedSettings(settings) }, 'settings');
  warnOfOpenListeners(settings, log);
  const opened = new Map<string, Listener>();
  const parts = await assembleParts(settings, log, opened, stopSteps);
  await openListeners(settings, log, parts, opened, stopSteps);
  const order: string[] = listenerNames.flatMap((name) => (name === 'cwmp' ? [name, 'stun'] : [name]));
  return [...opened.values()].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

interface Leg {
  /** Of its listener. */
  name: ListenerName;
  adapter: ProtocolAdapter;
}

interface Parts {
  store: Store;
  metrics: PrometheusMetrics;
  artifacts: Artifacts;
  legs: Leg[];
  management: ManagementRuntime;
  notifier: Notifier;
  cse: CseRuntime;
}

/** Everything that opens no listener. `opened` fills up later: addresses are asked for when they are needed. */
async function assembleParts(
  settings: Settings,
  log: Log,
  opened: ReadonlyMap<string, Listener>,
  stopSteps: StopStep[],
): Promise<Parts> {
  const clock = systemClock;
  const metrics = createPrometheusMetrics();
  const fileOptions = { clock, log };
  const tls = await openTlsFiles(settings, fileOptions);
  if (tls) stopSteps.push(async () => tls.close());
  const credentialsFile = settings['devices.credentials'];
  const credentials = credentialsFile ? await openDeviceCredentials(credentialsFile, fileOptions) : noCredentials;
  stopSteps.push(async () => credentials.close());
  const stopWatching = watchEventLoop(metrics);
  stopSteps.push(async () => stopWatching());

  ensureDirectory(settings.data, '--data');
  const store = await openStore({
    dataDirectory: settings.data,
    databaseUrl: settings['database.url'],
    log,
    durability: settings['store.durability'],
  });
  stopSteps.push(() => store.close());
  registerStoreMetrics(store, metrics);

  const bus = createInProcessBus(log);
  stopSteps.push(() => bus.close());
  const mappings = loadMappings({
    directory: packageFile('mappings'),
    profileDirectories: settings.profiles,
    prepared: preparedMappings,
  });
  const vocabulary = createVocabulary(mappings.definitions(), { knownSchemas: settings['mgmt.schemas'] });
  const artifacts = createArtifacts({
    directory: join(settings.data, 'artifacts'),
    store,
    publicUrl: () => settings['public.url'] ?? opened.get('artifact')?.url ?? '',
    coapUrl: () => settings['public.coapUrl'] ?? opened.get('lwm2m')?.url,
    grants: createGrants(await grantSecret(store), (operation) => management.isUnderWay(operation)),
    anonymous: settings['artifact.anonymous'],
    clock,
    log,
    maximumBytes: settings['artifact.maximumBytes'],
    fetchTimeout: foreignImageTimeout,
  });
  const legs: Leg[] = [
    { name: 'lwm2m', adapter: createLwm2mAdapter(lwm2mSettings(settings)) },
    { name: 'cwmp', adapter: createCwmpAdapter(cwmpSettings(settings, mappings, tls)) },
  ];

  // Management and CSE know each other through two ports: each is handed the other's once both are there.
  let resourceSide: ResourceSide | undefined;
  const management = createManagement({
    store,
    bus,
    clock,
    log,
    metrics,
    mappings,
    adapters: legs.map(({ adapter }) => adapter),
    resourceSide: () => resourceSide!,
    settings: { laneCapacity: settings['lane.capacity'], traceMessages: settings['trace.messages'] },
    artifacts,
    credentials,
  });
  const notifier = createNotifier({
    store,
    bus,
    log,
    metrics,
    clock,
    cseId: settings['cse.id'],
    releaseVersion: '3',
    settings: {
      maximumPerTarget: settings['notification.maximumPerTarget'],
      timeout: settings['notification.timeout'],
    },
    onDelivered: (subscription) => {
      cse.notified(subscription).catch((error: unknown) => {
        log.error({ err: error, subscription }, 'a delivered notification could not be counted');
      });
    },
  });
  const cse = await createCse({
    store,
    bus,
    vocabulary,
    log,
    metrics,
    clock,
    settings: cseSettings(settings, () => opened.get('mca')?.url),
    sendNow: notifier.sendNow,
    management: (tree) => {
      resourceSide = createResourceSide({ tree, clock, vocabulary, settings: onboardingSettings(settings) });
      return createManagedObjects({
        management,
        tree: () => tree,
        clock,
        settings: { maximumAge: settings['retrieve.maxAge'], fallback: settings['retrieve.fallback'] },
      });
    },
  });
  return { store, metrics, artifacts, legs, management, notifier, cse };
}

/** From the devices up to the requesters, so that nobody is served before what serves him is there. */
async function openListeners(
  settings: Settings,
  log: Log,
  parts: Parts,
  opened: Map<string, Listener>,
  stopSteps: StopStep[],
): Promise<void> {
  const { store, metrics, artifacts, legs, management, notifier, cse } = parts;
  const place = (name: ListenerName) => ({
    name,
    host: settings[`${name}.bind`] ?? settings.bind,
    port: settings[`${name}.port`],
  });
  const enter = (name: string, { address, port }: { address: string; port: number }): void => {
    opened.set(name, { name, url: urlOf('http', address, port), address, port });
  };

  await management.start();
  const stopManagement = once((deadline) => management.stop(deadline));
  stopSteps.push(stopManagement);

  const downloadsOf = async () => (await import('./admin/downloads.ts')).createDownloads(artifacts, metrics, log);
  const downloads = await listenHttp(onDemand(downloadsOf), place('artifact'));
  stopSteps.push((deadline) => downloads.close(deadline));
  enter('artifact', downloads);

  for (const { name, adapter } of legs) {
    const context = management.contextFor(adapter.technology);
    const listeners = await adapter.start(context).catch((error: NodeJS.ErrnoException & { listener?: string }) => {
      // Errors of the socket alone name a system call.
      if (error.syscall === undefined) throw error;
      throw explainListenError(error, error.listener === 'cwmps' ? placeOfTls(settings) : place(name));
    });
    stopSteps.push((deadline) => adapter.stop(deadline));
    for (const listener of listeners) opened.set(listener.name, listener);
  }

  await notifier.start();
  stopSteps.push((deadline) => notifier.stop(deadline));

  const mca = createHttpBinding({
    cse,
    log,
    metrics,
    limits: { bodyBytes: settings['mca.maximumBodyBytes'], connections: settings['mca.maximumConnections'] },
    trustedProxies: settings['trusted.proxy'],
  });
  const bound = await mca.listen(place('mca')).catch((error: NodeJS.ErrnoException) => {
    throw explainListenError(error, place('mca'));
  });
  stopSteps.push((deadline) => cse.stop(Math.max(0, deadline.getTime() - Date.now())));
  // Requests in work wait for devices: management tells them how it ends while the binding waits to answer them.
  stopSteps.push(async (deadline) => {
    await Promise.all([mca.close(deadline), stopManagement(deadline)]);
  });
  enter('mca', bound);
  await cse.start();

  let serving = true;
  const devices = createDeviceDirectory(store, management, settings['cse.baseName']);
  const adminParts = {
    metrics,
    artifacts,
    devices,
    operations: createOperationDirectory(store, management, devices),
    backup: (file: string) => store.backup(file),
    unready: () => reasonsNotReady(store, serving),
    log,
  };
  const adminOf = async () => (await import('./admin/admin.ts')).createAdmin(adminParts);
  const admin = await listenHttp(onDemand(adminOf), place('admin'));
  stopSteps.push((deadline) => admin.close(deadline));
  stopSteps.push(async () => {
    serving = false;
  });
  enter('admin', admin);
}

function cseSettings(settings: Settings, mcaUrl: () => string | undefined): Partial<CseSettings> {
  return {
    cseBaseName: settings['cse.baseName'],
    cseBaseResourceID: settings['cse.resourceId'],
    cseId: settings['cse.id'],
    spId: settings['cse.serviceProviderId'],
    requireRegistration: settings['cse.requireRegistration'],
    strictArguments: settings['command.arguments'] === 'strict',
    locations: settings['access.locations'],
    adminOriginator: settings['cse.adminOriginator'],
    defaultRequestExpiration: settings['request.expiration'],
    maximumExpiration: settings['resource.expiration'],
    verifySubscriptions: settings['notification.verification'],
    pointOfAccess: () => [mcaUrl() ?? ''].filter((url) => url !== ''),
  };
}

function onboardingSettings(settings: Settings): OnboardingSettings {
  const given = settings['onboarding.accessControlPolicies'];
  return {
    accessControlPolicyIDs: given.length > 0 ? given : [adminPolicyID],
    labels: settings['onboarding.labels'],
    lifetime: settings['resource.expiration'],
  };
}

function lwm2mSettings(settings: Settings): Parameters<typeof createLwm2mAdapter>[0] {
  const deadlines = {
    downloadDeadline: settings['procedure.downloadDeadline'],
    updateDeadline: settings['procedure.updateDeadline'],
    pollInterval: settings['procedure.pollInterval'],
  };
  return {
    host: settings['lwm2m.bind'] ?? settings.bind,
    port: settings['lwm2m.port'],
    awakeWindow: settings['lwm2m.awakeWindow'],
    ackTimeout: settings['lwm2m.ackTimeout'],
    addressChange: settings['lwm2m.addressChange'],
    pushBlockSize: settings['lwm2m.pushBlockSize'],
    procedures: [createFirmwareUpdate(deadlines), ...createSoftwareManagement(deadlines)],
  };
}

/** Its settings begin with `cwmp.tls`. */
function placeOfTls(settings: Settings): { name: string; host: string; port: number } {
  return { name: 'cwmp-tls', host: settings['cwmp.tlsBind'] ?? settings.bind, port: settings['cwmp.tlsPort'] };
}

function cwmpSettings(
  settings: Settings,
  mappings: Mappings,
  tls: LiveTls | undefined,
): Parameters<typeof createCwmpAdapter>[0] {
  const host = settings['cwmp.bind'] ?? settings.bind;
  return {
    host,
    port: settings['cwmp.port'],
    tls: tls && {
      ...placeOfTls(settings),
      files: tls,
      minimumVersion: settings['tls.minimumVersion'],
      clientCertificate: settings['cwmp.clientCertificate'],
    },
    trustedProxies: settings['trusted.proxy'],
    authentication: settings['cwmp.authentication'],
    basic: settings['cwmp.basic'] === 'always' || isLoopback(host),
    objects: mappings.objectPaths('cwmp'),
    maximumBodyBytes: settings['cwmp.maximumBodyBytes'],
    maximumConnections: settings['cwmp.maximumConnections'],
    maximumSessions: settings['cwmp.maximumSessions'],
    maximumRequests: settings['cwmp.maximumRequests'],
    lingerBeforeEnd: settings['cwmp.lingerBeforeEnd'],
    sessionTimeout: settings['cwmp.sessionTimeout'],
    closeAfterSession: settings['cwmp.closeConnections'],
    batchSize: settings['cwmp.batchSize'],
    periodicInterval: Math.round(settings['cwmp.periodicInform'] / 1000),
    connectionTimeout: settings['cwmp.connectionRequestTimeout'],
    connectionNetworks: settings['cwmp.connectionRequestNetworks'],
    stunPort: settings['cwmp.stunPort'],
    stunHost: settings['cwmp.stunBind'],
    stunAddress: settings['cwmp.stunAddress'] ?? hostOf(settings['public.url']),
    stunKeepAlive: Math.round(settings['cwmp.stunKeepAlive'] / 1000),
    downloadDeadline: settings['procedure.downloadDeadline'],
    updateDeadline: settings['procedure.updateDeadline'],
  };
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).hostname.replace(/^\[|\]$/g, '');
}

function once(step: StopStep): StopStep {
  let done: Promise<void> | undefined;
  return (deadline) => (done ??= step(deadline));
}

function warnOfOpenListeners(settings: Settings, log: Log): void {
  // OMA DM has no listener yet.
  const open = listenersThatAreOpen(settings).filter(({ listener }) => listener !== 'omadm');
  const why = Object.fromEntries(open.map((one) => [one.listener, one.why]));
  if (open.length > 0) log.warn({ listeners: why }, 'insecure: these listeners are open beyond this machine');
}

async function reasonsNotReady(store: Store, serving: boolean): Promise<string[]> {
  if (!serving) return ['the gateway is stopping'];
  try {
    await store.get('settings', 'readiness');
    return [];
  } catch (error) {
    return [`the store does not answer: ${(error as Error).message}`];
  }
}

function registerStoreMetrics(store: Store, metrics: Metrics): void {
  metrics.gauge('trivet_commits_total', () => [{ value: store.statistics().commits }]);
  metrics.gauge('trivet_commit_conflicts_total', () => [{ value: store.statistics().conflicts }]);
  metrics.gauge('trivet_commit_latency_seconds', () => {
    const { p50, p99 } = store.statistics().latency;
    return [
      { value: p50, labels: { quantile: '0.5' } },
      { value: p99, labels: { quantile: '0.99' } },
    ];
  });
}
