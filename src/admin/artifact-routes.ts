/** Upload, list and remove artifacts (admin). */
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
  /** URL by which requesters name it. */
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
