/** Commands of a DM application: `<mgmtCmd>` made and carried out, `<execInstance>` watched. */
import { eventually } from '../support/eventually.ts';
import { expectOk, type Attributes, type ManagedNode, type World } from './world.ts';

/** cmdType, TS-0004 6.3.4.2.13. */
export const commands = Object.freeze({
  reset: 1,
  reboot: 2,
  upload: 3,
  download: 4,
  softwareInstall: 5,
  softwareUninstall: 6,
  softwareUpdate: 7,
});

/** execStatus, TS-0004 6.3.4.2.15. */
export const executions = Object.freeze({ pending: 2, finished: 3, cancelled: 5, nonCancellable: 6 });

/** Makes a command and carries it out; @returns path of the execution, once the device has accepted it or cannot be called */
export async function startCommand(world: World, device: ManagedNode, cmt: number, exra?: Attributes): Promise<string> {
  const made = await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt, ext: device.node, exra } });
  const command = `cse-in/${String(expectOk(made, 2001)['rn'])}`;
  const answer = await world.mca.update(command, { 'm2m:mgc': { exe: true } });
  const [path] = expectOk(answer, 2004) as unknown as string[];
  return path!;
}

/** The attributes of an execution that has ended. */
export function untilOver(world: World, execution: string): Promise<Attributes> {
  return eventually(`${execution} is over`, async () => {
    const attributes = expectOk(await world.mca.get(execution));
    const { finished, cancelled } = executions;
    return attributes['exs'] === finished || attributes['exs'] === cancelled ? attributes : undefined;
  });
}
