/**
 * The query of a request (TS-0009 6.2.2.2). Values of a list are joined with `+`; a plus inside a value is `%2B`. A name that is
 * no parameter is the short name of an attribute to be equal to.
 */
import { ResponseType, ResultContent } from '../onem2m/primitive.ts';
import type { FilterCriteria } from '../onem2m/primitive.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { parseAbsoluteOrRelative, parseTimestamp } from '../onem2m/timestamp.ts';
import type { HttpLimits } from './limits.ts';
import { RefusedRequest } from './refused-request.ts';

export interface QueryFields {
  responseType?: ResponseType;
  resultPersistence?: string;
  resultContent?: ResultContent;
  desiredIdentifierResultType?: 1 | 2;
  attributeList?: string[];
  filterCriteria?: FilterCriteria;
}

interface Field {
  read(fields: QueryFields, values: string[], name: string): RefusedRequest | undefined;
}

type TimeCriterion =
  | 'createdBefore'
  | 'createdAfter'
  | 'modifiedSince'
  | 'unmodifiedSince'
  | 'expireBefore'
  | 'expireAfter';
type NumberCriterion = 'stateTagSmaller' | 'stateTagBigger' | 'sizeAbove' | 'sizeBelow' | 'limit' | 'offset' | 'level';

function criteria(fields: QueryFields): FilterCriteria {
  return (fields.filterCriteria ??= {});
}

function one(values: string[], name: string): string | RefusedRequest {
  return values.length === 1 ? (values[0] as string) : new RefusedRequest(`'${name}' is there more than once`);
}

function time(criterion: TimeCriterion): Field {
  return {
    read(fields, values, name) {
      const text = one(values, name);
      if (text instanceof RefusedRequest) return text;
      if (parseTimestamp(text) === undefined) {
        return new RefusedRequest(`'${name}' is no oneM2M timestamp; write one such as 20260401T081500`);
      }
      criteria(fields)[criterion] = text;
    },
  };
}

function integer(text: string | RefusedRequest, name: string, minimum = 0): number | RefusedRequest {
  if (text instanceof RefusedRequest) return text;
  const number = Number(text);
  if (/^\d{1,15}$/.test(text) && number >= minimum) return number;
  return new RefusedRequest(`'${name}' is no integer of at least ${minimum}`);
}

function number(criterion: NumberCriterion, minimum = 0): Field {
  return {
    read(fields, values, name) {
      const value = integer(one(values, name), name, minimum);
      if (value instanceof RefusedRequest) return value;
      criteria(fields)[criterion] = value;
    },
  };
}

/** A number out of a closed list. `absent` are those that the standard has and we have not. */
function choice<Value extends number>(
  allowed: readonly Value[],
  absent: readonly number[],
  set: (fields: QueryFields, value: Value) => void,
): Field {
  return {
    read(fields, values, name) {
      const value = integer(one(values, name), name);
      if (value instanceof RefusedRequest) return value;
      const found = allowed.find((candidate) => candidate === value);
      if (found !== undefined) {
        set(fields, found);
        return undefined;
      }
      return absent.includes(value)
        ? new RefusedRequest(`'${name}=${value}' is not implemented by this gateway`, statusCodes.NOT_IMPLEMENTED)
        : new RefusedRequest(`'${name}' is one of ${allowed.join(', ')}`);
    },
  };
}

const notImplemented: Field = {
  read: (_fields, _values, name) =>
    new RefusedRequest(`the parameter '${name}' is not implemented by this gateway`, statusCodes.NOT_IMPLEMENTED),
};

const shortNamePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

const resultContents = Object.values(ResultContent);
const responseTypes = Object.values(ResponseType);

