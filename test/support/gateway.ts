/** A whole gateway for tests: in this process, on free ports, in a directory of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/config.ts';
import { startGateway } from '../../src/gateway.ts';
import type { Log } from '../../src/support/log.ts';
import { McaClient } from './mca-client.ts';

export interface TestGateway {
  mca: McaClient;
  /** URLs by listener name: mca, lwm2m, artifact, admin. */
  urls: Record<string, string>;
  data: string;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
  /** Stops it and keeps its data, to be started again with `startTestGateway([], data)`. */
  halt(): Promise<void>;
}

/** @param options further options of `trivet start` */
export async function startTestGateway(
  options: string[] = [],
  dataDirectory?: string,
  log?: Log,
): Promise<TestGateway> {
  const data = dataDirectory ?? (await mkdtemp(join(tmpdir(), 'trivet-test-')));
  const ports = ['mca', 'lwm2m', 'cwmp', 'artifact', 'admin'].flatMap((name) => [`--${name}-port`, '0']);
  const { settings } = loadSettings({
    arguments: ['--data', data, '--log-level', process.env.TEST_LOG ?? 'silent', ...ports, ...options],
    environment: {},
  });
  const gateway = await startGateway(settings, log);
  const urls = Object.fromEntries(gateway.listeners.map(({ name, url }) => [name, url]));
  const mca = new McaClient(urls.mca!);
  const halt = async (): Promise<void> => {
    mca.close();
    await gateway.stop(new Date(Date.now() + 5000));
  };
  return {
    mca,
    urls,
    data,
    halt,
    async stop() {
      await halt();
      await rm(data, { recursive: true, force: true });
    },
  };
}
