/** Starts a file of this folder as a worker thread, from the build as well as from source. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * Node 20 does not give a worker the loader of the main thread: from source (`tsx`, a development dependency) the worker
 * registers it before it imports the file. The build never comes here.
 */
const FROM_SOURCE = `
  const { workerData } = require('node:worker_threads');
  import(workerData.loader).then(({ register }) => {
    register();
    return import(workerData.file);
  });
`;

function loader(): string {
  const description = createRequire(import.meta.url).resolve('tsx/package.json');
  return new URL('./dist/esm/api/index.mjs', pathToFileURL(description)).href;
}

/** @param name file beside this one, without ending. @param data what the worker finds as `workerData.data` */
export function startWorker(name: string, data: unknown): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL(`./${name}.js`, import.meta.url), { workerData: { data } });
  }
  return new Worker(FROM_SOURCE, {
    eval: true,
    // The main thread's own `--import` would only fail a second time.
    execArgv: [],
    workerData: {
      data,
      loader: loader(),
      file: new URL(`./${name}.ts`, import.meta.url).href,
    },
  });
}
