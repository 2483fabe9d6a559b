// One run of a program: what was granted to it, its descriptors, and, while one of its functions
// runs, who has called. The functions themselves are in one file per area.

import { activeExecution } from "../api/execution.ts";
import { currentCall } from "../embedding/call.ts";
import {
  type Descriptor,
  DescriptorTable,
  openedInput,
  openedOutput,
  preopened,
} from "./descriptors.ts";
import { fail } from "./errno.ts";
import { GuestMemory, type MemorySource, NO_MEMORY } from "./guest-memory.ts";
import type { WasiOptions } from "./options.ts";
import { type Clock, fixedClock, type RandomSource, seededRandom } from "./sources.ts";
import { encodeUtf8, Input, Output } from "./streams.ts";
import type { Source, Stoppable } from "./waiting.ts";

const NOWHERE = () => undefined;
const DEFAULT_DESCRIPTORS = 128;
/**
 * Units of fuel that a slice is shortened by with each call: about the time it takes. They are not
 * charged; they only bring the next look at the deadline nearer.
 */
const CALL_UNITS = 100;

/**
 * What `proc_exit` throws: not seen by guests, and by embedders only where they call a guest's
 * functions themselves instead of `run`.
 */
export class WasiExit extends Error {
  override readonly name = "WasiExit";
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`the program ended with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

function encoded(text: string, what: string): Uint8Array {
  if (text.includes("\0")) throw new TypeError(`${what} cannot contain a NUL`);
  return encodeUtf8(text);
}

function initialDescriptors(options: WasiOptions): Descriptor[] {
  const { outputLimit = Number.POSITIVE_INFINITY, preopens = {}, stderr, stdin, stdout } = options;
  const quota = { left: outputLimit };
  return [
    openedInput(Input.from(stdin ?? "")),
    openedOutput(new Output(stdout ?? NOWHERE, quota)),
    openedOutput(new Output(stderr ?? NOWHERE, quota)),
    ...Object.entries(preopens).map(([name, fileSystem]) => {
      return preopened(fileSystem.root(), encoded(name, "the name of a directory"));
    }),
  ];
}

/** Who has called a function. */
export interface Caller {
  readonly memory: GuestMemory;
  /** Whether the guest can be suspended. */
  readonly mayAwait: boolean;
  /** The call whose deadline holds. */
  readonly execution: Stoppable | null;
}

/** The state behind one `wasi` object. As a source it tells when the program is closed. */
export class Process implements Source {
  readonly args: readonly Uint8Array[];
  readonly environ: readonly Uint8Array[];
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly descriptors: DescriptorTable;
  /** Memory of another engine's instance, which cannot say itself who calls. */
  bound: MemorySource | null = null;
  exit: WasiExit | null = null;
  /** Whether nobody goes on with the program. */
  private closed = false;
  /** Who is calling: valid until a function yields, and again afterwards. */
  caller: Caller = { memory: new GuestMemory(NO_MEMORY), mayAwait: false, execution: null };
  private lastMemory = this.caller.memory;
  /** Called when the program is closed. */
  readonly arrivals = new Set<() => void>();

  constructor(options: WasiOptions) {
    const { args = [], clock, descriptorLimit, env = {}, random } = options;
    this.args = args.map((arg) => encoded(arg, "an argument"));
    this.environ = Object.entries(env).map(([name, value]) => {
      return encoded(`${name}=${value}`, "the environment");
    });
    this.clock = clock ?? fixedClock();
    this.random = random ?? seededRandom();
    const initial = initialDescriptors(options);
    this.descriptors = new DescriptorTable(initial, descriptorLimit ?? DEFAULT_DESCRIPTORS);
  }

  /** At the begin of each function. @throws WasiExit if the program has ended */
  enter(): void {
    if (this.exit !== null) throw this.exit;
    const call = currentCall();
    let source = this.bound;
    const mayAwait = source === null && call !== null && call.mayAwait;
    if (source === null) {
      source = call?.instance?.memories[0] ?? NO_MEMORY;
      call?.shortenSlice(CALL_UNITS);
    }
    if (this.lastMemory.source === source) this.lastMemory.refresh();
    else this.lastMemory = new GuestMemory(source);
    this.caller = { memory: this.lastMemory, mayAwait, execution: this.execution };
  }

  /**
   * At the begin of each further piece of a function.
   * @throws WasiExit as `enter`, WasiError "badf" if the program has been closed meanwhile, "intr"
   * if the guest is not the one that goes on
   */
  reenter(caller: Caller): void {
    if (this.exit !== null) throw this.exit;
    if (this.closed) fail("badf", "the program has ended");
    if (currentCall() === null && caller.execution?.timeLeft === 0) fail("intr");
    caller.memory.refresh();
    this.caller = caller;
  }

  get memory(): GuestMemory {
    return this.caller.memory;
  }

  get mayAwait(): boolean {
    return this.caller.mayAwait;
  }

  /** Tells that the function has moved so many bytes. */
  moved(bytes: number): void {
    if (this.bound === null) currentCall()?.shortenSlice(bytes / 64);
  }

  /** The call whose deadline holds for the function that is called. */
  private get execution(): Stoppable | null {
    if (this.bound === null) return activeExecution();
    const call = currentCall();
    if (call === null) return null;
    // The namespace's calls cannot say how much is left, only that nothing is.
    return {
      get timeLeft() {
        return call.mustStop ? 0 : Number.POSITIVE_INFINITY;
      },
    };
  }

  /** Closes all descriptors. */
  close(): void {
    this.closed = true;
    this.descriptors.closeAll();
    for (const arrival of [...this.arrivals]) arrival();
  }

  end(code: number): never {
    this.exit = new WasiExit(code);
    throw this.exit;
  }
}
