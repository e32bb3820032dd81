import {
  basicOf,
  digestOf,
  equal,
  hmacHeader,
  macOf,
  readHmacHeader,
  schemeOf,
  schemeTypes,
  zeroNonce,
} from './credentials.ts';
import type { Account, Scheme } from './credentials.ts';
import type { Faults } from './faults.ts';
import type { Challenge } from './message.ts';
import { part } from './part.ts';
import type { Part } from './part.ts';
import type { Quirk } from './quirks.ts';

/** One side's account, as it is kept in DMAcc. */
export interface KeptAccount {
  account: Account;
  scheme: Scheme;
  /** Raw octets. */
  nonce: Buffer;
}

export interface ProofMemory {
  own(): KeptAccount | undefined;
  server(): KeptAccount | undefined;
  keepOwn(scheme: Scheme, nonce: Buffer | undefined): void;
  keepServerNonce(nonce: Buffer): void;
  newNonce(): Buffer;
  faults: Faults;
  quirks: ReadonlySet<Quirk>;
  complain(sentence: string): void;
}

/** What the header of the next message says of the client. */
export interface OwnHeader {
  credential: Part | undefined;
  name: string | undefined;
}

/** What the client thinks of a message of the server: status of its header, and what it wants to see next. */
export interface Verdict {
  accepted: boolean;
  code: 200 | 212 | 401 | 407;
  challenge: Part | undefined;
}

const most = 3;

/** Who proves what in one session, both ways (DM Security 1.2.1, 5.3). */
export class Proofs {
  readonly #memory: ProofMemory;
  readonly #own: KeptAccount | undefined;
  readonly #server: KeptAccount | undefined;
  /** 212: for the whole session. */
  #taken = false;
  #serverTaken = false;
  #tries = 0;
  #serverTries = 0;
  #scheme: Scheme;
  #nonce: Buffer;
  #serverNonce: Buffer;
  readonly #woken: boolean;
  /** An alert has opened the session: for the quirk of an empty Cred. */
  readonly #spontaneous: boolean;
  #lastNonce: string | undefined;

  constructor(memory: ProofMemory, options: { zero: boolean; spontaneous: boolean }) {
    this.#memory = memory;
    this.#own = memory.own();
    this.#server = memory.server();
    this.#scheme = this.#own?.scheme ?? 'none';
    this.#nonce = options.zero ? zeroNonce : (this.#own?.nonce ?? Buffer.alloc(0));
    this.#serverNonce = options.zero ? zeroNonce : (this.#server?.nonce ?? Buffer.alloc(0));
    this.#woken = options.zero;
    this.#spontaneous = options.spontaneous;
  }

  get triedEnough(): boolean {
    return this.#tries > most || this.#serverTries > most;
  }

  #digestNonce(): Buffer {
    const { credential } = this.#memory.faults;
    if (credential === 'wrong-nonce') return Buffer.from('a nonce of nobody');
    return credential === 'nonce-as-text' ? Buffer.from(this.#nonce.toString('base64')) : this.#nonce;
  }

