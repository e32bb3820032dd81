/** Who may begin a session: credentials of the device, or the certificate of its TLS connection. */
import type { AdapterContext } from '../../src/management/adapter.ts';
import type { Authenticator, Credentials } from '../../src/support/http-authentication.ts';
import { deviceKey, deviceUrn, identityProblem } from './identity.ts';
import type { DeviceId } from './rpc.ts';
import type { Arrival } from './server.ts';
import type { CwmpSettings } from './settings.ts';

export type Proof =
  | { proof: 'given'; identity: string }
  | { proof: 'missing'; challenges: string[]; why: string }
  | { proof: 'impossible'; code: number; why: string };

/** Makes no state (quirk 33). */
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
  const names = namesOf(deviceId);
  if (authentication === 'none' || arrival.certificateNames.some((name) => names.includes(name))) {
    return { proof: 'given', identity };
  }
  const stored = await context.credentials.forDevice('cwmp', identity);
  if (!stored && authentication === 'known') return { proof: 'given', identity };
  const { authorization, body } = arrival;
  const claimed = authenticator.claimed(authorization);
  const username = stored?.username ?? names.find((name) => name === claimed) ?? names[0]!;
  const expected: Credentials | undefined = stored && { username, password: stored.secret };
  const verdict = expected
    ? authenticator.verify({ method: 'POST', authorization, body }, expected)
    : ({ ok: false, stale: false, why: 'no credentials are stored for it' } as const);
  if (verdict.ok) return { proof: 'given', identity };
  return { proof: 'missing', challenges: authenticator.challenge(verdict.stale), why: `${identity}: ${verdict.why}` };
}

/** What a CPE takes as its user name by itself, with and without encoding, and what certificates say (TR-069 3.4.4). */
function namesOf(id: DeviceId): string[] {
  const withoutClass = { ...id, productClass: '' };
  const plain = [id.oui, ...(id.productClass === '' ? [] : [id.productClass]), id.serialNumber].join('-');
  return [...new Set([deviceKey(id), plain, deviceKey(withoutClass), `${id.oui}-${id.serialNumber}`])];
}
