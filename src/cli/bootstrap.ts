import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { postSigned } from '../../adapters/omadm/bearers/webhook.ts';
import {
  securityParameters,
  writeDmProfile,
  writeProvisioningDocument,
  type BootstrapSecurity,
  type DmAccount,
} from '../../adapters/omadm/bootstrap.ts';
import { makeNonce } from '../../adapters/omadm/nonces.ts';
import { readCredentialTable } from '../device-credentials.ts';
import { systemClock } from '../support/clock.ts';
import { readUsage } from './admin-client.ts';

const secretVariable = 'TRIVET_WEBHOOK_SECRET';

const help = `trivet bootstrap DEVICE --credentials FILE --url URL [OPTIONS]

Writes what makes the gateway known to an OMA DM device: its account as a provisioning document (w7) or as a DM profile. User names,
passwords and the id of the gateway are those of the line of DEVICE (its DevId) in FILE, which is that of --devices-credentials.

  --credentials FILE   the file of credentials
  --url URL            where the device reaches the gateway, like https://gw.example.com/omadm
  --profile w7|dm      which document (default w7)
  --wbxml              as WBXML instead of XML
  --name NAME          name of the account
  --start              the device begins a session at once (w7)
  --nonces             with first nonces, which some devices want; the first session takes one message more
  --pin PIN            signs it with a PIN that the user enters
  --imsi IMSI          signs it with the IMSI of the device; together with --pin with both
  --output FILE        where to write it (default: stdout); the media type with its signature goes to stderr
  --webhook URL        sends it to a gateway of yours as JSON instead, signed with the value of ${secretVariable}
  --to ADDRESS         for whom the webhook sends it, like sms:+4917012345
`;

const options = {
  credentials: { type: 'string' },
  url: { type: 'string' },
  profile: { type: 'string', default: 'w7' },
  wbxml: { type: 'boolean', default: false },
  name: { type: 'string' },
  start: { type: 'boolean', default: false },
  nonces: { type: 'boolean', default: false },
  pin: { type: 'string' },
  imsi: { type: 'string' },
  output: { type: 'string' },
  webhook: { type: 'string' },
  to: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const webhookTimeout = 10_000;

/** `trivet bootstrap`: exit 0 = the document is written or sent, 1 = it is not, and why; 2 = wrong usage. */
export async function runBootstrap(argv: string[]): Promise<number> {
  const usage = readUsage({ command: 'bootstrap', help, argument: 'name one device' }, () => {
    const parsed = parseArgs({ args: argv, allowPositionals: true, options });
    if (!parsed.values.help) checkOptions(parsed.values);
    return parsed;
  });
  if ('exit' in usage) return usage.exit;
  const { name: device, values } = usage;
  const fail = (why: string): number => {
    process.stderr.write(`trivet bootstrap: ${why}\n`);
    return 1;
  };
  try {
    const table = await readCredentialTable(await readFile(values.credentials!, 'utf8'));
    const found = table.find('omadm', device);
    if (!found?.server)
      return fail(`${values.credentials} has no line of omadm with serverId and serverPassword for ${device}`);
    const account: DmAccount = {
      serverId: found.server.identifier,
      serverSecret: found.server.secret,
      address: values.url!,
      name: values.name,
      client: { username: found.username ?? device, secret: found.secret },
      scheme: found.scheme ?? 'md5',
      startSession: values.start,
      ...(values.nonces ? { nonces: { client: makeNonce(), server: makeNonce() } } : {}),
    };
    const write = values.profile === 'dm' ? writeDmProfile : writeProvisioningDocument;
    const { contentType: plainType, body } = write(account, values.wbxml ? 'wbxml' : 'xml');
    const security = securityOf(values.imsi, values.pin);
    const contentType = plainType + (security ? securityParameters(body, security) : '');
    if (values.webhook !== undefined) {
      const content = { device, address: values.to ?? '', contentType, body: body.toString('base64') };
      const result = await postSigned(content, {
        url: values.webhook,
        secret: process.env[secretVariable],
        clock: systemClock,
        timeout: webhookTimeout,
      });
      return result.result === 'sent' ? 0 : fail(result.why);
    }
    // Passwords are in it: for its owner alone.
    if (values.output === undefined) process.stdout.write(body);
    else await writeFile(values.output, body, { mode: 0o600 });
    process.stderr.write(`Content-Type: ${contentType}\n`);
    return 0;
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** @throws what `parseArgs` would throw, with a sentence */
function checkOptions({ credentials, url, profile }: { credentials?: string; url?: string; profile: string }): void {
  if (credentials === undefined) throw new Error('say --credentials FILE');
  if (url === undefined || !/^https?:\/\/\S+$/.test(url)) throw new Error('say --url with an http or https URL');
  if (profile !== 'w7' && profile !== 'dm') throw new Error('--profile is w7 or dm');
}

function securityOf(imsi: string | undefined, pin: string | undefined): BootstrapSecurity | undefined {
  if (imsi !== undefined && pin !== undefined) return { method: 'userPinNetworkId', imsi, pin };
  if (imsi !== undefined) return { method: 'networkId', imsi };
  return pin === undefined ? undefined : { method: 'userPin', pin };
}
