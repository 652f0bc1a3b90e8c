/**
 * Conformance suite: CONFIG and COMMAND.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const configSuite = String.raw`
# CONFIG GET
CONFIG GET => -ERR wrong number of arguments for 'config|get' command
CONFIG GET nosuch => []
CONFIG GET maxmemory => ["maxmemory" "0"]
CONFIG GET MAXMEMORY => ["MAXMEMORY" "0"]
CONFIG GET maxmemory maxmemory => ["maxmemory" "0"]
CONFIG GET maxmemory-p* => ["maxmemory-policy" "noeviction"]
CONFIG GET *-SAMPLES => ["maxmemory-samples" "5"]
CONFIG GET maxmemory-samples timeout => {"maxmemory-samples" "5" "timeout" "0"}
CONFIG GET save => ["save" ""]
CONFIG GET appendonly => ["appendonly" "no"]
CONFIG GET databases => ["databases" "16"]
CONFIG GET list-max-ziplist-size => ["list-max-ziplist-size" "-2"]
CONFIG GET list-max-listpack-size => ["list-max-listpack-size" "-2"]
CONFIG GET slave-read-only => ["slave-read-only" "yes"]
CONFIG GET replica-read-only => ["replica-read-only" "yes"]
CONFIG GET proto-max-bulk-len => ["proto-max-bulk-len" "536870912"]
CONFIG GET hash-max-zi*-entries => ["hash-max-ziplist-entries" "512"]

# CONFIG GET in RESP3
HELLO 3 => any
CONFIG GET maxmemory => %["maxmemory" "0"]
CONFIG GET nosuch => %[]

# CONFIG SET refuses names and counts
CONFIG SET => -ERR wrong number of arguments for 'config|set' command
CONFIG SET maxmemory => -ERR wrong number of arguments for 'config|set' command
CONFIG SET maxmemory 100mb maxclients => -ERR syntax error
CONFIG SET nosuch 1 => -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
CONFIG SET maxmemory 1 nosuch 2 =>
  -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
CONFIG SET maxmemory 1 maxmemory 2 =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - duplicate parameter
CONFIG SET maxmemory 1mb maxmemory-policy foo =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be
  one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru,
  allkeys-lfu, allkeys-random, noeviction
CONFIG GET maxmemory => ["maxmemory" "0"]
CONFIG SET databases 3 =>
  -ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
CONFIG SET unixsocket x =>
  -ERR CONFIG SET failed (possibly related to argument 'unixsocket') - can't set immutable config
CONFIG SET daemonize yes =>
  -ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set immutable config
CONFIG SET enable-debug-command yes =>
  -ERR CONFIG SET failed (possibly related to argument 'enable-debug-command') - can't set
  immutable config
CONFIG SET dir /nonexistent =>
  -ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config
CONFIG nosuch => -ERR unknown subcommand 'nosuch'. Try CONFIG HELP.
CONFIG => -ERR wrong number of arguments for 'config' command

# CONFIG SET refuses values
CONFIG SET maxmemory abc =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory
  value
CONFIG SET maxmemory -1 =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory
  value
CONFIG SET maxmemory 1tb =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory
  value
CONFIG SET maxmemory "" => +OK
CONFIG SET maxmemory "1 mb" =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory
  value
CONFIG SET maxmemory-policy foo =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be
  one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru,
  allkeys-lfu, allkeys-random, noeviction
CONFIG SET maxmemory-samples 0 =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument must be
  between 1 and...
CONFIG SET maxmemory-samples abc =>
  -ERR CONFIG SET failed (possibly related to argument 'maxmemory-samples') - argument couldn't be
  parsed into an integer
CONFIG SET timeout -1 =>
  -ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and
  2147483647 inclusive
CONFIG SET timeout 1.5 =>
  -ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed
  into an integer
CONFIG SET timeout 2147483648 =>
  -ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be between 0 and
  2147483647 inclusive
CONFIG SET hz 10000000000000 =>
  -ERR CONFIG SET failed (possibly related to argument 'hz') - argument must be between 0 and
  2147483647 inclusive
CONFIG SET lazyfree-lazy-eviction maybe =>
  -ERR CONFIG SET failed (possibly related to argument 'lazyfree-lazy-eviction') - argument must be
  'yes' or 'no'
CONFIG SET slowlog-max-len -1 =>
  -ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - argument must be
  between 0 and 9223372036854775807 inclusive
CONFIG SET slowlog-log-slower-than -2 =>
  -ERR CONFIG SET failed (possibly related to argument 'slowlog-log-slower-than') - argument must
  be between -1 and 9223372036854775807 inclusive
CONFIG SET proto-max-bulk-len 1 =>
  -ERR CONFIG SET failed (possibly related to argument 'proto-max-bulk-len') - argument must be
  between 1048576 and...
CONFIG SET client-query-buffer-limit 1 =>
  -ERR CONFIG SET failed (possibly related to argument 'client-query-buffer-limit') - argument must
  be between 1048576 and 9223372036854775807 inclusive
CONFIG SET maxclients 0 =>
  -ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument must be between 1
  and 4294967295 inclusive
CONFIG SET tcp-keepalive -5 =>
  -ERR CONFIG SET failed (possibly related to argument 'tcp-keepalive') - argument must be between
  0 and 2147483647 inclusive
CONFIG SET lfu-decay-time -1 =>
  -ERR CONFIG SET failed (possibly related to argument 'lfu-decay-time') - argument must be between
  0 and 2147483647 inclusive
CONFIG SET hash-max-listpack-entries -1 =>
  -ERR CONFIG SET failed (possibly related to argument 'hash-max-listpack-entries') - argument must
  be between 0 and 9223372036854775807 inclusive
CONFIG SET list-max-ziplist-size "" =>
  -ERR CONFIG SET failed (possibly related to argument 'list-max-ziplist-size') - argument couldn't
  be parsed into an integer
CONFIG SET appendonly maybe =>
  -ERR CONFIG SET failed (possibly related to argument 'appendonly') - argument must be 'yes' or
  'no'
CONFIG SET appendfsync foo =>
  -ERR CONFIG SET failed (possibly related to argument 'appendfsync') - argument(s) must be one of
  the following: everysec, always, no
CONFIG SET oom-score-adj foo =>
  -ERR CONFIG SET failed (possibly related to argument 'oom-score-adj') - argument(s) must be one
  of the following: no, yes, relative, absolute
CONFIG SET save 900 =>
  -ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters
CONFIG SET save "a b" =>
  -ERR CONFIG SET failed (possibly related to argument 'save') - Invalid save parameters

# CONFIG SET and GET
CONFIG SET maxmemory 200mb => +OK
CONFIG GET maxmemory => ["maxmemory" "209715200"]
CONFIG SET maxmemory 300M timeout 7 => +OK
CONFIG GET maxmemory timeout => {"maxmemory" "300000000" "timeout" "7"}
CONFIG SET maxmemory 1g => +OK
CONFIG GET maxmemory => ["maxmemory" "1000000000"]
CONFIG SET maxmemory 0 timeout 0 => +OK
CONFIG SET MAXMEMORY-POLICY ALLKEYS-LRU => +OK
CONFIG GET maxmemory-policy => ["maxmemory-policy" "allkeys-lru"]
CONFIG SET maxmemory-policy noeviction => +OK
CONFIG SET hz 1000 => +OK
CONFIG GET hz => ["hz" "500"]
CONFIG SET hz 10 => +OK
CONFIG SET lazyfree-lazy-user-del yes => +OK
CONFIG GET lazyfree-lazy-user-del => ["lazyfree-lazy-user-del" "yes"]
CONFIG SET lazyfree-lazy-user-del NO => +OK
CONFIG GET lazyfree-lazy-user-del => ["lazyfree-lazy-user-del" "no"]
CONFIG SET proto-max-bulk-len 2mb => +OK
CONFIG GET proto-max-bulk-len => ["proto-max-bulk-len" "2097152"]
CONFIG SET proto-max-bulk-len 512mb => +OK

# CONFIG SET reaches other connections
2: PING => +PONG
3: PING => +PONG
4: PING => +PONG
CONFIG SET slowlog-max-len 77 maxmemory-samples 7 => +OK
2: CONFIG GET slowlog-max-len => ["slowlog-max-len" "77"]
3: CONFIG GET maxmemory-samples => ["maxmemory-samples" "7"]
4: CONFIG GET slowlog-max-len => ["slowlog-max-len" "77"]
2: CONFIG SET slowlog-max-len 128 maxmemory-samples 5 => +OK
CONFIG GET slowlog-max-len => ["slowlog-max-len" "128"]
3: CONFIG GET slowlog-max-len => ["slowlog-max-len" "128"]
4: CONFIG GET maxmemory-samples => ["maxmemory-samples" "5"]

# CONFIG SET client-output-buffer-limit
CONFIG SET client-output-buffer-limit "normal 1 2" =>
  -ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Wrong number
  of arguments in buffer limit configuration.
CONFIG SET client-output-buffer-limit "foo 1 2 3" =>
  -ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Invalid
  client class specified in buffer limit configuration.
CONFIG SET client-output-buffer-limit "normal a 2 3" =>
  -ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Error in
  hard, soft or soft_seconds setting in buffer limit configuration.
CONFIG SET client-output-buffer-limit "normal 1 2 -3" =>
  -ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - Error in
  hard, soft or soft_seconds setting in buffer limit configuration.
CONFIG SET client-output-buffer-limit "normal 512mb 256mb 30 slave 256mb 64mb 60" => +OK
CONFIG GET client-output-buffer-limit =>
  ["client-output-buffer-limit" "normal 536870912 268435456 30 slave 268435456 67108864 60 pubsub
  33554432 8388608 60"]
CONFIG SET client-output-buffer-limit "replica 128mb 32mb 10 pubsub 16mb 4mb 20" => +OK
CONFIG GET client-output-buffer-limit =>
  ["client-output-buffer-limit" "normal 536870912 268435456 30 slave 134217728 33554432 10 pubsub
  16777216 4194304 20"]
CONFIG SET client-output-buffer-limit "" => +OK
CONFIG SET client-output-buffer-limit "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60" => +OK
CONFIG GET client-output-buffer-limit =>
  ["client-output-buffer-limit" "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608
  60"]

# CONFIG SET keeps what test suites set and read back
CONFIG SET list-max-listpack-size 16 => +OK
CONFIG GET list-max-ziplist-size => ["list-max-ziplist-size" "16"]
CONFIG SET list-max-ziplist-size -2 => +OK
CONFIG GET list-max-listpack-size => ["list-max-listpack-size" "-2"]
CONFIG SET set-max-intset-entries 12 hash-max-ziplist-value 99 zset-max-listpack-entries 1 => +OK
CONFIG GET set-max-intset-entries => ["set-max-intset-entries" "12"]
CONFIG GET hash-max-listpack-value => ["hash-max-listpack-value" "99"]
CONFIG SET set-max-intset-entries 512 hash-max-listpack-value 64 zset-max-ziplist-entries 128 => +OK
CONFIG SET save "" => +OK
CONFIG SET appendonly no => +OK
CONFIG SET appendfsync always => +OK
CONFIG GET appendfsync => ["appendfsync" "always"]
CONFIG SET appendfsync everysec => +OK
CONFIG SET lua-time-limit 7000 busy-reply-threshold 6000 => +OK
CONFIG GET lua-time-limit => ["lua-time-limit" "6000"]
CONFIG SET busy-reply-threshold 5000 => +OK

# CONFIG RESETSTAT and REWRITE
CONFIG RESETSTAT => +OK
CONFIG RESETSTAT x => -ERR wrong number of arguments for 'config|resetstat' command
INFO errorstats => start:"# Errorstats\r\nerrorstat_ERR:count=1\r\n"
CONFIG REWRITE => -ERR The server is running without a config file
CONFIG REWRITE x => -ERR wrong number of arguments for 'config|rewrite' command

# COMMAND
COMMAND COUNT => :50..300
COMMAND COUNT x => -ERR wrong number of arguments for 'command|count' command
COMMAND LIST x => -ERR syntax error
COMMAND LIST FILTERBY => -ERR syntax error
COMMAND LIST FILTERBY FOO x => -ERR syntax error
COMMAND LIST FILTERBY MODULE x => []
COMMAND LIST FILTERBY ACLCAT nosuch => []
COMMAND LIST FILTERBY PATTERN clie*d => ["client|id"]
COMMAND LIST FILTERBY PATTERN GET => ["get"]
COMMAND INFO nosuch => [nil]
COMMAND INFO get nosuch ping =>
  [["get" :2 [+readonly +fast] :1 :1 :1 [+@read +@string +@fast] [] [["flags" [+RO +access]
  "begin_search" ["type" "index" "spec" ["index" :1]] "find_keys" ["type" "range" "spec" ["lastkey"
  :0 "keystep" :1 "limit" :0]]]] []] nil ["ping" :-1 [+fast] :0 :0 :0 [+@fast +@connection]
  ["request_policy:all_shards" "response_policy:all_succeeded"] [] []]]
COMMAND INFO client|id =>
  [["client|id" :2 [+noscript +loading +stale] :0 :0 :0 [+@slow +@connection] [] [] []]]
COMMAND INFO select =>
  [["select" :2 [+loading +stale +fast] :0 :0 :0 [+@fast +@connection] [] [] []]]
COMMAND INFO mget =>
  [["mget" :-2 [+readonly +fast] :1 :-1 :1 [+@read +@string +@fast] ["request_policy:multi_shard"]
  [["flags" [+RO +access] "begin_search" ["type" "index" "spec" ["index" :1]] "find_keys" ["type"
  "range" "spec" ["lastkey" :-1 "keystep" :1 "limit" :0]]]] []]]
COMMAND DOCS nosuch => []
COMMAND nosuch => -ERR unknown subcommand 'nosuch'. Try COMMAND HELP.

# COMMAND GETKEYS
COMMAND GETKEYS => -ERR wrong number of arguments for 'command|getkeys' command
COMMAND GETKEYS get a => ["a"]
COMMAND GETKEYS GET a => ["a"]
COMMAND GETKEYS mset a b c d => ["a" "c"]
COMMAND GETKEYS mget a b c => ["a" "b" "c"]
COMMAND GETKEYS del a b => ["a" "b"]
COMMAND GETKEYS set a b => ["a"]
COMMAND GETKEYS rename a b => ["a" "b"]
COMMAND GETKEYS object encoding foo => ["foo"]
COMMAND GETKEYS memory usage foo => ["foo"]
COMMAND GETKEYS ping => -ERR The command has no key arguments
  || redis70: -ERR wrong number of arguments for 'command|getkeys' command
COMMAND GETKEYS ping a => -ERR The command has no key arguments
COMMAND GETKEYS get => -ERR Invalid number of arguments specified for command
  || redis70: -ERR wrong number of arguments for 'command|getkeys' command
COMMAND GETKEYS nosuch a => -ERR Invalid command specified
COMMAND GETKEYS client id => -ERR The command has no key arguments
COMMAND GETKEYS lmpop 2 a b left => ["a" "b"]
COMMAND GETKEYS lmpop x a b left => -ERR Invalid arguments specified for command
COMMAND GETKEYS lmpop 5 a b left => -ERR Invalid arguments specified for command
COMMAND GETKEYSANDFLAGS get a => [["a" [+RO +access]]]
COMMAND GETKEYSANDFLAGS del a => [["a" [+RM +delete]]]
COMMAND GETKEYSANDFLAGS mset a b c d => [["a" [+OW +update]] ["c" [+OW +update]]]

# COMMAND GETKEYSANDFLAGS of keys that are treated differently
COMMAND GETKEYSANDFLAGS set a b => [["a" [+OW +update]]]
COMMAND GETKEYSANDFLAGS set a get => [["a" [+OW +update]]]
COMMAND GETKEYSANDFLAGS set a b EX 10 GET => [["a" [+RW +access +update]]]
COMMAND GETKEYSANDFLAGS rename a b => [["a" [+RW +access +delete]] ["b" [+OW +update]]]
COMMAND GETKEYSANDFLAGS copy a b => [["a" [+RO +access]] ["b" [+OW +update]]]
COMMAND GETKEYSANDFLAGS lmove a b left right => [["a" [+RW +access +delete]] ["b" [+RW +insert]]]

# CONFIG SET maxmemory-clients, a size or a share
CONFIG SET maxmemory-clients x => -ERR CONFIG SET failed (possibly related to argument
  'maxmemory-clients') - argument must be a memory or percent value
CONFIG SET maxmemory-clients 101% => -ERR CONFIG SET failed (possibly related to argument
  'maxmemory-clients') - percentage argument must be less or equal to 100
CONFIG SET maxmemory-clients 5% => +OK
CONFIG GET maxmemory-clients => ["maxmemory-clients" "5%"]
CONFIG SET maxmemory-clients 0 => +OK
`;
