import assert from 'node:assert/strict';
import { readIncoming, type CpeRequest } from '../../adapters/cwmp/rpc.ts';
import { readEnvelope } from '../../adapters/cwmp/soap.ts';
import { envelope } from './support.ts';

function requestOf(body: string): CpeRequest {
  const incoming = readIncoming(readEnvelope(envelope(body)));
  assert.ok(incoming.kind === 'request', incoming.kind);
  return incoming.request;
}

/** The members of an OpResultStruct in the order of cwmp-1-2.xsd. */
const result = (uuid: string, state: string, code: number, more = ''): string =>
  `<UUID>${uuid}</UUID><DeploymentUnitRef>.SoftwareModules.DeploymentUnit.1.</DeploymentUnitRef><Version>1.0</Version>` +
  `<CurrentState>${state}</CurrentState><Resolved>${code === 0 ? 1 : 0}</Resolved>` +
  '<ExecutionUnitRefList>.SoftwareModules.ExecutionUnit.3., .SoftwareModules.ExecutionUnit.4.</ExecutionUnitRefList>' +
  '<StartTime>2026-01-01T00:00:00Z</StartTime><CompleteTime>0001-01-01T00:00:00Z</CompleteTime>' +
  `<Fault><FaultCode>${code}</FaultCode><FaultString>words</FaultString></Fault>${more}`;

function factsOf(request: CpeRequest): [string, string, number][] {
  assert.ok('results' in request, request.method);
  return request.results.map(({ uuid, currentState, fault }) => [uuid, currentState, fault.code]);
}

describe('reports on changed deployment units', () => {
  it('have one Results for each operation, as cwmp-1-2.xsd has it', () => {
    const request = requestOf(
      `<cwmp:DUStateChangeComplete><Results>${result('u1', 'Installed', 0)}</Results><Results>${result('u2', 'Failed', 9027)}</Results><CommandKey>key</CommandKey></cwmp:DUStateChangeComplete>`,
    );
    assert.ok(request.method === 'DUStateChangeComplete');
    assert.equal(request.commandKey, 'key');
    assert.deepEqual(request.results[0], {
      uuid: 'u1',
      deploymentUnitRef: '.SoftwareModules.DeploymentUnit.1.',
      version: '1.0',
      currentState: 'Installed',
      resolved: true,
      executionUnitRefs: ['.SoftwareModules.ExecutionUnit.3.', '.SoftwareModules.ExecutionUnit.4.'],
      startTime: Date.UTC(2026) / 1000,
      completeTime: undefined,
      fault: { code: 0, text: 'words' },
      operationPerformed: undefined,
    });
    assert.deepEqual(factsOf(request)[1], ['u2', 'Failed', 9027]);
  });

  it('say what was done when nobody asked for it', () => {
    const request = requestOf(
      `<cwmp:AutonomousDUStateChangeComplete><Results>${result('u1', 'Failed', 9012, '<OperationPerformed>Update</OperationPerformed>')}</Results></cwmp:AutonomousDUStateChangeComplete>`,
    );
    assert.ok(request.method === 'AutonomousDUStateChangeComplete');
    assert.deepEqual(factsOf(request), [['u1', 'Failed', 9012]]);
    assert.equal(request.results[0]?.operationPerformed, 'Update');
  });

  it('keep their failures when they are written as an array', () => {
    const request = requestOf(
      `<cwmp:DUStateChangeComplete><Results><OpResultStruct>${result('u1', 'Installed', 0)}</OpResultStruct><OpResultStruct>${result('u2', 'Failed', 9029)}</OpResultStruct></Results></cwmp:DUStateChangeComplete>`,
    );
    assert.deepEqual(factsOf(request), [
      ['u1', 'Installed', 0],
      ['u2', 'Failed', 9029],
    ]);
  });
});
