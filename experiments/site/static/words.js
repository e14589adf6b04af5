// Two texts compared word by word, and the fingerprint of a text.
"use strict";

const words = {
  // Words with the space after them; a space at the start is a word of its own.
  split(text) { return text.match(/\S+\s*|^\s+/g) ?? []; },

  // For each word of both texts, whether the other has it too: a longest common subsequence.
  shared(left, right) {
    const a = left.map((each) => each.trim()), b = right.map((each) => each.trim());
    const width = b.length + 1, longest = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--)
        longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    const found = [a.map(() => false), b.map(() => false)];
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      if (a[i] === b[j]) { found[0][i++] = true; found[1][j++] = true; }
      else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i++;
      else j++;
    }
    return found;
  },

  // Runs of words that are shared or not: [text, shared].
  runs(split, shared) {
    const found = [];
    split.forEach((word, place) => {
      const last = found.at(-1);
      if (last && last[1] === shared[place]) last[0] += word;
      else found.push([word, shared[place]]);
    });
    return found;
  },

  // The same as fnv1a in fingerprints.py.
  fingerprint(text) {
    let found = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) found = Math.imul(found ^ byte, 0x01000193);
    return (found >>> 0).toString(16).padStart(8, "0");
  },
};
