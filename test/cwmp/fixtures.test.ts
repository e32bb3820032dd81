import assert from 'node:assert/strict';
import { readAnswer, readIncoming, type AcsMethod, type Answer, type CpeRequest } from '../../adapters/cwmp/rpc.ts';
import { readEnvelope } from '../../adapters/cwmp/soap.ts';
import { captureNames, envelopeOf, incomingOf, readCapture, textOf } from './support.ts';

function requestIn<M extends CpeRequest['method']>(name: string, method: M): Extract<CpeRequest, { method: M }> {
  const incoming = incomingOf(name);
  assert.ok(incoming.kind === 'request', `${name} is a ${incoming.kind}`);
  const { request } = incoming;
  assert.equal(request.method, method);
  return request as Extract<CpeRequest, { method: M }>;
}

function answerIn<M extends AcsMethod>(name: string, method: M): Answer<M> {
  const incoming = incomingOf(name);
  assert.ok(incoming.kind === 'response' && incoming.method === method, `${name} is no ${method}Response`);
  return readAnswer(method, incoming.response);
}

function faultIn(name: string) {
  const incoming = incomingOf(name);
  assert.ok(incoming.kind === 'fault', `${name} is no fault`);
  return incoming.fault;
}

describe('CWMP captures of real CPEs', () => {
  for (const name of captureNames) {
    it(`${name} is read`, () => {
      const capture = readCapture(name);
      if (name.includes('empty-post')) {
        assert.equal(capture.body.length, 0);
        return;
      }
      const envelope = readEnvelope(textOf(capture));
      assert.match(envelope.namespace, /^urn:dslforum-org:cwmp-1-\d$/);
      assert.notEqual(readIncoming(envelope).kind, 'unknown');
      assert.ok(envelope.header.id);
    });
  }

  it('an Inform gives its device, events and parameters', () => {
    const inform = requestIn('orange-inform-bootstrap', 'Inform');
    assert.deepEqual(inform.deviceId, {
      manufacturer: 'MyManufacturer',
      oui: '0016AE',
      productClass: 'TR69Generic',
      serialNumber: 'JINGBO',
    });
    assert.deepEqual(
      inform.events.map(({ code }) => code),
      ['0 BOOTSTRAP', '1 BOOT', '2 PERIODIC'],
    );
    assert.equal(inform.parameters.length, 7);
    assert.deepEqual(inform.parameters[2], {
      name: 'Device.DeviceInfo.SoftwareVersion',
      value: 'SV1.0.5',
      type: 'string',
    });
    assert.equal(inform.currentTime, Date.UTC(2026, 10, 21, 19, 23, 46) / 1000);
  });

  it('a CommandKey stays with its M event', () => {
    const { events } = requestIn('orange-inform-value-change-transfer-complete', 'Inform');
    assert.deepEqual(events.at(-1), { code: 'M Download', commandKey: 'dl1' });
    assert.equal(events[0]?.commandKey, '');
  });

  it('TransferComplete is read from every CPE, whatever the order of its parts', () => {
    assert.equal(requestIn('orange-transfer-complete-ok', 'TransferComplete').fault.code, 0);
    assert.equal(requestIn('cwmp-sim-transfer-complete', 'TransferComplete').fault.code, 0);
    assert.equal(requestIn('genieacs-sim-transfer-complete', 'TransferComplete').fault.code, 0);
    const failed = requestIn('netcwmp-transfer-complete-empty-datetime', 'TransferComplete');
    assert.equal(failed.fault.code, 9001);
    assert.equal(failed.startTime, undefined);
  });

  it('GetParameterValuesResponse gives names, values and types', () => {
    const { values } = answerIn('orange-gpv-response', 'GetParameterValues');
    assert.equal(values.length, 11);
    assert.deepEqual(values.at(-1), {
      name: 'Device.ManagementServer.PeriodicInformInterval',
      value: '15',
      type: 'unsignedInt',
    });
    assert.equal(answerIn('cwmp-sim-gpv-response', 'GetParameterValues').values.length, 23);
  });

  it('GetParameterNamesResponse gives all names, also of 153 KB', () => {
    const { names } = answerIn('netcwmp-gpn-response', 'GetParameterNames');
    assert.equal(names.length, 94);
    assert.ok(names.some(({ name }) => name.endsWith('.')));
    assert.ok(answerIn('genieacs-sim-gpn-response-150k', 'GetParameterNames').names.length > 900);
  });

  it('attributes, a new object and a status are read', () => {
    const { attributes } = answerIn('orange-gpa-response', 'GetParameterAttributes');
    assert.ok(attributes.length > 0 && attributes.every(({ accessList }) => Array.isArray(accessList)));
    assert.equal(typeof answerIn('cwmp-sim-addobject-response', 'AddObject').instance, 'number');
    assert.equal(answerIn('orange-spv-response-status0', 'SetParameterValues').status, 0);
  });

  it('a fault gives its code and the fault of each parameter', () => {
    const fault = faultIn('orange-fault-spv-3-params');
    assert.equal(fault.code, 9003);
    assert.deepEqual(
      fault.parameters.map(({ code }) => code),
      [9008, 9005, 9007],
    );
  });

  it('the namespace and the ID of the CPE are kept for the answer', () => {
    const { namespace, header } = envelopeOf('genieacs-sim-transfer-complete');
    assert.match(namespace, /cwmp-1-\d$/);
    assert.ok(header.id);
  });
});
