/** Fault codes of a CPE (TR-069 A.5.1). */
export const faultTexts: Readonly<Record<number, string>> = {
  9000: 'Method not supported',
  9001: 'Request denied',
  9002: 'Internal error',
  9003: 'Invalid arguments',
  9004: 'Resources exceeded',
  9005: 'Invalid parameter name',
  9006: 'Invalid parameter type',
  9007: 'Invalid parameter value',
  9008: 'Parameter is not writable',
  9009: 'Notification request rejected',
  9010: 'File transfer failure',
  9011: 'Upload failure',
  9012: 'The file server did not take the credentials',
  9013: 'Unsupported protocol for a file transfer',
  9014: 'Unable to join the multicast group',
  9015: 'Unable to contact the file server',
  9016: 'Unable to access the file',
  9017: 'Unable to complete the download',
  9018: 'The file is corrupted',
  9019: 'The file is not authentic',
  9020: 'Not completed within the time windows',
  9021: 'Cancellation is not permitted in this state',
  9022: 'Invalid UUID format',
  9023: 'Unknown execution environment',
  9024: 'Disabled execution environment',
  9025: 'The deployment unit does not fit the execution environment',
  9026: 'Duplicate deployment unit',
  9027: 'System resources exceeded',
  9028: 'Unknown deployment unit',
  9029: 'Invalid state of the deployment unit',
  9030: 'A downgrade is not permitted',
  9031: 'The version is not specified',
  9032: 'The version exists already',
};

/** One parameter that SetParameterValues could not set. */
export interface ParameterFault {
  name: string;
  code: number;
  text: string;
}

/** A fault that the device answers or reports. */
export class CpeFault extends Error {
  override name = 'CpeFault';
  readonly code: number;
  readonly parameters: readonly ParameterFault[];

  constructor(code: number, detail?: string, parameters: readonly ParameterFault[] = []) {
    const text = faultTexts[code] ?? 'Fault';
    super(detail === undefined ? text : `${text}: ${detail}`);
    this.code = code;
    this.parameters = parameters;
  }
}
