/** The OMA DM leg before management in memory, with simulated clients that share no code with it. */
import { createOmadmAdapter, type OmadmSettings } from '../../adapters/omadm/adapter.ts';
import type { Notifier } from '../../adapters/omadm/waking.ts';
import type { ManagedDevice, ProtocolAdapter } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import { startOmadmClient, type OmadmClientOptions, type SimulatedClient } from '../../src/simulators/omadm-client.ts';
import { createFakeManagement, type FakeManagement } from '../lwm2m/fake-management.ts';

export const identity = 'urn:imei:490154203237518';

/** As the mappings name them. */
export const templates = [
  './DevInfo',
  './DevDetail',
  '{mo}',
  '{mo}/Download/{package}',
  '{mo}/Inventory/Delivered/{package}',
  '{mo}/Inventory/Deployed/{package}',
  '{mo}/DiagMonData/{battery}',
  '{mo}/Inventory/Records/{member}',
  '{mo}/cmdhBuffer/{buffer}',
];

export interface SmallLeg {
  management: FakeManagement;
  adapter: ProtocolAdapter;
  client: SimulatedClient;
  url: string;
  device(): ManagedDevice;
  /** An operation, in a session of its own. */
  run(steps: Step[], change?: Partial<Operation>): Promise<Outcome>;
  stop(): Promise<void>;
}

export async function startSmallLeg(
  options: Partial<OmadmClientOptions> = {},
  settings: Partial<OmadmSettings> = {},
  { management = createFakeManagement(), notifier }: { management?: FakeManagement; notifier?: Notifier } = {},
): Promise<SmallLeg> {
  const adapter = createOmadmAdapter({ port: 0, objects: templates, ...settings }, notifier);
  const [listener] = await adapter.start(management.context);
  const url = listener!.url;
  const client = await startOmadmClient({ server: url, deviceId: identity, speed: 200, ...options });
  const leg: SmallLeg = {
    management,
    adapter,
    client,
    url,
    device: () => management.device(identity),
    async run(steps, change = {}) {
      const operation = management.queue(leg.device().id, steps, change);
      await client.session();
      return management.outcome(operation.id);
    },
    async stop() {
      await client.stop();
      await adapter.stop(new Date(Date.now() + 100));
    },
  };
  return leg;
}
