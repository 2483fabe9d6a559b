// Entry point `wasmeter/wasi/node`: what guests can be granted of a host that is Node.

export { type HostDirectoryOptions, hostDirectory } from "./node-directory.ts";
export {
  descriptorInput,
  descriptorOutput,
  streamInput,
  streamOutput,
} from "./node-streams.ts";
