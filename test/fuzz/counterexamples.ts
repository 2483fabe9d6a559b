// Modules about which wasmeter and a real engine once differed, made small, each with the verdict
// that the specification asks for. Whoever was wrong, they stay as tests.

/** A module and what must be said about it. */
export interface Counterexample {
  readonly name: string;
  readonly hex: string;
  /** As for `parseFeatures`. */
  readonly features: string;
  readonly expected: "valid" | "malformed" | "invalid";
  /** Why, by the WebAssembly 3.0 specification unless another text is named. */
  readonly reason: string;
}

export const COUNTEREXAMPLES: readonly Counterexample[] = [
  {
    name: "br_on_non_null to a label without types",
    hex: "0061736d01000000010401600000030201000a08010600d070d6000b",
    features: "all",
    expected: "invalid",
    reason: "Validation, br_on_non_null: the label has a type [t* (ref ht)], which cannot be empty",
  },
  {
    name: "br_on_non_null to a label that takes a vector",
    hex:
      "0061736d010000000105016000017b03020100070501016600000a1a0118000001010101010101d6000101" +
      "0101fdb70101010101010b",
    features: "all",
    expected: "invalid",
    reason:
      "Validation, br_on_non_null: the last type of the label is a reference type, in " +
      "unreachable code as well",
  },
  {
    name: "ref.as_non_null of an unknown operand used as i32",
    hex: "0061736d01000000010401600000030201000a0801060000d4451a0b",
    features: "all",
    expected: "invalid",
    reason: "Validation, ref.as_non_null: it leaves (ref ht), which is no i32 whatever ht is",
  },
  {
    name: "more precise operands after the end of a loop",
    hex: "0061736d01000000010401600000030201000a0c010a00036dd06c0bfb1d1a0b",
    features: "all",
    expected: "invalid",
    reason: "Validation, loop: it leaves its declared results, here eqref; i31.get_s takes i31ref",
  },
  {
    name: "more precise operand after br_on_cast_fail",
    hex: "0061736d01000000010401600000030201000a17011500026e4100fb1cfb1903006e6dfb1d1ad06e0b1a0b",
    features: "all",
    expected: "invalid",
    reason: "Validation, br_on_cast_fail: it leaves the type cast to, here eqref, and no i31ref",
  },
  {
    name: "ref.eq of an unknown operand and a function",
    hex: "0061736d01000000010601600170017f030201000a08010600002000d30b",
    features: "all",
    expected: "invalid",
    reason: "Validation, ref.eq: both operands are eqref; the upper one is known to be funcref",
  },
  {
    name: "padded abstract heap type",
    hex: "0061736d01000000010401600000030201000a08010600d0f07f1a0b",
    features: "all",
    expected: "malformed",
    reason:
      "Binary Format, Heap Types: an abstract heap type is the single byte 0x70; s33 is for " +
      "type indices only",
  },
  {
    name: "padded empty block type",
    hex: "0061736d01000000010401600000030201000a0801060003c07f0b0b",
    features: "all",
    expected: "malformed",
    reason:
      "Binary Format, Control Instructions: a block type is 0x40, a value type or an s33 >= 0",
  },
  {
    name: "padded tag attribute",
    hex: "0061736d010000000104016000000d0401800000",
    features: "all",
    expected: "malformed",
    reason: "Binary Format, Tag Types: the attribute of a tag is the byte 0x00",
  },
  {
    name: "declarative element segment of a number type",
    hex: "0061736d01000000090401077d00",
    features: "all",
    expected: "malformed",
    reason: "Binary Format, Element Section: with flags 7 follows a reference type, 0x7d is f32",
  },
  {
    name: "table limits in more than five bytes",
    hex: "0061736d010000000409017000818080808000",
    features: "all",
    expected: "valid",
    reason:
      "Binary Format, Limits: limits are u64 for every address type; 1 may be padded to ten " +
      "bytes",
  },
  {
    name: "table limits in more than five bytes without memory64",
    hex: "0061736d010000000409017000818080808000",
    features: "wasm2",
    expected: "malformed",
    reason:
      "WebAssembly 2.0, Binary Format, Limits: before memory64 limits are u32, at most five " +
      "bytes",
  },
  {
    name: "legacy and new exceptions in one module",
    hex: "0061736d0100000001040160000003030200000a0c02050006400b0b040101690b",
    features: "all",
    expected: "valid",
    reason: "no rule of either proposal forbids the other",
  },
  {
    name: "a table of four milliards of elements",
    hex: "0061736d010000000408017000ffffffdf0f",
    features: "all",
    expected: "valid",
    reason:
      "Validation, Table Types: a table with 32-bit addresses may have up to 2^32 - 1 elements",
  },
  {
    name: "a 64-bit memory of 2^48 pages",
    hex: "0061736d010000000509010480808080808040",
    features: "all",
    expected: "valid",
    reason: "Validation, Memory Types: a memory with 64-bit addresses may have up to 2^48 pages",
  },
  {
    name: "atomic load with less than natural alignment",
    hex: "0061736d010000000104016000000302010005030100010a0b0109004100fe1000001a0b",
    features: "all",
    expected: "invalid",
    reason: "threads proposal, validation: the alignment of an atomic access is its width exactly",
  },
];
