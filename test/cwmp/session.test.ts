import assert from 'node:assert/strict';
import { requestBody, type CpeRequest } from '../../adapters/cwmp/rpc.ts';
import {
  freshSession,
  stepSession,
  type SessionAction,
  type SessionEvent,
  type SessionState,
} from '../../adapters/cwmp/session.ts';
import { readEnvelope, type Element } from '../../adapters/cwmp/soap.ts';

const inform: CpeRequest = {
  method: 'Inform',
  deviceId: { manufacturer: '', oui: '00D09E', productClass: '', serialNumber: '1' },
  events: [],
  retryCount: 0,
  parameters: [],
};
const transferComplete: CpeRequest = { method: 'TransferComplete', commandKey: 'k', fault: { code: 0, text: '' } };
const response = (name: string): Element => ({ name, text: '', type: undefined, children: [] });
const reboot = {
  event: 'ask',
  method: 'Reboot',
  body: requestBody('Reboot', { commandKey: 'k' }),
  hold: false,
  repeatable: false,
} as const;
const read = {
  event: 'ask',
  method: 'GetParameterValues',
  body: requestBody('GetParameterValues', { names: ['Device.X'] }),
  hold: false,
  repeatable: true,
} as const;
/** Without an ID, over another connection than the question went. */
const nameless = (method: string, key: string, elsewhere = true): SessionEvent => ({
  event: 'response',
  key,
  elsewhere,
  method,
  response: response(`${method}Response`),
});
const answered = (id: string | undefined, method = 'Reboot', key = `answer ${id}`): SessionEvent => ({
  event: 'response',
  id,
  key,
  method,
  response: response(`${method}Response`),
});

class Machine {
  state: SessionState = freshSession({ namespace: 'urn:dslforum-org:cwmp-1-2' });

  feed(...events: SessionEvent[]): SessionAction[] {
    let actions: SessionAction[] = [];
    for (const event of events) ({ state: this.state, actions } = stepSession(this.state, event));
    return actions;
  }

  /** As far as the CPE has handed us the word. */
  static begun(): Machine {
    const machine = new Machine();
    machine.feed({ event: 'request', id: '1', key: 'inform', request: inform }, { event: 'stored' });
    assert.deepEqual(machine.feed({ event: 'empty' }), [{ do: 'think' }]);
    return machine;
  }
}

function textIn(actions: SessionAction[]): string {
  const [action] = actions;
  assert.ok(action?.do === 'send', JSON.stringify(actions));
  return action.text;
}

function endIn(actions: SessionAction[]): string {
  const action = actions.find((one) => one.do === 'tell');
  assert.ok(action?.do === 'tell', JSON.stringify(actions));
  return action.end.end;
}

