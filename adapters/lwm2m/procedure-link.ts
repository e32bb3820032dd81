/** A device as a procedure sees it: plain calls with answers, in the background of the lane. */
import type { Operation, Value } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { ContentFormat } from './codec/codec.ts';
import { codeWithName } from './coap/codes.ts';
import type { CoapRequest, CoapResponse } from './coap/endpoint.ts';
import { decodeAnswer, relativePath, type Asked, type Channel } from './channel.ts';
import type { DeviceSession } from './device-session.ts';
import { failureOfCode, failureOfError } from './failures.ts';
import type { DeviceLink, LinkAnswer, PushOptions, PushSource } from './procedure.ts';
import { readTargets } from './reading.ts';
import { executeTarget, writeAssignments } from './writing.ts';

/** @param signal of the run: when it aborts, no call sends anything more. */
export function createLink(session: DeviceSession, operation: Operation, signal: AbortSignal): DeviceLink {
  const { context, endpoint, settings } = session.leg;
  let code = '';
  const channel: Channel = {
    facts: session.facts,
    model: session.model,
    learn: (change) => session.learn(change),
    tellUnreadable: (failures) => session.tellUnreadable(failures, operation),
    servesComposite: () => Promise.resolve(false),
    async ask(request: CoapRequest, paths?: readonly string[]): Promise<Asked> {
      const refusal = gate();
      if (refusal) return { failure: refusal };
      const asked = await session.ask({ ...request, priority: 'background', signal }, paths, operation);
      code = asked.response?.code ?? '';
      return asked;
    },
  };

  function gate(): Failure | undefined {
    if (signal.aborted) return { cause: 'no-session', explanation: 'nothing was sent: the procedure was interrupted' };
    if (!session.isAwake)
      return { cause: 'no-session', explanation: 'nothing was sent: the device does not listen now' };
    return undefined;
  }

  function answer(failure: Failure | undefined): LinkAnswer {
    return failure ? { ok: false, code: codeOf(failure, code), failure } : { ok: true, code };
  }

  return {
    context,
    device: () => session.device,
    profile: () => context.profile(session.device.id),
    async read(path) {
      const { results, failure } = await readTargets(channel, [{ path }]);
      const [result] = results;
      return { ...answer(failure), value: result && 'value' in result ? result.value : undefined };
    },
    async readMany(paths) {
      const { results } = await readTargets(
        channel,
        paths.map((path) => ({ path, optional: true })),
      );
      const values = new Map<string, Value>();
      let refused: Failure | undefined;
      for (const result of results) {
        if ('value' in result) values.set(result.path, result.value);
        else if ('failure' in result) refused ??= result.failure;
      }
      return { ...answer(refused), values };
    },
    async write(path, value) {
      return answer((await writeAssignments(channel, [{ path, value }])).failure);
    },
    async execute(path, args) {
      return answer(await executeTarget(channel, path, args));
    },
    async push(path, source, options) {
      const refusal = gate();
      if (refusal) return answer(refusal);
      return push(path, source, options ?? {});
    },
    async watch(path, changed) {
      const nothing = (): void => {};
      const refusal = gate();
      if (refusal) return { ...answer(refusal), stop: nothing };
      const take = (response: CoapResponse): void => {
        const value = valueIn(session, response, path);
        if (value !== undefined && !signal.aborted) changed(value);
      };
      try {
        const request: CoapRequest = { method: 'GET', path, priority: 'background', signal };
        const { response, observation } = await endpoint.observe(session.facts.peer, request, {
          changed: take,
          ended: nothing,
        });
        if (!response.code.startsWith('2.') || !observation) {
          return { ok: false, code: response.code, failure: failureOfCode(response.code, path), stop: nothing };
        }
        const stop = (): void => {
          observation.cancel(session.isAwake ? 'active' : 'passive').catch(nothing);
        };
        signal.addEventListener('abort', () => void observation.cancel('passive').catch(nothing), { once: true });
        take(response);
        return { ok: true, code: response.code, stop };
      } catch (error) {
        return { ...answer(failureOfError(error, path)), stop: nothing };
      }
    },
    wait(ms) {
      if (signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const cancel = context.clock.after(ms, finish);
        signal.addEventListener('abort', finish, { once: true });
        function finish(): void {
          cancel();
          signal.removeEventListener('abort', finish);
          resolve();
        }
      });
    },
  };

  async function push(path: string, source: PushSource, options: PushOptions): Promise<LinkAnswer> {
    let stopped: { reason: unknown } | undefined;
    let done = (): void => {};
    session.push = new Promise((resolve) => (done = resolve));
    try {
      const asked = await session.ask(
        {
          method: 'PUT',
          path,
          contentFormat: options.contentFormat ?? ContentFormat.OPAQUE,
          source,
          blockSize: options.blockSize ?? settings.pushBlockSize,
          priority: 'background',
          signal,
          onBlock: async (sent, total) => {
            try {
              await options.onBlock?.(sent, total);
            } catch (error) {
              stopped = { reason: error };
              throw error;
            }
          },
        },
        undefined,
        operation,
      );
      if (stopped) throw stopped.reason;
      if (!asked.response) return { ok: false, code: '', failure: asked.failure };
      code = asked.response.code;
      return answer(code.startsWith('2.') ? undefined : failureOfCode(code, path));
    } finally {
      session.push = undefined;
      done();
    }
  }
}

/** The code that a failure's evidence begins with; '' for silence. */
function codeOf(failure: Failure, last: string): string {
  return failure.evidence !== undefined && last !== '' && failure.evidence === codeWithName(last) ? last : '';
}

function valueIn(session: DeviceSession, response: CoapResponse, path: string): Value | undefined {
  const decoded = decodeAnswer(session, response, path, session.model);
  if ('explanation' in decoded) return undefined;
  const relative = relativePath(session.facts, path);
  return decoded.values.findLast((one) => one.path === relative)?.value;
}
