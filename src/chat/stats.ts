/**
 * What a chat server counts: one row of doubles per thread in shared memory, summed and written as
 * Prometheus text by /metrics on whichever thread is asked.
 *
 * Each thread adds to its own row with plain stores; a sum lags by what is being counted now.
 */

/** Columns of a row. */
export const enum ChatStat {
  MessagesIn = 0,
  BytesIn = 1,
  /** Messages handed to clients: one for each client. */
  MessagesOut = 2,
  BytesOut = 3,
  Published = 4,
  ConnectionsTotal = 5,
  /** Messages that did not fit the history. */
  HistoryLost = 6,
  /** Unread bytes of this thread's clients when it last looked: a gauge. */
  BacklogBytes = 7,
  /** 1 while the bridge is connected: a gauge. */
  BridgeIsConnected = 8,
  BridgeIn = 9,
  BridgeOut = 10,
  /** Messages of other servers that did not arrive. */
  BridgeLostIn = 11,
  /** Messages of ours that could not be handed on. */
  BridgeLostOut = 12,
  BridgeConnects = 13,
  CloseFirst = 16,
  RefusalFirst = 32,
  Count = 48,
}

/** Why a client is gone. The order is that of the columns. */
export const CLOSE_REASONS = [
  "client",
  "lost",
  "idle",
  "rate",
  "backlog",
  "payload",
  "protocol",
  "overload",
  "shutdown",
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

/** Why a request was refused before the upgrade. */
export const REFUSALS = ["origin", "token", "name", "clients", "rooms", "rate", "body"] as const;
export type Refusal = (typeof REFUSALS)[number];

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly column: number;
}

const METRICS: readonly Metric[] = [
  counter("connections_total", "clients that have joined", ChatStat.ConnectionsTotal),
  counter("messages_received_total", "messages from clients", ChatStat.MessagesIn),
  counter("bytes_received_total", "their bytes", ChatStat.BytesIn),
  counter("messages_sent_total", "messages to clients, each counted", ChatStat.MessagesOut),
  counter("bytes_sent_total", "their bytes", ChatStat.BytesOut),
  counter("messages_published_total", "messages by POST /publish", ChatStat.Published),
  counter("history_lost_total", "messages without room in the history", ChatStat.HistoryLost),
  gauge("backlog_bytes", "bytes that clients have not read", ChatStat.BacklogBytes),
];

const BRIDGE_METRICS: readonly Metric[] = [
  gauge("bridge_connected", "1 while the bridge is there", ChatStat.BridgeIsConnected),
  counter("bridge_connects_total", "times that it came", ChatStat.BridgeConnects),
  counter("bridge_received_total", "messages from other servers", ChatStat.BridgeIn),
  counter("bridge_sent_total", "messages to other servers", ChatStat.BridgeOut),
  counter("bridge_lost_received_total", "of theirs, did not arrive", ChatStat.BridgeLostIn),
  counter("bridge_lost_sent_total", "of ours, were not taken", ChatStat.BridgeLostOut),
];

function counter(name: string, help: string, column: number): Metric {
  return { name, help, column, type: "counter" };
}

function gauge(name: string, help: string, column: number): Metric {
  return { name, help, column, type: "gauge" };
}

export function createChatStatsMemory(rowsCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(rowsCount * ChatStat.Count * 8);
}

export class ChatStats {
  readonly #all: Float64Array;
  readonly #own: Float64Array;

  constructor(memory: SharedArrayBuffer, row: number) {
    this.#all = new Float64Array(memory);
    this.#own = new Float64Array(memory, row * ChatStat.Count * 8, ChatStat.Count);
  }

  add(column: number, count: number): void {
    this.#own[column] = (this.#own[column] as number) + count;
  }

  set(column: number, value: number): void {
    this.#own[column] = value;
  }

  noteClose(reason: CloseReason): void {
    this.add(ChatStat.CloseFirst + CLOSE_REASONS.indexOf(reason), 1);
  }

  noteRefusal(reason: Refusal): void {
    this.add(ChatStat.RefusalFirst + REFUSALS.indexOf(reason), 1);
  }

  sum(column: number): number {
    let total = 0;
    for (let at = column; at < this.#all.length; at += ChatStat.Count) {
      total += this.#all[at] as number;
    }
    return total;
  }

  /** Prometheus text; `gauges` are those that are not counted here. */
  format(gauges: Readonly<Record<string, number>>, hasBridge: boolean): string {
    const lines: string[] = [];
    for (const [name, value] of Object.entries(gauges)) {
      lines.push(`# TYPE kv_ws_${name} gauge`, `kv_ws_${name} ${value}`);
    }
    for (const { name, help, type, column } of hasBridge
      ? [...METRICS, ...BRIDGE_METRICS]
      : METRICS) {
      lines.push(`# HELP kv_ws_${name} ${help}`, `# TYPE kv_ws_${name} ${type}`);
      lines.push(`kv_ws_${name} ${this.sum(column)}`);
    }
    this.#formatReasons(lines, "closes_total", CLOSE_REASONS, ChatStat.CloseFirst);
    this.#formatReasons(lines, "refusals_total", REFUSALS, ChatStat.RefusalFirst);
    return `${lines.join("\n")}\n`;
  }

  #formatReasons(lines: string[], name: string, reasons: readonly string[], first: number): void {
    lines.push(`# TYPE kv_ws_${name} counter`);
    for (let i = 0; i < reasons.length; i++) {
      lines.push(`kv_ws_${name}{reason="${reasons[i]}"} ${this.sum(first + i)}`);
    }
  }
}
