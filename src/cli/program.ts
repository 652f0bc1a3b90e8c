/**
 * The command line: subcommands and their options (commander), and commander's complaints in our
 * words.
 *
 * Only names and arities are decided here; values and bounds are checked in serve-options.ts.
 * `bench` parses its own arguments, so that serving never loads what belongs to the benchmark.
 */
import { resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { UsageError } from "../base/errors.ts";
import { COMMIT, VERSION } from "../base/version.ts";
import { WORKER_COMMAND } from "../bench/load/worker-messages.ts";
import type { ChatSettings } from "../chat/settings.ts";
import type { OptionTexts, ServeOptions } from "./serve-options.ts";
import { DIRECTORY_DEFAULT, MAXMEMORY_POLICIES, serveOptionsFrom } from "./serve-options.ts";
import { chatSettingsFrom } from "./ws-server-options.ts";

/** What each subcommand does. Each resolves when it is done and the process may end. */
export interface Actions {
  serve(options: ServeOptions): Promise<void>;
  serveChat(settings: ChatSettings): Promise<void>;
  /** Resolves with the exit code. */
  check(options: { readonly dir: string; readonly isSalvage: boolean }): Promise<number>;
  /** `argv` is what follows "bench". Resolves with the exit code. */
  bench(argv: string[]): Promise<number>;
  /** A load process of `bench`, which starts it. */
  benchWorker(): Promise<void>;
}

/**
 * Parses `argv` (without the program) and runs what it asks for. Returns when that is done; --help
 * and --version print and return. Returns the exit code. Throws UsageError when the arguments are
 * wrong, and whatever the action throws.
 */
export async function runCommandLine(argv: readonly string[], actions: Actions): Promise<number> {
  let exitCode = 0;
  const program = createProgram({
    serve: (options) => actions.serve(options),
    serveChat: (settings) => actions.serveChat(settings),
    check: async (options) => (exitCode = await actions.check(options)),
    bench: async (rest) => (exitCode = await actions.bench(rest)),
    benchWorker: () => actions.benchWorker(),
  });
  if (argv.length === 0) {
    throw new UsageError("no command given", "kv serve starts a server, kv --help lists the rest");
  }
  try {
    await program.parseAsync(withoutDetour(argv), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // --help and --version arrive here as well, with exit code 0, after they have printed.
    if (error.exitCode !== 0) throw usageErrorFrom(error, commandOf(argv));
  }
  return exitCode;
}

/**
 * `kv bench --run-ws-server --db WebSocketChat` is how the benchmark of old starts the chat server;
 * what else is given goes to `kv ws-server`.
 */
function withoutDetour(argv: readonly string[]): string[] {
  if (argv[0] !== "bench" || !argv.includes("--run-ws-server")) return [...argv];
  const rest = argv.slice(1).filter((it) => it !== "--run-ws-server");
  const at = rest.findIndex((it) => it === "--db" || it.startsWith("--db="));
  if (at === -1) return ["ws-server", ...rest];
  const text = rest[at] as string;
  const db = text === "--db" ? (rest[at + 1] ?? "") : text.slice("--db=".length);
  if (db.replaceAll("-", "").toLowerCase() !== "websocketchat") {
    throw new UsageError(`--run-ws-server: runs the chat server (${db}), use --db WebSocketChat`);
  }
  rest.splice(at, text === "--db" ? 2 : 1);
  return ["ws-server", ...rest];
}

function createProgram(actions: Actions): Command {
  const program = new Command("kv");
  program
    .description("A Redis-compatible key-value server, its benchmark and an embedded store")
    .version(versionLine(), "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .enablePositionalOptions();
  addServe(program, actions);
  addWsServer(program, actions);
  addCheck(program, actions);
  program
    .command("bench")
    .description("measure this server, or another one")
    .argument("[arguments...]")
    .usage("[options]   (kv bench --help lists them)")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (rest: string[]) => {
      await actions.bench(rest);
    });
  program
    .command(WORKER_COMMAND, { hidden: true })
    .helpOption(false)
    .action(() => actions.benchWorker());
  return program;
}

function addServe(program: Command, actions: Actions): void {
  program
    .command("serve")
    .description("run the server")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--port <number>", "port to listen on, 0 takes a free one (default: 7878)")
    .option("--addr <host:port>", "both in one")
    .option("--unixsocket <path>", "listen on a Unix socket as well")
    .option("--threads <count>", "serving threads (default: the cores it may use)")
    .option("--databases <count>", "logical databases (default: 16)")
    .option("--maxmemory <size>", "memory limit for data, such as 2gb; 0 for none (default: 0)")
    .option(
      "--maxmemory-policy <name>",
      `at the limit: ${MAXMEMORY_POLICIES.join(", ")} (default: noeviction)`,
    )
    .option("--requirepass <password>", "clients must authenticate; other users can see it in ps")
    .option("--password-file <path>", "the same, from the first line of a file")
    .option("--maxclients <count>", "connections at a time (default: 10000)")
    .option("--persist <mode>", "off, everysec or always (default: everysec)")
    .option("--dir <path>", "directory of what is kept (default: ./kv-data)")
    .option("--config <path>", "a file with lines of `name value`, as in redis.conf")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .action((_, command: Command) => actions.serve(serveOptionsFrom(optionTexts(command))));
}

function addWsServer(program: Command, actions: Actions): void {
  program
    .command("ws-server")
    .description("run the chat server: WebSockets, and a page for browsers")
    .option("--host <address>", "address to listen on (default: 0.0.0.0)")
    .option("--port <number>", "port to listen on, 0 takes a free one (default: 3000)")
    .option("--threads <count>", "serving threads (default: half of the cores it may use)")
    .option("--history <count>", "messages of a room that who joins is given (default: 50)")
    .option("--dir <path>", "keep the history on disk, there (default: in memory only)")
    .option("--max-payload <size>", "a message at the most (default: 64kb)")
    .option("--rate-limit <count>", "messages a second from a client, 0 for any (default: 10000)")
    .option("--max-clients <count>", "clients at a time (default: 10000)")
    .option("--max-rooms <count>", "rooms at a time (default: 10000)")
    .option("--max-backlog <size>", "what a client may leave unread (default: 16mb)")
    .option("--allow-origin <origins>", "pages of these sites may connect too: a,b or *")
    .option("--token <token>", "clients must know it; other users can see it in ps")
    .option("--token-file <path>", "the same, from the first line of a file")
    .option("--bridge <url>", "redis://… or nats://…: one chat with the other servers there")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .action((_, command: Command) => actions.serveChat(chatSettingsFrom(optionTexts(command))));
}

function addCheck(program: Command, actions: Actions): void {
  program
    .command("check")
    .description("verify the directory of a store that no server has open")
    .option("--dir <path>", "the directory (default: ./kv-data)")
    .option("--salvage", "keep what is whole, give up what is damaged")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .action(async (options: { dir?: string; salvage?: boolean }) => {
      const dir = resolve(options.dir ?? DIRECTORY_DEFAULT);
      await actions.check({ dir, isSalvage: options.salvage === true });
    });
}

/** The option texts under the names that were typed; commander keeps them in camel case. */
function optionTexts(command: Command): OptionTexts {
  const texts: Record<string, string> = {};
  for (const option of command.options) {
    const text = command.getOptionValue(option.attributeName()) as string | undefined;
    if (text !== undefined) texts[option.name()] = text;
  }
  return texts;
}

/** "kv 0.1.0 (a1b2c3d4e5f6, Bun 1.4.5)" */
function versionLine(): string {
  const commit = COMMIT === "" ? "from source" : COMMIT;
  return `kv ${VERSION} (${commit}, Bun ${Bun.version})`;
}

/** The subcommand that hints should point to: "kv serve", or "kv". */
function commandOf(argv: readonly string[]): string {
  const name = argv[0] ?? "";
  return ["serve", "ws-server", "check"].includes(name) ? `kv ${name}` : "kv";
}

/**
 * Commander's message in our shape. Its texts are "error: unknown option '--prot'\n(Did you mean
 * --port?)", "error: option '--port <number>' argument missing", "error: too many arguments for
 * 'serve'. Expected 0 …".
 */
export function usageErrorFrom(error: CommanderError, command: string): UsageError {
  const [text, suggestion] = error.message.replace(/^error: /, "").split("\n") as [string, string?];
  const subject = /'([^' ]*)/.exec(text)?.[1] ?? command;
  const meant = /Did you mean (.*)\?/.exec(suggestion ?? "")?.[1];
  const hint =
    meant === undefined ? `${command} --help lists what there is` : `did you mean ${meant}?`;
  switch (error.code) {
    case "commander.unknownOption":
      return new UsageError(`${subject}: unknown option`, hint);
    case "commander.unknownCommand":
      return new UsageError(`${subject}: unknown command`, hint);
    case "commander.optionMissingArgument":
      return new UsageError(`${subject}: value is missing`, hint);
    case "commander.excessArguments":
      return new UsageError(`${command.replace("kv ", "")}: takes options only`, hint);
    default:
      return new UsageError(`${command}: ${text}`, hint);
  }
}
