/** Opaque octets (Content-Format 42; TS-Core 1.1, 7.4.4): the value of one opaque resource. */
import { CodecError } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { formatPath } from './path.ts';
import { bytesOf } from './values.ts';

/** @throws CodecError */
export function decodeOpaque(payload: Buffer, collector: Collector): void {
  const { base } = collector;
  if (base.length < 3) throw new CodecError(`${formatPath(base)} is no resource: octets are the value of one resource`);
  collector.add(base, bytesOf(payload));
}

/** @throws CodecError when it is not exactly one opaque value. */
export function encodeOpaque(values: readonly FlatScalar[]): Buffer {
  const [only] = values;
  if (!only || values.length > 1) throw new CodecError(`Octets hold one value, not ${values.length}: use SenML or TLV`);
  if (only.scalar.type !== 'opaque') {
    throw new CodecError(`${formatPath(only.path)} is ${only.scalar.type}, not opaque: write it as text, TLV or SenML`);
  }
  return Buffer.from(only.scalar.value);
}
