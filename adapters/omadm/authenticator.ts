/**
 * How the two sides of a session prove who they are (DM Security 1.2.1, 5): the port between sessions, which know when a message is
 * judged and sent, and the credentials, which know accounts, schemes and nonces.
 */
import type { Challenge, Credential, Header } from './syncml/message.ts';

/** Who has begun a session, as far as the transport knows it. */
export interface Peer {
  /** Source of the header: what it claims to be. */
  deviceId: string;
  /** For people. */
  address: string;
  encrypted: boolean;
  /** Names in the certificate that TLS has proved; undefined: there is none. */
  certificateNames: readonly string[] | undefined;
}

/** What a message of the device brings as its proof. */
export interface Proof {
  header: Header;
  /** `x-syncml-hmac` of HTTP, and the exact octets that it is made over. */
  hmac: string | undefined;
  octets: Uint8Array;
}

/** Status codes of the header; a challenge may come with each, for a next nonce too. */
export type Verdict =
  | { proven: true; status: 200 | 212; challenge?: Challenge }
  /** `over`: it has tried often enough; nothing more comes of this session. `why` is for the log. */
  | { proven: false; status: 401 | 407; challenge?: Challenge; over: boolean; why: string };

/** What our next message says of us in its header. */
export interface OwnProof {
  credential?: Credential;
  /** LocName of the Source: our name, where the credential hides it. */
  name?: string;
}

/** The proofs of one session, in both directions. Nothing of it rejects. */
export interface SessionProofs {
  /** Judges a message of the device: once for each, in their order. */
  check(proof: Proof): Promise<Verdict>;
  /**
   * What the device says of our proof in its Status of our header; told of proven messages only. `again`: what was not carried out is
   * sent once more, with another proof. `refused`: there is no use in going on.
   */
  told(status: { code: number; challenge?: Challenge }): Promise<'accepted' | 'again' | 'refused'>;
  /** Asked for every message that we send. */
  own(): OwnProof;
  /** Lines for the HTTP header of a message of ours: its HMAC. */
  sign(octets: Uint8Array): Readonly<Record<string, string>>;
}

export interface Authenticator {
  begin(peer: Peer): SessionProofs;
}

/** Everybody is who he says he is: for a listener that nobody else reaches. */
export const everybody: Authenticator = {
  begin: () => ({
    check: async () => ({ proven: true, status: 212 }),
    told: async ({ code }) => (code === 401 || code === 407 ? 'refused' : 'accepted'),
    own: () => ({}),
    sign: () => ({}),
  }),
};
