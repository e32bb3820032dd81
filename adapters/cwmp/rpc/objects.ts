/** AddObject and DeleteObject (TR-069 A.3.2.6, A.3.2.7). */
import { xml } from '../xml.ts';
import { countIn, method, statusIn } from './method.ts';

export const objectMethods = {
  AddObject: method(
    // The path ends with a dot; with alias-based addressing it may end in `[name].`.
    ({ path, parameterKey }: { path: string; parameterKey: string }) =>
      xml`<ObjectName>${path}</ObjectName><ParameterKey>${parameterKey}</ParameterKey>`,
    (response) => ({ instance: countIn(response, 'InstanceNumber'), status: statusIn(response) }),
  ),
  DeleteObject: method(
    ({ path, parameterKey }: { path: string; parameterKey: string }) =>
      xml`<ObjectName>${path}</ObjectName><ParameterKey>${parameterKey}</ParameterKey>`,
    (response) => ({ status: statusIn(response) }),
  ),
};
