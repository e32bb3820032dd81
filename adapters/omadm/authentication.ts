/**
 * Who a device is, and who the gateway is to it (DM Security 1.2.1, 5): stored accounts and nonces around the two state machines.
 * A nonce of the device is good for one message: it is taken out of the store before that message counts as proven, so of two
 * sessions with the same Cred one alone is believed.
 */
import type { CredentialSource, DeviceCredentials, NoteStore } from '../../src/management/adapter.ts';
import type { Log } from '../../src/support/log.ts';
import type { Authenticator, OwnProof, Peer, Proof, SessionProofs, Verdict } from './authenticator.ts';
import type { Account, Scheme } from './credential-digests.ts';
import { challengeOf, DeviceProof, type Judgement } from './device-proof.ts';
import { GatewayProof, type ToldNonce } from './gateway-proof.ts';
import { changeNonces, makeNonce, readNonces, sessionIdOf, zeroNonce, type DeviceNonces } from './nonces.ts';
import type { Challenge } from './syncml/message.ts';

export interface AuthenticationSettings {
  /** `known`: devices with stored credentials must show them; `required`: all must; `none`: nobody is asked. */
  authentication: 'none' | 'known' | 'required';
  /** Basic is taken, and given, without TLS too, where everybody reads the password. */
  basic: boolean;
}

export interface AuthenticationParts extends AuthenticationSettings {
  credentials: CredentialSource;
  notes: NoteStore;
  /** ms since 1970. */
  now(): number;
  log: Log;
}

export function createAuthenticator(parts: AuthenticationParts): Authenticator {
  return { begin: (peer) => new Proofs(parts, peer) };
}

/** What is stored of a device, as its session finds it. */
interface Party {
  device: DeviceProof;
  gateway: GatewayProof;
  /** It is believed without a proof of its own: by its certificate, or because nobody asks. */
  isTrusted: boolean;
  /** A nonce is kept only for who has an account. */
  isKnown: boolean;
}

class Proofs implements SessionProofs {
  readonly #parts: AuthenticationParts;
  readonly #peer: Peer;
  #party: Party | undefined;
  /** `session`: nothing more is asked; `message`: each message has its proof. */
  #proven: 'no' | 'session' | 'message' = 'no';

  constructor(parts: AuthenticationParts, peer: Peer) {
    this.#parts = parts;
    this.#peer = peer;
  }

  async check(proof: Proof): Promise<Verdict> {
    try {
      this.#party ??= await this.#meet(proof);
      return await this.#judge(this.#party, proof);
    } catch (error) {
      const { deviceId } = this.#peer;
      this.#parts.log.error({ err: error, deviceId }, 'the credentials of a device could not be looked up');
      return { proven: false, status: 401, over: true, why: 'its credentials could not be looked up' };
    }
  }

