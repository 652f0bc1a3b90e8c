/**
 * POST /publish: `{"message": "…"}`, and "room" for another room than the default one. The UTF-8 of
 * the message goes to everybody in the room as one binary message.
 *
 *      200 Message published            500 Failed to publish message: nobody is there to hear it
 *      400 no JSON, or not as above     413 too large     429 too many (--rate-limit, per thread)
 */
import { nanoseconds } from "../base/clock.ts";
import { problemOfRoom, type Refused, ROOM_DEFAULT } from "./admission.ts";
import { type Rate, RateLimit } from "./rate-limit.ts";
import type { ChatSettings } from "./settings.ts";
import { ChatStat, type ChatStats } from "./stats.ts";

export interface PublishTarget {
  readonly settings: ChatSettings;
  readonly stats: ChatStats;
  readonly rate: Rate;
  /** Says it to the room; false when nobody is there. */
  say(room: string, said: Buffer): boolean;
}

/** Each byte of a message is at most six in JSON (\u0000); the rest is the object around it. */
export function publishBodySizeMax(payloadSizeMax: number): number {
  return payloadSizeMax * 6 + 1024;
}

export class Publisher {
  readonly #target: PublishTarget;
  readonly #limit: RateLimit;

  constructor(target: PublishTarget) {
    this.#target = target;
    this.#limit = new RateLimit(target.rate, nanoseconds());
  }

  /** Answers a request whose origin and token are fine; `refuse` counts and says a refusal. */
  async handle(request: Request, refuse: (refused: Refused) => Response): Promise<Response> {
    const body = await readBody(request);
    if (typeof body === "string") return refuse({ status: 400, reason: "body", text: body });
    const said = Buffer.from(body.message);
    const { payloadSizeMax } = this.#target.settings;
    if (said.length > payloadSizeMax) {
      const bound = `at most ${payloadSizeMax} are allowed`;
      const text = `message: too large (${said.length} bytes), ${bound}`;
      return refuse({ status: 413, reason: "body", text });
    }
    if (!this.#limit.take(this.#target.rate, said.length, nanoseconds())) {
      return refuse({ status: 429, reason: "rate", text: "too many messages (--rate-limit)" });
    }
    if (!this.#target.say(body.room, said)) {
      return new Response("Failed to publish message", { status: 500 });
    }
    this.#target.stats.add(ChatStat.Published, 1);
    return new Response("Message published");
  }
}

/** The body, or what is wrong with it. */
async function readBody(request: Request): Promise<{ message: string; room: string } | string> {
  let body: { message?: unknown; room?: unknown } | null;
  try {
    body = (await request.json()) as typeof body;
  } catch {
    return 'the body is not JSON, use {"message": "…"}';
  }
  if (typeof body?.message !== "string") return 'message: not there, use {"message": "…"}';
  const room = body.room ?? ROOM_DEFAULT;
  if (typeof room !== "string") return "room: not a text";
  return problemOfRoom(room) ?? { message: body.message, room };
}
