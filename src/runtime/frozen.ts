// What the interpreter's loop reads and writes, where intrinsics are frozen (`node
// --frozen-intrinsics`, SES). V8 11 then compiles each store into a typed array as a call of its
// runtime, because a prototype with frozen elements might refuse it, and a method of DataView is
// behind a getter: the loop is 7 to 20 times slower. Objects that have no prototype, or one of our
// own, have neither. Elsewhere they stay what they are.

const FROZEN = Object.isFrozen(Object.prototype);

/** The methods of DataView, as properties that are no getters. */
const METHODS: object = Object.create(DataView.prototype, FROZEN ? dataMethods() : {});

function dataMethods(): PropertyDescriptorMap {
  const names = Object.getOwnPropertyNames(DataView.prototype).filter((n) => /^[gs]et/.test(n));
  return Object.fromEntries(
    names.map((name) => [name, { value: Reflect.get(DataView.prototype, name) }]),
  );
}

type LoopArray = Int32Array | Float32Array | Float64Array | Uint8Array;

/** The same bytes as a typed array for the loop; elements are all that may be used of it. */
export function arrayForLoop<T extends LoopArray>(array: T): T {
  return FROZEN ? Object.setPrototypeOf(array.subarray(), null) : array;
}

/** A view as the loop uses it. */
export function viewForLoop(view: DataView): DataView {
  return FROZEN ? Object.setPrototypeOf(view, METHODS) : view;
}
