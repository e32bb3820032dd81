import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { backupRoutes } from '../../src/admin/backup-routes.ts';
import { StoreFailure } from '../../src/store/failure.ts';

describe('POST /backup', () => {
  let server: Server;
  afterEach(() => server.close());

  async function ask(backup: (file: string) => Promise<void>, body: string, type = 'application/json') {
    server = createServer(express().use(backupRoutes(backup))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const headers = { 'Content-Type': type };
    const response = await fetch(`http://127.0.0.1:${port}/backup`, { method: 'POST', headers, body });
    return { status: response.status, body: (await response.json()) as { error?: string; file?: string } };
  }

  it('refuses where the store is copied by tools of its own, and says with which', async () => {
    const sentence = 'the store is a PostgreSQL server: copy it with pg_dump';
    const answer = await ask(() => Promise.reject(new StoreFailure('unsupported', sentence)), '{"file":"/tmp/x.db"}');
    assert.deepEqual(answer, { status: 409, body: { error: sentence } });
  });

  const wrong: [what: string, body: string, type?: string][] = [
    ['a relative path', '{"file":"x.db"}'],
    ['no path', '{}'],
    ['a path with NUL', '{"file":"/tmp/\\u0000"}'],
    // What a page in a browser can send without being asked.
    ['a body of another type', '{"file":"/tmp/x.db"}', 'text/plain'],
  ];
  for (const [what, body, type] of wrong) {
    it(`writes nothing for ${what}`, async () => {
      const written: string[] = [];
      const answer = await ask(async (file) => void written.push(file), body, type);
      assert.equal(answer.status, 400);
      assert.match(answer.body.error ?? '', /an absolute path on the machine of the gateway/);
      assert.deepEqual(written, []);
    });
  }
});
