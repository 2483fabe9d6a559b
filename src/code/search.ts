// Looking for a position among ascending ones.

/**
 * Index of the last of `count` ascending numbers that is not above `value`, -1 if all are; they lie
 * `stride` apart.
 */
export function lastUpTo(
  numbers: ArrayLike<number>,
  value: number,
  count: number = numbers.length,
  stride = 1,
): number {
  let low = -1;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (numbers[stride * middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** First slot of item `index` where each of `vectors`, indices in ascending order, takes two. */
export function slotAt(index: number, vectors: ArrayLike<number>): number {
  return index + lastUpTo(vectors, index - 1) + 1;
}
