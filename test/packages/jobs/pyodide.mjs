// pyodide (Emscripten, CPython with legacy exceptions): starts Python, runs `json`, `re` and a loop,
// hands objects and exceptions to and fro.

export async function load() {
  const { loadPyodide } = await import("pyodide");
  return loadPyodide();
}

const PROGRAM = `
import json, re

text = "alpha-1, beta-22, gamma-333; Δ-4444"
data = {"names": re.findall(r"(\\w+)-(\\d+)", text), "nested": [None, True, 1.5e300, {"é": []}]}
packed = json.dumps(data, sort_keys=True)

total = 0
for i in range(100_000):
    total += i * i % 7

def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)

def caught():
    try:
        return {}["missing"]
    except KeyError as error:
        return repr(error)
    finally:
        data["finally"] = True

json.dumps({
    "packed": packed,
    "same": json.loads(packed)["nested"] == data["nested"],
    "replaced": re.sub(r"\\d+", lambda m: str(int(m[0]) * 2), text),
    "total": total,
    "big": str(3 ** 200 % 10 ** 30),
    "sorted": sorted(range(20), key=lambda i: i * 7919 % 31),
    "depth": depth(150),
    "caught": caught(),
    "generated": sum(x * x for x in range(50) if x % 3),
    "floats": [0.1 + 0.2, float("1e22"), round(2.675, 2)],
    "host": host("question", 41),
})
`;

export async function job(pyodide) {
  const calls = [];
  pyodide.globals.set("host", (text, number) => {
    calls.push(text);
    return number + 1;
  });
  const result = JSON.parse(await pyodide.runPythonAsync(PROGRAM));
  const failed = await pyodide.runPythonAsync("def f(): return 1 / 0\nf()").then(
    () => "accepted",
    ({ type, message }) => [type, message.split("\n").at(-2)],
  );
  const add = pyodide.runPython("lambda a, b: [a + b, {'k': a * b}]");
  const pair = add(6, 7).toJs({ dict_converter: Object.fromEntries });
  return { version: pyodide.version, result, calls, failed, pair };
}
