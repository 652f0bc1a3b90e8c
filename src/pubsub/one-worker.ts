/**
 * Pub/sub of a single Worker that has no others and no event loop: for what runs commands without a
 * server (tests, micro-benchmarks).
 */
import { unreachable } from "../base/assert.ts";
import { createPubSubMemory } from "./layout.ts";
import { PubSub } from "./pubsub.ts";

/** Messages stay in the ring until something drains it. */
export function pubsubOfOneWorker(): PubSub {
  return new PubSub(createPubSubMemory(1), 0, {
    postBody: () => unreachable("there is no other Worker"),
    schedule: () => {},
    noteSubscriber: () => {},
  });
}
