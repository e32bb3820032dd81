/**
 * How a device proves itself in one session (DM Security 1.2.1, 5.3.3): a state machine without a store and without time. It says
 * which nonce was used; whoever drives it makes sure that nobody has used that one before.
 */
import type { Proof } from './authenticator.ts';
import {
  matchBasic,
  matchDigest,
  schemeOf,
  schemeTypes,
  type Account,
  type NonceReading,
  type Scheme,
} from './credential-digests.ts';
import { readHmacHeader } from './hmac-header.ts';
import { octetsOf, zeroNonce } from './nonces.ts';
import type { Challenge } from './syncml/message.ts';

/** Where a nonce comes from: kept since the last session, given in this one, or four zero octets after a notification with them. */
export type NonceSource = 'kept' | 'given' | 'zero';

export type Judgement =
  | { result: 'right'; scheme: Scheme; account: Account; nonce?: NonceSource; reading: NonceReading }
  | { result: 'missing' | 'wrong'; scheme?: Scheme; why: string };

export interface DeviceProofOptions {
  /** The names that the device may have; none: there is nothing that would prove it. */
  accounts: readonly Account[];
  /** The schemes that are taken; the first is asked for. */
  schemes: readonly Scheme[];
  /** Base64. */
  kept: string | undefined;
  zero: boolean;
}

/** Times that a device may fail in one session. */
const maximumTries = 3;

export class DeviceProof {
  readonly #options: DeviceProofOptions;
  #given: string | undefined;
  #asked: Scheme | undefined;
  #kept: string | undefined;
  #zero: boolean;
  #failures = 0;

  constructor(options: DeviceProofOptions) {
    this.#options = options;
    this.#kept = options.kept;
    this.#zero = options.zero;
  }

  /** It has tried often enough, or in a way that leads to nothing. */
  get isOver(): boolean {
    return this.#failures >= maximumTries;
  }

  /** The nonce of `kept`, in base64. */
  get kept(): string | undefined {
    return this.#kept;
  }

  judge(proof: Proof): Judgement {
    const { accounts } = this.#options;
    const shown = shownBy(proof, this.#asked ?? (this.#options.schemes.includes('hmac') ? 'hmac' : undefined));
    if (!shown) return { result: 'missing', why: 'it has shown no credentials' };
    const { scheme } = shown;
    if (!scheme) return { result: 'wrong', why: 'its credentials are of a type that is not known here' };
    if (!this.#accepts(scheme)) return { result: 'wrong', scheme, why: this.#whyNot(scheme) };
    if (accounts.length === 0) return { result: 'wrong', scheme, why: 'no credentials are stored for it' };
    for (const account of accounts) {
      if (scheme === 'basic') {
        if (!shown.matches(account, zeroNonce)) continue;
        return { result: 'right', scheme, account, reading: 'octets' };
      }
      for (const [nonce, octets] of this.#nonces()) {
        const reading = shown.matches(account, octets);
        if (reading) return { result: 'right', scheme, account, nonce, reading };
      }
    }
    const why =
      scheme === 'basic' ? 'user name or password are wrong' : 'its digest is not of its password and our nonce';
    return { result: 'wrong', scheme, why };
  }

  /** It was right: what it proves itself with from here on. @param next kept for its next session too; base64 */
  goesOnWith(scheme: Scheme, next: string | undefined): void {
    this.#asked = scheme;
    this.#forget();
    this.#kept = next;
  }

  /**
   * It was not: what it is asked for, with a nonce that nobody has used; undefined: nothing more, it has tried often enough. One who
   * answers a challenge with another scheme ends the session (DM Security 1.2.1, 5.3.3).
   */
  failed({ scheme }: { scheme?: Scheme }, next: string): Challenge | undefined {
    const isOther = this.#asked !== undefined && scheme !== undefined && scheme !== this.#asked;
    this.#failures += isOther ? maximumTries : 1;
    // A device that has no way to meet a challenge is not upgraded: it asks for what it has shown, where that is taken.
    this.#asked ??= scheme !== undefined && this.#accepts(scheme) ? scheme : this.#options.schemes[0];
    this.#forget();
    if (this.#asked === undefined) this.#failures = maximumTries;
    if (this.isOver) return undefined;
    this.#given = next;
    return challengeOf(this.#asked!, next);
  }

  #forget(): void {
    this.#given = undefined;
    this.#kept = undefined;
    this.#zero = false;
  }

  #accepts(scheme: Scheme): boolean {
    return this.#asked === undefined ? this.#options.schemes.includes(scheme) : this.#asked === scheme;
  }

  #whyNot(scheme: Scheme): string {
    if (scheme === 'basic' && !this.#options.schemes.includes('basic')) {
      return 'Basic is not taken here: another scheme is stored for it, or everybody could read the password';
    }
    const wanted = this.#asked === undefined ? this.#options.schemes : [this.#asked];
    return `it has shown ${scheme} where ${wanted.join(' or ') || 'nothing'} is taken`;
  }

  #nonces(): [NonceSource, Uint8Array][] {
    return [
      ...(this.#given === undefined ? [] : [['given', octetsOf(this.#given)] as [NonceSource, Uint8Array]]),
      ...(this.#kept === undefined ? [] : [['kept', octetsOf(this.#kept)] as [NonceSource, Uint8Array]]),
      ...(this.#zero ? [['zero', zeroNonce] as [NonceSource, Uint8Array]] : []),
    ];
  }
}

interface Shown {
  /** Undefined: not known here. */
  scheme: Scheme | undefined;
  matches(account: Account, nonce: Uint8Array): NonceReading | undefined;
}

/** Undefined: nothing. A Cred without data is nothing too: some devices begin so. @param preferred where it has shown two */
function shownBy({ header, hmac, octets }: Proof, preferred: Scheme | undefined): Shown | undefined {
  const { credential } = header;
  const signed = readHmacHeader(hmac);
  if (signed && (preferred === 'hmac' || credential === undefined)) {
    return {
      scheme: 'hmac',
      matches: (account, nonce) =>
        signed.usernames.includes(account.username) ? matchDigest(signed.mac, account, nonce, octets) : undefined,
    };
  }
  const data = credential?.data.trim() ?? '';
  if (data === '') {
    const unreadable: Shown = { scheme: undefined, matches: () => undefined };
    return hmac !== undefined && !signed ? unreadable : undefined;
  }
  const scheme = schemeOf(credential?.meta?.type);
  return {
    // An HMAC is never in a Cred.
    scheme: scheme === 'hmac' ? undefined : scheme,
    matches: (account, nonce) => {
      if (scheme === 'md5') return matchDigest(data, account, nonce);
      return matchBasic(data, credential?.meta?.format, account) ? 'octets' : undefined;
    },
  };
}

/** @param nonce base64 */
export function challengeOf(scheme: Scheme, nonce: string): Challenge {
  const challenge: Challenge = { type: schemeTypes[scheme], format: 'b64' };
  return scheme === 'basic' ? challenge : { ...challenge, nextNonce: nonce };
}
