/** The admin application: health, metrics, artifacts, devices, traces, operations, backup. Bound to loopback unless the operator says otherwise. */
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { sendProblem } from './problem.ts';
import type { Log } from '../support/log.ts';
import type { PrometheusMetrics } from '../support/prometheus.ts';
import { artifactRoutes, type ArtifactStore } from './artifact-routes.ts';
import { backupRoutes, type Backup } from './backup-routes.ts';
import { deviceRoutes, type DeviceDirectory } from './device-routes.ts';
import { operationRoutes, type OperationDirectory } from './operation-routes.ts';

export interface AdminParts {
  metrics: PrometheusMetrics;
  artifacts: ArtifactStore;
  devices: DeviceDirectory;
  operations: OperationDirectory;
  backup: Backup;
  /** Why the gateway is not ready, empty when it is. */
  unready(): Promise<string[]>;
  log: Log;
}

export function createAdmin(parts: AdminParts): Express {
  const app = express();
  app.disable('x-powered-by');

  app.get('/health/live', (_request, response) => {
    response.json({ status: 'live' });
  });
  app.get('/health/ready', async (_request, response) => {
    const reasons = await parts.unready();
    response
      .status(reasons.length === 0 ? 200 : 503)
      .json({ status: reasons.length === 0 ? 'ready' : 'not ready', reasons });
  });
  app.get('/metrics', async (_request, response) => {
    response.type(parts.metrics.contentType).send(await parts.metrics.render());
  });
  app.use('/artifacts', artifactRoutes(parts.artifacts));
  app.use(deviceRoutes(parts.devices));
  app.use(operationRoutes(parts.operations));
  app.use(backupRoutes(parts.backup));

  app.use((request: Request, response: Response) => {
    sendProblem(
      response,
      404,
      `${request.method} ${request.path} is not part of the admin interface; see docs/operations.md`,
    );
  });
  app.use((error: Error & { status?: number }, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(error);
    const status = error.status ?? 500;
    if (status >= 500) {
      parts.metrics.count('trivet_faults_total', { part: 'admin' });
      parts.log.error({ error, path: request.path }, 'admin request failed');
    }
    sendProblem(response, status, error.message);
  });
  return app;
}
