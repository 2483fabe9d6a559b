// The modules of the micro benchmark of execution, as text: loops around one kind of instruction,
// unrolled, each item depending on the one before so that no compiler can drop or reorder it. The
// result of `run` depends on all the items.

/** Items per turn of the loop. */
const UNROLL = 16;
/** Operations that change `$x`, of type i64, from itself and `$y`, an odd number. */
const I64_OPERATIONS = {
  "i64.mul": () => "(local.set $x (i64.mul (local.get $x) (local.get $y)))",
  "i64.rotl": () => "(local.set $x (i64.rotl (local.get $x) (local.get $y)))",
  "i64.shl, i64.shr_u, i64.xor": (item: number) => {
    const shift = item % 2 === 0 ? "i64.shl" : "i64.shr_u";
    return `(local.set $x (i64.xor (local.get $x) (${shift} (local.get $x) (local.get $y))))`;
  },
  "i64.div_u, i64.or": () =>
    `(local.set $x (i64.div_u (i64.const 0x9e3779b97f4a7c15)
      (i64.or (local.get $x) (local.get $y))))`,
} as const;

/** A module to measure. */
export interface MicroModule {
  readonly text: string;
  /** Items in one turn of its loop; null if the host makes the turns, by calling it. */
  readonly items: number | null;
}

interface Loop {
  readonly result: "i32" | "i64" | "f64";
  /** Fields of the module before the function that is measured. */
  readonly fields?: string;
  /** What happens at the beginning of each turn. */
  readonly turn?: string;
  readonly items?: number;
  item(index: number): string;
}

/** `run` with $n turns and the result $x; $a, $b and $p are i32, $y and $z of the result's type. */
function loop({ result, fields = "", turn = "", items = UNROLL, item }: Loop): MicroModule {
  const from = result === "f64" ? "f64.convert_i32_u" : "i64.extend_i32_u";
  const number = result === "i32" ? "(local.get $n)" : `(${from} (local.get $n))`;
  const odd = `(i32.or (local.get $n) (i32.const 1))`;
  const start = result === "i64" ? "(i64.or (i64.const 1)" : `(${result}.add (${result}.const 1)`;
  const text = `(module ${fields}
    (func (export "run") (param $n i32) (result ${result})
      (local $i i32) (local $a i32) (local $b i32) (local $p i32)
      (local $x ${result}) (local $y ${result})
      (local.set $b ${odd})
      (local.set $x ${start} ${number}))
      (local.set $y (local.get $x))
      (loop $again
        ${turn}
        ${Array.from({ length: items }, (_, index) => item(index)).join("\n        ")}
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
      (local.get $x)))`;
  return { text, items };
}

const INCREMENT = `(func $increment (param i32) (result i32)
  (i32.add (local.get 0) (i32.const 1)))`;

/** Addresses go through a page in steps of 8, and 8 bytes there change with every turn. */
const NEXT_ADDRESS = `(local.set $p (i32.and (i32.shl (local.get $i) (i32.const 3))
    (i32.const 0xfff8)))
  (i64.store (local.get $p) (i64.extend_i32_u (i32.mul (local.get $i) (local.get $b))))`;

function loads(instruction: string, type: "i32" | "i64"): MicroModule {
  return loop({
    result: type,
    fields: "(memory 2)",
    turn: NEXT_ADDRESS,
    item: (index) =>
      `(local.set $x (${type}.add (local.get $x)
        (${instruction} offset=${8 * index} (local.get $p))))`,
  });
}

/** Every store is read back at the end of the turn by way of the last one. */
function stores(instruction: string, load: string, type: "i32" | "i64"): MicroModule {
  return loop({
    result: type,
    fields: "(memory 2)",
    turn: `(local.set $p (i32.and (i32.shl (local.get $i) (i32.const 3)) (i32.const 0xfff8)))
      (local.set $x (${type}.add (local.get $x) (${load} offset=8 (local.get $p))))
      (local.set $x (${type}.add (local.get $x) (${type}.const 1)))`,
    item: (index) => `(${instruction} offset=${8 * index} (local.get $p) (local.get $x))`,
  });
}

/** A switch over eight arms that the value itself chooses. */
function branches(): MicroModule {
  const arms = Array.from({ length: 8 }, (_, arm) => arm);
  const blocks = arms.map((arm) => `(block $arm${7 - arm}`).join(" ");
  const labels = arms.map((arm) => `$arm${arm}`).join(" ");
  const bodies = arms.map(
    (arm) => `)
      (local.set $x (i32.add (local.get $x) (i32.const ${1 + 2 * ((arm * 5) % 8)})))
      (br $done)`,
  );
  const item = `(block $done ${blocks}
    (br_table ${labels} $arm7 (i32.and (local.get $x) (i32.const 7))) ${bodies.join(" ")})`;
  return loop({ result: "i32", items: 1, item: () => item });
}

/** The modules by what they measure. */
export const MICRO_MODULES: Readonly<Record<string, MicroModule>> = {
  "i32.add": loop({
    result: "i32",
    item: (index) => {
      const [to, from] = index % 2 === 0 ? ["$x", "$y"] : ["$y", "$x"];
      return `(local.set ${to} (i32.add (local.get ${to}) (local.get ${from})))`;
    },
  }),
  call: loop({
    result: "i32",
    fields: INCREMENT,
    item: () => "(local.set $x (call $increment (local.get $x)))",
  }),
  call_indirect: loop({
    result: "i32",
    fields: `(type $unary (func (param i32) (result i32)))
      (table funcref (elem $increment $triple))
      ${INCREMENT}
      (func $triple (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))`,
    item: () => `(local.set $x (call_indirect (type $unary) (local.get $x)
      (i32.and (local.get $i) (i32.const 1))))`,
  }),
  "guest calls host": loop({
    result: "i32",
    fields: '(import "host" "increment" (func $increment (param i32) (result i32)))',
    item: () => "(local.set $x (call $increment (local.get $x)))",
  }),
  "host calls guest": {
    text: `(module (func (export "run") (param i32) (result i32)
      (i32.add (local.get 0) (i32.const 1))))`,
    items: null,
  },
  "i32.load8_u": loads("i32.load8_u", "i32"),
  "i32.load": loads("i32.load", "i32"),
  "i64.load": loads("i64.load", "i64"),
  "i32.store8": stores("i32.store8", "i32.load8_u", "i32"),
  "i32.store": stores("i32.store", "i32.load", "i32"),
  "i64.store": stores("i64.store", "i64.load", "i64"),
  ...Object.fromEntries(
    Object.entries(I64_OPERATIONS).map(([name, item]) => [name, loop({ result: "i64", item })]),
  ),
  "f64.mul, f64.add": loop({
    result: "f64",
    item: () => `(local.set $x (f64.add (f64.mul (local.get $x) (f64.const 0.75)) (local.get $y)))`,
  }),
  br_table: branches(),
};
