/** A copy of the embedded store, made while the gateway runs. */
import { isAbsolute } from 'node:path';
import express, { type Router } from 'express';
import { sendProblem } from './problem.ts';

/** Writes a copy of the store. @throws an error whose sentence says why it cannot */
export type Backup = (file: string) => Promise<void>;

const maximumPath = 4096;

export function backupRoutes(backup: Backup): Router {
  const router = express.Router();
  router.post('/backup', express.json({ limit: '16kb' }), async (request, response) => {
    const body: unknown = request.body;
    const file = typeof body === 'object' && body !== null && 'file' in body ? body.file : undefined;
    if (typeof file !== 'string' || !isAbsolute(file) || file.length > maximumPath || file.includes('\0')) {
      const example = 'send {"file": "/backups/trivet.db"} as application/json';
      return sendProblem(response, 400, `${example}: an absolute path on the machine of the gateway`);
    }
    try {
      await backup(file);
    } catch (error) {
      // A path that cannot be written and a store that is copied otherwise are no faults of the gateway.
      return sendProblem(response, 409, error instanceof Error ? error.message : String(error));
    }
    response.json({ file });
  });
  return router;
}
