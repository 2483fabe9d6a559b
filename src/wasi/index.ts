// Entry point `wasmeter/wasi`: WASI preview 1 for any JavaScript engine. Host directories and the
// host's streams are in `wasmeter/wasi/node`.

export { FILETYPE } from "./constants.ts";
export { type ErrnoName, WasiError } from "./errno.ts";
export type {
  Directory,
  DirectoryEntry,
  File,
  FileStat,
  FileSystem,
  FileTimes,
  OpenOptions,
} from "./file-system.ts";
export {
  type MemoryFileSystem,
  type MemoryFileSystemOptions,
  type MemorySnapshot,
  memoryFileSystem,
  type Tree,
} from "./memory-file-system.ts";
export type {
  ForeignInstance,
  WasiFunction,
  WasiImports,
  WasiModule,
  WasiOptions,
} from "./options.ts";
export { WasiExit } from "./process.ts";
export {
  type Clock,
  type ClockName,
  fixedClock,
  type RandomSource,
  seededRandom,
  systemClock,
  systemRandom,
} from "./sources.ts";
export {
  type CapturedOutput,
  captureOutput,
  type InputSource,
  type InputStream,
  type OutputSink,
  type OutputStream,
} from "./streams.ts";
export { type Wasi, wasi } from "./wasi.ts";
