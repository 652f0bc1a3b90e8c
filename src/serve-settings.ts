/**
 * From the options of `kv serve` to the Settings that its Workers start with.
 *
 * The options are checked already (cli/serve-options.ts); the other lines of a configuration file
 * are parameters of CONFIG and are checked here, by the same table that CONFIG SET uses.
 */
import { resolve } from "node:path";
import { UsageError } from "./base/errors.ts";
import { Settings } from "./base/settings.ts";
import type { ServeOptions } from "./cli/serve-options.ts";
import { findParameter } from "./commands/config-params.ts";

/**
 * Throws UsageError when the configuration file has a parameter that does not exist or a value that
 * does not fit.
 */
export function settingsFrom(options: ServeOptions): Settings {
  const settings = new Settings();
  for (const { name, values, place } of options.parameters) {
    const parameter = findParameter(name);
    if (parameter === null) throw new UsageError(`${place}: unknown parameter (${name})`);
    const value = values.join(" ");
    const reason = parameter.refuse(value);
    if (reason !== null) throw new UsageError(`${place}: ${name} (${value}): ${reason}`);
    parameter.apply(settings, value);
  }
  settings.bind = options.host;
  settings.port = options.port;
  settings.unixsocket = options.unixsocket === "" ? "" : resolve(options.unixsocket);
  settings.threads = options.threads;
  settings.databases = options.databases;
  settings.maxmemoryBytes = options.maxmemoryBytes;
  settings.maxmemoryPolicy = options.maxmemoryPolicy;
  settings.maxclients = options.maxclients;
  settings.configFile = options.configFile;
  settings.persist = options.persist;
  settings.dir = options.dir;
  settings.setPassword(options.password);
  return settings;
}
