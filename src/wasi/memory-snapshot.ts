// A file system in memory as plain data: a list of nodes, of which directories name others by
// their place in the list. Hard links stay links.

import {
  type Account,
  DirectoryNode,
  FileNode,
  LinkNode,
  type MemoryNode,
} from "./memory-nodes.ts";

interface Times {
  readonly atim: bigint;
  readonly mtim: bigint;
  readonly ctim: bigint;
}

/** One file, directory or link. */
export type NodeSnapshot = Times &
  (
    | { readonly type: "file"; readonly bytes: Uint8Array }
    | { readonly type: "link"; readonly target: string }
    /** Names and the places of their nodes in the list. */
    | { readonly type: "directory"; readonly entries: readonly (readonly [string, number])[] }
  );

/** What `MemoryFileSystem.snapshot` gives: numbers, texts, bigints and bytes. */
export interface MemorySnapshot {
  readonly version: 1;
  /** The first is the root. */
  readonly nodes: readonly NodeSnapshot[];
}

/** The data of everything below a directory. */
export function snapshotOf(top: DirectoryNode): MemorySnapshot {
  const places = new Map<MemoryNode, number>();
  const found: MemoryNode[] = [];
  const placeOf = (node: MemoryNode): number => {
    let place = places.get(node);
    if (place === undefined) {
      place = found.push(node) - 1;
      places.set(node, place);
    }
    return place;
  };
  placeOf(top);
  const nodes: NodeSnapshot[] = [];
  // The list grows while it is gone through.
  for (let i = 0; i < found.length; i++) {
    const node = found[i];
    const { atim, ctim, mtim } = node;
    const times = { atim, mtim, ctim };
    if (node instanceof FileNode) nodes.push({ type: "file", bytes: node.bytes, ...times });
    else if (node instanceof LinkNode) nodes.push({ type: "link", target: node.target, ...times });
    else {
      const entries = Array.from(node.entries, ([name, item]) => [name, placeOf(item)] as const);
      nodes.push({ type: "directory", entries, ...times });
    }
  }
  return { version: 1, nodes };
}

function nodeFrom(account: Account, data: NodeSnapshot): MemoryNode {
  switch (data.type) {
    case "file": {
      const node = new FileNode(account);
      node.write(data.bytes, 0);
      return node;
    }
    case "link":
      return new LinkNode(account, data.target);
    case "directory":
      return new DirectoryNode(account);
  }
}

/**
 * The root directory that a snapshot describes.
 * @throws TypeError for data that is no snapshot, WasiError "nospc" if it is too much
 */
export function restoreNodes(account: Account, { nodes, version }: MemorySnapshot): DirectoryNode {
  if (version !== 1) throw new TypeError(`a snapshot of version ${version} cannot be read`);
  const made = nodes.map((data) => nodeFrom(account, data));
  const [top] = made;
  if (!(top instanceof DirectoryNode)) throw new TypeError("a snapshot begins with a directory");
  top.links = 1;
  nodes.forEach((data, i) => {
    const node = made[i];
    if (data.type !== "directory" || !(node instanceof DirectoryNode)) return;
    for (const [name, place] of data.entries) {
      const child = made[place];
      if (child === undefined || (child instanceof DirectoryNode && child.links > 0)) {
        throw new TypeError("a snapshot whose directories are no tree");
      }
      child.reserveName();
      node.put(name, child);
    }
  });
  nodes.forEach(({ atim, ctim, mtim }, i) => Object.assign(made[i], { atim, mtim, ctim }));
  return top;
}
