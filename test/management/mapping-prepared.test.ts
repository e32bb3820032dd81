import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMappings, MappingError } from '../../src/management/mapping.ts';
import { packageFile } from '../../src/support/package-files.ts';

describe('prepared mappings', () => {
  let folder: string;
  let directory: string;
  let prepared: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trivet-prepared-'));
    directory = join(folder, 'mappings');
    prepared = join(folder, 'mappings.json');
    cpSync(packageFile('mappings'), directory, { recursive: true });
    writeFileSync(prepared, loadMappings({ directory }).prepared());
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const batteryLabel = (mappings: ReturnType<typeof loadMappings>) => mappings.byName('battery')?.shortName;
  /** Changes what was prepared of the battery, so that it can be told from the file. */
  const forge = () =>
    writeFileSync(
      prepared,
      loadMappings({ directory }).prepared().replace('"shortName":"bat"', '"shortName":"forged"'),
    );

  it('say the same as the files', () => {
    const plain = loadMappings({ directory });
    const quick = loadMappings({ directory, prepared });
    assert.deepEqual(quick.classes, plain.classes);
    assert.deepEqual(quick.commands, plain.commands);
    assert.equal(quick.digest(['tr-098']), plain.digest(['tr-098']));
    assert.equal(quick.prepared(), plain.prepared());
  });

  it('take the place of files with the same text', () => {
    forge();
    assert.equal(batteryLabel(loadMappings({ directory, prepared })), 'forged');
  });

  it('give way to a file whose text has changed', () => {
    forge();
    appendFileSync(join(directory, 'battery.yaml'), '\n# changed\n');
    assert.equal(batteryLabel(loadMappings({ directory, prepared })), 'bat');
  });

  it('prove nothing to another schema', () => {
    forge();
    appendFileSync(join(directory, 'schema.json'), '\n');
    assert.equal(batteryLabel(loadMappings({ directory, prepared })), 'bat');
  });

  it('are done without when they are missing or broken', () => {
    writeFileSync(prepared, '{');
    assert.equal(batteryLabel(loadMappings({ directory, prepared })), 'bat');
    assert.equal(batteryLabel(loadMappings({ directory, prepared: join(folder, 'none.json') })), 'bat');
  });

  it('know the line of what only shows when all files are together', () => {
    cpSync(join(directory, 'battery.yaml'), join(directory, 'zebra.yaml'));
    assert.throws(
      () => loadMappings({ directory, prepared }),
      (error: unknown) =>
        error instanceof MappingError &&
        error.problems.every(({ line }) => line > 0) &&
        /zebra\.yaml:\d+: mgmtDefinition 1006 is that of battery already/.test(error.message),
    );
  });
});
