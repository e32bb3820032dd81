/** One device as reading and writing see it: exchanges, what its client is like, and what is learned of it. */
import type { Failure } from '../../src/management/outcome.ts';
import { codeWithName } from './coap/codes.ts';
import type { CoapRequest, CoapResponse } from './coap/endpoint.ts';
import { CodecError, contentFormatName, decodeReadable, type Decoded } from './codec/codec.ts';
import { withoutRoot } from './codec/path.ts';
import type { DeviceFacts, Learned } from './facts.ts';
import type { ObjectModel } from './object-model.ts';

export type Asked =
  /** The device answered, with whatever code. */
  { response: CoapResponse; failure?: undefined } | { response?: undefined; failure: Failure };

export interface Channel {
  readonly facts: DeviceFacts;
  readonly model: ObjectModel;
  /**
   * One exchange. Never rejects.
   * @param paths of a composite request, for the trace
   */
  ask(request: CoapRequest, paths?: readonly string[]): Promise<Asked>;
  learn(change: Partial<Learned>): void;
  /** Values that the device has given in a form that cannot be read, when others of the same read could be. */
  tellUnreadable(failures: readonly Failure[]): void;
  /** Whether composite operations may be tried. */
  servesComposite(): Promise<boolean>;
}

/** `/lwm2m/3/0/9` → `/3/0/9`, the form of the codecs. */
export function relativePath(facts: DeviceFacts, path: string): string {
  return facts.root === '' ? path : withoutRoot(path, facts.root);
}

/** Segments of a path without the root. */
export function depthOf(relative: string): number {
  let depth = 0;
  for (let at = 0; at < relative.length; at++) {
    if (relative.charCodeAt(at) === 47 && at + 1 < relative.length && relative.charCodeAt(at + 1) !== 47) depth++;
  }
  return depth;
}

/** `/lwm2m/3/0/6/1` → `/lwm2m/3/0`. */
export function instanceOf(facts: DeviceFacts, path: string): string {
  const relative = relativePath(facts, path);
  return facts.root + relative.split('/').slice(0, 3).join('/');
}

/** Values of a payload by path, without the root. A sentence when nothing of it can be read. */
export function decodeAnswer(
  channel: Channel,
  response: CoapResponse,
  path: string,
  model: ObjectModel,
): Decoded | { explanation: string } {
  const { root } = channel.facts;
  try {
    const decoded = decodeReadable(response.contentFormat, response.payload, path, model, { root });
    const [first] = decoded.unreadable;
    if (!first || decoded.values.length > 0) return decoded;
    return { explanation: root + first.path === path ? first.explanation : `${first.path}: ${first.explanation}` };
  } catch (error) {
    if (error instanceof CodecError) return { explanation: error.message };
    throw error;
  }
}

/** @param response what the device said: the evidence */
export function unreadable(explanation: string, path: string, response?: CoapResponse): Failure {
  const failure: Failure = {
    cause: 'unreadable',
    explanation: `the answer of the device cannot be read: ${explanation}`,
    path,
  };
  if (!response) return failure;
  const { code, contentFormat } = response;
  const format = contentFormat === undefined ? 'without a Content-Format' : `as ${contentFormatName(contentFormat)}`;
  return { ...failure, evidence: `${codeWithName(code)} ${format}` };
}
