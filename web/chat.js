/**
 * The chat page's script: speaks kv.chat.v1 (docs/internals/ws-server.md) over one WebSocket, which
 * it opens again by itself, ever more slowly, whenever it is gone.
 *
 *      join form ──> Connection ──> welcome, message, roster, bridge ──> the page
 *
 * What people write is only ever set as text: no HTML is made from it.
 */

const PROTOCOL = "kv.chat.v1";
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 15_000;
/** Messages kept in the page; older ones leave it. */
const MESSAGES_MAX = 1000;
const ROOMS_REMEMBERED_MAX = 12;
/** Messages of one person within this time stand together. */
const GROUP_MS = 5 * 60_000;
/** Being this near to the end counts as reading the newest. */
const AT_END_PX = 40;

/** Why the server has closed, in words for people. */
const CLOSED = {
  1001: "The server is restarting.",
  1003: "The server did not understand this page. Reload it.",
  1008: "You were sending too fast and were cut off for a moment.",
  1009: "That message was too large.",
  1013: "The server cut this connection off: it could not keep up.",
};

const $ = (id) => document.getElementById(id);

// ---- What is remembered ----

function recall(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`kv-chat-${key}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(`kv-chat-${key}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing: the chat works all the same.
  }
}

/** The token is for this tab only. */
function recallToken() {
  try {
    return sessionStorage.getItem("kv-chat-token") ?? "";
  } catch {
    return "";
  }
}

function rememberToken(token) {
  try {
    sessionStorage.setItem("kv-chat-token", token);
  } catch {
    // As above.
  }
}

// ---- The connection ----

/** One room's WebSocket, opened again until `stop`. */
class Connection {
  #room;
  #name;
  #token;
  #handlers;
  #socket = null;
  #failures = 0;
  #timer = 0;
  #isStopped = false;

  /** Handlers: received(message), away(reason, retryMs), refused(status, text). */
  constructor(room, name, token, handlers) {
    this.#room = room;
    this.#name = name;
    this.#token = token;
    this.#handlers = handlers;
    this.#open();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(frame) {
    this.#socket.send(frame);
  }

