/** A simulated device behind the relay, with the addresses of its management objects. */
import { startLwm2mDevice } from '../../src/simulators/lwm2m-device.ts';
import type { DeviceOptions, JournalEntry, SimulatedDevice } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import type { ChildGateway } from '../support/child-gateway.ts';

export interface Patient {
  readonly device: SimulatedDevice;
  /** `<node>`, below which the resource names of its objects are: `${node}/reboot`. */
  readonly node: string;
  /** What was done to it since a mark. */
  since(mark: number): JournalEntry[];
  mark(): number;
}

/** Where onboarding puts a device. */
export function nodeOf(endpoint: string): string {
  return `cse-in/${endpoint}`;
}

/** Objects that the fault suite works on; the software instances are empty slots. */
const objects: DeviceOptions['objects'] = {
  9: { 0: null, 1: { 7: 0, 9: 0, 12: false } },
  15: { 1: null },
  2056: { 0: { 0: { 0: 2 }, 1: 1, 2: 5 } },
};

/** Not registered yet. */
export async function prepareDevice(
  server: string,
  endpoint: string,
  options: Partial<DeviceOptions> = {},
): Promise<SimulatedDevice> {
  return startLwm2mDevice({
    endpoint,
    server,
    localAddress: '127.0.0.1',
    life: false,
    speed: 40,
    // Updates find a gateway that was started anew.
    updateEvery: 2,
    lifetime: 600,
    timeout: 90,
    autoRegister: false,
    ...options,
    objects: { ...objects, ...options.objects },
  });
}

/** Waits until the device has its management objects, with values. */
export async function admit(gateway: ChildGateway, device: SimulatedDevice): Promise<Patient> {
  const node = nodeOf(device.endpoint);
  await eventually(
    `the management objects of ${device.endpoint}`,
    async () => {
      const answer = await gateway.mca.get(`${node}/cmdhBuffer`, { headers: { 'X-M2M-RET': '5000' } });
      return answer.rsc === 2000 && (await gateway.mca.get(`${node}/deviceInfo?atrl=fwv`)).rsc === 2000;
    },
    30_000,
  );
  return {
    device,
    node,
    since: (mark) => device.journal.slice(mark),
    mark: () => device.journal.length,
  };
}
