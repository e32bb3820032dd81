/** Modules of the build, for measurements that run parts of the gateway without the gateway. */
import { existsSync } from 'node:fs';

const dist = new URL('../../dist/', import.meta.url);

/** A module of the build, typed by its source. */
export async function built<Module>(path: string): Promise<Module> {
  if (!existsSync(dist)) throw new Error('there is no build: run `npm run build` first');
  return (await import(new URL(path, dist).href)) as Module;
}