  /** Tries at once, if it is waiting. */
  hurry() {
    if (this.#isStopped || this.#timer === 0) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  #url(scheme) {
    const query = new URLSearchParams({ room: this.#room, name: this.#name });
    return `${scheme}//${location.host}/ws?${query}`;
  }

  #open() {
    this.#timer = 0;
    const protocols = [PROTOCOL];
    if (this.#token !== "") protocols.push(`kv.token.${base64url(this.#token)}`);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(this.#url(scheme), protocols);
    this.#socket = socket;
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
    };
    socket.onmessage = (event) => {
      this.#failures = 0;
      this.#handlers.received(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.#isStopped || this.#socket !== socket) return;
      if (wasOpen) this.#retry(CLOSED[event.code] ?? "The connection is lost.");
      else this.#askWhy();
    };
  }

  /** A browser does not say why a WebSocket was refused: the same request without one does. */
  async #askWhy() {
    try {
      const headers = this.#token === "" ? {} : { authorization: `Bearer ${this.#token}` };
      const response = await fetch(this.#url(location.protocol), { headers, cache: "no-store" });
      if (this.#isStopped) return;
      const text = (await response.text()).trim();
      if ([400, 401, 403].includes(response.status)) this.#handlers.refused(response.status, text);
      else this.#retry(response.status === 503 ? `Not let in: ${text}.` : "Cannot connect.");
    } catch {
      if (!this.#isStopped) this.#retry("The server does not answer.");
    }
  }

  /** Twice as long after each failure, and never the same for all who were cut off together. */
  #retry(reason) {
    const most = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#failures++);
    const random = crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32;
    const retryMs = most * (0.5 + random / 2);
    this.#timer = setTimeout(() => this.#open(), retryMs);
    this.#handlers.away(reason, retryMs);
  }
}

function base64url(text) {
  const bytes = new TextEncoder().encode(text);
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// ---- Messages on the page ----

const log = $("log");
/** Ids of the messages that are shown: after a reconnect, the history has them again. */
const shown = new Set();
let last = null;
let newerCount = 0;

function isAtEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < AT_END_PX;
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
  newerCount = 0;
  $("newer").hidden = true;
}

function clearLog() {
  log.replaceChildren();
  shown.clear();
  last = null;
  toEnd();
}

/** Adds an element to the log; who reads older messages is not moved, but told. */
function append(element, isNews) {
  const follows = isAtEnd();
  log.append(element);
  while (log.childElementCount > MESSAGES_MAX) log.firstElementChild.remove();
  if (follows) {
    toEnd();
    return;
  }
  if (!isNews) return;
  newerCount++;
  $("newer").textContent = newerCount === 1 ? "1 new message ↓" : `${newerCount} new messages ↓`;
  $("newer").hidden = false;
}

function note(text, isWarning = false) {
  const element = document.createElement("p");
  element.className = isWarning ? "note warn" : "note";
  element.textContent = text;
  last = null;
  append(element, isWarning);
}

function showMessage(message) {
  if (shown.has(message.id)) return;
  shown.add(message.id);
  const at = new Date(message.at);
  if (last === null || new Date(last.at).toDateString() !== at.toDateString()) showDay(at);
  const isFirst =
    last === null || last.from.id !== message.from.id || message.at - last.at > GROUP_MS;
  last = message;
  const element = document.createElement("article");
  element.className = "message";
  element.classList.toggle("first", isFirst);
  element.classList.toggle("mine", message.from.id === state.me?.id || isMineFromBefore(message));
  element.classList.toggle("bytes", message.text === undefined);
  if (isFirst) element.append(headOf(message, at));
  const body = document.createElement("div");
  body.className = "body";
  if (message.text === undefined) body.textContent = `${message.sizeBytes} bytes of data`;
  else body.append(...withLinks(message.text));
  element.append(body);
  append(element, true);
}

/** Ids change with each connection; those that this tab had are remembered. */
function isMineFromBefore(message) {
  return state.myIds.has(message.from.id);
}

let dayShown = "";
function showDay(at) {
  const day = at.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
  if (day === dayShown && log.childElementCount > 0) return;
  dayShown = day;
  const element = document.createElement("p");
  element.className = "note";
  element.textContent = at.toDateString() === new Date().toDateString() ? "Today" : day;
  append(element, false);
}

function headOf(message, at) {
  const head = document.createElement("header");
  head.className = "head";
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = message.from.name === "" ? "without a name" : message.from.name;
  name.style.setProperty("--hue", colorOf(message.from.name));
  const time = document.createElement("time");
  time.dateTime = at.toISOString();
  time.textContent = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  head.append(name, time);
  return head;
}

/** The same name has the same colour everywhere; readable on both backgrounds. */
function colorOf(name) {
  let hash = 7;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  return `light-dark(hsl(${hash} 65% 32%), hsl(${hash} 70% 74%))`;
}

function withLinks(text) {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/).map((part, index) => {
    if (index % 2 === 0) return part;
    const link = document.createElement("a");
    link.href = part;
    link.textContent = part;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  });
}

// ---- The page ----

const state = {
  room: "",
  name: "",
  token: "",
  me: null,
  myIds: new Set(),
  payloadMax: 65_536,
  connection: null,
  isJoined: false,
  unread: 0,
};

const handlers = {
  received(message) {
    if (message.type === "welcome") welcome(message);
    else if (message.type === "roster") showRoster(message);
    else if (message.type === "bridge") showBridge(message);
    else if (message.type === "message") {
      showMessage(message);
      noteUnread();
    }
  },
  away(reason, retryMs) {
    if (state.isJoined && $("status").dataset.state === "here") note(reason, true);
    const wait = Math.max(1, Math.round(retryMs / 1000));
    setStatus("away", `Connecting again in ${wait} s`);
    if (!state.isJoined) $("join-error").textContent = `${reason} Trying again in ${wait} s.`;
  },
  refused(status, text) {
    leave();
    if (status === 401) $("join-token-field").hidden = false;
    $("join-error").textContent = text;
    $(status === 401 ? "join-token" : "join-name").focus();
  },
};

function setStatus(name, text) {
  $("status").dataset.state = name;
  $("status").textContent = text;
  $("send").disabled = name !== "here";
}

function welcome(message) {
  const isBack = state.me !== null;
  state.me = message.you;
  state.myIds.add(message.you.id);
  state.payloadMax = message.payloadMax;
  if (!state.isJoined) enter();
  $("join-error").textContent = "";
  for (const said of message.history) showMessage(said);
  toEnd();
  if (isBack) note("Connected again.");
  showBridge(message.bridge);
  setStatus("here", "Connected");
}

/** Shows the chat in place of the form. */
function enter() {
  state.isJoined = true;
  $("join").hidden = true;
  $("app").hidden = false;
  $("text").focus();
}

/** Goes to a room; the connection to the one before ends. */
function go(room) {
  state.connection?.stop();
  if (room !== state.room) clearLog();
  state.room = room;
  state.me = null;
  $("room-title").textContent = room;
  $("me").textContent = state.name;
  $("people").replaceChildren();
  $("people-count").textContent = "";
  $("bridge").hidden = true;
  const rooms = [room, ...recall("rooms", []).filter((it) => it !== room)];
  remember("rooms", rooms.slice(0, ROOMS_REMEMBERED_MAX).sort());
  remember("room", room);
  showRooms();
  setMenu(false);
  const query = new URLSearchParams({ room });
  history.replaceState(null, "", `?${query}`);
  showTitle();
  setStatus("away", "Connecting");
  state.connection = new Connection(room, state.name, state.token, handlers);
}

function leave() {
  state.connection?.stop();
  state.connection = null;
  state.isJoined = false;
  state.me = null;
  clearLog();
  $("app").hidden = true;
  $("join").hidden = false;
  $("join-name").focus();
}

function showRooms() {
  const items = recall("rooms", []).map((room) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `# ${room}`;
    button.setAttribute("aria-current", String(room === state.room));
    button.onclick = () => (room === state.room ? setMenu(false) : go(room));
    return itemOf(button);
  });
  $("rooms").replaceChildren(...items);
}

function itemOf(child) {
  const item = document.createElement("li");
  item.append(child);
  return item;
}

function showRoster({ count, members }) {
  const people = [...members].sort((a, b) => a.name.localeCompare(b.name)).map(personOf);
  if (count > members.length) {
    const others = document.createElement("span");
    others.className = "person others";
    others.textContent = `${count - members.length} more`;
    people.push(itemOf(others));
  }
  $("people").replaceChildren(...people);
  $("people-count").textContent = String(count);
}

function personOf({ id, name }) {
  const person = document.createElement("span");
  person.className = "person";
  person.style.setProperty("--hue", colorOf(name));
  person.textContent = id === state.me?.id ? `${name} (you)` : name;
  return itemOf(person);
}

function showBridge(news) {
  if (news === null) return;
  $("bridge").hidden = news.isConnected;
  $("bridge").textContent = news.isConnected ? "" : news.text;
  if (news.isConnected && news.text !== "") note(news.text, true);
}

// ---- Unread messages in the title ----

function noteUnread() {
  if (!document.hidden) return;
  state.unread++;
  showTitle();
}

function showTitle() {
  if (!document.hidden) state.unread = 0;
  document.title = `${state.unread > 0 ? `(${state.unread}) ` : ""}${state.room} · kv chat`;
}

// ---- Saying something ----

function say() {
  const field = $("text");
  const text = field.value.trim();
  $("say-error").textContent = "";
  if (text === "") return;
  if (!state.connection?.isOpen) {
    $("say-error").textContent = "Not connected: the message is kept here until you send it again.";
    return;
  }
  const frame = JSON.stringify({ type: "message", text });
  const size = new TextEncoder().encode(frame).length;
  if (size > state.payloadMax) {
    $("say-error").textContent =
      `Too long: ${size} bytes, at most ${state.payloadMax} can be sent.`;
    return;
  }
  state.connection.send(frame);
  field.value = "";
  fit();
  toEnd();
}

/** The field is as high as its text. */
function fit() {
  const field = $("text");
  field.style.setProperty("height", "auto");
  field.style.setProperty("height", `${field.scrollHeight + 2}px`);
}

// ---- Menu and theme ----

function setMenu(isOpen) {
  $("side").classList.toggle("open", isOpen);
  $("shade").hidden = !isOpen;
  $("menu").setAttribute("aria-expanded", String(isOpen));
}

function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme === undefined
    ? matchMedia("(prefers-color-scheme: dark)").matches
    : theme === "dark";
}

