/**
 * Pub/sub through the runtime's own RedisClient. It takes every message for UTF-8, so that bytes
 * above 127 come out changed: only text formats go through it, and the header goes as hexadecimal
 * digits (64 bytes instead of 32).
 */
import { RedisClient } from "bun";
import { assert } from "../../base/assert.ts";
import { nanoseconds } from "../../base/clock.ts";
import { FatalError, reasonOf } from "../../base/errors.ts";
import {
  connectMany,
  type FanoutDriver,
  type FanoutOwner,
  type FanoutSetup,
} from "../fanout/driver.ts";
import { checkReceivers, LibraryPublisher, libraryDriver } from "../fanout/library.ts";
import { HEADER_SIZE } from "../fanout/message.ts";
import { bareFrame, MessageSource } from "../fanout/source.ts";

const HEX_SIZE = HEADER_SIZE * 2;

export async function connectBunRedisFanout(
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const { publishersCount, subscribersCount, pool, name } = setup;
  const { plan, target } = setup.context;
  const isText = pool.format.isText && plan.values.zstdLevel === null;
  assert(isText, "bytes that are not UTF-8, which the options refuse");
  const channel = `bench:${name}`;
  const text = target.url ?? "";
  const url = text.includes("://") ? text.replace(/^valkey:/, "redis:") : `redis://${text}`;
  const traffic = { out: 0, in: 0 };
  const source = new MessageSource(pool, publishersCount, bareFrame);
  let isClosing = false;

  async function open(onLost: (reason: string) => void) {
    const client = new RedisClient(url, { autoReconnect: false });
    client.onclose = (error) => {
      if (!isClosing) onLost(reasonOf(error));
    };
    try {
      await client.connect();
    } catch (error) {
      throw new FatalError(`Cannot connect to ${url}: ${reasonOf(error)}`);
    }
    return { client, close: () => client.close() };
  }
  const closeAll = (links: { close(): void }[]) => {
    isClosing = true;
    for (const link of links) link.close();
  };
  const subscribers = await connectMany(subscribersCount, async (index) => {
    const link = await open((reason) => owner.onCut(index, reason));
    await link.client.subscribe(channel, (message: string) => {
      const bytes = bytesOf(message);
      traffic.in += bytes.length;
      owner.onDelivery(index, bytes, 0, bytes.length, nanoseconds());
    });
    return link;
  });
  try {
    const links = await connectMany(publishersCount, () => open((it) => owner.onFailure(it)));
    const publishers = links.map(({ client }, index) => {
      const publish = (message: Buffer) => client.publish(channel, textOf(message));
      const settle = async (published: unknown[]) => {
        checkReceivers(owner, await Promise.all(published), subscribersCount);
      };
      return new LibraryPublisher(owner, index, source, traffic, publish, settle);
    });
    return libraryDriver(source, publishers, traffic, () => closeAll([...subscribers, ...links]));
  } catch (error) {
    closeAll(subscribers);
    throw error;
  }
}

function textOf(message: Buffer): string {
  return message.toString("hex", 0, HEADER_SIZE) + message.toString("utf8", HEADER_SIZE);
}

function bytesOf(text: string): Buffer {
  const header = Buffer.from(text.slice(0, HEX_SIZE), "hex");
  return Buffer.concat([header, Buffer.from(text.slice(HEX_SIZE), "utf8")]);
}
