/** From the command to the line that says that everything serves, and to the first answer. */
import { endGateway, startMeasuredGateway } from './measured-gateway.ts';
import type { Effort } from './effort.ts';
import { median, type Figure } from './figures.ts';
import { spawnSync } from 'node:child_process';

export async function measureStart({ rounds }: Effort): Promise<Figure[]> {
  const starts: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const before = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    const between = performance.now();
    const gateway = await startMeasuredGateway();
    const after = performance.now();
    await endGateway(gateway);
    // The first one reads files that nobody has read yet.
    if (round === 0) continue;
    bare.push(between - before);
    starts.push(after - between);
  }
  return [
    {
      group: 'start',
      name: 'start until everything serves',
      unit: 'ms',
      value: median(starts),
      reference: { name: 'node with nothing to do', value: median(bare) },
      target: { of: 'ratio', most: 6 },
      note: 'an empty store is made on the way',
    },
  ];
}
