/** Media types of the HTTP binding (TS-0004 6.7, TS-0009 6.4): JSON in its plain and its oneM2M names. */
import { statusCodes } from '../onem2m/status-codes.ts';
import { RefusedRequest } from './refused-request.ts';

const jsonTypes = new Set([
  'application/json',
  'application/vnd.onem2m-res+json',
  'application/vnd.onem2m-ntfy+json',
  'application/vnd.onem2m-preq+json',
  'application/vnd.onem2m-prsp+json',
]);

/** Answers may have these; the first is the default. */
const answerTypes = [
  'application/json',
  'application/vnd.onem2m-res+json',
  'application/vnd.onem2m-prsp+json',
] as const;
export type AnswerType = (typeof answerTypes)[number];

/** Decisions by header text: the same few texts come again and again. */
const rememberedTexts = 256;

function remembering<Result>(decide: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const result = decide(text);
    if (known.size >= rememberedTexts) known.clear();
    known.set(text, result);
    return result;
  };
}

export interface ContentType {
  /** Value of the parameter `ty`: a CREATE (TS-0009 6.4.2). */
  resourceType?: number;
}

/** Reads a Content-Type of a request with a body. */
export const readContentType = remembering((text: string): ContentType | RefusedRequest => {
  const [mediaType = '', ...parameters] = text.split(';').map((part) => part.trim());
  if (!jsonTypes.has(mediaType.toLowerCase())) {
    return new RefusedRequest(
      `the body has the media type '${mediaType.slice(0, 80)}'; this gateway reads application/json`,
      statusCodes.UNSUPPORTED_MEDIA_TYPE,
    );
  }
  const content: ContentType = {};
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=', 2).map((part) => part.trim());
    if (name.toLowerCase() === 'charset' && !/^"?utf-?8"?$/i.test(value)) {
      return new RefusedRequest(
        `the body has the charset '${value.slice(0, 40)}'; send UTF-8`,
        statusCodes.UNSUPPORTED_MEDIA_TYPE,
      );
    }
    if (name.toLowerCase() !== 'ty') continue;
    const digits = /^("?)(\d{1,5})\1$/.exec(value)?.[2];
    if (digits === undefined || content.resourceType !== undefined) {
      return new RefusedRequest(
        `the resource type in '${text.slice(0, 80)}' is not one number; write ';ty=2' for an AE`,
      );
    }
    content.resourceType = Number(digits);
  }
  return content;
});

/** Chooses the media type of the answer from Accept; undefined = none that we write. */
export const chooseAnswerType = remembering((accept: string): AnswerType | null => {
  let best: AnswerType | null = null;
  let bestQuality = 0;
  for (const range of accept.split(',')) {
    const [mediaRange = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = qualityOf(parameters);
    const type = answerTypes.find(
      (one) => one === mediaRange || mediaRange === '*/*' || mediaRange === 'application/*',
    );
    if (type && quality > bestQuality) {
      best = type;
      bestQuality = quality;
    }
  }
  return best;
});

function qualityOf(parameters: string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  if (text === undefined) return 1;
  const quality = Number(text);
  return quality >= 0 && quality <= 1 ? quality : 1;
}
