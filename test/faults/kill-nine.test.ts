/**
 * `kill -9` at 200 points. Each is aimed at a phase of a request and lands where the dead store says; a seed repeats the choices, not the
 * microseconds: FAULT_SEED=… FAULT_KILLS=… npm test faults
 */
import assert from 'node:assert/strict';
import { seededRandom } from '../../src/simulators/lwm2m/random.ts';
import { Receiver } from './receiver.ts';
import { Rig } from './rig.ts';
import { phases } from './verdicts.ts';

const kills = Number(process.env['FAULT_KILLS'] ?? 200);
const seed = Number(process.env['FAULT_SEED'] ?? 1);
/** To look into one of them: FAULT_PHASES=accept,settle */
const aims = phases.filter((phase) => process.env['FAULT_PHASES']?.includes(phase) ?? true);
const parallel = Number(process.env['FAULT_RIGS'] ?? 4);

describe(`kill -9 at ${kills} points (FAULT_SEED=${seed})`, () => {
  it('loses nothing that was acknowledged, repeats nothing that may not be repeated, and leaves device and store agreed', async function () {
    this.timeout(600_000);
    const receiver = await Receiver.open();
    const rigs = await Promise.all(
      Array.from({ length: parallel }, (_, index) => Rig.open(`rig${index}`, receiver, seededRandom(seed + index))),
    );
    try {
      let next = 0;
      await Promise.all(
        rigs.map(async (rig) => {
          while (next < kills) await rig.round(aims[next++ % aims.length]!);
          await rig.finish();
        }),
      );
      report(rigs);
      assert.deepEqual(
        rigs.flatMap(({ faults }) => faults),
        [],
      );
      for (const phase of aims) {
        const found = sum(rigs.map(({ tally }) => tally.phases.get(phase) ?? 0));
        assert.ok(found >= kills / 25, `only ${found} kills hit the phase ${phase}`);
      }
    } finally {
      await Promise.all(rigs.map((rig) => rig.close()));
      receiver.close();
    }
  });
});

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function report(rigs: Rig[]): void {
  const merged = (of: (rig: Rig) => Map<string, number>): string =>
    Object.entries(
      rigs.reduce<Record<string, number>>((all, rig) => {
        for (const [name, number] of of(rig)) all[name] = (all[name] ?? 0) + number;
        return all;
      }, {}),
    )
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([name, number]) => `${name} ${number}`)
      .join(', ');
  const total = sum(rigs.map(({ tally }) => tally.kills));
  const restarts = sum(rigs.map(({ tally }) => tally.restartsKilled));
  console.log(`      ${total} kills, and ${restarts} more while it started again`);
  console.log(`      phases:   ${merged(({ tally }) => tally.phases)}`);
  console.log(`      requests: ${merged(({ tally }) => tally.deeds)}`);
  console.log(`      besides:  ${rigs.map(({ witnessed }) => witnessed).join('; ')}`);
  console.log(`      ended:    ${merged(({ tally }) => tally.outcomes)}`);
}
