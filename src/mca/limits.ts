/** Bounds of the HTTP binding; a setting may replace any of them. Sizes in bytes, times in ms. */
export interface HttpLimits {
  bodyBytes: number;
  /** A body that is too large is read and thrown away up to here, so that its connection survives; then it is cut. */
  drainedBytes: number;
  jsonDepth: number;
  queryFields: number;
  /** Values of one list in the query. */
  queryValues: number;
  connections: number;
  /** Requests that wait for their answer, over all connections. */
  requestsInFlight: number;
  headersTimeout: number;
  /** From the first byte of a request to its last. */
  requestTimeout: number;
  keepAliveTimeout: number;
  /** For a client to read the answer. */
  answerTimeout: number;
}

export const defaultHttpLimits: Readonly<HttpLimits> = Object.freeze({
  bodyBytes: 1_048_576,
  drainedBytes: 8_388_608,
  jsonDepth: 64,
  queryFields: 64,
  queryValues: 256,
  connections: 10_000,
  requestsInFlight: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  answerTimeout: 30_000,
});
