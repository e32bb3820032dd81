/** oneM2M requests as octets of HTTP. */
import type { ChildGateway } from '../support/child-gateway.ts';

let sequence = 0;

export function httpRequest(
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  body?: object,
  resourceType?: number,
): string {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const head = [
    `${method} /${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Accept: application/json',
    'X-M2M-Origin: CAdmin',
    `X-M2M-RI: bench-${(sequence += 1)}`,
    'X-M2M-RVI: 3',
  ];
  if (text !== undefined) {
    head.push(`Content-Type: application/json${resourceType === undefined ? '' : `;ty=${resourceType}`}`);
    head.push(`Content-Length: ${Buffer.byteLength(text)}`);
  }
  return `${head.join('\r\n')}\r\n\r\n${text ?? ''}`;
}

/** Paths of the resources below the CSEBase that pass the filter. */
export async function discover(gateway: ChildGateway, filter: string): Promise<string[]> {
  const found = await gateway.mca.get(`cse-in?fu=1&${filter}`);
  const list: unknown = found.body['m2m:uril'];
  return Array.isArray(list) ? list.map((path) => String(path).replace(/^\//, '')) : [];
}
