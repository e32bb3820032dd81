/** What devices see: `GET /artifacts/<id>/<name>` and `/transfers/…`, whole or one range. Nothing else is here. */
import { pipeline } from 'node:stream/promises';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Readable } from 'node:stream';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import type { StoredArtifact } from './artifact-routes.ts';
import { sendProblem } from './problem.ts';

export interface Downloads {
  /** Whether who asks so gets it. */
  access(request: {
    path: string[];
    method: string;
    authorization?: string;
  }): Promise<
    | { artifact: StoredArtifact; refused?: undefined }
    | { refused: 'unauthorized' | 'ended' | 'not-found'; explanation: string; challenges: string[] }
  >;
  open(id: string, range?: { start: number; end: number }): Promise<Readable>;
}

type Result = 'served' | 'interrupted' | 'unauthorized' | 'ended' | 'not-found' | 'range';

export function createDownloads(downloads: Downloads, metrics: Metrics, log: Log): Express {
  const app = express();
  app.disable('x-powered-by');
  const count = (result: Result): void => metrics.count('trivet_downloads_total', { result });

  app.get('/*path', async (request, response) => {
    const { authorization } = request.headers;
    const access = await downloads.access({ path: request.params.path, method: request.method, authorization });
    if (access.refused) {
      count(access.refused);
      if (access.challenges.length > 0) response.set('WWW-Authenticate', access.challenges);
      return sendProblem(response, access.refused === 'not-found' ? 404 : 401, access.explanation);
    }
    const { artifact } = access;
    const range = rangeOf(request, artifact);
    if (range === 'unsatisfiable') {
      count('range');
      response.set('Content-Range', `bytes */${artifact.size}`);
      return sendProblem(response, 416, `this artifact has ${artifact.size} octets`);
    }
    // Before the headers: its file may be gone.
    const octets = request.method === 'HEAD' ? undefined : await downloads.open(artifact.id, range);
    response.set({ 'Accept-Ranges': 'bytes', ETag: `"${artifact.sha256}"`, 'Content-Type': artifact.contentType });
    if (range) {
      response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${artifact.size}`);
    }
    response.set('Content-Length', String(range ? range.end - range.start + 1 : artifact.size));
    if (!octets) {
      count('served');
      return void response.end();
    }
    try {
      // Once it is under way it may finish, whatever becomes of the operation.
      await pipeline(octets, response);
      count('served');
    } catch {
      // A device that goes away in mid-download is its own affair.
      count('interrupted');
      response.destroy();
    }
  });

  app.use((_request: Request, response: Response) => {
    count('not-found');
    sendProblem(response, 404, 'only images are here, by GET');
  });
  app.use((error: Error & { status?: number }, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const status = error.status ?? 500;
    if (status < 500) {
      count('not-found');
      return sendProblem(response, status, error.message);
    }
    metrics.count('trivet_faults_total', { part: 'artifact' });
    // Not the path: it may be all that a device has to show.
    log.error({ err: error }, 'a download failed');
    sendProblem(response, 500, 'the gateway cannot serve this image now: try again later');
  });
  return app;
}

function rangeOf(
  request: Request<{ path: string[] }>,
  artifact: StoredArtifact,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const condition = request.headers['if-range'];
  if (condition && condition !== `"${artifact.sha256}"`) return undefined;
  const ranges = request.range(artifact.size, { combine: true });
  if (ranges === -1) return 'unsatisfiable';
  // RFC 9110 14.2: a server may ignore a Range that it does not understand, and several ranges at once.
  return Array.isArray(ranges) && ranges.length === 1 && ranges.type === 'bytes' ? ranges[0] : undefined;
}
