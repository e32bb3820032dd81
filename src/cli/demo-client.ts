/** oneM2M over HTTP as the demo speaks it: answers of any shape, refusals as a sentence. */

/** The demo cannot go on; the sentence says why. */
export class DemoFailure extends Error {}

/** A JSON value from outside, looked into one step at a time. */
export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}

export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new DemoFailure(`${what} is missing in the answer`);
  return value;
}

export class McaClient {
  readonly #base: string;
  readonly #signal: AbortSignal;
  #request = 0;

  constructor(base: string, signal: AbortSignal) {
    this.#base = base;
    this.#signal = signal;
  }

  /** Adds the prefix of an SP-relative or absolute address (TS-0009 6.2.2.1). */
  url(address: string): string {
    if (address.startsWith('//')) return `${this.#base}/_${address.slice(1)}`;
    if (address.startsWith('/')) return `${this.#base}/~${address}`;
    return `${this.#base}/${address}`;
  }

  /** `expires`: ms after which the CSE is to answer that it had no answer (Request Expiration Timestamp). */
  async send(method: 'GET' | 'PUT', address: string, body?: object, expires?: number): Promise<unknown> {
    this.#request += 1;
    const response = await fetch(this.url(address), {
      method,
      signal: this.#signal,
      headers: {
        Accept: 'application/json',
        'X-M2M-Origin': 'CAdmin',
        'X-M2M-RI': `demo-${this.#request}`,
        'X-M2M-RVI': '3',
        ...(expires === undefined ? {} : { 'X-M2M-RET': String(expires) }),
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const received = await response.text();
    const content: unknown = received === '' ? {} : JSON.parse(received);
    if (!response.ok) {
      const why = member(content, 'm2m:dbg');
      throw new DemoFailure(
        `${method} /${address} answered ${response.status}, response status code ${response.headers.get('x-m2m-rsc')}: ${String(why ?? received)}`,
      );
    }
    return content;
  }

  async discover(root: string, filter: string): Promise<string[]> {
    const list = member(await this.send('GET', `${root}?fu=1&${filter}`), 'm2m:uril');
    if (Array.isArray(list)) return list.filter((one): one is string => typeof one === 'string');
    return typeof list === 'string' ? list.split(' ').filter((one) => one !== '') : [];
  }
}