  async told(status: { code: number; challenge?: Challenge }): Promise<'accepted' | 'again' | 'refused'> {
    if (!this.#party) return status.code === 401 || status.code === 407 ? 'refused' : 'accepted';
    const { reaction, keep, why } = this.#party.gateway.told(status);
    if (keep && this.#party.isKnown) await this.#keepOwn(keep);
    if (why !== undefined) {
      this.#parts.log.warn({ ...this.#names(), why }, 'a device does not take the credentials of the gateway');
    }
    return reaction;
  }

  own(): OwnProof {
    return this.#party?.gateway.own(this.#proven !== 'no') ?? {};
  }

  sign(octets: Uint8Array): Readonly<Record<string, string>> {
    return this.#party?.gateway.sign(octets) ?? {};
  }

  async #meet({ header }: Proof): Promise<Party> {
    const { credentials, notes, now, authentication, basic } = this.#parts;
    const { deviceId, encrypted, certificateNames } = this.#peer;
    const stored = await credentials.forDevice('omadm', deviceId);
    const { nonces } = stored ? await readNonces(notes, deviceId) : { nonces: {} as DeviceNonces };
    const isBasic = basic || encrypted;
    const isZero =
      nonces.zeroUntil !== undefined &&
      now() < nonces.zeroUntil &&
      nonces.session !== undefined &&
      sameSession(header.sessionId, nonces.session);
    const isNamed = certificateNames?.some((name) => namesOf(deviceId).includes(name)) ?? false;
    const isOfAnother = certificateNames !== undefined && !isNamed;
    const isAsked = authentication === 'required' || (authentication === 'known' && stored !== undefined);
    return {
      device: new DeviceProof({
        accounts: stored ? accountsOf(stored, deviceId) : [],
        schemes: schemesFor(stored?.scheme, nonces.clientScheme, isBasic),
        kept: nonces.client,
        zero: isZero,
      }),
      gateway: new GatewayProof({
        account: stored?.server && { username: stored.server.identifier, secret: stored.server.secret },
        scheme: nonces.serverScheme ?? stored?.scheme ?? 'md5',
        nonce: isZero ? Buffer.from(zeroNonce).toString('base64') : (nonces.server ?? ''),
        basic: isBasic,
      }),
      // A certificate that names another device proves nothing, and admits nobody without the password of this one.
      isTrusted: isNamed || (!isAsked && !isOfAnother),
      isKnown: stored !== undefined,
    };
  }

  async #judge(party: Party, proof: Proof): Promise<Verdict> {
    if (party.isTrusted) {
      this.#proven = 'session';
      // 212 is no answer to an HMAC, asked for or not (5.4).
      return { proven: true, status: proof.hmac === undefined ? 212 : 200 };
    }
    if (party.device.isOver) {
      return { proven: false, status: 401, over: true, why: 'it has tried often enough in this session' };
    }
    const judgement = party.device.judge(proof);
    // It needs no more credentials. Some devices show them in every message, one that nobody asks for with any nonce.
    if (this.#proven === 'session' && judgement.result !== 'right') return { proven: true, status: 212 };
    if (judgement.result !== 'right') return this.#ask(party.device, judgement);
    const next = makeNonce();
    if (judgement.nonce && !(await this.#keep(judgement, next))) {
      if (this.#proven === 'session') return { proven: true, status: 212 };
      return this.#ask(party.device, { ...judgement, result: 'wrong', why: 'its nonce was used before' });
    }
    this.#noteReading(judgement);
    party.device.goesOnWith(judgement.scheme, next);
    // 212 is for the session; with an HMAC each message is proven by itself, and has a nonce of its own (5.4).
    const isForMessage = judgement.scheme === 'hmac';
    this.#proven = isForMessage ? 'message' : 'session';
    const status = isForMessage ? 200 : 212;
    return judgement.nonce
      ? { proven: true, status, challenge: challengeOf(judgement.scheme, next) }
      : { proven: true, status };
  }

  #ask(device: DeviceProof, judgement: Judgement & { result: 'missing' | 'wrong' }): Verdict {
    this.#proven = 'no';
    const challenge = device.failed(judgement, makeNonce());
    const status = judgement.result === 'missing' ? 407 : 401;
    const why = judgement.why;
    return { proven: false, status, over: device.isOver, why, ...(challenge && { challenge }) };
  }

  /** The nonce that was used is good for nobody else from here on. False: it was used before, or nobody can say. */
  async #keep({ scheme, nonce }: Judgement & { result: 'right' }, next: string): Promise<boolean> {
    const { notes, log } = this.#parts;
    const { deviceId } = this.#peer;
    const used = this.#party!.device.kept;
    try {
      const kept = await changeNonces(notes, deviceId, (now) => {
        if (nonce === 'kept' && now.client !== used) return undefined;
        if (nonce === 'zero' && now.zeroUntil === undefined) return undefined;
        return { ...now, client: next, clientScheme: scheme, zeroUntil: undefined };
      });
      return kept !== undefined;
    } catch (error) {
      log.error({ err: error, ...this.#names() }, 'the next nonce of a device could not be stored');
      // A nonce of this session is good for this session: nobody else has it.
      return nonce === 'given';
    }
  }

  async #keepOwn({ scheme, nonce }: ToldNonce): Promise<void> {
    try {
      await changeNonces(this.#parts.notes, this.#peer.deviceId, (now) =>
        now.serverScheme === scheme && (nonce === undefined || now.server === nonce)
          ? undefined
          : { ...now, serverScheme: scheme, server: nonce ?? now.server },
      );
    } catch (error) {
      this.#parts.log.error({ err: error, ...this.#names() }, 'the nonce that a device has told could not be stored');
    }
  }

  #noteReading({ reading, nonce }: Judgement & { result: 'right' }): void {
    if (reading === 'text') {
      this.#parts.log.debug(
        { ...this.#names(), nonce },
        'a device hashes the base64 text of its nonce, against the standard',
      );
    }
  }

  #names(): { deviceId: string; address: string } {
    const { deviceId, address } = this.#peer;
    return { deviceId, address };
  }
}

/** Without a stored user name it is the name that the device has by itself: its own, with and without what kind of name it is. */
function accountsOf({ username, secret }: DeviceCredentials, deviceId: string): Account[] {
  return (username === undefined ? namesOf(deviceId) : [username]).map((name) => ({ username: name, secret }));
}

/** `IMEI:493005100592800` is also called 493005100592800 (OMA DM StdObj 1.2, DevId). */
function namesOf(deviceId: string): string[] {
  return [...new Set([deviceId, deviceId.slice(deviceId.lastIndexOf(':') + 1)])].filter((name) => name !== '');
}

/** The stored one alone, or those that are safe on this connection; the one that it has used last is asked for first. */
function schemesFor(stored: Scheme | undefined, last: Scheme | undefined, isBasic: boolean): Scheme[] {
  const all: Scheme[] = stored ? [stored] : ['md5', 'hmac', 'basic'];
  const taken = all.filter((scheme) => scheme !== 'basic' || isBasic);
  return last && taken.includes(last) ? [last, ...taken.filter((scheme) => scheme !== last)] : taken;
}

/** A SessionID that a notification gave, as the device writes it: hexadecimal, by some with leading zeros or in small letters. */
function sameSession(sessionId: string, session: number): boolean {
  return sessionId.trim().replace(/^0+/, '').toUpperCase() === sessionIdOf(session);
}
