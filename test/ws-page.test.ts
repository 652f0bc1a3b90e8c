/**
 * The chat page in a real browser, with two people: joining, talking, rooms, who is there,
 * reconnecting, tokens, themes, a phone, and the keyboard alone.
 *
 * KV_PICTURES names a folder for pictures of the page, for people to look at.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Browser, CHROMIUM, type Page } from "./browser.ts";
import { ChatClient, httpUrl, startChat } from "./chat-harness.ts";
import { eventually, freePort, hasPeer, type Server } from "./harness.ts";

const PICTURES = process.env.KV_PICTURES;

let browser: Browser;

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES !== undefined) await page.picture(join(PICTURES, `${name}.png`));
}

/** Opens the page, fills in the form by keyboard, and waits until the server has welcomed it. */
async function joinAs(
  server: Server,
  name: string,
  options: { room?: string; width?: number; height?: number; isDark?: boolean } = {},
): Promise<Page> {
  const page = await browser.open(httpUrl(server, `/?room=${options.room ?? "lobby"}`), options);
  await page.until("document.activeElement?.id === 'join-name'");
  await page.type(name);
  await page.key("Enter");
  await page.untilText("#status", "Connected");
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.type(text);
  await page.key("Enter");
}

describe.skipIf(!hasPeer(CHROMIUM))("the chat page", () => {
  beforeAll(async () => {
    browser = await Browser.start();
  });
  afterEach(() => browser.closePages());
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
  });

  test("two people talk, and each sees who is there", async () => {
    await using server = await startChat(["--threads", "2"]);
    const ada = await joinAs(server, "Ada");
    const ben = await joinAs(server, "Ben");
    await say(ada, "Hello Ben, <b>bold</b> & https://example.org/a?b=1.");
    await ben.untilText("#log", "Hello Ben, <b>bold</b> & https://example.org/a?b=1.");
    await say(ben, "Hello Ada 👋");
    await ada.untilText("#log", "Hello Ada 👋");
    for (const page of [ada, ben]) {
      await page.untilText("#people-count", "2");
      await page.untilText("#people", "Ada");
      await page.untilText("#people", "Ben");
      // Text stays text; its address is a link that ends before the full stop.
      expect(await page.evaluate("document.querySelectorAll('#log b').length")).toBe(0);
      const href = "document.querySelector('#log a').href";
      expect(await page.evaluate(href)).toBe("https://example.org/a?b=1");
      expect(await page.evaluate("document.querySelectorAll('.message.mine').length")).toBe(1);
    }
    await ben.click("#leave");
    await ada.untilText("#people-count", "1");
    expect(await ben.isVisible("#join-form")).toBe(true);
    expect(browser.complaints).toEqual([]);
  });

  test("who comes later reads what was said; rooms are apart", async () => {
    await using server = await startChat();
    const ada = await joinAs(server, "Ada");
    await say(ada, "first");
    await ada.untilText("#log", "first");
    const ben = await joinAs(server, "Ben");
    await ben.untilText("#log", "first");
    await ben.click("#room-input");
    await say(ben, "garden");
    await ben.untilText("#room-title", "garden");
    await ben.untilText("#status", "Connected");
    expect(await ben.textOf("#log")).not.toContain("first");
    await ben.click("#text");
    await say(ben, "only in the garden");
    await ben.untilText("#log", "only in the garden");
    await ada.untilText("#people-count", "1");
    expect(await ada.textOf("#log")).not.toContain("garden");
    expect(await ben.evaluate("location.search")).toBe("?room=garden");
    await ben.click("#rooms li:last-child button");
    await ben.untilText("#room-title", "lobby");
    await ben.untilText("#log", "first");
  });

  test("Shift+Enter makes a new line; what is too long is not sent, and is kept", async () => {
    await using server = await startChat(["--max-payload", "200"]);
    const ada = await joinAs(server, "Ada");
    await ada.type("one");
    await ada.key("Enter", true);
    await say(ada, "two");
    await ada.untilText(".message .body", "one\ntwo");
    const long = "long ".repeat(50).trim();
    await say(ada, long);
    await ada.untilText("#say-error", "Too long: ");
    expect(await ada.evaluate("document.getElementById('text').value")).toBe(long);
    expect(await ada.textOf("#status")).toBe("Connected");
  });

  test("it connects again by itself, keeps unsent text and shows nothing twice", async () => {
    const port = `${freePort()}`;
    const first = await startChat(["--port", port]);
    const ada = await joinAs(first, "Ada");
    await say(ada, "before");
    await ada.untilText("#log", "before");
    await first.stop();
    await ada.untilText("#log", "The server is restarting.");
    await ada.untilText("#status", "Connecting again in");
    await say(ada, "written while away");
    await ada.untilText("#say-error", "Not connected");
    await picture(ada, "away");
    await using second = await startChat(["--port", port]);
    await ada.untilText("#log", "Connected again.");
    await ada.key("Enter");
    await ada.untilText("#log", "written while away");
    expect(await ada.evaluate("document.querySelectorAll('.message').length")).toBe(2);
    // Another connection of the same tab: its own messages are still its own.
    await using bot = await ChatClient.join(second, { name: "bot" });
    bot.send("hello");
    bot.send(Buffer.alloc(300));
    await ada.untilText("#log", "300 bytes of data");
    await eventually(() => bot.frames.length === 3, "the bot has the history and its own");
  });

  test("a token is asked for, a wrong one refused, the right one remembered", async () => {
    await using server = await startChat(["--token", "open-sesame"]);
    const page = await browser.open(httpUrl(server, "/"));
    await page.until("document.activeElement?.id === 'join-name'");
    await page.type("Ada");
    await page.key("Enter");
    await page.untilText("#join-error", "a token is needed");
    await page.until("document.activeElement?.id === 'join-token'");
    await page.type("wrong");
    await page.key("Enter");
    await page.untilText("#join-error", "the token is wrong");
    await page.evaluate("document.getElementById('join-token').select()");
    await page.type("open-sesame");
    await page.key("Enter");
    await page.untilText("#status", "Connected");
    // The refusals are in the browser's log, as they should be; nothing else is.
    const others = browser.complaints.filter((it) => !/\b401\b/.test(it));
    expect(others.filter((it) => !it.includes("WebSocket connection"))).toEqual([]);
  });

  test("a name that the server refuses is said", async () => {
    await using server = await startChat();
    const page = await browser.open(httpUrl(server, "/?room=a%20b"));
    await page.until("document.activeElement?.id === 'join-name'");
    await page.type("Ada");
    await page.key("Enter");
    await page.untilText("#join-error", "room: letters, digits and . _ ~ - are allowed");
  });

  test("light and dark follow the system, or the button", async () => {
    await using server = await startChat();
    const page = await joinAs(server, "Ada", { isDark: true });
    const background = "getComputedStyle(document.body).backgroundColor";
    const dark = await page.evaluate(background);
    await page.setDark(false);
    await page.until(`${background} !== ${JSON.stringify(dark)}`);
    await page.click("#theme");
    await page.until(`${background} === ${JSON.stringify(dark)}`);
    await page.call("Page.reload", {});
    await page.until(`document.readyState === 'complete' && ${background} === '${dark}'`);
  });

  test("on a phone, rooms and people are a drawer that Escape closes", async () => {
    await using server = await startChat();
    const phone = await joinAs(server, "Ada", { width: 390, height: 780 });
    expect(await phone.isVisible("#side")).toBe(false);
    await phone.click("#menu");
    await phone.until("document.getElementById('menu').getAttribute('aria-expanded') === 'true'");
    await phone.until("document.getElementById('side').getBoundingClientRect().x === 0");
    await phone.untilText("#people", "Ada");
    await picture(phone, "phone-drawer");
    await phone.key("Escape");
    await phone.until("document.activeElement.id === 'menu'");
    // Nothing is wider than the screen.
    const width = "document.documentElement.scrollWidth";
    expect(await phone.evaluate(width)).toBe(390);
  });

  test("everything that can be used has a name, and the keyboard reaches it", async () => {
    await using server = await startChat();
    const page = await joinAs(server, "Ada");
    const { nodes } = (await page.call("Accessibility.getFullAXTree", {})) as {
      nodes: { role?: { value: string }; name?: { value: string }; ignored: boolean }[];
    };
    const used = nodes.filter(
      ({ role, ignored }) => !ignored && ["button", "textbox", "log"].includes(role?.value ?? ""),
    );
    expect(used.map(({ name }) => name?.value ?? "")).not.toContain("");
    expect(used.length).toBeGreaterThanOrEqual(7);
    const reached: unknown[] = [];
    for (let i = 0; i < 10; i++) {
      await page.key("Tab");
      reached.push(await page.evaluate("document.activeElement.id"));
    }
    expect(reached).toContainValues(["theme", "room-input", "leave", "log", "text"]);
  });

  test("three people, one of them on a phone, see the same conversation", async () => {
    await using server = await startChat();
    const form = await browser.open(httpUrl(server, "/"));
    await picture(form, "join-light");
    await form.setDark(true);
    await picture(form, "join-dark");
    const ada = await joinAs(server, "Ada Lovelace");
    const ben = await joinAs(server, "Ben", { isDark: true });
    const phone = await joinAs(server, "Grace 🌱", { width: 390, height: 780 });
    const spoken: readonly (readonly [Page, string])[] = [
      [ada, "Good morning! Does anybody know how many notes fit on one card?"],
      [ben, "About eighty. See https://example.org/cards/limits for the table."],
      [ben, "And please write on one side only."],
      [phone, "I have a stack of them here, come by 👋"],
      [ada, "Wonderful, thank you both. I'll be there at three and bring the long list."],
    ];
    // Each answers what it has read: what is sent at the same time comes in any order.
    for (const [page, text] of spoken) {
      await say(page, text);
      for (const reader of [ada, ben, phone]) await reader.untilText("#log", text);
    }
    const said = "[...document.querySelectorAll('.message .body')].map((it) => it.innerText)";
    const conversation = await ada.evaluate(said);
    expect(conversation).toHaveLength(5);
    for (const page of [ben, phone]) expect(await page.evaluate(said)).toEqual(conversation);
    await picture(ada, "light");
    await picture(ben, "dark");
    await picture(phone, "phone");
    await phone.setDark(true);
    await picture(phone, "phone-dark");
  });
});
