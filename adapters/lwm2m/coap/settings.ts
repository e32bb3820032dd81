/** Settings of a CoAP endpoint. Times in ms, sizes in octets. Defaults: RFC 7252 4.8, RFC 7959. */
export interface EndpointSettings {
  /** ACK_TIMEOUT */
  ackTimeout: number;
  /** ACK_RANDOM_FACTOR */
  ackRandomFactor: number;
  /** MAX_RETRANSMIT */
  maxRetransmit: number;
  /** NSTART: confirmable requests under way per peer. */
  nstart: number;
  /** EXCHANGE_LIFETIME: how long the message ID of a CON is remembered. */
  exchangeLifetime: number;
  /** NON_LIFETIME: how long the message ID of a NON is remembered. */
  nonLifetime: number;
  /** How long to wait for a response after an empty ACK, or for the answer to a NON. */
  responseTimeout: number;
  /** A request that is not answered within this time gets an empty ACK; the answer follows as a separate response. */
  ackDelay: number;
  /** Largest block that is sent, 16..1024, a power of two. */
  blockSize: number;
  maximumDatagram: number;
  /** Body of an incoming request, blocks put together. */
  maximumRequestBody: number;
  /** Body of a response, blocks put together. */
  maximumResponseBody: number;
  /** Incoming bodies that are being put together, over all peers. */
  maximumTransfers: number;
  /** Octets of all incoming bodies that are being put together. */
  maximumTransferOctets: number;
  /** Remembered peers; idle ones make room. */
  maximumPeers: number;
  /** Requests of one peer that wait or are under way. */
  maximumRequestsPerPeer: number;
  /** Requests and notifications of one peer whose handlers have not answered yet. */
  maximumUnansweredPerPeer: number;
  maximumObservationsPerPeer: number;
  /** Remembered message IDs per generation; two generations are kept. */
  maximumDuplicates: number;
}

export const endpointDefaults: Readonly<EndpointSettings> = Object.freeze({
  ackTimeout: 2_000,
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  nstart: 1,
  exchangeLifetime: 247_000,
  nonLifetime: 145_000,
  responseTimeout: 93_000,
  ackDelay: 1_000,
  blockSize: 1024,
  maximumDatagram: 8_192,
  maximumRequestBody: 256 * 1024,
  maximumResponseBody: 1024 * 1024,
  maximumTransfers: 256,
  maximumTransferOctets: 16 * 1024 * 1024,
  maximumPeers: 200_000,
  maximumRequestsPerPeer: 64,
  maximumUnansweredPerPeer: 32,
  maximumObservationsPerPeer: 64,
  maximumDuplicates: 100_000,
});
