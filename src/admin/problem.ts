import type { Response } from 'express';

/** An error answer of the admin interface: a status and a sentence that says what to do. */
export function sendProblem(response: Response, status: number, explanation: string): void {
  response.status(status).json({ error: explanation });
}
