/**
 * A server that does nothing: it answers so many bytes with one ready-made reply, and so shows how
 * fast the client alone could be.
 *
 * It does not parse: requests are all of one size, and the reply is the same for each. Runs in a
 * process of its own, on a processor of its own if there is one.
 */

/** Bytes of ready-made replies, as many as one write takes at the most. */
const REPLIES_SIZE = 256 * 1024;

interface SinkState {
  /** Of a request that is not whole yet. */
  bytesOver: number;
  /** Bytes of replies that are due. */
  owed: number;
  /** Where in a reply the next byte to send is. */
  offset: number;
}

export interface Sink {
  port: number;
  stop(): void;
}

/** Listens on a free loopback port. */
export function startSink(requestSize: number, reply: Buffer): Sink {
  const count = Math.max(2, Math.ceil(REPLIES_SIZE / reply.length));
  const replies = Buffer.alloc(reply.length * count, reply);
  const pay = (socket: Bun.Socket<SinkState>) => {
    const state = socket.data;
    while (state.owed > 0) {
      const size = Math.min(state.owed, replies.length - state.offset);
      const written = socket.write(replies, state.offset, size);
      if (written <= 0) return;
      state.owed -= written;
      state.offset = (state.offset + written) % reply.length;
      if (written < size) return;
    }
  };
  const listener = Bun.listen<SinkState>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { bytesOver: 0, owed: 0, offset: 0 };
      },
      data(socket, bytes) {
        const state = socket.data;
        const total = state.bytesOver + bytes.length;
        const requests = Math.floor(total / requestSize);
        state.bytesOver = total - requests * requestSize;
        state.owed += requests * reply.length;
        pay(socket);
      },
      drain: pay,
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}
