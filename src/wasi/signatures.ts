// The types of all functions of WASI preview 1 (witx: wasi_snapshot_preview1). Addresses, lengths
// and descriptors are i32; rights, times, offsets and sizes of files i64. All but proc_exit return
// an error code.

/** The parameters of each function. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  args_get: "i32 i32",
  args_sizes_get: "i32 i32",
  environ_get: "i32 i32",
  environ_sizes_get: "i32 i32",
  clock_res_get: "i32 i32",
  clock_time_get: "i32 i64 i32",
  fd_advise: "i32 i64 i64 i32",
  fd_allocate: "i32 i64 i64",
  fd_close: "i32",
  fd_datasync: "i32",
  fd_fdstat_get: "i32 i32",
  fd_fdstat_set_flags: "i32 i32",
  fd_fdstat_set_rights: "i32 i64 i64",
  fd_filestat_get: "i32 i32",
  fd_filestat_set_size: "i32 i64",
  fd_filestat_set_times: "i32 i64 i64 i32",
  fd_pread: "i32 i32 i32 i64 i32",
  fd_prestat_get: "i32 i32",
  fd_prestat_dir_name: "i32 i32 i32",
  fd_pwrite: "i32 i32 i32 i64 i32",
  fd_read: "i32 i32 i32 i32",
  fd_readdir: "i32 i32 i32 i64 i32",
  fd_renumber: "i32 i32",
  fd_seek: "i32 i64 i32 i32",
  fd_sync: "i32",
  fd_tell: "i32 i32",
  fd_write: "i32 i32 i32 i32",
  path_create_directory: "i32 i32 i32",
  path_filestat_get: "i32 i32 i32 i32 i32",
  path_filestat_set_times: "i32 i32 i32 i32 i64 i64 i32",
  path_link: "i32 i32 i32 i32 i32 i32 i32",
  path_open: "i32 i32 i32 i32 i32 i64 i64 i32 i32",
  path_readlink: "i32 i32 i32 i32 i32 i32",
  path_remove_directory: "i32 i32 i32",
  path_rename: "i32 i32 i32 i32 i32 i32",
  path_symlink: "i32 i32 i32 i32 i32",
  path_unlink_file: "i32 i32 i32",
  poll_oneoff: "i32 i32 i32 i32",
  proc_exit: "i32",
  proc_raise: "i32",
  random_get: "i32 i32",
  sched_yield: "",
  sock_accept: "i32 i32 i32",
  sock_recv: "i32 i32 i32 i32 i32 i32",
  sock_send: "i32 i32 i32 i32 i32",
  sock_shutdown: "i32 i32",
};

/** The type of a function as `hostFunc` writes it. */
export function signatureOf(name: string): string {
  return `(${PARAMETERS[name]}) -> (${name === "proc_exit" ? "" : "i32"})`;
}

/** Where the older `wasi_unstable` differs. */
export interface Dialect {
  /** `fd_seek`: what 0, 1 and 2 mean. */
  readonly whence: readonly ("set" | "cur" | "end")[];
  /** `$filestat`: the number of links is an i32, and what follows lies nearer. */
  readonly shortLinkCount: boolean;
  /** `$subscription_clock` begins with an identifier. */
  readonly clockIdentifier: boolean;
  /** Functions that it does not have. */
  readonly missing: readonly string[];
}

export const PREVIEW1: Dialect = {
  whence: ["set", "cur", "end"],
  shortLinkCount: false,
  clockIdentifier: false,
  missing: [],
};

export const UNSTABLE: Dialect = {
  whence: ["cur", "end", "set"],
  shortLinkCount: true,
  clockIdentifier: true,
  missing: ["sock_accept"],
};
