/**
 * Error texts, word for word as Redis 7.2 gives them: clients match on them.
 *
 * `errorTexts` holds the fixed ones, the functions below it those that carry an argument. Each text
 * carries its own code ("ERR ...", "WRONGTYPE ..."); ReplyWriter.error adds the dash and the line
 * end, and replaces CR and LF, so an argument may be any text. Arguments are latin1 strings (one
 * character per byte of the request).
 */

export const errorTexts = {
  // ---- Any command ----
  syntax: "ERR syntax error",
  wrongType: "WRONGTYPE Operation against a key holding the wrong kind of value",
  noSuchKey: "ERR no such key",
  outOfMemory: "OOM command not allowed when used memory > 'maxmemory'.",
  notInteger: "ERR value is not an integer or out of range",
  notFloat: "ERR value is not a valid float",
  outOfRange: "ERR value is out of range",
  notPositive: "ERR value is out of range, must be positive",
  timeoutNotInteger: "ERR timeout is not an integer or out of range",
  timeoutNotFloat: "ERR timeout is not a float or out of range",
  timeoutNegative: "ERR timeout is negative",

  // ---- Strings ----
  incrementOverflow: "ERR increment or decrement would overflow",
  decrementOverflow: "ERR decrement would overflow",
  incrementNotFinite: "ERR increment would produce NaN or Infinity",
  stringTooLong: "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
  offsetOutOfRange: "ERR offset is out of range",
  lcsBothLengthAndIndexes: "ERR If you want both the length and indexes, please just use IDX.",
  lcsNotStrings: "ERR The specified keys must contain string values",
  lcsTooLong: "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",

  // ---- Keys and expiry ----
  sameObject: "ERR source and destination objects are the same",
  databaseOutOfRange: "ERR DB index is out of range",
  databaseInvalid: "ERR invalid DB index",
  databaseFirstInvalid: "ERR invalid first DB index",
  databaseSecondInvalid: "ERR invalid second DB index",
  /** Ours: Redis has no limit on keys but that of the protocol. */
  keyTooLong: "ERR key exceeds maximum allowed size (65536 bytes)",
  notInt32: "ERR value is out of range, value must between -2147483648 and 2147483647",
  cursorInvalid: "ERR invalid cursor",
  expireNxConflict: "ERR NX and XX, GT or LT options at the same time are not compatible",
  expireGtLtConflict: "ERR GT and LT options at the same time are not compatible",

  // ---- Lists ----
  indexOutOfRange: "ERR index out of range",
  lposRankZero:
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
    "or use negative to start from the end of the list",
  lposRankOutOfRange:
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
  lposCountNegative: "ERR COUNT can't be negative",
  lposMaxlenNegative: "ERR MAXLEN can't be negative",
  numkeysNotPositive: "ERR numkeys should be greater than 0",
  countNotPositive: "ERR count should be greater than 0",

  // ---- Connection ----
  maxClients: "ERR max number of clients reached",
  noAuth: "NOAUTH Authentication required.",
  wrongPassword: "WRONGPASS invalid username-password pair or user is disabled.",
  authWithoutPassword:
    "ERR AUTH <password> called without any password configured for the default user. " +
    "Are you sure your configuration is correct?",
  helloNoAuth:
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the " +
    "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select " +
    "the RESP protocol version at the same time",
  protocolUnsupported: "NOPROTO unsupported protocol version",
  protocolNotInteger: "ERR Protocol version is not an integer or out of range",
  clientNameInvalid: "ERR Client names cannot contain spaces, newlines or special characters.",
  clientNotFound: "ERR No such client",
  clientIdInvalid: "ERR Invalid client ID",
  clientIdNotPositive: "ERR client-id should be greater than 0",

  // ---- Pub/sub: ours, Redis has no such limits ----
  channelTooLong: "ERR channel exceeds maximum allowed size (65536 bytes)",
  patternTooLong: "ERR pattern exceeds maximum allowed size (4096 bytes)",
  clientSubscriptions: "ERR too many subscriptions of this client (1048576)",
  serverSubscriptions: "ERR too many subscriptions of all clients",

  // ---- Server ----
  debugNotAllowed:
    'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", ' +
    "you can run it from a local connection, otherwise you need to set this option in the " +
    "configuration file, and then restart the server.",
  shutdownFailed: "ERR Errors trying to SHUTDOWN. Check logs.",
  commandInvalid: "ERR Invalid command specified",
  commandNoKeys: "ERR The command has no key arguments",
  commandInvalidArguments: "ERR Invalid number of arguments specified for command",
  commandInvalidArgumentsForKeys: "ERR Invalid arguments specified for command",

  // ---- Protocol: answered, then the connection is closed ----
  protocolMultibulkLength: "ERR Protocol error: invalid multibulk length",
  protocolMultibulkLengthNoAuth: "ERR Protocol error: unauthenticated multibulk length",
  protocolMultibulkTooLong: "ERR Protocol error: too big mbulk count string",
  protocolBulkLength: "ERR Protocol error: invalid bulk length",
  protocolBulkLengthNoAuth: "ERR Protocol error: unauthenticated bulk length",
  protocolBulkTooLong: "ERR Protocol error: too big bulk count string",
  // Redis and Valkey 8 do not look; the text is that of Valkey 9, the first that does.
  protocolLineEnd: "ERR Protocol error: invalid CRLF in request",
  protocolInlineTooLong: "ERR Protocol error: too big inline request",
  protocolUnbalancedQuotes: "ERR Protocol error: unbalanced quotes in request",
} as const;

