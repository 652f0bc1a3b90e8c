/**
 * A connection that keeps a pipeline full: batches of commands with replies of one line each, the
 * next batch when the last one is answered. For loading data and for load in the background.
 */

/** A command of words. */
export function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((it) => `$${it.length}\r\n${it}\r\n`).join("")}`;
}

/** A key of 16 bytes. */
export function keyOf(number: number): string {
  return `key:${String(number).padStart(12, "0")}`;
}

/**
 * Sends what `batch` returns, which is [commands, replies' count], again and again, until that is
 * null. `lines` is how many lines a reply has: 1, or 2 for GET of a key that exists. Resolves with
 * the number of commands.
 */
export async function pipeline(
  port: number,
  batch: () => readonly [string, number] | null,
  lines = 1,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let sent = 0;
  let seen = 0;
  let rest: Buffer = Buffer.alloc(0);
  const drain = (socket: Bun.Socket) => {
    const taken = socket.write(rest);
    if (taken > 0) rest = rest.subarray(taken);
  };
  const next = (socket: Bun.Socket) => {
    const made = batch();
    if (made === null) {
      resolve(sent);
      return;
    }
    sent += made[1];
    rest = Buffer.from(made[0]);
    drain(socket);
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      drain,
      data(own, chunk) {
        if (chunk[0] === 45) reject(new Error(chunk.toString("latin1", 0, 200)));
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) seen++;
        if (seen >= sent * lines) next(own);
      },
      close: () => reject(new Error("the server has closed the connection")),
    },
  });
  next(socket);
  try {
    return await promise;
  } finally {
    socket.terminate();
  }
}
