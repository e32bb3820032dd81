/**
 * `kill -9` of the gateway at every message of a CWMP session, cut or passed on. A seed repeats the choices, not the
 * microseconds: FAULT_SEED=… FAULT_KILLS_CWMP=… npm test faults
 */
import assert from 'node:assert/strict';
import { seededRandom } from '../../src/simulators/lwm2m/random.ts';
import { planKills } from './cpe-plan.ts';
import { CpeRig } from './cpe-rig.ts';
import { FileServer } from './file-server.ts';

const kills = Number(process.env['FAULT_KILLS_CWMP'] ?? 60);
const seed = Number(process.env['FAULT_SEED'] ?? 1);
const parallel = Number(process.env['FAULT_RIGS'] ?? 4);
/** To look into some of them: FAULT_DEEDS='software install,create' */
const deeds = process.env['FAULT_DEEDS']?.split(',');

describe(`kill -9 at ${kills} messages of CWMP sessions (FAULT_SEED=${seed})`, () => {
  it('loses no report and nothing that was acknowledged, repeats nothing, and leaves CPE and store agreed', async function () {
    this.timeout(600_000);
    const files = await FileServer.open();
    const plans = planKills(files, seededRandom(seed)).filter(
      ({ deed }) => deeds?.includes(deed?.name ?? 'onboarding') ?? true,
    );
    const rigs = await Promise.all(
      Array.from({ length: parallel }, (_, index) => CpeRig.open(`r${index}`, seededRandom(seed + index))),
    );
    const sum = (of: (rig: CpeRig) => number): number => rigs.reduce((total, rig) => total + of(rig), 0);
    try {
      let next = 0;
      await Promise.all(
        rigs.map(async (rig) => {
          while (sum((one) => one.kills) < kills) await rig.round(plans[next++ % plans.length]!);
          await rig.finish();
        }),
      );
      const done = sum((rig) => rig.kills);
      const missed = rigs.flatMap((rig) => rig.missed);
      console.log(`      ${done} kills, ${sum((rig) => rig.reports.length)} reports`);
      console.log(`      ended: ${outcomesOf(rigs)}`);
      assert.deepEqual(
        rigs.flatMap(({ faults }) => faults),
        [],
      );
      assert.ok(missed.length <= done / 10, `of ${done} messages these did not come: ${missed.join(', ')}`);
    } finally {
      await Promise.all(rigs.map((rig) => rig.close()));
      files.close();
    }
  });
});

function outcomesOf(rigs: CpeRig[]): string {
  const all = new Map<string, number>();
  for (const { outcomes } of rigs) for (const [name, number] of outcomes) all.set(name, (all.get(name) ?? 0) + number);
  const lines = [...all].sort(([one], [other]) => one.localeCompare(other));
  return lines.map((pair) => pair.join(' ')).join(', ');
}
