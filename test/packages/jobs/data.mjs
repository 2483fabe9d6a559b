// Inputs of the jobs and digests of their results: the same in every process.

import { createHash } from "node:crypto";

/** A linear congruential generator: whole numbers from 0 to 2³¹ − 1. */
export function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >>> 8;
  };
}

const WORDS = (
  "memory table global function module instance stack frame label trap operand value type index " +
  "segment export import limit page fuel epoch naïve überall 測試 Привет 🦀 42 3.14 don't e.g. -"
).split(" ");

/** Text of so many words, lines of about ten. */
export function prose(words, seed = 7) {
  const next = randomNumbers(seed);
  const parts = [];
  for (let i = 0; i < words; i++) {
    parts.push(WORDS[next() % WORDS.length], next() % 10 === 0 ? ".\n" : " ");
  }
  return parts.join("");
}

/** Bytes without any pattern. */
export function noise(length, seed = 11) {
  const next = randomNumbers(seed);
  return Uint8Array.from({ length }, () => next() & 0xff);
}

/** JavaScript source of so many functions. */
export function program(functions, seed = 3) {
  const next = randomNumbers(seed);
  const lines = [];
  for (let i = 0; i < functions; i++) {
    lines.push(
      `export function f${i}(a, { b = ${next() % 100}, ...rest } = {}) {`,
      `  const text = \`\${a}-${WORDS[next() % 10]}\${b ?? ${next() % 9}}\`;`,
      `  for (const [key, value] of Object.entries(rest)) if (/x${i}+/u.test(key)) return value;`,
      `  return async () => [...text].map((c) => c.charCodeAt(0) ** 2 % ${(next() % 97) + 1});`,
      "}",
    );
  }
  return `${lines.join("\n")}\n`;
}

export const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** What a function gives, or says of its failure. */
export function failure(fn) {
  try {
    return fn();
  } catch (error) {
    return String(error);
  }
}
