/** The suites that are transcripts, by name: what conformance.test.ts runs on every server. */
import { configSuite } from "./config.ts";
import { connectionSuite } from "./connection.ts";
import { countersSuite } from "./counters.ts";
import { expirySuite } from "./expiry.ts";
import { keysSuite } from "./keys.ts";
import { lcsSuite } from "./lcs.ts";
import { listsSuite } from "./lists.ts";
import { listsMoveSuite } from "./lists-move.ts";
import { movesSuite } from "./moves.ts";
import { rangesSuite } from "./ranges.ts";
import { scanSuite } from "./scan.ts";
import { serverSuite } from "./server.ts";
import { stringsSuite } from "./strings.ts";

export const suites: Readonly<Record<string, string>> = {
  connection: connectionSuite,
  server: serverSuite,
  config: configSuite,
  strings: stringsSuite,
  ranges: rangesSuite,
  counters: countersSuite,
  lcs: lcsSuite,
  keys: keysSuite,
  moves: movesSuite,
  lists: listsSuite,
  listsMove: listsMoveSuite,
  expiry: expirySuite,
  scan: scanSuite,
};
