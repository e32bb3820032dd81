/** Upload, list and remove artifacts (admin), and download them (devices, by the artifact listener). */
import { pipeline } from 'node:stream/promises';
import express, { type Router } from 'express';
import type { Readable } from 'node:stream';
import { sendProblem } from './problem.ts';

export interface StoredArtifact {
  id: string;
  name: string;
  size: number;
  sha256: string;
  contentType: string;
}

export interface ArtifactStore {
  /** @throws an error with `status` when the digest or the size is wrong */
  upload(name: string, contentType: string, stream: Readable, expectedSha256?: string): Promise<StoredArtifact>;
  list(): Promise<StoredArtifact[]>;
  byId(id: string): Promise<StoredArtifact | undefined>;
  remove(id: string): Promise<boolean>;
  open(id: string, range?: { start: number; end: number }): Promise<Readable>;
  /** URL at which a device fetches it. */
  urlOf(artifact: StoredArtifact): string;
}

export function artifactRoutes(artifacts: ArtifactStore): Router {
  const router = express.Router();
  const shown = (artifact: StoredArtifact): StoredArtifact & { url: string } => ({
    ...artifact,
    url: artifacts.urlOf(artifact),
  });

  router.get('/', async (_request, response) => {
    response.json((await artifacts.list()).map(shown));
  });
  router.post('/', async (request, response) => {
    const name = String(request.query.name ?? '');
    if (!/^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$/.test(name)) {
      return sendProblem(response, 400, 'say ?name=…: letters, digits, dot, dash and underscore, at most 128');
    }
    const expected = request.query.sha256 === undefined ? undefined : String(request.query.sha256).toLowerCase();
    if (expected !== undefined && !/^[0-9a-f]{64}$/.test(expected)) {
      return sendProblem(response, 400, '?sha256=… takes 64 hexadecimal digits');
    }
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    response.status(201).json(shown(await artifacts.upload(name, contentType, request, expected)));
  });
  router.get('/:id', async (request, response) => {
    const artifact = await artifacts.byId(request.params.id);
    if (!artifact) return sendProblem(response, 404, `no artifact ${request.params.id}`);
    response.json(shown(artifact));
  });
  router.delete('/:id', async (request, response) => {
    if (await artifacts.remove(request.params.id)) response.status(204).end();
    else sendProblem(response, 404, `no artifact ${request.params.id}`);
  });
  return router;
}

/** What devices see: `GET /artifacts/<id>/<name>`, whole or one range. Identifiers are unguessable; nothing else is here. */
export function createDownloads(artifacts: ArtifactStore): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/artifacts/:id/{:name}', async (request, response) => {
    const artifact = await artifacts.byId(request.params.id);
    if (!artifact) return sendProblem(response, 404, 'no such artifact');
    response.set({ 'Accept-Ranges': 'bytes', ETag: `"${artifact.sha256}"`, 'Content-Type': artifact.contentType });
    const ranges =
      request.headers['if-range'] && request.headers['if-range'] !== `"${artifact.sha256}"`
        ? undefined
        : request.range(artifact.size, { combine: true });
    if (ranges === -1) {
      response.set('Content-Range', `bytes */${artifact.size}`);
      return sendProblem(response, 416, `this artifact has ${artifact.size} octets`);
    }
    // RFC 9110 14.2: a server may ignore a Range that it does not understand, and several ranges at once.
    const range = Array.isArray(ranges) && ranges.length === 1 && ranges.type === 'bytes' ? ranges[0] : undefined;
    if (range) {
      response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${artifact.size}`);
    }
    response.set('Content-Length', String(range ? range.end - range.start + 1 : artifact.size));
    if (request.method === 'HEAD') return void response.end();
    // A device that goes away in mid-download is its own affair.
    await pipeline(await artifacts.open(artifact.id, range), response).catch(() => response.destroy());
  });
  return app;
}
