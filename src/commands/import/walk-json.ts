import { assembler } from 'stream-json/assembler.js';
import { jsonParser, type Token } from 'stream-json/parser.js';

/** A thing as it was found: its number, the line that it begins in, and the member of its document that it stands in. */
export type Thing = { at: number; line: number; under: string; said: Record<string, unknown> };

/** An array, or an object: a document, or a thing itself, which its members tell. `key` is the member under way. */
type Level = { list: true; under: string } | { list: false; key: string; isDocument: boolean; thing: Thing };

/** A thing, or a line of a CSV, is at most this long, so that one which never ends does not take the rest of the file into memory. */
export const LONGEST = 4_194_304;

export type JsonWalk = {
  /** The things that end in this piece of the text; what was found before it is no JSON any more is given to `found` all the same. */
  read(piece: string, found: (thing: Thing) => void): void;
  line(): number;
  /** Whether the text may end here. */
  isWhole(): boolean;
};

/**
 * Finds the things of JSON:API, or plain objects, in a text of any length, holding one of them at a time: in a document's `data` and `included` or
 * in members named after what they hold, in an array of things or of documents, or one after the other as JSON lines.
 */
export function walkJson(): JsonWalk {
  const parse = jsonParser({ jsonStreaming: true, streamValues: false });
  const levels: Level[] = [];
  const member = readMembers();
  let line = 1;
  let at = 0;
  let length = 0;
  return {
    read: (piece, found) => {
      // Where an object begins and ends, so that each is known by its line, and all before a break are found.
      for (const part of piece.split(/(?=\{)|(?<=\})/)) {
        length += part.length;
        if (length > LONGEST) throw new Error(`something in it is longer than ${LONGEST} characters`);
        for (const token of tokensOf(parse(part))) {
          const level = levels.at(-1);
          if (level?.list === false && member.takes(level, token)) continue;
          const thing = follow(levels, token, { line, at: (at += 1) });
          length = 0;
          if (thing !== null) found(thing);
        }
        line += part.split('\n').length - 1;
      }
    },
    line: () => line,
    isWhole: () => levels.length === 0,
  };
}

/** Members of a document that may be objects with things in them. */
const HOLD_THINGS = ['data', 'included', 'licenses', 'license-keys', 'license-key-instances', 'instances', 'machines', 'users', 'policies', 'products', 'order-items'];

/** What a thing says of itself, and no document. */
const TELLING = ['id', 'key', 'type', 'attributes'];

function tells({ said }: Thing): boolean {
  return TELLING.some((name) => name in said);
}

/** Whether things may be in the member that begins: a document may be any length, so that is not read whole. */
function holdsThings({ key, thing }: Extract<Level, { list: false }>, token: Token): boolean {
  return !tells(thing) && (token.name === 'startArray' || (token.name === 'startObject' && HOLD_THINGS.includes(dashed(key))));
}

/** However a name is put together. */
function dashed(key: string): string {
  return key.replaceAll(/[A-Z]/g, '-$&').replaceAll('_', '-').toLowerCase();
}

/** Reads the members of a thing or a document that are short: all that hold no things. */
function readMembers() {
  let whole: ReturnType<typeof assembler<unknown>> | null = null;
  return {
    takes: (level: Extract<Level, { list: false }>, token: Token): boolean => {
      if (whole === null && (token.name === 'keyValue' || token.name === 'endObject' || holdsThings(level, token))) return false;
      whole ??= assembler<unknown>();
      whole.consume(token);
      if (whole.depth > 0) return true;
      level.thing.said[level.key] = whole.current;
      whole = null;
      return true;
    },
  };
}

/** Goes down into arrays and objects and up again; an object that ends is a thing, unless it only held others. */
function follow(levels: Level[], token: Token, thing: Omit<Thing, 'under' | 'said'>): Thing | null {
  const level = levels.at(-1);
  if (token.name === 'startArray' || token.name === 'startObject') goDown(levels, token, thing);
  else if (token.name === 'keyValue' && level?.list === false) level.key = token.value;
  else if (token.name === 'endArray' || token.name === 'endObject') levels.pop();
  return token.name === 'endObject' && level?.list === false ? thingOf(level) : null;
}

function thingOf({ isDocument, thing }: Extract<Level, { list: false }>): Thing | null {
  return isDocument && !tells(thing) ? null : thing;
}

function goDown(levels: Level[], { name }: Token, thing: Omit<Thing, 'under' | 'said'>): void {
  const level = levels.at(-1);
  const under = underOf(level);
  if (level?.list === false) level.isDocument = true;
  levels.push(name === 'startArray' ? { list: true, under } : { list: false, key: '', isDocument: false, thing: { ...thing, under, said: {} } });
}

/** The name of what is in a level: a document's `data` goes by the name of the document. */
function underOf(level: Level | undefined): string {
  if (level === undefined) return '';
  if (level.list) return level.under;
  const name = dashed(level.key);
  return name === 'data' || name === 'included' ? level.thing.under : name;
}

function tokensOf(parsed: ReturnType<ReturnType<typeof jsonParser>>): Token[] {
  return typeof parsed === 'object' && parsed !== null && 'values' in parsed ? parsed.values : [];
}
