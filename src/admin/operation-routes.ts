/** What was asked of a device, how it stands and why it failed; and the end of what nobody wants any more. */
import express, { type Router } from 'express';
import { sendProblem } from './problem.ts';

export interface OperationSummary {
  id: string;
  kind: string;
  /** Path of the management object; its resource ID once it is gone. */
  resource?: string;
  /** Long names of what was written or triggered. */
  attributes?: string[];
  /** Absent: the gateway asked for itself. */
  requester?: { originator: string; requestIdentifier: string };
  state: string;
  acceptedAt: string;
  dispatchedAt?: string;
  settledAt?: string;
  /** Of one that goes on: percent. */
  progress?: number;
  failure?: {
    cause: string;
    explanation: string;
    /** The device's own words. */
    evidence?: string;
    /** On the device. */
    path?: string;
  };
}

export interface OperationDirectory {
  /** Newest first. Undefined: no such device. */
  list(device: string, limit: number): Promise<OperationSummary[] | undefined>;
  /** `givesUp`: also one that the device cannot cancel. */
  cancel(id: string, givesUp: boolean): Promise<CancelAnswer>;
}

export type CancelAnswer = { cancelled: true } | { cancelled: false; known: boolean; explanation: string };

const defaultLimit = 20;
const maximumLimit = 1000;

export function operationRoutes(operations: OperationDirectory): Router {
  const router = express.Router();
  router.get('/operations', async (request, response) => {
    const { device, limit } = request.query;
    if (typeof device !== 'string' || device === '') {
      return sendProblem(response, 400, 'say ?device=NAME; GET /devices lists them');
    }
    const count = Math.min(Math.max(Math.trunc(Number(limit ?? defaultLimit)) || defaultLimit, 1), maximumLimit);
    const found = await operations.list(device, count);
    if (!found) return sendProblem(response, 404, `no device ${device}; GET /devices lists them`);
    response.json(found);
  });
  router.post('/operations/:id/cancel', async (request, response) => {
    const { id } = request.params;
    const answer = await operations.cancel(id, request.query['force'] === 'true');
    if (answer.cancelled) response.json({ id, state: 'cancelled' });
    else sendProblem(response, answer.known ? 409 : 404, answer.explanation);
  });
  return router;
}
