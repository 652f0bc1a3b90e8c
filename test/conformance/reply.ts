/**
 * A plain RESP2 and RESP3 decoder for the conformance suites.
 *
 * Independent of src/resp on purpose: a mistake that writer and reader share must not go unseen.
 * Decodes from the beginning of what has arrived each time; made to be obviously right, not fast.
 */

export type Reply =
  | { readonly kind: "+" | "-" | ":" | "," | "#" | "("; readonly text: string }
  | { readonly kind: "$"; readonly bytes: Buffer }
  | { readonly kind: "*" | "%" | "~" | ">"; readonly items: readonly Reply[] }
  | { readonly kind: "nil" | "nil-array" | "null" };

/**
 * The first reply in `bytes` from `start` and where it ends, or null when it is not all there yet.
 */
export function readReply(bytes: Buffer, start: number): { reply: Reply; end: number } | null {
  const lineEnd = bytes.indexOf("\r\n", start, "latin1");
  if (lineEnd < 0) return null;
  const kind = String.fromCharCode(bytes[start] ?? 0);
  const text = bytes.toString("latin1", start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (kind) {
    case "+":
    case "-":
    case ":":
    case ",":
    case "#":
    case "(":
      return { reply: { kind, text }, end: next };
    case "_":
      return { reply: { kind: "null" }, end: next };
    case "$":
    case "=":
      return readBulk(bytes, next, Number(text));
    case "*":
    case "~":
    case ">":
      return readItems(bytes, next, kind, Number(text));
    case "%":
      return readItems(bytes, next, kind, Number(text) * 2);
    default:
      throw new SyntaxError(`Cannot decode a reply that starts with ${JSON.stringify(kind)}`);
  }
}

function readBulk(
  bytes: Buffer,
  start: number,
  length: number,
): { reply: Reply; end: number } | null {
  if (length === -1) return { reply: { kind: "nil" }, end: start };
  const end = start + length;
  if (bytes.length < end + 2) return null;
  if (bytes.toString("latin1", end, end + 2) !== "\r\n")
    throw new SyntaxError("bulk without its CRLF");
  return { reply: { kind: "$", bytes: Buffer.from(bytes.subarray(start, end)) }, end: end + 2 };
}

function readItems(
  bytes: Buffer,
  start: number,
  kind: "*" | "%" | "~" | ">",
  count: number,
): { reply: Reply; end: number } | null {
  if (count === -1) return { reply: { kind: "nil-array" }, end: start };
  const items: Reply[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const item = readReply(bytes, at);
    if (item === null) return null;
    items.push(item.reply);
    at = item.end;
  }
  return { reply: { kind, items }, end: at };
}
