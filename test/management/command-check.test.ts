import assert from 'node:assert/strict';
import { commandProblems } from '../../src/management/command-check.ts';
import type { CommandLeg, CommandTable } from '../../src/management/command-table.ts';
import { loadMappings } from '../../src/management/mapping.ts';

const none: CommandLeg = { none: 'not on this leg' };
const lwm2m = { technology: 'lwm2m', procedures: { 'firmware-update': { url: true, version: false } } };

/** A command with the one argument URL that LwM2M does like this. */
function tableWith(leg: CommandLeg, more: { refresh?: string[] } = {}): CommandTable {
  const row = {
    cmdType: 4,
    execReqArgs: 'download',
    shortName: 'dld',
    cancellable: true,
    arguments: { URL: { shortName: 'url', type: 'anyURI', required: true } },
    lwm2m: leg,
    cwmp: none,
    omadm: none,
    ...more,
  };
  return { commands: { DOWNLOAD: row }, results: { cwmp: {} } };
}

describe('the check of the commands', () => {
  it('finds nothing in ours', () => {
    const { commands, classes } = loadMappings({ directory: 'mappings' });
    const names = classes.map(({ name }) => name);
    assert.deepEqual(commandProblems(commands, names, []), []);
  });

  const sound: CommandLeg = { procedure: 'firmware-update', object: '/5/0', inputs: { url: 'URL' } };
  const mistakes: [string, CommandTable, RegExp][] = [
    ['an argument without use or reason', tableWith({ rpc: 'Download' }), /neither a use nor a reason for "URL"/],
    [
      'an argument that the command lacks',
      tableWith({ ...sound, ignored: { URI: 'x' } }),
      /"URI", which is no argument/,
    ],
    [
      'a procedure that the leg lacks',
      tableWith({ ...sound, procedure: 'x' }),
      /no procedure "x"; it has firmware-update/,
    ],
    [
      'an input that is not taken',
      tableWith({ ...sound, inputs: { url: 'URL', uri: 'URL' } }),
      /input "uri" that it does not/,
    ],
    ['the root of no management object', tableWith({ ...sound, object: '{mo}' }), /says \{mo\} without the objectID/],
    ['an input that is missing', tableWith({ ...sound, inputs: { version: 'URL' } }), /input "url" that it needs/],
    ['a leg that says nothing', tableWith({ ignored: { URL: 'x' } }), /one of none, rpc, procedure and execute/],
    [
      'a class that is not there',
      tableWith(sound, { refresh: ['firmwear'] }),
      /"firmwear", and there is no such class/,
    ],
  ];
  for (const [what, table, says] of mistakes) {
    it(`says where there is ${what}`, () => {
      const [problem, ...more] = commandProblems(table, ['firmware'], [lwm2m]);
      assert.match(problem ?? '', /^DOWNLOAD \(mappings\/commands.yaml\)/);
      assert.match(problem ?? '', says);
      assert.deepEqual(more, []);
    });
  }
});