const knownFields = new Map<string, Field>([
  ['rt', choice(responseTypes, [], (fields, value) => (fields.responseType = value))],
  ['rcn', choice(resultContents, [10, 12], (fields, value) => (fields.resultContent = value))],
  ['drt', choice([1, 2] as const, [], (fields, value) => (fields.desiredIdentifierResultType = value))],
  ['fu', choice([1, 2, 3] as const, [], (fields, value) => (criteria(fields).filterUsage = value))],
  ['fo', choice([1, 2] as const, [3], (fields, value) => (criteria(fields).filterOperation = value))],
  [
    'rp',
    {
      read(fields, values, name) {
        const text = one(values, name);
        if (text instanceof RefusedRequest) return text;
        if (parseAbsoluteOrRelative(text, 0) === undefined) {
          return new RefusedRequest(`'${name}' is no timestamp, no number of milliseconds and no duration`);
        }
        fields.resultPersistence = text;
      },
    },
  ],
  [
    'atrl',
    {
      read(fields, values, name) {
        if (!values.every((value) => shortNamePattern.test(value))) {
          return new RefusedRequest(`'${name}' is a list of short names of attributes joined with '+'`);
        }
        fields.attributeList = values;
      },
    },
  ],
  ['lbl', { read: (fields, values) => void (criteria(fields).labels = values) }],
  [
    'ty',
    {
      read(fields, values, name) {
        const types: number[] = [];
        for (const value of values) {
          const type = integer(value, name);
          if (type instanceof RefusedRequest) return type;
          types.push(type);
        }
        criteria(fields).resourceTypes = types;
      },
    },
  ],
  [
    'arp',
    {
      read(fields, values, name) {
        const text = one(values, name);
        if (text instanceof RefusedRequest) return text;
        criteria(fields).applyRelativePath = text;
      },
    },
  ],
  ['crb', time('createdBefore')],
  ['cra', time('createdAfter')],
  ['ms', time('modifiedSince')],
  ['us', time('unmodifiedSince')],
  ['exb', time('expireBefore')],
  ['exa', time('expireAfter')],
  ['sts', number('stateTagSmaller', 1)],
  ['stb', number('stateTagBigger')],
  ['sza', number('sizeAbove')],
  ['szb', number('sizeBelow', 1)],
  ['lim', number('limit', 1)],
  ['ofst', number('offset', 1)],
  ['lvl', number('level', 1)],
  // Delivery aggregation concerns a CSE that forwards; this one does not.
  ['da', { read: () => undefined }],
  ...(
    'rids tids ltids tqi asi auri sqi smf cfs cfq cty lbq chty pty clbl palb atr grtm tkns gq aris'.split(
      ' ',
    ) as string[]
  ).map((name): [string, Field] => [name, notImplemented]),
]);

/** `text`: what follows the question mark, still percent-encoded. */
export function parseQuery(
  text: string,
  limits: Pick<HttpLimits, 'queryFields' | 'queryValues'>,
): QueryFields | RefusedRequest {
  const gathered = gather(text, limits);
  if (gathered instanceof RefusedRequest) return gathered;
  const fields: QueryFields = {};
  for (const [name, values] of gathered) {
    const field = knownFields.get(name);
    if (field) {
      const refused = field.read(fields, values, name);
      if (refused) return refused;
    } else if (/^[cp]\./.test(name)) {
      return notImplemented.read(fields, values, name) as RefusedRequest;
    } else if (shortNamePattern.test(name)) {
      (criteria(fields).attributes ??= {})[name] = values;
    } else {
      return new RefusedRequest(`the query has a field whose name is neither a parameter nor a short name`);
    }
  }
  return fields;
}

function gather(
  text: string,
  limits: Pick<HttpLimits, 'queryFields' | 'queryValues'>,
): Map<string, string[]> | RefusedRequest {
  const gathered = new Map<string, string[]>();
  if (text === '') return gathered;
  const pairs = text.split('&', limits.queryFields + 1);
  if (pairs.length > limits.queryFields) {
    return new RefusedRequest(`the query has more than ${limits.queryFields} fields`);
  }
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals < 0) return new RefusedRequest('a field of the query has no value; write name=value');
    const name = decoded(pair.slice(0, equals));
    const values = pair
      .slice(equals + 1)
      .split('+')
      .map(decoded);
    if (name === undefined || values.includes(undefined)) {
      return new RefusedRequest('the query has a wrong percent-encoding; encode it as UTF-8');
    }
    const all = gathered.get(name) ?? [];
    if (all.length + values.length > limits.queryValues) {
      return new RefusedRequest(`the query has more than ${limits.queryValues} values for one field`);
    }
    all.push(...(values as string[]));
    gathered.set(name, all);
  }
  return gathered;
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
