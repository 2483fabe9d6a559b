// Collects text and gives it away in chunks, so that printing a module of any size takes little
// memory. Lines that get too long are broken at spaces; only text without string literals may be.

/** Length at which a chunk is handed on. */
const CHUNK = 1 << 16;
const COLUMNS = 100;
const STEP = "  ";
/** Deeper blocks are not indented further: a tower of blocks must not cost a square of spaces. */
const MAX_LEVEL = 24;

const INDENTS: readonly string[] = Array.from({ length: MAX_LEVEL + 1 }, (_, level) =>
  STEP.repeat(level),
);

/** The spaces before a line at this nesting level. */
export function indentation(level: number): string {
  return INDENTS[Math.min(level, MAX_LEVEL)];
}

/** Text on its way out. */
export class TextBuffer {
  private text = "";

  /** Whether a chunk is waiting to be taken. */
  get full(): boolean {
    return this.text.length >= CHUNK;
  }

  /** What has been written since the last time. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }

  write(text: string): void {
    this.text += text;
  }

  /** One line, broken at spaces if it is too long; `text` holds no string literals. */
  line(level: number, text: string): void {
    const indent = indentation(level);
    if (indent.length + text.length <= COLUMNS) this.text += `${indent}${text}\n`;
    else this.wrapped(indent, text);
  }

  private wrapped(indent: string, text: string): void {
    const room = Math.max(COLUMNS - indent.length - STEP.length, COLUMNS / 2);
    let from = 0;
    this.text += indent;
    while (text.length - from > room) {
      let at = text.lastIndexOf(" ", from + room);
      if (at <= from) at = text.indexOf(" ", from + room);
      if (at < 0) break;
      this.text += `${text.slice(from, at)}\n${indent}${STEP}`;
      from = at + 1;
    }
    this.text += `${text.slice(from)}\n`;
  }

  /** A list, several items to a line, each line at `level`. Yields when chunks are complete. */
  *list(level: number, items: Iterable<string>): Generator<string, void> {
    const indent = indentation(level);
    let line = "";
    for (const item of items) {
      if (line !== "" && indent.length + line.length + item.length >= COLUMNS) {
        this.text += `\n${indent}${line}`;
        line = "";
        if (this.full) yield this.take();
      }
      line += line === "" ? item : ` ${item}`;
    }
    if (line !== "") this.text += `\n${indent}${line}`;
  }
}