/**
 * How much of a command's name and of its arguments an "unknown command" error repeats, in
 * characters.
 */
const UNKNOWN_ECHO_MAX = 128;

/** `byte` stood where a `$` had to. */
export function protocolExpectedDollar(byte: number): string {
  return `ERR Protocol error: expected '$', got '${String.fromCharCode(byte)}'`;
}

/**
 * `name` as the client wrote it; `args` as many of the arguments as there are, the text stops by
 * itself.
 */
export function unknownCommand(name: string, args: readonly string[]): string {
  let echoed = "";
  for (const arg of args) {
    if (echoed.length >= UNKNOWN_ECHO_MAX) break;
    echoed += `'${upToNull(arg).slice(0, UNKNOWN_ECHO_MAX - echoed.length)}' `;
  }
  const shownName = upToNull(name).slice(0, UNKNOWN_ECHO_MAX);
  return `ERR unknown command '${shownName}', with args beginning with: ${echoed}`;
}

/** `subcommand` as the client wrote it; `container` is the command that has subcommands. */
export function unknownSubcommand(subcommand: string, container: string): string {
  const shown = upToNull(subcommand).slice(0, UNKNOWN_ECHO_MAX);
  return `ERR unknown subcommand '${shown}'. Try ${container.toUpperCase()} HELP.`;
}

/** The same from containers that count their arguments themselves (DEBUG, SLOWLOG GET). */
export function unknownSubcommandOrCount(subcommand: string, container: string): string {
  const shown = upToNull(subcommand).slice(0, UNKNOWN_ECHO_MAX);
  const help = `Try ${container.toUpperCase()} HELP.`;
  return `ERR unknown subcommand or wrong number of arguments for '${shown}'. ${help}`;
}

/** `fullName` in lower case, a subcommand as `client|id`. */
export function wrongArgumentsCount(fullName: string): string {
  return `ERR wrong number of arguments for '${fullName}' command`;
}

/** `fullName` in lower case. */
export function invalidExpireTime(fullName: string): string {
  return `ERR invalid expire time in '${fullName}' command`;
}

/** An option of the EXPIRE family that is not one of NX, XX, GT, LT. */
export function unsupportedOption(option: string): string {
  return `ERR Unsupported option ${option}`;
}

/** An option of HELLO that is unknown or incomplete. */
export function helloSyntax(option: string): string {
  return `ERR Syntax error in HELLO option '${option}'`;
}

/** A command that a RESP2 client may not run while it is subscribed; `fullName` as "client|id". */
export function subscribedContext(fullName: string): string {
  return (
    `ERR Can't execute '${fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / ` +
    "RESET are allowed in this context"
  );
}

/** CLIENT KILL TYPE, CLIENT LIST TYPE. */
export function unknownClientType(type: string): string {
  return `ERR Unknown client type '${type}'`;
}

/** CLIENT KILL USER, AUTH-related lookups. */
export function noSuchUser(user: string): string {
  return `ERR No such user '${user}'`;
}

/** CLIENT SETINFO with an attribute other than lib-name and lib-ver. */
export function unrecognizedClientOption(option: string): string {
  return `ERR Unrecognized option '${option}'`;
}

/** CLIENT SETINFO with a value that has spaces or unprintable characters. */
export function clientInfoInvalid(attribute: string): string {
  return `ERR ${attribute} cannot contain spaces, newlines or special characters.`;
}

/** CONFIG SET of a name that does not exist, or without its value. */
export function unknownConfigOption(name: string): string {
  return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
}

/** CONFIG SET of a value that does not fit; `reason` as the setting says it. */
export function configSetFailed(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

/** `text` up to its first NUL, which is as far as Redis repeats it. */
function upToNull(text: string): string {
  const at = text.indexOf("\0");
  return at < 0 ? text : text.slice(0, at);
}

/** Changes cannot be logged. The first half is what clients match on. */
export function logFull(reason: string): string {
  return `MISCONF Errors writing to the AOF file: ${reason === "" ? "no room" : reason}`;
}
