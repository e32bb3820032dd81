/** Answers that all parts of the server give. */
import type { Answer } from './coap/responder.ts';

export function notAllowed(): Answer {
  return say('4.05', 'this method is not for this path');
}

export function say(code: string, text: string): Answer {
  return { code, payload: Buffer.from(text) };
}

/** A device waits for its answer before it listens to requests. */
export function afterAnswer(run: () => void): void {
  setImmediate(run);
}
