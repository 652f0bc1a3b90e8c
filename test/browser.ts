/**
 * A headless Chromium, driven over its DevTools protocol: one browser, a page of its own for each
 * user, clicks and keys as a person's, and pictures.
 *
 * The protocol is JSON over a WebSocket, which Bun has; a library for it would be the largest
 * dependency of the repository for the ten calls below.
 */
import { writeFileSync } from "node:fs";
import { ChildProcess, eventually, temporaryFolder } from "./harness.ts";

export const CHROMIUM = "chromium";

interface Reply {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
}

/** What `key` knows, with the numbers that pages see. */
const KEYS: Readonly<Record<string, { code: number; text?: string }>> = {
  Enter: { code: 13, text: "\r" },
  Escape: { code: 27 },
  Tab: { code: 9 },
};

export class Browser implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #folder: ReturnType<typeof temporaryFolder>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;
  /** What pages have complained about: exceptions, errors of the console, refused by the policy. */
  readonly complaints: string[] = [];
  readonly #contextIds: unknown[] = [];

  private constructor(
    process: ChildProcess,
    folder: ReturnType<typeof temporaryFolder>,
    socket: WebSocket,
  ) {
    this.#process = process;
    this.#folder = folder;
    this.#socket = socket;
    socket.onmessage = (event) => this.#receive(JSON.parse(String(event.data)) as Reply);
  }

  static async start(): Promise<Browser> {
    const folder = temporaryFolder();
    const process = new ChildProcess([
      CHROMIUM,
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run",
      "--no-proxy-server",
      "--force-color-profile=srgb",
      "--remote-debugging-port=0",
      `--user-data-dir=${folder.path}`,
    ]);
    await eventually(() => debuggerUrl(process) !== "" || !process.isRunning, "chromium is there");
    const socket = new WebSocket(debuggerUrl(process));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`Cannot drive ${CHROMIUM}: ${process.stderr}`));
    await promise;
    return new Browser(process, folder, socket);
  }

  /** A page with storage of its own: another user. */
  async open(url: string, options: { width?: number; height?: number; isDark?: boolean } = {}) {
    const { browserContextId } = await this.call("Target.createBrowserContext", {});
    this.#contextIds.push(browserContextId);
    const { targetId } = await this.call("Target.createTarget", {
      url: "about:blank",
      browserContextId,
    });
    const { sessionId } = await this.call("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId as string);
    await page.call("Runtime.enable", {});
    await page.call("Log.enable", {});
    await page.call("Page.enable", {});
    await page.call("Emulation.setFocusEmulationEnabled", { enabled: true });
    await page.setDark(options.isDark ?? false);
    await page.call("Emulation.setDeviceMetricsOverride", {
      width: options.width ?? 1100,
      height: options.height ?? 720,
      deviceScaleFactor: 1,
      mobile: (options.width ?? 1100) < 600,
    });
    await page.call("Page.navigate", { url });
    await page.until("document.readyState === 'complete' && location.protocol !== 'about:'");
    return page;
  }

  /** Closes all pages, and forgets what they have complained about. */
  async closePages(): Promise<void> {
    for (const browserContextId of this.#contextIds.splice(0)) {
      await this.call("Target.disposeBrowserContext", { browserContextId });
    }
    this.complaints.length = 0;
  }

  async call(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#waiting.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    const reply = await promise;
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#process.stop();
    this.#folder[Symbol.dispose]();
  }

  #receive(reply: Reply): void {
    if (reply.id !== undefined) {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    } else if (reply.method === "Runtime.exceptionThrown" || reply.method === "Log.entryAdded") {
      this.complaints.push(JSON.stringify(reply.params));
    }
  }
}

function debuggerUrl({ stderr }: ChildProcess): string {
  return /DevTools listening on (ws:\S+)/.exec(stderr)?.[1] ?? "";
}

export class Page {
  readonly #browser: Browser;
  readonly #sessionId: string;

  constructor(browser: Browser, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  call(method: string, params: object): Promise<Record<string, unknown>> {
    return this.#browser.call(method, params, this.#sessionId);
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const reply = await this.call("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (reply.exceptionDetails !== undefined) throw new Error(`${expression}: it throws`);
    return (reply.result as { value?: unknown }).value;
  }

  async until(expression: string): Promise<void> {
    await eventually(async () => (await this.evaluate(expression)) === true, expression);
  }

  /** Waits until the text of what `selector` names contains `text`. */
  async untilText(selector: string, text: string): Promise<void> {
    await eventually(
      async () => (await this.textOf(selector)).includes(text),
      `${selector} contains "${text}"`,
    );
  }

  /** What a reader sees of it. */
  async textOf(selector: string): Promise<string> {
    const found = `document.querySelector(${JSON.stringify(selector)})`;
    return String((await this.evaluate(`${found}?.innerText`)) ?? "");
  }

  isVisible(selector: string): Promise<unknown> {
    return this.evaluate(
      `document.querySelector(${JSON.stringify(selector)})?.checkVisibility({` +
        "visibilityProperty: true }) === true",
    );
  }

  async click(selector: string): Promise<void> {
    const box = await this.evaluate(
      `(() => { const box = document.querySelector(${JSON.stringify(selector)})` +
        ".getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()",
    );
    const [x, y] = box as [number, number];
    for (const type of ["mousePressed", "mouseReleased"]) {
      await this.call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
  }

  /** Types into whatever has the focus. */
  async type(text: string): Promise<void> {
    await this.call("Input.insertText", { text });
  }

  async key(name: string, isShift = false): Promise<void> {
    const { code, text } = KEYS[name] as { code: number; text?: string };
    const common = {
      key: name,
      code: name,
      windowsVirtualKeyCode: code,
      modifiers: isShift ? 8 : 0,
    };
    await this.call("Input.dispatchKeyEvent", {
      type: text === undefined ? "rawKeyDown" : "keyDown",
      ...common,
      ...(text === undefined ? {} : { text }),
    });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...common });
  }

  async setDark(isDark: boolean): Promise<void> {
    const features = [{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }];
    await this.call("Emulation.setEmulatedMedia", { features });
  }

  async picture(path: string): Promise<void> {
    const { data } = await this.call("Page.captureScreenshot", { format: "png" });
    writeFileSync(path, Buffer.from(String(data), "base64"));
  }
}
