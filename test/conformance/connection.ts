/**
 * Conformance suite: PING, ECHO, HELLO, AUTH, SELECT, RESET, CLIENT, and what is no command.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const connectionSuite = String.raw`
# PING and ECHO
PING => +PONG
ping => +PONG
PING hello => "hello"
PING "a\r\nb" => "a\x0d\x0ab"
PING a b => -ERR wrong number of arguments for 'ping' command
ECHO hello => "hello"
ECHO "" => ""
ECHO {x*100000} => len:100000
ECHO "\x00\xff\r\n" => "\x00\xff\x0d\x0a"
ECHO => -ERR wrong number of arguments for 'echo' command
ECHO a b => -ERR wrong number of arguments for 'echo' command

# SELECT
SELECT 0 => +OK
SELECT 15 => +OK
SET k v => +OK
DBSIZE => :1
SELECT 0 => +OK
DBSIZE => :0
SELECT 16 => -ERR DB index is out of range
SELECT -1 => -ERR DB index is out of range
SELECT abc => -ERR value is not an integer or out of range
SELECT 1.5 => -ERR value is not an integer or out of range
SELECT 99999999999999999999 => -ERR value is not an integer or out of range
SELECT => -ERR wrong number of arguments for 'select' command
SELECT 1 2 => -ERR wrong number of arguments for 'select' command
DBSIZE => :0
SELECT 15 => +OK
GET k => "v"

# HELLO
HELLO 4 => -NOPROTO unsupported protocol version
HELLO 1 => -NOPROTO unsupported protocol version
HELLO abc => -ERR Protocol version is not an integer or out of range
HELLO 3 FOO => -ERR Syntax error in HELLO option 'FOO'
HELLO 3 AUTH default => -ERR Syntax error in HELLO option 'AUTH'
HELLO 3 SETNAME => -ERR Syntax error in HELLO option 'SETNAME'
HELLO 3 SETNAME "a b" => -ERR Client names cannot contain spaces, newlines or special characters.
HELLO 3 AUTH foo bar => -WRONGPASS invalid username-password pair or user is disabled.
HELLO 3 AUTH default anything SETNAME me => any
CLIENT GETNAME => "me"
HELLO 2 => any
CLIENT GETNAME => "me"
HELLO 2 SETNAME "" => any
CLIENT GETNAME => nil
HELLO 3 => any
GET nokey => null
HELLO => any
GET nokey => null
RESET => +RESET
GET nokey => nil

# AUTH without a password configured
AUTH x =>
  -ERR AUTH <password> called without any password configured for the default user. Are you sure
  your configuration is correct?
AUTH default x => +OK
AUTH foo x => -WRONGPASS invalid username-password pair or user is disabled.
AUTH a b c => -ERR syntax error
AUTH => -ERR wrong number of arguments for 'auth' command
PING => +PONG

# RESET
SELECT 3 => +OK
CLIENT SETNAME foo => +OK
HELLO 3 => any
RESET => +RESET
CLIENT GETNAME => nil
GET nokey => nil
SET k v => +OK
SELECT 0 => +OK
GET k => "v"
RESET x => -ERR wrong number of arguments for 'reset' command

# CLIENT names
CLIENT GETNAME => nil
CLIENT SETNAME foo => +OK
CLIENT GETNAME => "foo"
CLIENT SETNAME "a b" => -ERR Client names cannot contain spaces, newlines or special characters.
CLIENT SETNAME "a\nb" => -ERR Client names cannot contain spaces, newlines or special characters.
CLIENT SETNAME "\xff" => -ERR Client names cannot contain spaces, newlines or special characters.
CLIENT GETNAME => "foo"
CLIENT SETNAME "" => +OK
CLIENT GETNAME => nil
CLIENT SETNAME => -ERR wrong number of arguments for 'client|setname' command
CLIENT GETNAME x => -ERR wrong number of arguments for 'client|getname' command
CLIENT SETINFO lib-name foo => +OK || redis70: -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.
CLIENT SETINFO LIB-VER 1.2.3 => +OK || redis70: -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.
CLIENT SETINFO lib-ver "" => +OK || redis70: -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.
CLIENT SETINFO lib-name "a b" =>
  -ERR lib-name cannot contain spaces, newlines or special characters.
  || redis70: -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.
CLIENT SETINFO foo bar => -ERR Unrecognized option 'foo'
  || redis70: -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.
CLIENT SETINFO lib-name => -ERR wrong number of arguments for 'client|setinfo' command
  || redis70: -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.
CLIENT SETINFO => -ERR wrong number of arguments for 'client|setinfo' command
  || redis70: -ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.

# CLIENT flags
CLIENT NO-EVICT on => +OK
CLIENT NO-EVICT OFF => +OK
CLIENT NO-EVICT maybe => -ERR syntax error
CLIENT NO-EVICT => -ERR wrong number of arguments for 'client|no-evict' command
CLIENT NO-TOUCH on => +OK || redis70: -ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.
CLIENT NO-TOUCH off => +OK || redis70: -ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.
CLIENT NO-TOUCH maybe => -ERR syntax error
  || redis70: -ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.
CLIENT REPLY on => +OK
CLIENT REPLY maybe => -ERR syntax error
CLIENT REPLY => -ERR wrong number of arguments for 'client|reply' command

# CLIENT ID, INFO and LIST
CLIENT ID => :1..9007199254740991
CLIENT ID x => -ERR wrong number of arguments for 'client|id' command
CLIENT INFO => start:"id="
CLIENT INFO x => -ERR wrong number of arguments for 'client|info' command
CLIENT LIST => start:"id="
CLIENT LIST TYPE normal => start:"id="
CLIENT LIST TYPE master => ""
CLIENT LIST TYPE replica => ""
CLIENT LIST TYPE pubsub => ""
CLIENT LIST TYPE foo => -ERR Unknown client type 'foo'
CLIENT LIST ID => -ERR syntax error
CLIENT LIST ID x => -ERR Invalid client ID
CLIENT LIST ID 0 => ""
CLIENT LIST ID 0 9007199254740991 => ""
CLIENT LIST ID 3 TYPE normal => -ERR Invalid client ID
CLIENT LIST TYPE normal ID 3 => -ERR syntax error
CLIENT LIST foo => -ERR syntax error

# CLIENT KILL without a match
CLIENT KILL => -ERR wrong number of arguments for 'client|kill' command
CLIENT KILL 1.1.1.1:1 => -ERR No such client
CLIENT KILL ID x => -ERR client-id should be greater than 0
CLIENT KILL ID 0 => -ERR client-id should be greater than 0
CLIENT KILL ID -1 => -ERR client-id should be greater than 0
CLIENT KILL ID 9007199254740991 => :0
CLIENT KILL TYPE foo => -ERR Unknown client type 'foo'
CLIENT KILL TYPE pubsub => :0
CLIENT KILL USER foo => -ERR No such user 'foo'
CLIENT KILL SKIPME maybe => -ERR syntax error
CLIENT KILL MAXAGE x => -ERR maxage is not an integer or out of range || redis70: -ERR syntax error
CLIENT KILL MAXAGE 0 => -ERR maxage should be greater than 0 || redis70: -ERR syntax error
CLIENT KILL MAXAGE 100000 => :0 || redis70: -ERR syntax error
CLIENT KILL FOO bar => -ERR syntax error
CLIENT KILL ID 1 FOO => -ERR syntax error
CLIENT KILL ADDR 1.1.1.1:1 LADDR 1.1.1.1:1 => :0
CLIENT KILL LADDR 1.1.1.1:1 SKIPME no => :0

# CLIENT KILL self by its user, sparing itself
CLIENT KILL USER default SKIPME yes ID 9007199254740991 => :0
PING => +PONG

# unknown commands and subcommands
NOSUCH => -ERR unknown command 'NOSUCH', with args beginning with:...
NOSUCH a b c => -ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' 'c'...
"NO\r\nSUCH" "a\r\nb" => -ERR unknown command 'NO  SUCH', with args beginning with: 'a  b'...
nosuch {x*200} y =>
  -ERR unknown command 'nosuch', with args beginning with:
  'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
nosuch a {x*200} y =>
  -ERR unknown command 'nosuch', with args beginning with: 'a'
  'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
CLIENT => -ERR wrong number of arguments for 'client' command
CLIENT nosuch => -ERR unknown subcommand 'nosuch'. Try CLIENT HELP.
CLIENT nosuch a b => -ERR unknown subcommand 'nosuch'. Try CLIENT HELP.
CLIENT {n*200} =>
  -ERR unknown subcommand 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...
"" a => -ERR unknown command '', with args beginning with: 'a'...
get => -ERR wrong number of arguments for 'get' command
GET a b => -ERR wrong number of arguments for 'get' command
cLiEnT gEtNaMe => nil

# QUIT
QUIT => +OK
`;
