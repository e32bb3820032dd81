import assert from 'node:assert/strict';
import { connectCpe, cookieFrom, cwmp, idOf, informText, type CpeConnection, type CpeReply } from './scripted-cpe.ts';
import { transferComplete } from './small-cpe.ts';
import { identity, startSmallLeg, type SmallLeg } from './small-leg.ts';

const refusals = 'trivet_messages_refused_total';
const answer = (method: string, id: string): string => cwmp(`<cwmp:${method}Response/>`, id);

describe('messages that a CWMP session refuses', () => {
  let leg: SmallLeg;
  let connection: CpeConnection;
  let cookie: string;

  async function begun(): Promise<void> {
    leg = await startSmallLeg();
    connection = await connectCpe(leg.port);
    cookie = cookieFrom(await connection.post(informText()));
  }

  afterEach(async () => {
    connection.close();
    await leg.stop();
  });

  const post = (body: string): Promise<CpeReply> => connection.post(body, [cookie]);

  /** The one line and the one count that a refusal makes. */
  function assertRefused(reason: string, level: 'info' | 'warn', why: RegExp): void {
    const counts = leg.counted.filter(({ name }) => name === refusals);
    assert.deepEqual(counts, [{ name: refusals, labels: { technology: 'cwmp', reason } }]);
    const lines = leg.lines.filter(({ message }) => message === 'a message of a CPE is refused');
    assert.deepEqual(
      lines.map((line) => [line.level, line.fields['reason'], line.fields['device'], line.fields['address']]),
      [[level, reason, identity, '127.0.0.1']],
    );
    assert.match(String(lines[0]!.fields['why']), why);
  }

  it('an answer to nothing is refused with 400, counted and logged', async () => {
    await begun();
    assert.equal((await post(answer('Reboot', '1'))).status, 400);
    assertRefused('no-question', 'warn', /never made/);
  });

  it('an answer with a wrong ID fails the question, is counted and logged', async () => {
    await begun();
    const question = await post('');
    assert.match(question.body, /<cwmp:/);
    assert.equal((await post(answer('SetParameterValues', '4711'))).status, 200);
    assertRefused('wrong-id', 'warn', /4711 instead of 1/);
  });

  it('an answer to another method fails the question, is counted and logged', async () => {
    await begun();
    const question = await post('');
    assert.equal((await post(answer('Download', idOf(question.body)))).status, 200);
    assertRefused('wrong-method', 'warn', /DownloadResponse and not a SetParameterValuesResponse/);
  });

  it('an unknown method gets fault 8000, is counted and logged, and a repeat of it only gets the fault', async () => {
    await begun();
    for (const _ of [1, 2]) assert.match((await post(cwmp('<cwmp:Frobnicate/>', '77'))).body, /<FaultCode>8000</);
    assertRefused('unknown-method', 'info', /Frobnicate/);
  });

  it('a message after the end of the session is counted and logged', async () => {
    await begun();
    await post(answer('Reboot', '1'));
    connection = await connectCpe(leg.port);
    leg.counted.length = 0;
    assert.equal((await post(transferComplete('k'))).status, 400);
    assert.deepEqual(
      leg.counted.filter(({ name }) => name === refusals).map(({ labels }) => labels['reason']),
      ['no-session'],
    );
    assert.ok(leg.lines.some(({ level, fields }) => level === 'warn' && fields['reason'] === 'no-session'));
  });

  it('a message that cannot be read is counted once', async () => {
    await begun();
    assert.equal((await post('<junk')).status, 400);
    assert.deepEqual(
      leg.counted.filter(({ name }) => name === refusals).map(({ labels }) => labels['reason']),
      ['malformed'],
    );
  });
});
