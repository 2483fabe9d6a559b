// What a function consists of while it is written and not complete: made once, for one function
// after the other.

import { ByteWriter } from "./bytes.ts";
import { Flow } from "./flow.ts";
import { OpenSites } from "./sites.ts";
import { WordList } from "./words.ts";

/** A function in the making. */
export class HostDraft {
  readonly code = new ByteWriter();
  readonly flow = new Flow();
  readonly sites = new OpenSites();
  /** See `HostBody`. */
  readonly insertions = new WordList();

  /** Begins with another function. */
  clear(): void {
    this.code.length = 0;
    this.flow.clear();
    this.sites.clear();
    this.insertions.length = 0;
  }
}
