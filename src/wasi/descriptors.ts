// File descriptors: what is open, with rights, flags and positions (witx: $fdstat). Numbers below 3
// are never given away again, so that no file becomes standard output by chance.

import {
  ALL_RIGHTS,
  DIRECTORY_RIGHTS,
  FILETYPE,
  INPUT_RIGHTS,
  OUTPUT_RIGHTS,
} from "./constants.ts";
import { fail } from "./errno.ts";
import type { Directory, File } from "./file-system.ts";
import { Listing } from "./listing.ts";
import type { Input, Output } from "./streams.ts";

interface Common {
  /** Rights of the descriptor itself, and those that what is opened through it can have. */
  rights: number;
  inheriting: number;
  /** Of `FDFLAG`. */
  flags: number;
}

export interface FileDescriptor extends Common {
  readonly kind: "file";
  readonly filetype: number;
  readonly file: File;
  /** Position in bytes. */
  offset: number;
}

export interface DirectoryDescriptor extends Common {
  readonly kind: "directory";
  readonly directory: Directory;
  /** The guest's name of a preopened directory. */
  readonly preopen: Uint8Array | null;
  /** What `fd_readdir` is going through. */
  listing: Listing | null;
}

export interface InputDescriptor extends Common {
  readonly kind: "input";
  readonly input: Input;
}

export interface OutputDescriptor extends Common {
  readonly kind: "output";
  readonly output: Output;
}

export type Descriptor = FileDescriptor | DirectoryDescriptor | InputDescriptor | OutputDescriptor;

export function openedInput(input: Input): InputDescriptor {
  return { kind: "input", input, rights: INPUT_RIGHTS, inheriting: 0, flags: 0 };
}

export function openedOutput(output: Output): OutputDescriptor {
  return { kind: "output", output, rights: OUTPUT_RIGHTS, inheriting: 0, flags: 0 };
}

/** A directory that is granted, under the guest's name for it. */
export function preopened(directory: Directory, preopen: Uint8Array): DirectoryDescriptor {
  return {
    kind: "directory",
    directory,
    preopen,
    listing: null,
    rights: DIRECTORY_RIGHTS,
    inheriting: ALL_RIGHTS,
    flags: 0,
  };
}

/** The type of file that a descriptor shows. */
export function filetypeOf(descriptor: Descriptor): number {
  switch (descriptor.kind) {
    case "file":
      return descriptor.filetype;
    case "directory":
      return FILETYPE.DIRECTORY;
    case "input":
      return descriptor.input.isTerminal ? FILETYPE.CHARACTER_DEVICE : FILETYPE.UNKNOWN;
    case "output":
      return descriptor.output.isTerminal ? FILETYPE.CHARACTER_DEVICE : FILETYPE.UNKNOWN;
  }
}

/** Fails with `notcapable` unless the descriptor has all of these rights. */
export function demand({ rights }: Descriptor, wanted: number): void {
  if ((rights & wanted) !== wanted) fail("notcapable");
}

function unlist(directory: DirectoryDescriptor): void {
  directory.listing?.close();
  directory.listing = null;
}

function release(descriptor: Descriptor): void {
  if (descriptor.kind === "file") descriptor.file.close();
  else if (descriptor.kind === "directory") {
    unlist(descriptor);
    descriptor.directory.close();
  }
}

/** Lists of directories that are kept; others are made anew when somebody goes on with them. */
const MOST_LISTINGS = 16;

/** The descriptors of one guest. */
export class DescriptorTable {
  private readonly open: (Descriptor | undefined)[];
  private readonly limit: number;
  private readonly listings: DirectoryDescriptor[] = [];
  /** The first number that may be free. */
  private lowest = 3;

  /** `initial` are the descriptors from 0 on. */
  constructor(initial: Descriptor[], limit: number) {
    this.open = initial;
    this.limit = Math.max(limit, initial.length);
  }

  /** @throws WasiError "badf" */
  get(fd: number): Descriptor {
    return this.open[fd >>> 0] ?? fail("badf");
  }

  /** An open file. A directory is `isdir`, a stream `spipe`; rights that lack `notcapable`. */
  file(fd: number, rights: number): FileDescriptor {
    const descriptor = this.get(fd);
    if (descriptor.kind === "directory") fail("isdir");
    if (descriptor.kind !== "file") fail("spipe");
    demand(descriptor, rights);
    return descriptor;
  }

  /** An open directory; anything else is `notdir`. */
  directory(fd: number, rights: number): DirectoryDescriptor {
    const descriptor = this.get(fd);
    if (descriptor.kind !== "directory") fail("notdir");
    demand(descriptor, rights);
    return descriptor;
  }

  /** Fails with `mfile` unless one more may be opened. */
  reserve(): number {
    while (this.open[this.lowest] !== undefined) this.lowest++;
    if (this.lowest >= this.limit) fail("mfile", `${this.limit} descriptors are open`);
    return this.lowest;
  }

  /** Gives a descriptor the number that `reserve` told. */
  put(fd: number, descriptor: Descriptor): void {
    this.open[fd] = descriptor;
  }

  close(fd: number): void {
    const descriptor = this.get(fd);
    this.vacate(fd);
    this.forget(descriptor);
    release(descriptor);
  }

  /** Gives an open descriptor the number of another one, which is closed. */
  renumber(from: number, to: number): void {
    const moved = this.get(from);
    this.get(to);
    if (from === to) return;
    this.close(to);
    this.open[to >>> 0] = moved;
    this.vacate(from);
  }

  private forget(descriptor: Descriptor): void {
    if (descriptor.kind !== "directory") return;
    const at = this.listings.indexOf(descriptor);
    if (at >= 0) this.listings.splice(at, 1);
  }

  private vacate(fd: number): void {
    this.open[fd >>> 0] = undefined;
    this.lowest = Math.max(3, Math.min(this.lowest, fd >>> 0));
  }

  /** A directory is gone through anew, from the begin: the oldest of too many lists is dropped. */
  list(directory: DirectoryDescriptor): Listing {
    unlist(directory);
    const at = this.listings.indexOf(directory);
    if (at >= 0) this.listings.splice(at, 1);
    else if (this.listings.length >= MOST_LISTINGS) unlist(this.listings.shift() ?? directory);
    this.listings.push(directory);
    directory.listing = new Listing(directory.directory);
    return directory.listing;
  }

  /** Closes everything that holds something of the host. */
  closeAll(): void {
    for (const descriptor of this.open) {
      if (descriptor !== undefined) release(descriptor);
    }
    this.open.length = 0;
    this.listings.length = 0;
  }
}
