import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Fills a data folder with a PostgreSQL that is initialized and migrated already, as global-setup made one. To make it anew takes longer
 * than all else of a start, and is tested where a first start is.
 */
export async function fillDataFolder(folder: string): Promise<void> {
  await copyFolder(process.env['TEST_DATA_FOLDER'] ?? '', folder);
}

/** Owners are kept: PostgreSQL refuses files of another user. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', `${from}/.`, to]);
}
