/** Who may begin a session: credentials of the device, or the certificate of its TLS connection. */
import type { AdapterContext } from '../../src/management/adapter.ts';
import type { Authenticator, Credentials, Verdict } from '../../src/support/http-authentication.ts';
import { deviceKey, deviceUrn, identityProblem } from './identity.ts';
import type { DeviceId } from './rpc.ts';
import type { Arrival } from './server.ts';
import type { CwmpSettings } from './settings.ts';

export type Proof =
  | { proof: 'given'; identity: string }
  /** `wrong`: it has shown credentials. */
  | { proof: 'missing'; challenges: string[]; why: string; wrong: boolean }
  | { proof: 'impossible'; code: number; why: string };

/**
 * Makes no state (quirk 33). A certificate that names another device proves nothing and admits nobody: the credentials of this
 * device have to, whatever the setting says of those that have none.
 */
export async function checkProof(
  arrival: Arrival,
  authenticator: Authenticator,
  context: AdapterContext,
  authentication: CwmpSettings['authentication'],
): Promise<Proof> {
  const { deviceId } = arrival.inform;
  const problem = identityProblem(deviceId);
  if (problem) return { proof: 'impossible', code: 8003, why: problem };
  const identity = deviceUrn(deviceId);
  const isOfAnother = arrival.certificateNames !== undefined;
  if (arrival.certificateNames?.some((name) => isNameOf(deviceId, name))) return { proof: 'given', identity };
  if (authentication === 'none' && !isOfAnother) return { proof: 'given', identity };
  const stored = await context.credentials.forDevice('cwmp', identity);
  if (!stored && authentication === 'known' && !isOfAnother) return { proof: 'given', identity };
  const { authorization, body } = arrival;
  const claimed = authenticator.claimed(authorization);
  const names = userNames(deviceId);
  const username = stored?.username ?? names.find((name) => name === claimed) ?? names[0]!;
  const expected: Credentials | undefined = stored && { username, password: stored.secret };
  const verdict: Verdict = expected
    ? authenticator.verify({ method: 'POST', authorization, body }, expected)
    : { ok: false, stale: false, why: 'no credentials are stored for it' };
  if (verdict.ok) return { proof: 'given', identity };
  const certificate = isOfAnother
    ? `its certificate names ${arrival.certificateNames!.join(', ') || 'nobody'}, and `
    : '';
  return {
    proof: 'missing',
    challenges: authenticator.challenge(verdict.stale),
    why: `${identity}: ${certificate}${verdict.why}`,
    wrong: isOfAnother || (authorization !== undefined && !verdict.stale),
  };
}

/** What a CPE takes as its user name by itself, with and without encoding (TR-069 3.4.4). */
function userNames(id: DeviceId): string[] {
  const plain = [id.oui, ...(id.productClass === '' ? [] : [id.productClass]), id.serialNumber].join('-');
  return [...new Set([deviceKey(id), plain, ...namesInCertificates(id), `${id.oui}-${id.serialNumber}`])];
}

/** With encoding only: `A-B-C` without it could name two devices. */
function namesInCertificates(id: DeviceId): string[] {
  return [deviceKey(id), deviceKey({ ...id, productClass: '' })];
}

/** A certificate says the same as a user name, or the URN; an OUI in any case. */
function isNameOf(id: DeviceId, name: string): boolean {
  const key = name.replace(/^[0-9a-fA-F]{6}(?=-)/, (oui) => oui.toUpperCase());
  return key === deviceUrn(id) || namesInCertificates(id).includes(key);
}
