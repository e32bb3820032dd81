/** Credentials of OMA DM by values that were published, or that a real client has accepted. */
import assert from 'node:assert/strict';
import {
  basicData,
  macOf,
  matchBasic,
  matchDigest,
  md5Data,
  readBase64,
  schemeOf,
} from '../../adapters/omadm/credential-digests.ts';
import { readHmacHeader, writeHmacHeader } from '../../adapters/omadm/hmac-header.ts';

const bruce = { username: 'Bruce2', secret: 'OhBehave' };
const device = { username: 'dev-0042', secret: 's3cr3t!' };
const server = { username: 'funambol', secret: 'srvpwd' };
const nonce = Buffer.from('ABEiM0RVZneImaq7zN3u/w==', 'base64');
const body = Buffer.from('<SyncML xmlns="SYNCML:SYNCML1.2"></SyncML>');

describe('credentials of OMA DM', () => {
  it('A2, A3: the published example', () => {
    assert.equal(md5Data(bruce, Buffer.from('Tm9uY2U=', 'base64')), 'Zz6EivR3yeaaENcRN6lpAQ==');
    assert.equal(basicData(bruce), 'QnJ1Y2UyOk9oQmVoYXZl');
  });

  it('B1, B3, B5, B6: Basic, and MD5 with a nonce, with none and with four zero octets', () => {
    assert.equal(basicData(device), 'ZGV2LTAwNDI6czNjcjN0IQ==');
    assert.equal(md5Data(device, nonce), 'utd/h/65jmHSMZv8mRCdXw==');
    assert.equal(md5Data(device, Buffer.alloc(0)), 'o9NNDyzlbgXWwek7xQLYtA==');
    assert.equal(md5Data(device, Buffer.alloc(4)), 'uUXmmw/kg9mdJgOMhMrS2w==');
  });

  it('C2, C3: the HMAC over the octets of a message, and its header', () => {
    assert.equal(body.length, 42);
    assert.equal(macOf(device, nonce, body), '2DCs/ueW5QjXG+J6A/69eg==');
    assert.equal(
      writeHmacHeader('dev-0042', macOf(device, nonce, body)),
      'algorithm=MD5, username="dev-0042", mac=2DCs/ueW5QjXG+J6A/69eg==',
    );
  });

  it('D1, D1b, D2: what a real client took from its server, and what it sent', () => {
    assert.equal(md5Data(server, Buffer.alloc(0)), 'Lx7CSZp0iHRedCEbryGJuw==');
    assert.equal(md5Data(server, Buffer.from('b3pxdkN6QThubm89', 'base64')), 'ifFmwcHAacTm1Yce/dXU6Q==');
    const client = { username: 'funambol', secret: 'funambol' };
    assert.equal(md5Data(client, Buffer.from('challenge-1')), 'thwNN5hClRQZZcHpQvnnyA==');
  });

  it('B3, B4: a digest over the octets of the nonce is told from one over its text', () => {
    assert.equal(matchDigest('utd/h/65jmHSMZv8mRCdXw==', device, nonce), 'octets');
    assert.equal(matchDigest('2p/GlPv1JHbfYsqlOCb1mw==', device, nonce), 'text');
    assert.equal(matchDigest('uUXmmw/kg9mdJgOMhMrS2w==', device, nonce), undefined);
    assert.equal(matchDigest('2DCs/ueW5QjXG+J6A/69eg==', device, nonce, body), 'octets');
    assert.equal(matchDigest('2DCs/ueW5QjXG+J6A/69eg==', device, nonce, body.subarray(1)), undefined);
  });

  it('takes base64 with line ends and without padding, and a Basic Cred that is plain text', () => {
    assert.equal(matchDigest(' utd/h/65jmHSMZv8\r\nmRCdXw', device, nonce), 'octets');
    assert.equal(matchBasic('ZGV2LTAwNDI6czNjcjN0IQ', 'b64', device), true);
    assert.equal(matchBasic('dev-0042:s3cr3t!', 'chr', device), true);
    assert.equal(matchBasic('dev-0042:s3cr3t!', undefined, device), false);
    assert.equal(matchBasic('dev-0042:s3cr3t', 'chr', device), false);
  });

  it('knows the types of credentials in any case; without one it is Basic', () => {
    assert.deepEqual(
      ['syncml:auth-basic', 'SYNCML:AUTH-MD5', 'syncml:auth-mac', undefined, 'syncml:auth-sha', 'constructor'].map(
        schemeOf,
      ),
      ['basic', 'md5', 'hmac', 'basic', undefined, undefined],
    );
  });

  it('reads x-syncml-hmac in any order, with spaces, quotation marks and without an algorithm', () => {
    assert.deepEqual(readHmacHeader('mac=abc= ,username="a\\"b,c"'), {
      usernames: ['a"b,c', Buffer.from('a"b,c', 'base64').toString()],
      mac: 'abc=',
    });
    assert.ok(readHmacHeader(writeHmacHeader('Gerät', 'x'))!.usernames.includes('Gerät'));
    const asNodeGivesIt = Buffer.from('username="Gerät", mac=x').toString('latin1');
    assert.ok(readHmacHeader(asNodeGivesIt)!.usernames.includes('Gerät'));
    assert.equal(writeHmacHeader('a\r\nb', 'x').includes('\n'), false);
  });

  it('refuses x-syncml-hmac with another algorithm, one parameter twice, or what is no list', () => {
    const wrong = [
      'algorithm=SHA1, username="a", mac=b',
      'username="a", mac=b, mac=c',
      'username="a"',
      'mac=b',
      '',
      'nonsense',
      'username="a, mac=b',
      `username="${'a'.repeat(5_000)}", mac=b`,
      '\0',
      '=,=,=',
    ];
    for (const text of wrong) assert.equal(readHmacHeader(text), undefined, text);
  });

  it('takes nothing for base64 that is none', () => {
    for (const text of ['*', 'a', 'abc=d', '====', 'Ä', 'A'.repeat(2_000)])
      assert.equal(readBase64(text), undefined, text);
  });
});
