/** The end of an HTTP server: what is being answered gets its answer, and no connection outlives that. */
import type { Server } from 'node:http';

/** ms between two looks for connections that have become idle. */
const sweep = 20;

/** Resolves when every connection is gone; those that still work at the deadline are cut off. */
export async function closeHttpServer(server: Server, deadline: Date): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
  // A connection that was busy when the server closed stays open after its answer, for its client may keep it alive.
  server.closeIdleConnections();
  const sweeping = setInterval(() => server.closeIdleConnections(), sweep);
  const cut = setTimeout(() => server.closeAllConnections(), Math.max(0, deadline.getTime() - Date.now()));
  await closed;
  clearInterval(sweeping);
  clearTimeout(cut);
}
