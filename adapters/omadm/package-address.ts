/** Where a device is told to fetch a package. FUMO and SCOMO have no place for credentials: what a link grants is in its address. */
import type { AdapterContext, Artifact, ManagedDevice } from '../../src/management/adapter.ts';
import type { Operation, Value } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';

export interface PackageAddress {
  url: string;
  /** One of ours. */
  artifact?: Artifact;
}

export async function packageAddress(
  { context, device, operation }: { context: AdapterContext; device: ManagedDevice; operation: Pick<Operation, 'id'> },
  given: Value | undefined,
): Promise<PackageAddress | { failure: Failure }> {
  const text = typeof given === 'string' ? given.trim() : '';
  const artifact = text === '' ? undefined : await context.artifacts.byUrl(text);
  if (artifact) {
    const request = { scheme: 'http', operation: operation.id, takesCredentials: false } as const;
    const link = await context.artifacts.linkFor(device, artifact, request);
    return { url: link?.url ?? text, artifact };
  }
  if (!URL.canParse(text)) {
    const shown = text === '' ? 'No URL' : JSON.stringify(text.slice(0, 100));
    const explanation = `${shown} names no package; give an absolute URL, or that of an uploaded artifact`;
    return { failure: { cause: 'conversion', explanation } };
  }
  return { url: text };
}
