// Bytes of the binary format that the host tier writes of its own accord (spec: 5.4 Instructions).

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Less: 0x48,
  i32Sub: 0x6b,
  i32Wrap: 0xa7,
  i32Reinterpret: 0xbc,
  i64Reinterpret: 0xbd,
  refNull: 0xd0,
  vector: 0xfd,
} as const;

/** The block type without parameters and results. */
export const EMPTY = 0x40;
