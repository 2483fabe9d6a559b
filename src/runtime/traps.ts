// Trap codes as the interpreter counts them, each with the name it has in the API and the
// conformance suite's text (spec: 4.4 Execution, where "trap" is written).

export const UNREACHABLE = 1;
export const DIVIDE_BY_ZERO = 2;
export const INTEGER_OVERFLOW = 3;
export const INVALID_CONVERSION = 4;
export const MEMORY_OUT_OF_BOUNDS = 5;
export const TABLE_OUT_OF_BOUNDS = 6;
export const UNDEFINED_ELEMENT = 7;
export const UNINITIALIZED_ELEMENT = 8;
export const INDIRECT_CALL_TYPE_MISMATCH = 9;
export const NULL_REFERENCE = 10;
export const NULL_FUNCTION_REFERENCE = 11;
export const NULL_EXCEPTION_REFERENCE = 12;
export const UNALIGNED_ATOMIC = 13;
export const EXPECTED_SHARED_MEMORY = 14;
export const CALL_STACK_EXHAUSTED = 15;
export const WAIT_NOT_ALLOWED = 16;
export const NULL_STRUCTURE_REFERENCE = 17;
export const NULL_ARRAY_REFERENCE = 18;
export const NULL_I31_REFERENCE = 19;
export const ARRAY_OUT_OF_BOUNDS = 20;
export const CAST_FAILURE = 21;

/** Name and text of each trap code; index 0 is unused. */
export const TRAPS: readonly (readonly [code: string, text: string])[] = [
  ["none", ""],
  ["unreachable", "unreachable"],
  ["divideByZero", "integer divide by zero"],
  ["integerOverflow", "integer overflow"],
  ["invalidConversion", "invalid conversion to integer"],
  ["memoryOutOfBounds", "out of bounds memory access"],
  ["tableOutOfBounds", "out of bounds table access"],
  ["undefinedElement", "undefined element"],
  ["uninitializedElement", "uninitialized element"],
  ["indirectCallTypeMismatch", "indirect call type mismatch"],
  ["nullReference", "null reference"],
  ["nullFunctionReference", "null function reference"],
  ["nullExceptionReference", "null exception reference"],
  ["unalignedAtomic", "unaligned atomic"],
  ["expectedSharedMemory", "expected shared memory"],
  ["callStackExhausted", "call stack exhausted"],
  ["waitNotAllowed", "this thread may not wait"],
  ["nullStructureReference", "null structure reference"],
  ["nullArrayReference", "null array reference"],
  ["nullI31Reference", "null i31 reference"],
  ["arrayOutOfBounds", "out of bounds array access"],
  ["castFailure", "cast failure"],
];
