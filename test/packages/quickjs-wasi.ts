// What a program that embeds QuickJS (the package quickjs-wasi) gives it to import.

const nothing = () => 0;

/** A clock that stands still, no output, no functions of the host's. */
export const IMPORTS = {
  env: {
    host_call: nothing,
    host_interrupt: nothing,
    host_promise_rejection: () => undefined,
    host_module_normalize: nothing,
    host_module_load: nothing,
    host_get_timezone_offset: nothing,
  },
  wasi_snapshot_preview1: {
    clock_time_get: nothing,
    fd_close: nothing,
    fd_fdstat_get: nothing,
    fd_seek: nothing,
    fd_write: nothing,
    random_get: nothing,
  },
};
