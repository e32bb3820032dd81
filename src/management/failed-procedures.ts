/** One line of the log for every firmware or software procedure that did not succeed. */
import { failureIn } from './causes.ts';
import type { Core } from './core.ts';
import { boundObjects } from './effects.ts';
import type { Operation } from './operation.ts';
import type { Outcome } from './outcome.ts';

/** Nothing for other operations, for success, and for what was withdrawn: its requester has been told. Never rejects. */
export async function logFailedProcedure(core: Core, operation: Operation, outcome: Outcome): Promise<void> {
  const step = operation.steps.find(({ action }) => action === 'procedure');
  if (step?.action !== 'procedure' || outcome.status === 'succeeded' || outcome.status === 'withdrawn') return;
  const { cause, explanation, evidence } = failureIn(outcome);
  core.log.info(
    {
      device: core.devices.known(operation.device)?.device.identity ?? operation.device,
      resource: await pathOf(core, operation),
      operation: operation.id,
      requestIdentifier: operation.requester.requestIdentifier || undefined,
      cause,
      reason: explanation,
      evidence,
    },
    `${step.procedure} ${outcome.status === 'failed' ? 'failed' : `ended: ${outcome.status}`}`,
  );
}

/** The resource ID where the resource is gone, or cannot be read. */
async function pathOf(core: Core, { device, resource }: Operation): Promise<string | undefined> {
  const objects = await boundObjects(core, device).catch(() => []);
  return objects.find(({ resourceID }) => resourceID === resource)?.path ?? resource;
}
