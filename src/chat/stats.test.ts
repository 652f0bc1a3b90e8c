/** The counters: sums over threads, and the text for Prometheus. */
import { expect, test } from "bun:test";
import { ChatStat, ChatStats, CLOSE_REASONS, createChatStatsMemory, REFUSALS } from "./stats.ts";

test("ChatStats sums all rows, and every reason has a column of its own", () => {
  const memory = createChatStatsMemory(2);
  const [first, second] = [new ChatStats(memory, 0), new ChatStats(memory, 1)];
  first.add(ChatStat.MessagesIn, 2);
  second.add(ChatStat.MessagesIn, 3);
  second.set(ChatStat.BacklogBytes, 7);
  second.set(ChatStat.BacklogBytes, 5);
  for (const [index, reason] of CLOSE_REASONS.entries()) {
    for (let i = 0; i <= index; i++) first.noteClose(reason);
  }
  for (const reason of REFUSALS) second.noteRefusal(reason);
  expect(first.sum(ChatStat.MessagesIn)).toBe(5);
  const text = first.format({ clients: 9 }, false);
  expect(text).toContain("# TYPE kv_ws_clients gauge\nkv_ws_clients 9\n");
  expect(text).toContain("kv_ws_messages_received_total 5\n");
  expect(text).toContain("kv_ws_backlog_bytes 5\n");
  for (const [index, reason] of CLOSE_REASONS.entries()) {
    expect(text).toContain(`kv_ws_closes_total{reason="${reason}"} ${index + 1}\n`);
  }
  for (const reason of REFUSALS) {
    expect(text).toContain(`kv_ws_refusals_total{reason="${reason}"} 1\n`);
  }
  expect(text).not.toContain("bridge");
  expect(first.format({}, true)).toContain("kv_ws_bridge_connected 0\n");
});
