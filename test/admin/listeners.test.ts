import assert from 'node:assert/strict';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenHttp } from '../../src/listeners.ts';

describe('an HTTP listener that is stopped', () => {
  const place = { name: 'artifact', host: '127.0.0.1', port: 0 };

  it('answers what is in work, and does not wait for a client that would keep its connection', async () => {
    let finish = (): void => {};
    let began = (): void => {};
    const working = new Promise<void>((resolve) => (began = resolve));
    const listener = await listenHttp((_request: IncomingMessage, response: ServerResponse) => {
      response.write('first ');
      finish = () => void response.end('last');
      began();
    }, place);
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<string>((resolve, reject) => {
      get({ port: listener.port, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text)).on('error', reject);
      }).on('error', reject);
    });
    await working;
    const stopped = listener.close(new Date(Date.now() + 60_000));
    finish();
    assert.equal(await answer, 'first last');
    await stopped;
    agent.destroy();
  });

  it('is cut off at its deadline when it is not done by then', async () => {
    const listener = await listenHttp((_request, response) => void response.write('for ever'), place);
    const broken = new Promise<string>((resolve) => {
      get({ port: listener.port, agent: false }, (response) => {
        response.on('error', (error) => resolve(error.message)).resume();
        void listener.close(new Date(Date.now() + 50));
      });
    });
    assert.equal(await broken, 'aborted');
  });
});
