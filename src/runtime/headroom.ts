// Room on the host's own stack. A stack overflow may come at any call of a function, also between
// two assignments that belong together: what must not be left half done asks for room first.

/**
 * More than the functions that ask need together. Node 20's `structuredClone`, which detaches
 * buffers, is the greatest of them.
 */
const ROOM_BYTES = 32_768;

/** Arguments lie on the stack, in 4 or 8 bytes each. Made when first needed: starts have no use. */
let zeros: readonly number[] | null = null;

function nothing(): void {}

/**
 * Raises the host's error of a stack overflow now rather than in the middle of what follows. Takes
 * some microseconds.
 * @throws RangeError on V8, with nothing done
 */
export function requireHeadroom(): void {
  zeros ??= new Array(ROOM_BYTES / 8).fill(0);
  Reflect.apply(nothing, undefined, zeros);
}
