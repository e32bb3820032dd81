import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { decodeBody } from '../../adapters/cwmp/charset.ts';
import { readFault } from '../../adapters/cwmp/faults.ts';
import { deviceKey, deviceUrn } from '../../adapters/cwmp/identity.ts';
import { readAnswer, readIncoming, requestBody, type CpeRequest } from '../../adapters/cwmp/rpc.ts';
import { readEnvelope, readEnvelopeInTurns, SoapError, writeEnvelope } from '../../adapters/cwmp/soap.ts';
import { valueFromWire, valueToWire } from '../../adapters/cwmp/values.ts';
import { envelope, incomingOf, readCapture, textOf } from './support.ts';

const namespace = 'urn:dslforum-org:cwmp-1-0';

function requestOf(text: string): CpeRequest {
  const incoming = readIncoming(readEnvelope(text));
  assert.ok(incoming.kind === 'request', incoming.kind);
  return incoming.request;
}

function valuesOf(parameterList: string) {
  const { body } = readEnvelope(
    envelope(`<cwmp:GetParameterValuesResponse>${parameterList}</cwmp:GetParameterValuesResponse>`),
  );
  return readAnswer('GetParameterValues', body).values;
}

function valueOf(valueElement: string): { name: string; value: string; type: string } {
  const [value] = valuesOf(
    `<ParameterList><ParameterValueStruct><Name>D.X</Name>${valueElement}</ParameterValueStruct></ParameterList>`,
  );
  assert.ok(value);
  return value;
}

function reasonOf(text: string): string {
  try {
    readEnvelope(text);
  } catch (error) {
    assert.ok(error instanceof SoapError, String(error));
    return error.reason;
  }
  return 'none';
}

