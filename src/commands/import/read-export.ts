import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { parse } from 'csv-parse';
import { misused } from '../command.ts';
import { delimiterOf, type Header, readHeader, readRow } from './csv.ts';
import type { ExportFormat, Found } from './export-format.ts';
import { foundIn } from './things.ts';
import { LONGEST, walkJson } from './walk-json.ts';

/** A file that is given, by its path, and how a place in it is named. */
export type ExportFile = { path: string; kind: 'csv' | 'json'; delimiter: string; placeOf: (line: number) => string };

/** What the vendor says of what is in the files, and is told of it. */
type Reading = { from: string; format: ExportFormat; unread: (columns: string[]) => void };

/** What the files are, by how they begin. Who gives one that cannot be read, or is empty, is told so before anything is done. */
export async function openExports(paths: string[]): Promise<ExportFile[]> {
  const several = paths.length > 1;
  return Promise.all(paths.map(async (path) => {
    const begins = (await beginningOf(path)).replace(/^\ufeff/, '').trimStart();
    if (begins === '') throw misused(`${path} is empty.`);
    const kind = /^[[{]/.test(begins) ? ('json' as const) : ('csv' as const);
    return { path, kind, delimiter: delimiterOf(begins), placeOf: (line: number) => (several ? `${path}:${line}` : String(line)) };
  }));
}

/** What a file begins with. A pipe is none: it is read twice, and would be gone after the first look. */
async function beginningOf(path: string): Promise<string> {
  const cannot = (error: unknown) => misused(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  const isFile = await stat(path).then((found) => found.isFile(), (error: unknown) => {
    throw cannot(error);
  });
  if (!isFile) throw misused(`Cannot read ${path}: it is no file.`);
  const file = await open(path).catch((error: unknown) => {
    throw cannot(error);
  });
  const { buffer, bytesRead } = await file.read(Buffer.alloc(4_096)).finally(() => file.close());
  return buffer.toString('utf8', 0, bytesRead);
}

/** All that a file holds, as it comes; `unread` is told the columns that nothing is read of. */
export async function* readExport(file: ExportFile, reading: Reading): AsyncGenerator<Found[]> {
  if (file.kind === 'json') yield* readJson(file, reading.format);
  else yield* readCsv(file, reading);
}

async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Buffer): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw misused(`${path} is not UTF-8. Export or save it again with that encoding.`);
    }
  };
  const chunks: AsyncIterable<Buffer> = createReadStream(path);
  for await (const chunk of chunks) yield decode(chunk);
  yield decode();
}

async function* readJson({ path, placeOf }: ExportFile, format: ExportFormat): AsyncGenerator<Found[]> {
  const walk = walkJson();
  for await (const text of textOf(path)) {
    const found: Found[] = [];
    const broken = faultOf(() => walk.read(text, (thing) => found.push(...foundIn(thing, format, placeOf))));
    yield found;
    if (broken === null) continue;
    yield [brokenAt(placeOf(walk.line()), broken)];
    return;
  }
  if (!walk.isWhole()) yield [brokenAt(placeOf(walk.line()), 'it ends in the middle')];
}

function brokenAt(place: string, why: string): Found {
  return { place, reason: `The file is broken here, and nothing after it was read: ${why}` };
}

function faultOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type Line = { cells: string[]; line: number };

async function* readCsv(file: ExportFile, reading: Reading): AsyncGenerator<Found[]> {
  let header: Header | null = null;
  for await (const { lines, broken } of linesOf(file)) {
    const first = header === null ? lines.shift() : undefined;
    if (first) header = openHeader(file.path, first.cells, reading);
    const known = header;
    if (known) yield lines.flatMap(({ cells, line }) => readRow(known, cells, file.placeOf(line)));
    if (broken !== null) yield [brokenAt(file.placeOf(broken.line), broken.why)];
  }
}

function openHeader(path: string, cells: string[], { from, unread }: Reading): Header {
  const { header, unread: others } = readHeader(cells, from);
  if (!header.at.has('key')) throw misused(`${path} has no column "key". Its first line names the columns: ${cells.join(', ').slice(0, 500)}`);
  if (others.length > 0) unread(others);
  return header;
}

/** The lines of a CSV, those before a break included. */
async function* linesOf({ path, delimiter }: ExportFile): AsyncGenerator<{ lines: Line[]; broken: { line: number; why: string } | null }> {
  const lines: Line[] = [];
  let twice = 0;
  const parser = parse({
    bom: true, delimiter, trim: true, relax_quotes: true, relax_column_count: true, skip_empty_lines: true, max_record_size: LONGEST, record_delimiter: ['\r\n', '\n', '\r'],
    // Taken from here, and not from the stream, which forgets what it holds when it fails.
    on_record: (cells: string[], { lines: end }) => {
      const breaks = cells.join(',').match(/\r\n|[\r\n]/g) ?? [];
      // The parser counts a CR LF within quotes as two.
      twice += breaks.filter((ends) => ends.length > 1).length;
      lines.push({ cells, line: end - twice - breaks.length });
      return null;
    },
  });
  parser.resume();
  parser.on('error', () => undefined);
  const failed = (write: (done: (error?: Error | null) => void) => void) => new Promise<Error | null>((resolve) => write((error) => resolve(error ?? null)));
  for await (const text of textOf(path)) {
    const error = await failed((done) => parser.write(text, done));
    yield { lines: lines.splice(0), broken: error && { line: parser.info.lines, why: error.message } };
    if (error) return;
  }
  const error = await failed((done) => parser.once('error', done).end(done));
  yield { lines: lines.splice(0), broken: error && { line: parser.info.lines, why: error.message } };
}
