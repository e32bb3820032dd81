import assert from 'node:assert/strict';
import { createGrants, grantSecret } from '../../src/artifacts/grants.ts';
import type { Store } from '../../src/store/store.ts';
import { openTemporaryStore } from '../support/store.ts';

const artifact = 'a'.repeat(32);
const passwordOf = (secret: Buffer, operation: string, of = artifact): string =>
  createGrants(secret, () => true).credentialsFor(operation, of).password;

describe('grants of downloads', () => {
  const secret = Buffer.alloc(32, 7);

  it('name the operation, and have 144 bits that fit an address', () => {
    const { username, password } = createGrants(secret, () => true).credentialsFor('run-1', artifact);
    assert.equal(username, 'run-1');
    assert.match(password, /^[\w-]{24}$/);
  });

  it('are the same for the same operation and image, and others for every other', () => {
    const same = passwordOf(secret, 'run-1');
    assert.equal(passwordOf(Buffer.from(secret), 'run-1'), same);
    for (const other of [
      passwordOf(secret, 'run-2'),
      passwordOf(secret, 'run-1', 'b'.repeat(32)),
      passwordOf(Buffer.alloc(32, 8), 'run-1'),
    ])
      assert.notEqual(other, same);
  });

  describe('have a secret', () => {
    let store: Store;
    beforeEach(async () => {
      store = await openTemporaryStore();
    });
    afterEach(() => store.close());

    it('that is made once, also when two ask at the same moment', async () => {
      const [one, other] = await Promise.all([grantSecret(store), grantSecret(store)]);
      assert.equal(one.length, 32);
      assert.deepEqual(other, one);
      assert.deepEqual(await grantSecret(store), one);
    });

    it('that is another in every store', async () => {
      const second = await openTemporaryStore();
      assert.notDeepEqual(await grantSecret(store), await grantSecret(second));
      await second.close();
    });
  });
});
