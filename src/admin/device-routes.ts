/** What the gateway knows of its devices: presence, inventory, and the last messages of one. */
import express, { type Router } from 'express';
import type { Json } from '../onem2m/primitive.ts';
import { sendProblem } from './problem.ts';

export interface DeviceSummary {
  id: string;
  technology: string;
  identity: string;
  node?: string;
  presence: { state: string; lastSeen: number; until?: number; address?: string; why?: string };
}

export interface TraceLine {
  at: string;
  direction: 'in' | 'out' | 'note';
  summary: string;
  detail?: Json;
  operation?: string;
  /** X-M2M-RI of the request that asked for the operation. */
  requestIdentifier?: string;
}

export interface DeviceDirectory {
  list(limit: number, after?: string): Promise<DeviceSummary[]>;
  /** By id, identity, or resource ID or name of the node. */
  find(name: string): Promise<DeviceSummary | undefined>;
  trace(id: string): TraceLine[];
  remove(id: string): Promise<void>;
}

export function deviceRoutes(devices: DeviceDirectory): Router {
  const router = express.Router();
  router.get('/devices', async (request, response) => {
    const limit = Math.min(Math.max(Number(request.query.limit ?? 100) || 100, 1), 1000);
    response.json(
      await devices.list(limit, request.query.after === undefined ? undefined : String(request.query.after)),
    );
  });
  router.get('/devices/:name', async (request, response) => {
    const device = await devices.find(request.params.name);
    if (!device) return sendProblem(response, 404, `no device ${request.params.name}; GET /devices lists them`);
    response.json(device);
  });
  router.get('/devices/:name/trace', async (request, response) => {
    const device = await devices.find(request.params.name);
    if (!device) return sendProblem(response, 404, `no device ${request.params.name}; GET /devices lists them`);
    response.json({ device, messages: devices.trace(device.id) });
  });
  router.delete('/devices/:name', async (request, response) => {
    const device = await devices.find(request.params.name);
    if (!device) return sendProblem(response, 404, `no device ${request.params.name}; GET /devices lists them`);
    await devices.remove(device.id);
    response.status(204).end();
  });
  return router;
}
