/** CoAP response codes by name (RFC 7252 12.1.2, RFC 7959, RFC 8132). */
const names: Readonly<Record<string, string>> = Object.freeze({
  '2.01': 'Created',
  '2.02': 'Deleted',
  '2.03': 'Valid',
  '2.04': 'Changed',
  '2.05': 'Content',
  '2.31': 'Continue',
  '4.00': 'Bad Request',
  '4.01': 'Unauthorized',
  '4.02': 'Bad Option',
  '4.03': 'Forbidden',
  '4.04': 'Not Found',
  '4.05': 'Method Not Allowed',
  '4.06': 'Not Acceptable',
  '4.08': 'Request Entity Incomplete',
  '4.09': 'Conflict',
  '4.12': 'Precondition Failed',
  '4.13': 'Request Entity Too Large',
  '4.15': 'Unsupported Content-Format',
  '4.22': 'Unprocessable Entity',
  '4.29': 'Too Many Requests',
  '5.00': 'Internal Server Error',
  '5.01': 'Not Implemented',
  '5.02': 'Bad Gateway',
  '5.03': 'Service Unavailable',
  '5.04': 'Gateway Timeout',
  '5.05': 'Proxying Not Supported',
});

/** `4.04 Not Found`, for people and as evidence. */
export function codeWithName(code: string): string {
  const name = names[code];
  return name ? `${code} ${name}` : code;
}

export function isSuccess(code: string): boolean {
  return code.charCodeAt(0) === 50; // '2'
}

export const methods = Object.freeze(['GET', 'POST', 'PUT', 'DELETE', 'FETCH', 'PATCH', 'iPATCH'] as const);
export type Method = (typeof methods)[number];

const methodsByCode: Readonly<Record<string, Method>> = Object.freeze({
  '0.01': 'GET',
  '0.02': 'POST',
  '0.03': 'PUT',
  '0.04': 'DELETE',
  '0.05': 'FETCH',
  '0.06': 'PATCH',
  '0.07': 'iPATCH',
});
const codesByMethod = Object.freeze({
  GET: '0.01',
  POST: '0.02',
  PUT: '0.03',
  DELETE: '0.04',
  FETCH: '0.05',
  PATCH: '0.06',
  iPATCH: '0.07',
}) satisfies Record<Method, string>;

/** Undefined: a request code that nobody has defined. */
export function methodOf(code: string): Method | undefined {
  return methodsByCode[code];
}

export function codeOf(method: Method): string {
  return codesByMethod[method];
}
