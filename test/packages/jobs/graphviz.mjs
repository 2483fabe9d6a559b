// @hpcc-js/wasm-graphviz (Emscripten, C++): draws graphs with several engines, reads and changes one.

import { failure, randomNumbers, sha256 } from "./data.mjs";

export async function load() {
  const { Graphviz } = await import("@hpcc-js/wasm-graphviz");
  const graphviz = await Graphviz.load();
  // Drawing leaves defaults behind, which the first graph of a process would not have.
  graphviz.dot("digraph {}");
  return graphviz;
}

function graphText(nodes, edges) {
  const next = randomNumbers(13);
  const lines = Array.from(
    { length: edges },
    (_, i) => `n${next() % nodes} -- n${next() % nodes} [label="${i}" len=${1 + (next() % 3)}];`,
  );
  return `graph g { node [shape=ellipse fontsize=11];\n${lines.join("\n")}\n}`;
}

const SMALL = `digraph {
  rankdir=LR; compound=true; a -> b -> { c d } [label="a to\\nb <&>" color="red;0.5:blue"];
  subgraph cluster_x { label=<<b>bold</b> <i>x</i>>; c -> e; e [shape=record label="{f0|<p> f1}"] }
  d -> e:p [style=dashed lhead=cluster_x]; "日本" [shape=star style=filled fillcolor="#10a0f080"];
}`;

export function job(graphviz) {
  const text = graphText(24, 40);
  const engines = ["dot", "neato", "circo", "twopi", "osage", "patchwork"];
  const graph = graphviz.read(SMALL);
  graph.addEdge("b", "new").setNodeAttr("new", "shape", "box");
  graph.removeNode("d");
  const changed = { dot: graph.write(), plain: graph.layout("plain", "dot") };
  graph.delete();
  return {
    version: graphviz.version(),
    small: graphviz.dot(SMALL),
    drawn: engines.map((engine) => [engine, sha256(graphviz.layout(text, "svg", engine))]),
    json: sha256(graphviz.layout(SMALL, "json", "dot")),
    plain: graphviz.layout(text, "plain", "neato").slice(0, 400),
    changed,
    broken: failure(() => graphviz.dot("digraph { a -> ")),
  };
}
