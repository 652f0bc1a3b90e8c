/**
 * The chat page: one document with its style and its script inside, embedded in the executable.
 *
 * Its Content-Security-Policy allows exactly that style and that script, by their hashes, and
 * connections to this server: what people write can never run.
 */
import { createHash } from "node:crypto";
import style from "../../web/chat.css" with { type: "text" };
import document from "../../web/chat.html" with { type: "text" };
import script from "../../web/chat.js" with { type: "text" };

interface Page {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

let page: Page | null = null;

export function pageResponse(request: Request, path: string): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("use GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  // The page carries its icon.
  if (path !== "/") return new Response(null, { status: 404 });
  page ??= makePage();
  return new Response(page.body, { headers: page.headers });
}

function makePage(): Page {
  const html = String(document)
    .replace("/* style */", () => String(style))
    .replace("/* script */", () => String(script));
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(String(script))}'`,
    `style-src '${hashOf(String(style))}'`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return {
    body: Buffer.from(html),
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    },
  };
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
