/** Package #0 by worked examples, and what is kept of it. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { nextSession, sessionIdOf } from '../../adapters/omadm/nonces.ts';
import {
  prepareNotification,
  wrapInPush,
  wrapInSms,
  writeNotification,
  writeTrigger,
} from '../../adapters/omadm/notification.ts';
import { createMemoryNotes } from '../support/memory-notes.ts';

const account = { username: 'gw.example.com', secret: 'gwpass' };
const nonce = Buffer.from('YWJjZGVmZ2gxMjM0NTY3OA==', 'base64');
const trigger = writeTrigger({
  userMode: 'informative',
  initiator: 'server',
  session: 0x00a7,
  serverId: 'gw.example.com',
});
const worked = '8005cf40503e640bba7f8548f4a41d7702e800000000a70e67772e6578616d706c652e636f6d';

describe('a notification', () => {
  it('example 1: trigger, digest, WSP push and SMS are those that were worked out', () => {
    assert.equal(trigger.toString('hex'), '02e800000000a70e67772e6578616d706c652e636f6d');
    const notification = writeNotification(account, nonce, trigger);
    assert.equal(notification.toString('hex'), worked);
    const push = wrapInPush(notification);
    assert.equal(push.length, 44);
    assert.equal(push.toString('hex'), `010603c4af87${worked}`);
    const [sms, ...more] = wrapInSms(push);
    assert.equal(more.length, 0);
    assert.equal(sms!.length, 51);
    assert.equal(sms!.toString('hex'), `0605040b84c002010603c4af87${worked}`);
  });

  it('example 1 with the nonce of four zero octets', () => {
    const notification = writeNotification(account, Buffer.alloc(4), trigger);
    assert.equal(notification.subarray(0, 16).toString('hex'), '36ae4b94aad4a81878bfb65965bcb425');
  });

  it('example 2: in the background, begun by the user', () => {
    const other = writeTrigger({
      userMode: 'background',
      initiator: 'user',
      session: 0x1234,
      serverId: 'com.mgmtsrv.manage',
    });
    assert.equal(other.toString('hex'), '02d0000000123412636f6d2e6d676d747372762e6d616e616765');
  });

  it('that is too long for one SMS goes in several, which belong together', () => {
    const push = Buffer.from(Array.from({ length: 300 }, (_, at) => at & 0xff));
    const parts = wrapInSms(push, 0x5a);
    assert.equal(parts.length, 3);
    for (const [at, part] of parts.entries()) {
      assert.ok(part.length <= 140);
      assert.equal(part.subarray(0, 12).toString('hex'), `0b05040b84c00200035a030${at + 1}`);
    }
    assert.deepEqual(Buffer.concat(parts.map((part) => part.subarray(12))), push);
  });

  it('cannot be for a server with a longer name than a notification may have', () => {
    const write = (serverId: string): Buffer =>
      writeTrigger({ userMode: 'unspecified', initiator: 'server', session: 1, serverId });
    assert.equal(write('x'.repeat(255)).length, 263);
    assert.throws(() => write('x'.repeat(256)), RangeError);
  });

  it('has a number that comes again after all others, and never 0', () => {
    let session: number | undefined;
    const seen = new Set<number>();
    for (let at = 0; at < 65_535; at++) seen.add((session = nextSession({ session })));
    assert.equal(seen.size, 65_535);
    assert.ok(Math.min(...seen) > 0 && Math.max(...seen) < 65_536);
    assert.equal(sessionIdOf(0x00a7), 'A7');
  });

  it('is signed with the nonce that the device told last, and is a session of its own each time', async () => {
    const notes = createMemoryNotes();
    await notes.write('nonces d', 0, { server: nonce.toString('base64'), session: 0xa6, client: 'YWFh' });
    const request = {
      deviceId: 'd',
      server: { identifier: 'gw.example.com', secret: 'gwpass' },
      userMode: 'informative' as const,
    };
    const first = await prepareNotification(notes, 1_000, request);
    assert.equal(first.notification.toString('hex'), worked);
    assert.equal(first.session, 0xa7);
    const again = await prepareNotification(notes, 1_000, { ...request, withZeroNonce: true });
    assert.equal(again.session, 0xa8);
    assert.deepEqual(notes.all.get('nonces d')?.value, {
      server: nonce.toString('base64'),
      session: 0xa8,
      client: 'YWFh',
      zeroUntil: 3_601_000,
    });
    await prepareNotification(notes, 1_000, request);
    assert.equal(
      JSON.stringify(notes.all.get('nonces d')?.value).includes('zeroUntil'),
      false,
      'the zero nonce is over',
    );
  });

  it('for a device of which anything is stored: nothing throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const notes = createMemoryNotes();
        notes.all.set('nonces d', { value: value as never, version: 1 });
        const server = { identifier: 'gw', secret: 'x' };
        const { notification } = await prepareNotification(notes, 0, { deviceId: 'd', server });
        assert.equal(notification.length, 26);
      }),
    );
  });
});
