/** The gateway that is measured: a process on the build, and its CPU profile where `--profile` asks for one. */
import { readFileSync } from 'node:fs';
import { startChildGateway, type ChildGateway, type ChildOptions } from '../support/child-gateway.ts';

let profileDirectory: string | undefined;

/** From now on: processes that are measured write a CPU profile there when they end. */
export function profileTo(directory: string): void {
  profileDirectory = directory;
}

/** Options of node for a process that is measured. */
export function profileOptions(): string[] {
  return profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
}

export function startMeasuredGateway(given: ChildOptions = {}): Promise<ChildGateway> {
  // The first argument is node itself; its options come after it.
  const through =
    profileDirectory === undefined
      ? undefined
      : ['sh', '-c', `exec "$0" ${profileOptions().join(' ')} "$@"`, ...(given.through ?? [])];
  return startChildGateway({ logLevel: 'error', ...given, through: through ?? given.through });
}

/** Ends it; in an orderly way where it has a profile to write. */
export async function endGateway(gateway: ChildGateway): Promise<void> {
  if (profileDirectory !== undefined && gateway.running) await gateway.terminate();
  await gateway.dispose();
}

const ticksPerSecond = 100;

/** CPU seconds that a process has used, all threads. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