function setTheme(theme) {
  if (theme !== null) document.documentElement.dataset.theme = theme;
}

// ---- Events ----

$("join-form").onsubmit = (event) => {
  event.preventDefault();
  state.name = $("join-name").value.trim().replace(/\s+/g, " ");
  state.token = $("join-token").value;
  rememberToken(state.token);
  remember("name", state.name);
  $("join-error").textContent = "";
  go($("join-room").value.trim());
};
$("room-form").onsubmit = (event) => {
  event.preventDefault();
  const room = $("room-input").value.trim();
  $("room-input").value = "";
  if (room !== "") go(room);
};
$("say").onsubmit = (event) => {
  event.preventDefault();
  say();
  $("text").focus();
};
$("text").onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
};
$("text").oninput = fit;
$("newer").onclick = toEnd;
log.onscroll = () => {
  if (isAtEnd()) toEnd();
};
$("leave").onclick = leave;
$("menu").onclick = () => {
  setMenu(!$("side").classList.contains("open"));
  if ($("side").classList.contains("open")) $("rooms").querySelector("button")?.focus();
};
$("shade").onclick = () => setMenu(false);
$("theme").onclick = () => {
  const theme = isDark() ? "light" : "dark";
  setTheme(theme);
  remember("theme", theme);
};
document.onkeydown = (event) => {
  if (event.key !== "Escape" || $("menu").getAttribute("aria-expanded") !== "true") return;
  setMenu(false);
  $("menu").focus();
};
document.onvisibilitychange = showTitle;
addEventListener("online", () => state.connection?.hurry());

setTheme(recall("theme", null));
$("join-name").value = recall("name", "");
$("join-room").value = new URLSearchParams(location.search).get("room") ?? recall("room", "lobby");
$("join-token").value = recallToken();
$($("join-name").value === "" ? "join-name" : "join-room").focus();
