/** Tests of asking Workers: every one answers once, in the order of the Workers, whoever asks. */
import { expect, test } from "bun:test";
import { PeerRelay, WorkerPeers } from "./peers.ts";

/**
 * `count` Workers in this thread; messages wait in `mail` until `deliver` takes them, in any order.
 */
function network(count: number) {
  const mail: (() => void)[] = [];
  const ran: string[] = [];
  const workers: WorkerPeers[] = [];
  const relay = new PeerRelay(count, (worker, message) => {
    mail.push(() => workers[worker]?.receive(structuredClone(message)));
  });
  for (let worker = 0; worker < count; worker++) {
    workers.push(
      new WorkerPeers(
        worker,
        count,
        (request) => mail.push(() => relay.receive(worker, structuredClone(request))),
        (kind, payload) => {
          ran.push(`${worker} ${kind}`);
          return `${worker}:${payload}`;
        },
      ),
    );
  }
  return { workers, mail, ran };
}

test("ask() of a single Worker runs its handler at once and sends nothing", async () => {
  const { workers, mail, ran } = network(1);
  const answers = workers[0]?.ask("kind", 7);
  expect(ran).toEqual(["0 kind"]);
  expect(mail).toEqual([]);
  expect(await answers).toEqual(["0:7"]);
});

test("ask() collects the answers of all Workers in their order, however they come", async () => {
  const { workers, mail } = network(4);
  const first = workers[1]?.ask("kind", "a");
  const second = workers[3]?.ask("kind", "b");
  // The newest message first: asks overlap, and answers come backwards.
  while (mail.length > 0) mail.pop()?.();
  expect(await first).toEqual(["0:a", "1:a", "2:a", "3:a"]);
  expect(await second).toEqual(["0:b", "1:b", "2:b", "3:b"]);
});

test("ask() gives handlers a clone of the payload", async () => {
  const seen: unknown[] = [];
  const peers = new WorkerPeers(
    0,
    1,
    () => {},
    (_, payload) => seen.push(payload),
  );
  const payload = { list: [1] };
  await peers.ask("kind", payload);
  expect(seen[0]).toEqual(payload);
  expect(seen[0]).not.toBe(payload);
});
