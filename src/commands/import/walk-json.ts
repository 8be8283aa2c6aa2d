import { assembler } from 'stream-json/assembler.js';
import { jsonParser, type Token } from 'stream-json/parser.js';

/** A thing of JSON:API as it was found, and the line that it begins in. */
export type Thing = { line: number; said: Record<string, unknown> };

/** An array, or an object: a document, or a thing itself, which only its end tells. `key` is the member under way. */
type Level = { list: true } | { list: false; key: string; thing: Thing };

export type JsonWalk = {
  /** The things that end in this piece of the text; what was found before it is no JSON any more is given to `found` all the same. */
  read(piece: string, found: (thing: Thing) => void): void;
  line(): number;
  /** Whether the text may end here. */
  isWhole(): boolean;
};

/**
 * Finds the things of JSON:API in a text of any length, holding one of them at a time: in a document's `data` and `included`, in an array
 * of things or of documents, or one after the other as JSON lines.
 */
export function walkJson(): JsonWalk {
  const parse = jsonParser({ jsonStreaming: true, streamValues: false });
  const levels: Level[] = [];
  const member = readMembers();
  let line = 1;
  return {
    read: (piece, found) => {
      // Where an object begins and ends, so that each is known by its line, and all before a break are found.
      for (const part of piece.split(/(?=\{)|(?<=\})/)) {
        for (const token of tokensOf(parse(part))) {
          const level = levels.at(-1);
          if (level?.list === false && member.takes(level, token)) continue;
          const thing = follow(levels, token, line);
          if (thing !== null) found(thing);
        }
        line += part.split('\n').length - 1;
      }
    },
    line: () => line,
    isWhole: () => levels.length === 0,
  };
}

/** Where things are: a document may be any length, so these are not read whole. */
const HOLDS_THINGS = ['data', 'included'];

/** Reads the members of a thing or a document that are short: all that hold no things. */
function readMembers() {
  let whole: ReturnType<typeof assembler<unknown>> | null = null;
  return {
    takes: (level: Extract<Level, { list: false }>, token: Token): boolean => {
      if (whole === null && (token.name === 'keyValue' || token.name === 'endObject' || HOLDS_THINGS.includes(level.key))) return false;
      whole ??= assembler<unknown>();
      whole.consume(token);
      if (whole.depth > 0) return true;
      level.thing.said[level.key] = whole.current;
      whole = null;
      return true;
    },
  };
}

/** Goes down into arrays and objects and up again; an object that ends and says what it is is a thing. */
function follow(levels: Level[], token: Token, line: number): Thing | null {
  const level = levels.at(-1);
  if (token.name === 'startArray') levels.push({ list: true });
  else if (token.name === 'startObject') levels.push({ list: false, key: '', thing: { line, said: {} } });
  else if (token.name === 'keyValue' && level?.list === false) level.key = token.value;
  else if (token.name === 'endArray') levels.pop();
  else if (token.name === 'endObject') {
    levels.pop();
    return level?.list === false && 'type' in level.thing.said && 'attributes' in level.thing.said ? level.thing : null;
  }
  return null;
}

function tokensOf(parsed: ReturnType<ReturnType<typeof jsonParser>>): Token[] {
  return typeof parsed === 'object' && parsed !== null && 'values' in parsed ? parsed.values : [];
}
