/** How the gateway proves itself to a device in one session (DM Security 1.2.1, 5.3.3): a state machine without a store. */
import type { OwnProof } from './authenticator.ts';
import { basicData, macOf, md5Data, schemeOf, schemeTypes, type Account, type Scheme } from './credential-digests.ts';
import { hmacHeaderName, writeHmacHeader } from './hmac-header.ts';
import { nonceOf, octetsOf } from './nonces.ts';
import type { Challenge } from './syncml/message.ts';

export interface GatewayProofOptions {
  /** Undefined: the gateway has none with this device. */
  account: Account | undefined;
  scheme: Scheme;
  /** Base64; '' = the device has never told one. */
  nonce: string;
  /** Basic may tell the password of the gateway on this connection. */
  basic: boolean;
}

/** What the device told, to be kept for the next session. */
export interface ToldNonce {
  scheme: Scheme;
  nonce: string | undefined;
}

export type Reaction =
  | { reaction: 'accepted' | 'again'; keep?: ToldNonce; why?: undefined }
  | { reaction: 'refused'; keep?: ToldNonce; why: string };

const maximumTries = 3;

export class GatewayProof {
  readonly #account: Account | undefined;
  readonly #basic: boolean;
  #scheme: Scheme;
  #nonce: string;
  #failures = 0;
  /** The device has said that it needs no more of it in this session. */
  #isAccepted = false;

  constructor({ account, scheme, nonce, basic }: GatewayProofOptions) {
    this.#account = account;
    this.#scheme = scheme;
    this.#nonce = nonce;
    this.#basic = basic;
  }

  /** @param isKnown the device has proved itself: nobody else is told a password */
  own(isKnown: boolean): OwnProof {
    const account = this.#account;
    if (!account || this.#isAccepted || this.#scheme === 'hmac') return {};
    const meta = { format: 'b64', type: schemeTypes[this.#scheme] };
    if (this.#scheme === 'md5') {
      return { credential: { meta, data: md5Data(account, octetsOf(this.#nonce)) }, name: account.username };
    }
    return isKnown && this.#basic ? { credential: { meta, data: basicData(account) } } : {};
  }

  sign(octets: Uint8Array): Record<string, string> {
    const account = this.#account;
    if (!account || this.#scheme !== 'hmac') return {};
    const mac = macOf(account, octetsOf(this.#nonce), octets);
    return { [hmacHeaderName]: writeHmacHeader(account.username, mac) };
  }

  /** What the device says of it in its Status of our header. */
  told({ code, challenge }: { code: number; challenge?: Challenge }): Reaction {
    if (code === 401 || code === 407) return this.#refused(code, challenge);
    // 212 is no answer to an HMAC: every message has one (5.4).
    if (code === 212 && this.#scheme !== 'hmac') this.#isAccepted = true;
    const keep = challenge && this.#follow(challenge);
    return { reaction: 'accepted', ...(keep && { keep }) };
  }

  #refused(code: number, challenge: Challenge | undefined): Reaction {
    const refused = (why: string): Reaction => ({ reaction: 'refused', why });
    if (!this.#account) return refused('it asks for credentials of the gateway, and none are stored for it');
    this.#isAccepted = false;
    this.#failures += 1;
    if (this.#failures >= maximumTries) return refused('it has refused the credentials of the gateway three times');
    if (!challenge) return refused(`it answered ${code} to the gateway, and not how it shall prove itself`);
    const wanted = schemeOf(challenge.type);
    if (!wanted) return refused('it asks for credentials of a type that is not known here');
    if (wanted === 'basic' && !this.#basic) {
      return refused('it asks for the password of the gateway, which everybody could read on this connection');
    }
    if (wanted === 'basic' && this.#scheme === 'basic' && this.#failures > 1) {
      return refused('it does not take the name and the password of the gateway');
    }
    return { reaction: 'again', keep: this.#follow(challenge) };
  }

  /** A challenge without a nonce asks for the one of before. */
  #follow(challenge: Challenge): ToldNonce | undefined {
    const scheme = schemeOf(challenge.type);
    if (!scheme || (scheme === 'basic' && !this.#basic)) return undefined;
    const nonce = nonceOf(challenge);
    this.#scheme = scheme;
    this.#nonce = nonce ?? this.#nonce;
    return { scheme, nonce };
  }
}
