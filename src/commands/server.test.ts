/** Tests of the server's commands that need no socket. */
import { expect, test } from "bun:test";
import { DispatchDriver } from "./dispatch.bench.ts";

test("FLUSHDB that waited for a SWAPDB empties what the database is then", () => {
  const driver = new DispatchDriver(128 * 1024 * 1024);
  const { store } = driver.dispatcher.context;
  driver.replies("SET a 0\r\nSELECT 1\r\nSET a 1\r\nSELECT 0\r\n");
  // Another client's SWAPDB has the exclusive section while this one waits for it.
  const exclusive = store.exclusive.bind(store);
  store.exclusive = (run) => {
    store.exclusive = exclusive;
    exclusive(() => store.swapDatabases(0, 1));
    return exclusive(run);
  };
  expect(driver.replies("FLUSHDB\r\n")).toBe("+OK\r\n");
  expect(driver.replies("GET a\r\n")).toBe("$-1\r\n");
  expect(driver.replies("SELECT 1\r\nGET a\r\n")).toBe("+OK\r\n$1\r\n0\r\n");
});
