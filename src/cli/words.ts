/** A command line in one argument → its words, as a shell would split it. */

/**
 * Blanks separate; '…' and "…" hold together; a backslash outside of '…' takes the next character
 * as it is. No variables, no patterns. Null when a quote is not closed.
 */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "\\" && quote !== "'") {
      word = (word ?? "") + (text[++at] ?? "");
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== "") return null;
  if (word !== null) words.push(word);
  return words;
}
