// Room on the host's own stack. A stack overflow may come at any call of a function, also between
// two assignments that belong together: what must not be left half done asks for room first.

/**
 * More than the functions that ask need together. Node 20's `structuredClone`, which detaches
 * buffers, is the greatest of them.
 */
const ROOM_BYTES = 32_768;

/** Arguments lie on the stack, in 4 or 8 bytes each: as many as take so many bytes. */
const zeros = new Map<number, readonly number[]>();

function nothing(): void {}

/** @throws RangeError on V8 if its stack has not so much left */
function takeUp(bytes: number): void {
  let list = zeros.get(bytes);
  if (list === undefined) {
    list = new Array(bytes / 8).fill(0);
    zeros.set(bytes, list);
  }
  Reflect.apply(nothing, undefined, list);
}

/**
 * Raises the host's error of a stack overflow now rather than in the middle of what follows. Takes
 * some microseconds.
 * @throws RangeError on V8, with nothing done
 */
export function requireHeadroom(): void {
  takeUp(ROOM_BYTES);
}

/**
 * Whether V8's stack has so many bytes left; others say yes. Takes 0.1 µs for a kilobyte.
 * @param bytes one of a few numbers, below half a mebibyte, the most that arguments may take
 */
export function hasHeadroom(bytes: number): boolean {
  try {
    takeUp(bytes);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
