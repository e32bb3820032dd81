/**
 * Credentials to download one artifact for one operation. They are computed, not stored: the same for every repeat of an order, also
 * after a restart, and worth nothing once the operation has ended.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { Conflict, type Store } from '../store/store.ts';

export interface Grants {
  /** User name: the id of the operation. Password: 24 characters of base64url, 144 bits. */
  credentialsFor(operation: string, artifact: string): { username: string; password: string };
  /** The device may be at work on it: it was sent, and it is not over. */
  isUnderWay(operation: string): boolean;
  /** For the nonces of Digest, so that those of before a restart are still ours. */
  readonly nonceKey: Buffer;
}

const settingsKey = 'artifact-grants';
const passwordLength = 24;

export function createGrants(secret: Buffer, isUnderWay: (operation: string) => boolean): Grants {
  const digestOf = (purpose: string): Buffer => createHmac('sha256', secret).update(purpose).digest();
  return {
    credentialsFor: (operation, artifact) => ({
      username: operation,
      // The artifact has no blank, so no other pair has the same text.
      password: digestOf(`download ${artifact} ${operation}`).toString('base64url').slice(0, passwordLength),
    }),
    isUnderWay,
    nonceKey: digestOf('nonce'),
  };
}

/** Made at the first start, then the same for ever. Anybody who has it can make every password: it is never logged. */
export async function grantSecret(store: Store): Promise<Buffer> {
  const stored = await store.get<{ secret: string }>('settings', settingsKey);
  if (stored) return Buffer.from(stored.data.secret, 'base64');
  const secret = randomBytes(32);
  try {
    await store.commit({
      expect: [{ table: 'settings', key: settingsKey, version: 0 }],
      put: [{ table: 'settings', key: settingsKey, data: { secret: secret.toString('base64') } }],
    });
    return secret;
  } catch (error) {
    // Another process on the same store was faster.
    if (error instanceof Conflict) return grantSecret(store);
    throw error;
  }
}
