/**
 * Pub/sub through node-redis (the package `redis`), messages as Buffers. Loaded only for
 * `--client node-redis`.
 */
import { createClient } from "redis";
import { nanoseconds } from "../../base/clock.ts";
import { FatalError, reasonOf } from "../../base/errors.ts";
import {
  connectMany,
  type FanoutDriver,
  type FanoutOwner,
  type FanoutSetup,
} from "../fanout/driver.ts";
import { checkReceivers, LibraryPublisher, libraryDriver } from "../fanout/library.ts";
import { bareFrame, MessageSource } from "../fanout/source.ts";

export async function connectNodeRedisFanout(
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const { publishersCount, subscribersCount, pool, name } = setup;
  const channel = `bench:${name}`;
  const text = setup.context.target.url ?? "";
  const url = text.includes("://") ? text.replace(/^valkey:/, "redis:") : `redis://${text}`;
  const traffic = { out: 0, in: 0 };
  const source = new MessageSource(pool, publishersCount, bareFrame);

  async function open(onLost: (reason: string) => void) {
    const client = createClient({ url, RESP: 2, socket: { reconnectStrategy: false } });
    // What goes wrong while it connects is thrown by connect().
    client.on("error", (error: unknown) => onLost(reasonOf(error)));
    try {
      await client.connect();
    } catch (error) {
      throw new FatalError(`Cannot connect to ${url}: ${reasonOf(error)}`);
    }
    return { client, close: () => client.destroy() };
  }
  const subscribers = await connectMany(subscribersCount, async (index) => {
    const link = await open((reason) => owner.onCut(index, reason));
    const onMessage = (message: Buffer) => {
      traffic.in += message.length;
      owner.onDelivery(index, message, 0, message.length, nanoseconds());
    };
    await link.client.subscribe(channel, onMessage, true);
    return link;
  });
  try {
    const links = await connectMany(publishersCount, () => open((it) => owner.onFailure(it)));
    const publishers = links.map(({ client }, index) => {
      const publish = (message: Buffer) => client.publish(channel, message);
      const settle = async (published: unknown[]) => {
        checkReceivers(owner, await Promise.all(published), subscribersCount);
      };
      return new LibraryPublisher(owner, index, source, traffic, publish, settle);
    });
    const all = [...subscribers, ...links];
    return libraryDriver(source, publishers, traffic, () => {
      for (const link of all) link.close();
    });
  } catch (error) {
    for (const link of subscribers) link.close();
    throw error;
  }
}
