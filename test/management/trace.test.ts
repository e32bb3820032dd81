import assert from 'node:assert/strict';
import { createTrace, redacted } from '../../src/management/trace.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { silentLog, type Log } from '../../src/support/log.ts';
import { operationOf } from '../lwm2m/scripted-device.ts';

describe('the trace', () => {
  const clock = new ManualClock();

  it('keeps the last messages of a device, oldest first', () => {
    const trace = createTrace(clock, { messages: 3, devices: 10 });
    for (const summary of ['a', 'b', 'c', 'd', 'e']) trace.record('pump', { direction: 'in', summary });
    assert.deepEqual(
      trace.of('pump').map(({ summary }) => summary),
      ['c', 'd', 'e'],
    );
    assert.deepEqual(trace.of('valve'), []);
  });

  it('forgets the device that was silent for longest when there are too many', () => {
    const trace = createTrace(clock, { messages: 1, devices: 2 });
    for (const device of ['one', 'two', 'one', 'three']) {
      trace.record(device, { direction: 'out', summary: device });
      clock.advance(1000);
    }
    assert.deepEqual(
      ['one', 'two', 'three'].map((device) => trace.of(device).length),
      [1, 0, 1],
    );
  });

  it('makes words only when somebody looks, and survives words that cannot be made', () => {
    const trace = createTrace(clock, { messages: 5, devices: 5 });
    let made = 0;
    trace.record('pump', () => {
      made++;
      return { direction: 'in', summary: 'late' };
    });
    trace.record('pump', () => {
      throw new Error('bad packet');
    });
    assert.equal(made, 0);
    const lines = trace.of('pump');
    assert.equal(made, 1);
    assert.match(lines[1]!.summary, /bad packet/);
  });

  it('never shows secrets', () => {
    const detail = { password: 'p', nested: [{ secretKey: 's', PSK: 'x', level: 3 }], authorization: 'Basic y' };
    assert.deepEqual(redacted(detail), {
      password: '***',
      nested: [{ secretKey: '***', PSK: '***', level: 3 }],
      authorization: '***',
    });
    const trace = createTrace(clock, { messages: 5, devices: 5 });
    trace.record('pump', { direction: 'out', summary: 's', detail });
    assert.equal(JSON.stringify(trace.of('pump')).includes('Basic'), false);
  });

  it('names the operation of a message and its request, and no request where the gateway itself has asked', () => {
    const trace = createTrace(clock, { messages: 2, devices: 5 });
    const asked = { ...operationOf({ procedure: 'p', object: '/5/0', inputs: {} }), id: 'op-1' };
    const own = { ...asked, id: 'op-2', requester: { originator: '', requestIdentifier: '' } };
    trace.record('pump', { direction: 'out', summary: 'over the edge of the ring' }, own);
    trace.record('pump', { direction: 'out', summary: 'a' }, asked);
    trace.record('pump', { direction: 'out', summary: 'b' }, own);
    assert.deepEqual(
      trace.of('pump').map(({ summary, operation, requestIdentifier }) => [summary, operation, requestIdentifier]),
      [
        ['a', 'op-1', 'r1'],
        ['b', 'op-2', undefined],
      ],
    );
    trace.record('pump', { direction: 'in', summary: 'c' });
    assert.deepEqual(trace.of('pump')[1], { direction: 'in', summary: 'c', at: clock.now() });
  });

  it('is in the log at level debug, without values', () => {
    const lines: string[] = [];
    const log: Log = {
      ...silentLog,
      isLevelEnabled: () => true,
      debug: (fields, message) => void lines.push(`${message} ${JSON.stringify(fields)}`),
    };
    const trace = createTrace(clock, { messages: 0, devices: 5 }, log);
    trace.record('pump', () => ({ direction: 'in', summary: '2.05 Content', detail: { level: 3 } }));
    assert.deepEqual(lines, ['2.05 Content {"device":"pump","direction":"in"}']);
  });

  it('can be switched off', () => {
    const trace = createTrace(clock, { messages: 0, devices: 5 });
    trace.record('pump', { direction: 'in', summary: 'a' });
    assert.deepEqual(trace.of('pump'), []);
  });
});
