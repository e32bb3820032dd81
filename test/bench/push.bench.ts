/** Short reads of a device to which an image is pushed block by block. */
import { startLwm2mDevice, makeImage } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import type { Effort } from './effort.ts';
import { median, quantile, type Figure } from './figures.ts';
import { endGateway, startMeasuredGateway } from './measured-gateway.ts';
import { discover } from './requests.ts';

/** ms of each datagram on its way, so that the way is what takes time. */
const delay = 20;

export async function measurePush({ image: size }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const device = await startLwm2mDevice({
    endpoint: 'bench-push',
    server: gateway.urls.lwm2m,
    localAddress: '127.0.0.1',
    life: false,
    lifetime: 3600,
    version: '1.0',
    // Delivery Method 1: push only.
    objects: { 3: { 0: { 3: '1.0.0' } }, 5: { 0: { 9: 1 } } },
  });
  try {
    const find = (definition: number) =>
      eventually(
        `the device has its management object ${definition}`,
        async () => (await discover(gateway, `ty=13&mgd=${definition}`))[0],
        20_000,
      );
    const firmware = await find(1001);
    const info = await find(1007);
    const read = async (): Promise<number> => {
      const started = performance.now();
      const answer = await gateway.mca.get(info);
      if (answer.status !== 200) throw new Error(`a read was answered ${answer.status}: ${answer.dbg}`);
      return performance.now() - started;
    };
    for (let count = 0; count < 20; count += 1) await read();
    device.faults.delay = delay;
    const alone: number[] = [];
    for (let count = 0; count < 40; count += 1) alone.push(await read());

    const image = makeImage({ name: 'bench', version: '2.0.0', size });
    const uploaded = await fetch(`${gateway.urls.admin}/artifacts?name=bench.img`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(image),
    });
    const { url } = (await uploaded.json()) as { url: string };
    const update = async (body: object): Promise<void> => {
      const answer = await gateway.mca.update(firmware, { 'm2m:fwr': body });
      if (answer.status !== 200) throw new Error(`the update was answered ${answer.status}: ${answer.dbg}`);
    };
    await update({ vr: '2.0.0', fwn: 'bench', url });
    await update({ ud: true });
    const during: number[] = [];
    const isDownloading = (): boolean => device.resource('/5/0/3') === 1;
    await eventually('the push begins', isDownloading, 20_000);
    while (isDownloading()) {
      during.push(await read());
      // Not in step with the blocks.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * delay));
    }
    if (during.length < 10) throw new Error(`only ${during.length} reads came while the image was pushed`);
    const exchange = median(alone);
    return [
      {
        group: 'push',
        name: 'live RETRIEVE during a Block1 push, p99',
        unit: 'ms',
        value: quantile(during, 0.99),
        reference: { name: 'the same without a push, p50', value: exchange },
        target: { of: 'ratio', most: 2 },
        note: `${during.length} reads, p50 ${median(during).toFixed(0)} ms; datagrams take ${delay} ms each way`,
      },
    ];
  } finally {
    await device.stop();
    await endGateway(gateway);
  }
}
