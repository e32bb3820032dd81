/** Devices that come back: the whole gateway beside node-coap's bare server, on the same datagrams. */

import { endGateway, startMeasuredGateway } from './measured-gateway.ts';
import type { Effort } from './effort.ts';
import type { Figure } from './figures.ts';
import { inPairs, shownRates, turnOf, type Tally, type Turn } from './rounds.ts';
import { startWorker } from './worker.ts';

export async function measureRegistration({ rounds, seconds }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const bare = startWorker('./bare-coap.ts');
  const ours = startWorker('./coap-load.ts');
  const theirs = startWorker('./coap-load.ts');
  try {
    const port = gateway.ports.lwm2m;
    const barePort = await bare.call<number>('listen');
    await ours.call('register', { port });
    await theirs.call('register', { port: barePort });
    const turns = (kind: 'updates' | 'registrations') =>
      inPairs(
        rounds,
        'perCpuSecond',
        () => turnOf(gateway.pid, () => ours.call<Tally>(kind, { port, seconds })),
        () => turnOf(bare.pid, () => theirs.call<Tally>(kind, { port: barePort, seconds })),
      );
    const updates = await turns('updates');
    const registrations = await turns('registrations');
    const reference = ({ perCpuSecond }: Turn) => ({ name: 'node-coap, bare server', value: perCpuSecond });
    const unit = '/s of CPU';
    return [
      {
        group: 'registration',
        name: 'LwM2M Update, nothing new',
        unit,
        value: updates.subject.perCpuSecond,
        reference: reference(updates.reference),
        target: { of: 'ratio', least: 1.5 },
        note: shownRates(updates),
      },
      {
        group: 'registration',
        name: 'LwM2M Register again, same objects',
        unit,
        value: registrations.subject.perCpuSecond,
        reference: reference(registrations.reference),
        target: { of: 'ratio', least: 1.5 },
        note: shownRates(registrations),
      },
    ];
  } finally {
    await Promise.all([bare.stop(), ours.stop(), theirs.stop(), endGateway(gateway)]);
  }
}