describe('a CWMP session', () => {
  it('stores the Inform before it answers it, in its namespace and with its ID', () => {
    const machine = new Machine();
    const actions = machine.feed({ event: 'request', id: 'x1', key: 'a', request: inform });
    assert.deepEqual(actions, [{ do: 'store', request: inform }]);
    const envelope = readEnvelope(textIn(machine.feed({ event: 'stored' })));
    assert.equal(envelope.namespace, 'urn:dslforum-org:cwmp-1-2');
    assert.deepEqual(envelope.header, { id: 'x1' });
    assert.equal(envelope.body.name, 'InformResponse');
  });

  it('tells the version that it takes, and only in the InformResponse', () => {
    const machine = new Machine();
    machine.state = freshSession({ namespace: 'urn:dslforum-org:cwmp-1-2', useVersion: '1.4' });
    const said = textIn(machine.feed({ event: 'request', id: '1', key: 'a', request: inform }, { event: 'stored' }));
    assert.match(said, /<cwmp:UseCWMPVersion soap-env:mustUnderstand="1">1\.4</);
    const next = machine.feed({ event: 'request', id: '2', key: 'b', request: transferComplete }, { event: 'stored' });
    assert.doesNotMatch(textIn(next), /UseCWMPVersion/);
  });

  it('ends with a fault when the Inform is not taken', () => {
    const machine = new Machine();
    const actions = machine.feed(
      { event: 'request', id: '1', key: 'a', request: inform },
      { event: 'refused', code: 8005, why: 'try again' },
    );
    assert.match(textIn(actions), /<FaultCode>8005</);
    assert.deepEqual(actions[1], { do: 'end', why: 'try again' });
    assert.equal(machine.state.phase, 'over');
  });

  it('asks, is answered, and ends with nothing left', () => {
    const machine = Machine.begun();
    const text = textIn(machine.feed(reboot));
    assert.equal(readEnvelope(text).header.id, '1');
    assert.equal(endIn(machine.feed(answered('1'))), 'response');
    assert.deepEqual(machine.feed({ event: 'nothing' }), [{ do: 'close' }]);
    assert.deepEqual(machine.feed({ event: 'empty' }), [{ do: 'close' }]);
  });

  it('takes an answer without an ID, and calls one with another ID or another name wrong', () => {
    const one = Machine.begun();
    one.feed(reboot);
    assert.equal(endIn(one.feed(answered(undefined))), 'response');
    const other = Machine.begun();
    other.feed(reboot);
    assert.equal(endIn(other.feed(answered('99'))), 'wrong');
    const third = Machine.begun();
    third.feed(reboot);
    assert.equal(endIn(third.feed(answered('1', 'Download'))), 'wrong');
    assert.equal(third.state.phase, 'ours');
  });

  it('hands on a fault, and goes on', () => {
    const machine = Machine.begun();
    machine.feed(reboot);
    const fault = { code: 9001, text: '', parameters: [] };
    assert.equal(endIn(machine.feed({ event: 'fault', id: '1', key: 'f', fault })), 'fault');
    assert.equal(machine.state.phase, 'ours');
  });

  it('quirk 19: an empty POST in place of an answer means that the CPE does not know the method', () => {
    const machine = Machine.begun();
    machine.feed(reboot);
    assert.equal(endIn(machine.feed({ event: 'empty' })), 'unsupported');
    assert.equal(machine.state.phase, 'ours');
  });

  it('quirk 26: a late TransferComplete is answered in any state, and the question stays open', () => {
    const machine = Machine.begun();
    machine.feed(reboot);
    machine.feed({ event: 'request', id: 't', key: 't', request: transferComplete });
    const text = textIn(machine.feed({ event: 'stored' }));
    assert.equal(readEnvelope(text).body.name, 'TransferCompleteResponse');
    assert.equal(endIn(machine.feed(answered('1'))), 'response');
    machine.feed({ event: 'nothing' }, { event: 'request', id: 'u', key: 'u', request: transferComplete });
    assert.equal(readEnvelope(textIn(machine.feed({ event: 'stored' }))).header.id, 'u');
  });

  it('an empty POST after a late request leaves the question unanswered', () => {
    const machine = Machine.begun();
    machine.feed(reboot, { event: 'request', id: 't', key: 't', request: transferComplete }, { event: 'stored' });
    assert.equal(endIn(machine.feed({ event: 'empty' })), 'unanswered');
  });

  it('answers a repeated message from its last answer', () => {
    const machine = new Machine();
    machine.feed({ event: 'request', id: '1', key: 'inform', request: inform }, { event: 'stored' });
    const request: SessionEvent = { event: 'request', id: '2', key: 'same', request: transferComplete };
    const first = textIn(machine.feed(request, { event: 'stored' }));
    assert.equal(textIn(machine.feed(request)), first);
    machine.feed({ event: 'empty' });
    machine.feed(reboot);
    machine.feed(answered('1'));
    const asked = textIn(machine.feed(reboot));
    assert.equal(textIn(machine.feed(answered('1'))), asked, 'the answer before is repeated: the question is, too');
    assert.equal(endIn(machine.feed(answered('2'))), 'response');
  });

  it('repeats a question that did not reach the CPE', () => {
    const machine = Machine.begun();
    const text = textIn(machine.feed(reboot));
    machine.feed({ event: 'undelivered' });
    assert.equal(textIn(machine.feed({ event: 'empty' })), text);
    assert.equal(endIn(machine.feed({ event: 'empty' })), 'unsupported', 'once');
  });

  it('an answer without an ID that repeats the one before over another connection is no answer to the next question', () => {
    const machine = Machine.begun();
    machine.feed(read, nameless('GetParameterValues', 'same'));
    const asked = textIn(machine.feed(read));
    assert.equal(textIn(machine.feed(nameless('GetParameterValues', 'same'))), asked, 'the question is repeated');
    assert.equal(endIn(machine.feed(nameless('GetParameterValues', 'other'))), 'response');
  });

  it('an answer without an ID that is the same twice is taken the second time, and at once over the same connection', () => {
    const machine = Machine.begun();
    machine.feed(read, nameless('GetParameterValues', 'same'), read, nameless('GetParameterValues', 'same'));
    assert.equal(endIn(machine.feed(nameless('GetParameterValues', 'same'))), 'response');
    machine.feed(read);
    assert.equal(endIn(machine.feed(nameless('GetParameterValues', 'same', false))), 'response');
  });

  it('what may not be done twice is not asked again for an answer that may be an old one: what came of it is unknown', () => {
    const machine = Machine.begun();
    machine.feed(reboot, nameless('Reboot', 'same'), reboot);
    assert.equal(endIn(machine.feed(nameless('Reboot', 'same'))), 'unanswered');
  });

  it('an old answer of another method does not end the question', () => {
    const machine = Machine.begun();
    machine.feed(read, nameless('GetParameterValues', 'same'));
    const asked = textIn(machine.feed(reboot));
    assert.equal(textIn(machine.feed(nameless('GetParameterValues', 'same'))), asked);
    assert.equal(endIn(machine.feed(nameless('Reboot', 'other'))), 'response');
  });

  it('a question that did not go out is repeated for the answer before, whatever it is', () => {
    const machine = Machine.begun();
    machine.feed(reboot, nameless('Reboot', 'same'));
    const asked = textIn(machine.feed(reboot));
    machine.feed({ event: 'undelivered' });
    assert.equal(textIn(machine.feed(nameless('Reboot', 'same'))), asked);
  });

  it('a CPE that says the same wrong answer again and again is not asked for ever', () => {
    const machine = Machine.begun();
    machine.feed(read, answered('1', 'GetParameterValues', 'same'), read);
    let questions = 0;
    for (let actions = machine.feed(answered('1', 'GetParameterValues', 'same')); ; questions++) {
      if (actions[0]?.do === 'tell') break;
      assert.ok(questions < 10);
      actions = machine.feed(answered('1', 'GetParameterValues', 'same'));
    }
    assert.equal(machine.state.phase, 'ours');
  });

  it('holds the requests of the CPE back while more questions follow', () => {
    const machine = Machine.begun();
    assert.equal(readEnvelope(textIn(machine.feed({ ...reboot, hold: true }))).header.holdRequests, true);
    machine.feed(answered('1'));
    assert.equal(readEnvelope(textIn(machine.feed(reboot))).header.holdRequests, undefined);
  });

  it('a question that comes too early waits until the CPE hands over the word', () => {
    const machine = new Machine();
    machine.feed({ event: 'request', id: '1', key: 'a', request: inform }, { event: 'stored' });
    assert.deepEqual(machine.feed(reboot), []);
    assert.match(textIn(machine.feed({ event: 'empty' })), /<cwmp:Reboot>/);
  });

  it('an unknown method gets fault 8000, and the session goes on', () => {
    const machine = Machine.begun();
    machine.feed(reboot);
    const text = textIn(machine.feed({ event: 'unknown', id: '5', key: 'x', method: 'Frobnicate' }));
    assert.match(text, /<FaultCode>8000<.*Frobnicate/);
    assert.equal(readEnvelope(text).header.id, '5');
    assert.equal(endIn(machine.feed(answered('1'))), 'response');
  });

  it('an unreadable answer fails the question; an unreadable message without one ends the session', () => {
    const machine = Machine.begun();
    machine.feed(reboot);
    assert.equal(endIn(machine.feed({ event: 'unreadable', why: 'junk' })), 'wrong');
    const actions = machine.feed({ event: 'unreadable', why: 'junk' });
    assert.deepEqual(actions, [
      { do: 'reject', status: 400, why: 'junk' },
      { do: 'end', why: 'junk' },
    ]);
  });

  it('answers to nothing, and a session without an Inform, are refused', () => {
    const answer = new Machine();
    answer.feed({ event: 'request', id: '1', key: 'a', request: inform }, { event: 'stored' });
    assert.equal(answer.feed(answered('1'))[0]?.do, 'reject');
    assert.equal(
      new Machine().feed({ event: 'request', id: '1', key: 'a', request: transferComplete })[0]?.do,
      'reject',
    );
    assert.equal(new Machine().feed({ event: 'empty' })[0]?.do, 'reject');
  });

  it('when the CPE is lost the open question is told so, and later ones at once', () => {
    const machine = Machine.begun();
    machine.feed(reboot);
    const actions = machine.feed({ event: 'lost', why: 'silent' });
    assert.equal(endIn(actions), 'unanswered');
    assert.deepEqual(actions.at(-1), { do: 'end', why: 'silent' });
    assert.equal(endIn(machine.feed(reboot)), 'unanswered');
    assert.deepEqual(machine.feed({ event: 'lost', why: 'again' }), []);
    assert.equal(machine.feed({ event: 'empty' })[0]?.do, 'reject');
  });
});