describe('CWMP envelopes, and what CPEs make of them', () => {
  it('quirk 1: our envelopes begin with the envelope, and with a declaration only on request', () => {
    const body = requestBody('GetRPCMethods', {});
    assert.match(writeEnvelope({ namespace, id: '1', body }), /^<soap-env:Envelope /);
    assert.match(
      writeEnvelope({ namespace, body, declaration: true }),
      /^<\?xml version="1.0" encoding="UTF-8"\?><soap/,
    );
  });

  it('quirk 2: the prefixes are fixed and declared on the envelope', () => {
    const text = writeEnvelope({ namespace, id: '1', body: requestBody('GetParameterValues', { names: ['D.'] }) });
    for (const prefix of ['soap-env', 'soap-enc', 'xsd', 'xsi', 'cwmp']) {
      assert.ok(text.slice(0, text.indexOf('>')).includes(`xmlns:${prefix}="`), prefix);
    }
    assert.ok(text.includes('<cwmp:GetParameterValues><ParameterNames soap-enc:arrayType="xsd:string[1]"><string>D.'));
  });

  it('quirk 3: prefixes that are not declared are no obstacle', () => {
    const incoming = incomingOf('cwmp-sim-fault-undeclared-prefix');
    assert.ok(incoming.kind === 'fault');
    assert.equal(incoming.fault.code, 9008);
  });

  it('quirk 4: any attribute with the local name type gives the type', () => {
    assert.equal(valueOf('<Value foo:type="bar:unsignedInt">5</Value>').type, 'unsignedInt');
    const inform = incomingOf('netcwmp-inform-bootstrap');
    assert.ok(inform.kind === 'request' && inform.request.method === 'Inform');
    assert.equal(inform.request.parameters[1]?.type, 'string');
  });

  it('quirk 5: any cwmp-1-N is taken, wherever it is declared; an unknown one is taken for 1.0 with a warning', () => {
    const at = (root: string, body: string, method: string): string =>
      `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" ${root}><e:Body ${body}><GetRPCMethods ${method}/></e:Body></e:Envelope>`;
    const declared = 'xmlns="urn:dslforum-org:cwmp-1-4"';
    assert.equal(
      readEnvelope(at('xmlns:c="urn:dslforum-org:cwmp-1-3"', '', '')).namespace,
      'urn:dslforum-org:cwmp-1-3',
    );
    assert.equal(readEnvelope(at('', declared, '')).namespace, 'urn:dslforum-org:cwmp-1-4');
    assert.equal(readEnvelope(at('', '', declared)).namespace, 'urn:dslforum-org:cwmp-1-4');
    const unknown = readEnvelope(at('xmlns:c="urn:vendor:cwmp"', '', ''));
    assert.equal(unknown.namespace, namespace);
    assert.equal(unknown.warnings.length, 1);
  });

  it('quirk 6: a value without a type is text, unless the mapping knows better', () => {
    assert.deepEqual(valueFromWire(valueOf('<Value>12</Value>')), '12');
    assert.deepEqual(valueFromWire(valueOf('<Value>12</Value>'), 'unsigned'), 12);
    assert.deepEqual(valueFromWire({ value: 'maybe', type: 'string' }, 'boolean'), 'maybe');
  });

  it('quirk 7: a struct without a value has an empty one', () => {
    const values = valuesOf(
      '<ParameterList><ParameterValueStruct><Name>D.A</Name></ParameterValueStruct>' +
        '<ParameterValueStruct><Name>D.B</Name><Value xsi:type="xsd:string">b</Value></ParameterValueStruct></ParameterList>',
    );
    assert.deepEqual(values, [
      { name: 'D.A', value: '', type: '' },
      { name: 'D.B', value: 'b', type: 'string' },
    ]);
  });

  it('quirk 8: nothing where a switch, a number or a time belongs is no value', () => {
    for (const type of ['boolean', 'int', 'unsignedInt', 'dateTime'])
      assert.equal(valueFromWire({ value: '', type }), null);
    const incoming = incomingOf('netcwmp-transfer-complete-empty-datetime');
    assert.ok(incoming.kind === 'request' && incoming.request.method === 'TransferComplete');
    assert.equal(incoming.request.completeTime, undefined);
  });

  it('quirk 9: identifiers, codes and numbers are trimmed, text values are not', () => {
    const request = requestOf(
      envelope(
        '<cwmp:Inform><DeviceId><Manufacturer/><OUI>\n  00d09e\n</OUI><ProductClass></ProductClass><SerialNumber>\n 17 </SerialNumber></DeviceId>' +
          '<Event><EventStruct><EventCode>\n 2  PERIODIC\n</EventCode></EventStruct></Event><RetryCount> 3 </RetryCount>' +
          '<ParameterList><ParameterValueStruct><Name> Device.A </Name><Value> text </Value></ParameterValueStruct></ParameterList></cwmp:Inform>',
      ),
    );
    assert.ok(request.method === 'Inform');
    assert.deepEqual(request.deviceId, { manufacturer: '', oui: '00d09e', productClass: '', serialNumber: '17' });
    assert.deepEqual(request.events, [{ code: '2 PERIODIC', commandKey: '' }]);
    assert.equal(request.retryCount, 3);
    assert.deepEqual(request.parameters, [{ name: 'Device.A', value: ' text ', type: '' }]);
    assert.equal(deviceKey(request.deviceId), '00D09E-17');
  });

  it('quirk 10: booleans are read in any spelling, and written as the CPE wants them', () => {
    for (const value of ['True', 'TRUE', 'yes', '1', ' true '])
      assert.equal(valueFromWire({ value, type: 'boolean' }), true);
    for (const value of ['False', 'no', '0']) assert.equal(valueFromWire({ value, type: 'boolean' }), false);
    assert.equal(valueToWire('D.E', true, 'boolean').value, 'true');
    assert.equal(valueToWire('D.E', true, 'boolean', undefined, { booleans: 'digit' }).value, '1');
  });

  it('quirk 11: times are read in any form, and written without a fraction', () => {
    const noon = Date.UTC(2024, 1, 29, 12, 0, 0) / 1000;
    for (const value of [
      '2024-02-29T12:00:00Z',
      '2024-02-29T12:00:00',
      '2024-02-29 12:00:00',
      '2024-02-29T12:00:00.123Z',
      '2024-02-29T14:00:00+02:00',
      '2024-02-29T14:00:00+0200',
    ]) {
      assert.deepEqual(valueFromWire({ value, type: 'dateTime' }), { time: noon }, value);
    }
    assert.equal(valueFromWire({ value: '0001-01-01T00:00:00Z', type: 'dateTime' }), null);
    assert.equal(valueToWire('D.T', { time: noon + 0.5 }, 'dateTime').value, '2024-02-29T12:00:00Z');
  });

  it('quirk 12: the count of arrayType is not looked at', () => {
    const member = '<ParameterValueStruct><Name>D.A</Name><Value>1</Value></ParameterValueStruct>';
    for (const count of ['[07]', '[0009]', '[]', '[999999999]', 'nonsense']) {
      const list = `<ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct${count}">${member}${member}</ParameterList>`;
      assert.equal(valuesOf(list).length, 2);
    }
  });

  it('quirk 13: types of vendors are opaque text, and written back with their own type', () => {
    const value = valueOf('<Value xsi:type="xsd:json">{"a":1}</Value>');
    assert.equal(valueFromWire(value), '{"a":1}');
    assert.deepEqual(valueToWire('D.J', '{}', 'json'), { name: 'D.J', value: '{}', type: 'json' });
  });

  it('quirk 14: control octets, bare ampersands, unknown entities, trailing NULs and leading blanks are mended once', () => {
    const body = '<cwmp:RequestDownload><FileType>A & B &nbsp;\u0002&#2;&#x1F;C</FileType></cwmp:RequestDownload>';
    const text = `\n <?xml version="1.0"?>${envelope(body)}\0\0 trailing`;
    const read = readEnvelope(text);
    assert.equal(read.warnings.length, 1);
    const incoming = readIncoming(read);
    assert.ok(incoming.kind === 'request' && incoming.request.method === 'RequestDownload');
    assert.equal(incoming.request.fileType, 'A & B &nbsp;C');
  });

  it('quirk 15: the charset is that of HTTP, of the declaration, UTF-8, or else ISO 8859-1', () => {
    const latin = Buffer.from('<a>é</a>', 'latin1');
    assert.equal(decodeBody(latin, 'text/xml; charset=ISO-8859-1').text, '<a>é</a>');
    const declared = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', 'latin1');
    assert.ok(decodeBody(declared).text.endsWith('<a>é</a>'));
    const gb = Buffer.concat([Buffer.from('<?xml version="1.0" encoding="GB2312"?><a>'), Buffer.from([0xd6, 0xd0])]);
    assert.ok(decodeBody(gb).text.endsWith('中'));
    const liar = decodeBody(latin, 'text/xml; charset="utf-8"');
    assert.equal(liar.text, '<a>é</a>');
    assert.ok(liar.warnings.length > 0);
    assert.equal(decodeBody(Buffer.from('<a>é</a>'), 'text/xml; charset=klingon').text, '<a>é</a>');
  });

  it('quirk 16: CDATA, comments and processing instructions are taken', () => {
    const value = valueOf('<?x y?><!-- c --><Value xsi:type="xsd:string">a<![CDATA[<b>&]]>c</Value>');
    assert.equal(value.value, 'a<b>&c');
  });

  it('quirk 17: a fault code is found wherever it stands', () => {
    const fault = incomingOf('netcwmp-fault-misnested-detail');
    assert.ok(fault.kind === 'fault');
    assert.equal(fault.fault.code, 9003);
    assert.deepEqual(fault.fault.parameters, [
      {
        name: 'InternetGatewayDevice.DeviceInfo.SerialNumber',
        code: 9008,
        text: 'Attempt to set a non-writable parameter',
      },
    ]);
    const codeOf = (content: string): number =>
      readFault(readEnvelope(envelope(`<soap:Fault>${content}</soap:Fault>`)).body).code;
    assert.equal(codeOf('<faultcode>Client</faultcode><faultstring>9005 bad name</faultstring>'), 9005);
    assert.equal(codeOf('<detail><FaultCode>9004</FaultCode></detail>'), 9004);
    assert.equal(codeOf('<faultstring>broken</faultstring>'), 9002);
  });

  it('quirk 18: any 9xxx is taken as the code of the whole', () => {
    const fault = incomingOf('cwmp-sim-fault-undeclared-prefix');
    assert.ok(fault.kind === 'fault');
    assert.deepEqual([fault.fault.code, fault.fault.parameters], [9008, []]);
  });

  it('quirk 23: a big answer is parsed in turns, and the event loop goes on between them', async () => {
    const entry = '<ParameterInfoStruct><Name>Device.X.1.Parameter</Name><Writable>1</Writable></ParameterInfoStruct>';
    const list = `<ParameterList>${entry.repeat(20_000)}</ParameterList>`;
    const text = envelope(`<cwmp:GetParameterNamesResponse>${list}</cwmp:GetParameterNamesResponse>`);
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    const { body } = await readEnvelopeInTurns(text);
    clearInterval(count);
    assert.equal(readAnswer('GetParameterNames', body).names.length, 20_000);
    assert.ok(turns > 1, `the loop had ${turns} turns`);
  });

  it('quirk 27: the parts of TransferComplete may come in any order, and without a fault code', () => {
    const request = requestOf(
      envelope(
        '<cwmp:TransferComplete><CompleteTime>2024-01-01T00:00:00Z</CompleteTime><FaultStruct><FaultString/></FaultStruct><CommandKey> k </CommandKey></cwmp:TransferComplete>',
      ),
    );
    assert.ok(request.method === 'TransferComplete');
    assert.deepEqual([request.commandKey, request.fault], ['k', { code: 0, text: '' }]);
  });

  it('quirk 44: header names are read in any case', () => {
    const header =
      '<cwmp:id>9</cwmp:id><cwmp:sessionTimeout>60</cwmp:sessionTimeout><cwmp:SUPPORTEDCWMPVERSIONS>1.0,1.4</cwmp:SUPPORTEDCWMPVERSIONS>';
    assert.deepEqual(readEnvelope(envelope('<cwmp:GetRPCMethods/>', header)).header, {
      id: '9',
      sessionTimeout: 60,
      supportedVersions: ['1.0', '1.4'],
    });
  });

  it('quirk 45: what would be a separator in an identity is encoded', () => {
    const id = { oui: '04180a', productClass: 'U 7', serialNumber: '04%3A18/é-1' };
    assert.equal(deviceKey(id), '04180A-U%207-04%253A18%2F%C3%A9%2D1');
    assert.equal(deviceUrn(id), 'urn:dev:ops:04180A-U%207-04%253A18%2F%C3%A9%2D1');
    assert.equal(deviceUrn({ ...id, productClass: '', serialNumber: '1' }), 'urn:dev:os:04180A-1');
  });

  it('quirk 48: a DOCTYPE, depth, size and number of elements are refused', () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>';
    assert.equal(reasonOf(bomb + envelope('<cwmp:GetRPCMethods/>')), 'doctype');
    assert.equal(reasonOf(`\n ${bomb}${envelope('<a>&b;</a>')}`), 'doctype');
    assert.equal(reasonOf(envelope('<a>'.repeat(64) + '</a>'.repeat(64))), 'too-deep');
    const limits = { characters: 1000, depth: 64, elements: 10 };
    assert.throws(() => readEnvelope(envelope('<a/>'.repeat(20)), limits), { reason: 'too-many-elements' });
    assert.throws(() => readEnvelope(envelope('x'.repeat(1000)), limits), { reason: 'too-large' });
  });

  it('what is no envelope at all is refused with its reason', () => {
    assert.equal(reasonOf(''), 'malformed');
    assert.equal(reasonOf('{"json": true}'), 'malformed');
    assert.equal(reasonOf('<html><body>hello</body></html>'), 'no-envelope');
    assert.equal(reasonOf(envelope('')), 'no-body');
    assert.equal(reasonOf(envelope('<a><b></a></b>')), 'malformed');
    assert.equal(reasonOf(textOf(readCapture('orange-gpv-response')).slice(0, 900)), 'malformed');
    assert.equal(reasonOf(gzipSync('<a/>').toString('latin1')), 'malformed');
  });
});
