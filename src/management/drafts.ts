/** Operations before they are in a lane. */
import type { ManagedDevice } from './adapter.ts';
import { failureOf } from './causes.ts';
import type { Core } from './core.ts';
import type { Operation, Step, Target } from './operation.ts';
import type { Cause, Outcome } from './outcome.ts';
import type { Purpose } from './purpose.ts';

export interface Draft {
  kind: Operation['kind'];
  steps: Step[];
  repeatable: boolean;
  evidence?: Operation['evidence'];
  resource?: string;
  purpose: Purpose;
  requester: { originator: string; requestIdentifier: string };
  expiresAt: number;
  volatile: boolean;
}

/** The gateway itself, where no application asked. */
export const ourselves = Object.freeze({ originator: '', requestIdentifier: '' });

export function operationFor(core: Core, device: ManagedDevice, draft: Draft): Operation {
  return {
    id: core.newOperationId(),
    device: device.id,
    lane: device.lane,
    sequence: 0,
    version: 0,
    state: 'queued',
    kind: draft.kind,
    steps: draft.steps,
    repeatable: draft.repeatable,
    evidence: draft.evidence,
    volatile: draft.volatile,
    resource: draft.resource,
    purpose: draft.purpose as Operation['purpose'],
    requester: draft.requester,
    acceptedAt: core.clock.now(),
    expiresAt: draft.expiresAt,
  };
}

/** A read for the gateway itself; its targets are all optional, for nobody would hear of a failure. */
export function internalRead(core: Core, device: ManagedDevice, targets: Target[], purpose: Purpose): Operation {
  return operationFor(core, device, {
    kind: 'refresh',
    steps: [{ action: 'read', targets: targets.map((target) => ({ ...target, optional: true })) }],
    repeatable: true,
    purpose,
    requester: ourselves,
    expiresAt: core.clock.now() + core.settings.refreshExpiration,
    volatile: false,
  });
}

export function withdrawnFor(cause: Cause, explanation?: string): Outcome {
  return { status: 'withdrawn', failure: failureOf(cause, explanation), results: [] };
}
