/** Requests of the device half as commands of SyncML. */
import type { Request } from './exchange.ts';
import { dataOfValue, metaOfValue } from './node-values.ts';
import type { Encoding } from './syncml/encoding.ts';
import type { Command, Item } from './syncml/message.ts';

/** Numbers commands, and their children after them, in the order of the message. */
export function commandOf(request: Request, encoding: Encoding, nextId: () => string): Command {
  const id = nextId();
  switch (request.command) {
    case 'Get':
    case 'Delete':
      return { command: request.command, id, items: [{ target: request.path }] };
    case 'Add':
    case 'Replace': {
      const { path, value } = request;
      const item: Item = { target: path, meta: metaOfValue(value), data: dataOfValue(value, encoding) };
      return { command: request.command, id, items: [item] };
    }
    case 'Copy':
      return { command: 'Copy', id, items: [{ target: request.path, source: request.from }] };
    case 'Exec': {
      const { path, data, correlator } = request;
      const item: Item = { target: path };
      if (data !== undefined) {
        item.meta = { format: 'chr', type: 'text/plain' };
        item.data = data;
      }
      return { command: 'Exec', id, ...(correlator === undefined ? undefined : { correlator }), items: [item] };
    }
    case 'Atomic':
    case 'Sequence':
      return {
        command: request.command,
        id,
        commands: request.requests.map((child) => commandOf(child, encoding, nextId)),
      };
    case 'Alert':
      return { command: 'Alert', id, code: request.code, items: request.items.map((data) => ({ data })) };
  }
}
