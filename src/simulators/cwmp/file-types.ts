import type { Workshop } from './workshop.ts';

const downloads = [
  '1 Firmware Upgrade Image',
  '2 Web Content',
  '3 Vendor Configuration File',
  '4 Tone File',
  '5 Ringer File',
];

const vendorType = /^X [0-9A-F]{6} .+$/;

export const isDownloadType = (fileType: string): boolean => downloads.includes(fileType) || vendorType.test(fileType);

export const isFirmware = (fileType: string): boolean => fileType === '1 Firmware Upgrade Image';

/** TR-069 table 31: 1 and 2, or 3 and 4 with the number of the file. */
export const isUploadType = (fileType: string): boolean =>
  /^(1 Vendor Configuration File|2 Vendor Log File|3 Vendor Configuration File \d+|4 Vendor Log File \d+)$/.test(
    fileType,
  ) || vendorType.test(fileType);

/** What the device uploads: its journal as a log, or what a server can write as a configuration. */
export function uploadContent({ tree, journal }: Workshop, fileType: string): Buffer {
  if (fileType.includes('Log File')) {
    const lines = journal.entries.map(
      (entry) =>
        `${new Date(entry.at).toISOString()} ${entry.kind} ${entry.path ?? entry.method ?? entry.detail ?? ''}`,
    );
    return Buffer.from(`${lines.join('\n')}\n`);
  }
  const writable = (tree.below('') ?? []).filter((node) => node.writable && !node.secret);
  return Buffer.from(`${writable.map((node) => `${node.path}=${node.value}`).join('\n')}\n`);
}
