// A run of words that grows: what is found out about a function while it is written, without an
// object for each piece of it. It is used again for the next function.

/** A growing run of words. */
export class WordList {
  words: Int32Array = new Int32Array(256);
  length = 0;

  /** Makes room for so many more words. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.words.length) return;
    const grown = new Int32Array(Math.max(2 * this.words.length, needed));
    grown.set(this.words.subarray(0, this.length));
    this.words = grown;
  }

  push(word: number): void {
    if (this.length === this.words.length) this.reserve(1);
    this.words[this.length++] = word;
  }

  /** Adds a row of four words. */
  row(first: number, second: number, third: number, fourth: number): void {
    this.reserve(4);
    const { length, words } = this;
    words[length] = first;
    words[length + 1] = second;
    words[length + 2] = third;
    words[length + 3] = fourth;
    this.length = length + 4;
  }

  /** Adds the first `count` words of others. */
  append(words: Int32Array, count: number): void {
    this.reserve(count);
    const at = this.length;
    for (let i = 0; i < count; i++) this.words[at + i] = words[i];
    this.length = at + count;
  }
}
