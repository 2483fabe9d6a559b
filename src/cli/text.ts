// Text on its way to a terminal. Names, messages and paths may be a guest's: control characters
// among them would move the cursor, colour or hide what the user reads, or forge a line of ours.
// They are shown as `\u001b`, which is right in JSON, too. What a guest writes itself is bytes and
// passes as it is.

import type { Io } from "./command.ts";

/** Controls, formats (of direction, without width), separators of lines, half characters. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** The same but for what structures a text of many lines. */
const HIDDEN_IN_TEXT = /[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function escaped(character: string): string {
  let text = "";
  for (let i = 0; i < character.length; i++) {
    text += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return text;
}

/** A name or a message of one line, with all that cannot be seen escaped. */
export function visible(line: string): string {
  return line.replace(HIDDEN, escaped);
}

/** The same world, in which texts are written so that they can be seen. */
export function careful(io: Io): Io {
  const shown = (text: string | Uint8Array) => {
    return typeof text === "string" ? text.replace(HIDDEN_IN_TEXT, escaped) : text;
  };
  return {
    get stdin() {
      return io.stdin;
    },
    out: (text) => io.out(shown(text)),
    err: (text) => io.err(shown(text)),
    drained: () => io.drained?.(),
    abandon: () => io.abandon?.(),
    color: io.color,
    isTerminal: (stream) => io.isTerminal?.(stream) ?? false,
    environment: io.environment ?? {},
  };
}
