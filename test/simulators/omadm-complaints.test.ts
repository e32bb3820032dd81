import assert from 'node:assert/strict';
import { TestServer, alert, challenge, eventually, get, group, put } from './omadm-server.ts';
import type { Reply } from './omadm-server.ts';

/** What a server can do wrong in its answer to package 1, and what the client says of it. */
const mistakes: [string, Reply, RegExp][] = [
  ['a CmdID of 0', { bend: (text) => text.replace('<CmdID>1<', '<CmdID>0<') }, /a CmdID is 0/],
  ['a CmdID twice', { bend: (text) => text.replace('<CmdID>2<', '<CmdID>1<') }, /the CmdID 1 is there twice/],
  ['no CmdID', { bend: (text) => text.replace('<CmdID>2</CmdID>', '') }, /a CmdID is missing/],
  [
    'no Status for a command',
    { bend: (text) => text.replace(/<Status><CmdID>3.*?<\/Status>/, '') },
    /there is no Status for Replace 1\/2/,
  ],
  [
    'no Status for the header',
    { bend: (text) => text.replace(/<Status><CmdID>1.*?<\/Status>/, '') },
    /the header has 0 Statuses/,
  ],
  [
    'a Status for what nobody has sent',
    { bend: (text) => text.replace('<CmdRef>2<', '<CmdRef>9<') },
    /answers 1\/9, which nobody has sent/,
  ],
  [
    'a Status for another message',
    { bend: (text) => text.replaceAll('<MsgRef>1<', '<MsgRef>3<') },
    /about message 3, not 1/,
  ],
  [
    'another Cmd in a Status',
    { bend: (text) => text.replace('<Cmd>Alert<', '<Cmd>Get<') },
    /a Status for Alert says Get/,
  ],
  ['another SessionID', { bend: (text) => text.replace(/<SessionID>\w+</, '<SessionID>zz<') }, /SessionID is zz/],
  ['another MsgID', { bend: (text) => text.replace('<MsgID>1<', '<MsgID>5<') }, /MsgID is 5, not 1/],
  ['another Target', { bend: (text) => text.replace('urn:imei:1', 'urn:imei:2') }, /Target is urn:imei:2/],
  ['another VerProto', { bend: (text) => text.replace('DM/1.2', 'DM/1.3') }, /VerProto is DM\/1.3/],
  [
    'elements out of order',
    { bend: (text) => text.replace(/(<MsgRef>1<\/MsgRef>)(<CmdRef>1<\/CmdRef>)/, '$2$1') },
    /MsgRef of Status comes too late/,
  ],
  [
    'an element that does not belong there',
    { bend: (text) => text.replace('<Cmd>Alert<', '<Lang>en</Lang><Cmd>Alert<') },
    /Lang may not be in Status/,
  ],
  [
    'Meta without its namespace',
    { commands: [put('Replace', './DevInfo/Lang', 'x').replace(' xmlns="syncml:metinf"', '')] },
    /Format in Meta has the namespace SYNCML/,
  ],
  [
    'a relative RespURI',
    { bend: (text) => text.replace('</Source><', '</Source><RespURI>?sid=1</RespURI><') },
    /the RespURI \?sid=1 is not absolute/,
  ],
  [
    'a command of a client',
    { commands: ['<Results><CmdID>$ID</CmdID><Item></Item></Results>'] },
    /a server does not send Results/,
  ],
  ['an alert of a client', { commands: [alert(1201)] }, /a server does not send the alert 1201/],
  ['Get inside of Atomic', { commands: [group('Atomic', get('./DevInfo/Man'))] }, /Get is inside of Atomic/],
  ['no Target', { commands: ['<Get><CmdID>$ID</CmdID><Item></Item></Get>'] }, /an Item of Get has no Target/],
  ['a path with a slash at its end', { commands: [get('./DevInfo/')] }, /is not a URI of a node/],
  [
    'Add without Data',
    { commands: [put('Add', './X', 'x').replace('<Data>x</Data>', '')] },
    /an Item of Add has no Data/,
  ],
  ['a format that is none', { commands: [put('Add', './X', 'x', 'text')] }, /text is not a format/],
  [
    'Final before the end',
    { bend: (text) => text.replace('<Final/>', '').replace('<SyncBody>', '<SyncBody><Final/>') },
    /Final is not the last/,
  ],
  [
    'commands with a challenge',
    { header: '407', status: '407', challenge: challenge('basic'), commands: [get('./DevInfo')] },
    /commands come together with a challenge/,
  ],
  [
    'another status with a challenge',
    { header: '407', status: '200', challenge: challenge('basic') },
    /a challenge with 407 comes with 200 for Alert/,
  ],
  ['an answer without content', { body: '' }, /answered with nothing/],
  [
    'a part of a large object in a final message',
    { commands: [put('Replace', './DevInfo/Lang', 'x').replace('</Data>', '</Data><MoreData/>')] },
    /is not the last of a message without Final/,
  ],
];

describe('the simulated OMA DM client complains of a server that sends', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  for (const [name, reply, sentence] of mistakes)
    it(name, async () => {
      server.say(reply);
      const client = await server.client({ autoSession: false, password: 'x', authentication: 'none' });
      await eventually(() => client.complaints.some((one) => sentence.test(one)), `a complaint like ${sentence}`);
      assert.match(client.complaints.find((one) => sentence.test(one)) ?? '', /session \w+, message \d/);
    });

  it('messages that are too long', async () => {
    server.say([get('./DevInfo/Man')]);
    const client = await server.client({ maximumMessageSize: 500 });
    assert.match(client.complaints[0] ?? '', /a message has \d+ octets, more than 500/);
  });

  it('the same nonce twice', async () => {
    for (let count = 0; count < 2; count += 1)
      server.say({ header: '401', status: '401', challenge: challenge('md5', 'Tm9uY2U=') });
    const client = await server.client({ password: 'x' });
    assert.deepEqual(client.complaints, ['the server gives the same nonce twice']);
  });

  it('a package of its own in the middle of one of the client', async () => {
    server.maximumMessageSize = 1500;
    server.say([get('./DevInfo?list=StructData')], { commands: [get('./DevInfo/Man')], final: true });
    const client = await server.client();
    assert.ok(client.complaints.some((one) => /is not answered with the alert 1222/.test(one)));
    assert.ok(client.complaints.some((one) => /is answered with Final/.test(one)));
    assert.ok(client.complaints.some((one) => /Get comes in the middle of a package/.test(one)));
  });
});
