// What guests hold open of the host: descriptors, of which a process of the host has few. All
// grants of the realm share an account of them, and each may have as many as are still free:
// however many guests open what they can, there is always something left for the next. What nobody
// holds any more, such as the files of a `wasi` that was dropped, is closed when it is collected.

import { readFileSync } from "node:fs";
import { fail } from "./errno.ts";

/** Where the system tells how many files a process may open. */
const LIMITS = "/proc/self/limits";
const USUAL_LIMIT = 1024;

function filesOfProcess(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(LIMITS, "utf8")) ?? [];
    return soft === undefined ? USUAL_LIMIT : Number(soft);
  } catch {
    return USUAL_LIMIT;
  }
}

/** Open files of the host. */
export class HandleAccount {
  /** Those that may be open at once. */
  readonly limit: number;
  open = 0;

  constructor(limit: number) {
    this.limit = limit;
  }
}

let shared: HandleAccount | null = null;

/** The account of the realm: half of the files that the process may open, at most 4,096. */
function realmAccount(): HandleAccount {
  shared ??= new HandleAccount(Math.min(4096, filesOfProcess() >> 1));
  return shared;
}

interface Held {
  readonly close: () => void;
}

const dropped = new FinalizationRegistry<Held>(({ close }) => {
  try {
    close();
  } catch {
    // Whom it belonged to is gone, and nobody could hear of it but the whole process.
  }
});

/** Something of the host that is open. */
export class Handle<T> {
  readonly value: T;
  private readonly held: Held;

  /** For `Handles`. */
  constructor(value: T, close: () => void) {
    this.value = value;
    this.held = { close };
    dropped.register(this, this.held, this.held);
  }

  /** To be called once. */
  close(): void {
    dropped.unregister(this.held);
    this.held.close();
  }
}

/** What the guests of one grant hold open. */
export class Handles {
  private readonly account: HandleAccount;
  private open = 0;

  constructor(account: HandleAccount = realmAccount()) {
    this.account = account;
  }

  /**
   * Opens something that `close` closes again, which must not hold who has the handle.
   * @throws WasiError "nfile" if the grant has its share of what may be open
   */
  hold<T>(open: () => T, close: (value: T) => void): Handle<T> {
    const { account } = this;
    if (this.open >= account.limit - account.open) {
      fail("nfile", `${account.open} files of the host are open, ${this.open} of them here`);
    }
    const value = open();
    this.open++;
    account.open++;
    return new Handle(value, () => {
      this.open--;
      account.open--;
      close(value);
    });
  }
}