  #account(): Account | undefined {
    const account = this.#own?.account;
    return account && this.#memory.faults.credential === 'wrong-secret'
      ? { ...account, secret: `${account.secret}-wrong` }
      : account;
  }

  own(): OwnHeader {
    const { faults, quirks } = this.#memory;
    const account = this.#account();
    const always = quirks.has('credential-every-message');
    if (!account || this.#scheme === 'none' || (this.#taken && !always))
      return { credential: undefined, name: undefined };
    const name = this.#scheme === 'basic' ? undefined : account.name;
    if (this.#scheme === 'hmac') return { credential: undefined, name };
    const proof = this.#scheme === 'basic' ? basicOf(account) : digestOf(account, this.#digestNonce());
    const empty = faults.credential === 'empty' || (this.#spontaneous && quirks.has('empty-later-credential'));
    const meta = part('Meta', [part('Format', 'b64'), part('Type', schemeTypes[this.#scheme])]);
    return { credential: part('Cred', [meta, part('Data', empty ? '' : proof)]), name };
  }

  /** Headers of HTTP for the octets of a message. */
  headers(body: Buffer): Record<string, string> {
    const account = this.#account();
    if (!account || this.#scheme !== 'hmac') return {};
    return { 'x-syncml-hmac': hmacHeader(account, macOf(account, this.#digestNonce(), body)) };
  }

  /** What the server says of our header. `again`: with another proof. */
  told(code: number, challenge: Challenge | undefined): 'accepted' | 'again' | 'refused' {
    const { complain, quirks } = this.#memory;
    if (challenge?.nextNonce) {
      const text = challenge.nextNonce.toString('base64');
      if (text === this.#lastNonce) complain('the server gives the same nonce twice');
      this.#lastNonce = text;
    }
    if (code === 200 || code === 212) {
      if (code === 212) this.#taken = this.#scheme !== 'hmac';
      if (code === 212 && this.#scheme === 'hmac') complain('a message with an HMAC is answered with 212');
      if (challenge?.nextNonce && this.#own) {
        this.#nonce = challenge.nextNonce;
        this.#memory.keepOwn(this.#scheme, challenge.nextNonce);
      }
      return 'accepted';
    }
    if (code !== 401 && code !== 407) return 'refused';
    this.#taken = false;
    this.#tries += 1;
    if (!challenge) {
      complain(`the status ${code} comes without a challenge`);
      return 'refused';
    }
    const scheme = schemeOf(challenge.type);
    if (scheme === undefined) complain(`the server wants a proof of the type ${challenge.type || '(none)'}`);
    if (scheme === undefined || !this.#own || this.triedEnough) return 'refused';
    if (quirks.has('basic-only') && scheme !== 'basic') return 'refused';
    if ((scheme === 'md5' || scheme === 'hmac') && !challenge.nextNonce) complain('the challenge has no NextNonce');
    if (this.#scheme === 'hmac' && scheme !== 'hmac') complain('after an HMAC another proof is asked for');
    this.#scheme = scheme;
    this.#nonce = challenge.nextNonce ?? Buffer.alloc(0);
    this.#memory.keepOwn(scheme, this.#nonce);
    return 'again';
  }

  #challenge(scheme: Scheme): Part | undefined {
    if (scheme === 'none') return undefined;
    const type = part('Type', schemeTypes[scheme]);
    if (scheme === 'basic') return part('Chal', [part('Meta', [part('Format', 'b64'), type])]);
    const nonce = this.#memory.newNonce();
    this.#serverNonce = nonce;
    this.#memory.keepServerNonce(nonce);
    return part('Chal', [part('Meta', [part('Format', 'b64'), type, part('NextNonce', nonce.toString('base64'))])]);
  }

  /** Judges a message of the server by its credential or its HMAC. */
  judge(
    message: { credential: { type: string; data: string } | undefined; sourceName: string | undefined },
    hmac: string | undefined,
    body: Buffer,
  ): Verdict {
    const { quirks } = this.#memory;
    const kept = this.#server;
    const plain = quirks.has('header-status-200');
    if (!kept || kept.scheme === 'none') {
      const code = message.credential && !plain ? 212 : 200;
      return { accepted: true, code, challenge: undefined };
    }
    if (this.#serverTaken) {
      const again = quirks.has('nonce-every-message') ? this.#challenge(kept.scheme) : undefined;
      return { accepted: true, code: plain ? 200 : 212, challenge: again };
    }
    const shown = this.#shown(kept, message, hmac, body);
    if (shown === 'right') {
      this.#serverTaken = kept.scheme !== 'hmac';
      const next = kept.scheme === 'basic' ? undefined : this.#challenge(kept.scheme);
      return { accepted: true, code: kept.scheme === 'hmac' || plain ? 200 : 212, challenge: next };
    }
    this.#serverTries += 1;
    return { accepted: false, code: shown === 'none' ? 407 : 401, challenge: this.#challenge(kept.scheme) };
  }

  #shown(
    { account, scheme, nonce }: KeptAccount,
    {
      credential,
      sourceName,
    }: { credential: { type: string; data: string } | undefined; sourceName: string | undefined },
    hmac: string | undefined,
    body: Buffer,
  ): 'right' | 'wrong' | 'none' {
    const { complain } = this.#memory;
    if (scheme === 'hmac') {
      const given = readHmacHeader(hmac ?? '');
      if (!given) return 'none';
      return given.name === account.name && equal(given.mac, macOf(account, this.#serverNonce, body))
        ? 'right'
        : 'wrong';
    }
    if (!credential || credential.data === '') return 'none';
    if (schemeOf(credential.type) !== scheme) return 'wrong';
    if (scheme === 'md5' && sourceName === undefined)
      complain('a credential by MD5 comes without the LocName of the Source');
    if (scheme === 'basic') return equal(credential.data, basicOf(account)) ? 'right' : 'wrong';
    // A server that had to use the nonce of zeros to be heard may still know the right one.
    const nonces = this.#woken ? [this.#serverNonce, nonce] : [this.#serverNonce];
    return nonces.some((one) => equal(credential.data, digestOf(account, one))) ? 'right' : 'wrong';
  }
}
