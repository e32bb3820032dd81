/** Where a CPE is told to fetch a file, and with which credentials. */
import type { AdapterContext, ManagedDevice } from '../../src/management/adapter.ts';
import type { Operation, Value } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';

export interface RemoteFile {
  url: string;
  username?: string;
  password?: string;
  /** Octets, of an artifact of ours. */
  fileSize?: number;
}

interface Asked {
  context: AdapterContext;
  device: ManagedDevice;
  operation: Pick<Operation, 'id'>;
}

/**
 * An artifact of ours gets an address that the device can reach, and credentials that end with the operation. Credentials in an URL
 * become arguments, for TR-069 A.3.2.8 wants none in it.
 */
export async function remoteFile(asked: Asked, given: Value | undefined): Promise<RemoteFile | { failure: Failure }> {
  const text = typeof given === 'string' ? given.trim() : '';
  const own = await ownFile(asked, text);
  if (own) return own;
  if (!URL.canParse(text)) {
    const explanation = `${JSON.stringify(text.slice(0, 100))} is no URL of a file; give an absolute one`;
    return { failure: { cause: 'conversion', explanation } };
  }
  const url = new URL(text);
  let [username, password] = [url.username, url.password];
  try {
    [username, password] = [decodeURIComponent(username), decodeURIComponent(password)];
  } catch {
    // A lone % means itself.
  }
  [url.username, url.password] = ['', ''];
  return { url: url.href, ...(username === '' ? {} : { username, password }) };
}

/** Undefined: not one of ours. Profile setting `downloadCredentials`: some CPEs never show those that they are told. */
export async function ownFile(
  { context, device, operation }: Asked,
  url: string | undefined,
): Promise<RemoteFile | undefined> {
  const artifact = url ? await context.artifacts.byUrl(url) : undefined;
  if (!artifact) return undefined;
  const takesCredentials = (await context.profile(device.id))['downloadCredentials'] !== 'none';
  const link = await context.artifacts.linkFor(device, artifact, {
    scheme: 'http',
    operation: operation.id,
    takesCredentials,
  });
  return link && { ...link, fileSize: artifact.size };
}
