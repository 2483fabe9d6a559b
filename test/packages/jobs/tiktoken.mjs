// tiktoken (wasm-bindgen, a module of 5.6 MB): texts to tokens and back.

import { prose, sha256 } from "./data.mjs";

export async function load() {
  const { get_encoding } = await import("tiktoken");
  return get_encoding("gpt2");
}

const TEXTS = [
  "hello world",
  "",
  "   \n\n\t indented",
  "Ünïcödé 測試 🦀🦀 é",
  "function f(x) { return x ** 2; }",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

export function job(encoding) {
  const tokens = TEXTS.map((text) => [...encoding.encode(text)]);
  const long = prose(3_000);
  const encoded = encoding.encode(long);
  const back = new TextDecoder().decode(encoding.decode(encoded));
  const special = [...encoding.encode("a<|endoftext|>b", "all")];
  let refused = "";
  try {
    encoding.encode("a<|endoftext|>b");
  } catch (error) {
    refused = String(error);
  }
  const bytes = tokens[4].map((token) => [...encoding.decode_single_token_bytes(token)]);
  return {
    tokens,
    count: encoded.length,
    same: back === long,
    special,
    refused,
    bytes,
    all: sha256(encoded),
  };
}
