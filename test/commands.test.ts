/** A small run of the differential fuzzer of commands, and its canary. */
import { expect, test } from "bun:test";
import { fuzzCommands } from "./commands.fuzz.ts";
import { startOurs, startReal } from "./conformance/peers.ts";

const TEST_MS_MAX = 60_000;

test(
  "commands.fuzz: ours and Valkey agree on random commands",
  async () => {
    await using real = await startReal("valkey80");
    if (real === null) return;
    await using ours = await startOurs(2);
    const agreed = await fuzzCommands(ours, real, { seed: 20_261_120, rounds: 15 });
    expect(agreed).toBeGreaterThan(4500);
  },
  TEST_MS_MAX,
);

test(
  "commands.fuzz: the canary is caught",
  async () => {
    await using real = await startReal("valkey80");
    if (real === null) return;
    await using ours = await startOurs(1);
    const run = fuzzCommands(ours, real, { seed: 20_261_120, rounds: 1, canary: true });
    await expect(run).rejects.toThrow("differ");
  },
  TEST_MS_MAX,
);
