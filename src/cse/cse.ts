/** The facade of the CSE: one primitive in, one primitive out. Never throws: what goes wrong is a response. */
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts';

export interface Cse {
  request(request: RequestPrimitive): Promise<ResponsePrimitive>;
}
