/**
 * Conformance suite: databases as a whole, the clock, MEMORY, OBJECT, DEBUG, SLOWLOG, INFO.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const serverSuite = String.raw`
# DBSIZE, FLUSHDB and FLUSHALL
SET a 1 => +OK
SET b 2 => +OK
DBSIZE => :2
SELECT 5 => +OK
SET c 3 => +OK
DBSIZE => :1
FLUSHDB => +OK
DBSIZE => :0
SELECT 0 => +OK
DBSIZE => :2
FLUSHDB async => +OK
DBSIZE => :0
SET a 1 => +OK
SELECT 5 => +OK
SET c 3 => +OK
FLUSHALL SYNC => +OK
DBSIZE => :0
SELECT 0 => +OK
DBSIZE => :0
FLUSHALL ASYNC => +OK
FLUSHALL foo => -ERR syntax error
FLUSHALL ASYNC SYNC => -ERR syntax error
FLUSHDB foo => -ERR syntax error
DBSIZE x => -ERR wrong number of arguments for 'dbsize' command

# SWAPDB
SET k zero => +OK
2: SELECT 1 => +OK
2: SET k one => +OK
2: SET only 1 => +OK
SWAPDB 0 1 => +OK
GET k => "one"
EXISTS only => :1
2: GET k => "zero"
2: DBSIZE => :1
SWAPDB 1 0 => +OK
GET k => "zero"
SWAPDB 0 0 => +OK
GET k => "zero"
SWAPDB => -ERR wrong number of arguments for 'swapdb' command
SWAPDB 0 => -ERR wrong number of arguments for 'swapdb' command
SWAPDB 0 16 => -ERR DB index is out of range
SWAPDB -1 0 => -ERR DB index is out of range
SWAPDB a 1 => -ERR invalid first DB index
SWAPDB 1 a => -ERR invalid second DB index
SWAPDB 1 1.5 => -ERR invalid second DB index
SWAPDB 99999999999 0 => -ERR invalid first DB index

# SWAPDB and expiry
SET k v EX 100 => +OK
SWAPDB 0 1 => +OK
TTL k => :-2
SELECT 1 => +OK
TTL k => :99..100
SELECT 0 => +OK
SWAPDB 0 1 => +OK
TTL k => :99..100

# TIME
TIME => [any any]
TIME x => -ERR wrong number of arguments for 'time' command

# WAIT
WAIT 0 0 => :0
WAIT a 0 => -ERR value is not an integer or out of range
WAIT 0 -1 => -ERR timeout is negative
WAIT 0 a => -ERR timeout is not an integer or out of range
WAIT => -ERR wrong number of arguments for 'wait' command

# READONLY and READWRITE
READONLY => +OK
  || redis70: -ERR This instance has cluster support disabled
  || ours: -ERR This instance has cluster support disabled
READWRITE => +OK
  || redis70: -ERR This instance has cluster support disabled
  || ours: -ERR This instance has cluster support disabled

# FUNCTION FLUSH
FUNCTION FLUSH => +OK
FUNCTION FLUSH SYNC => +OK
FUNCTION FLUSH async => +OK
FUNCTION FLUSH foo => -ERR FUNCTION FLUSH only supports SYNC|ASYNC option
FUNCTION FLUSH SYNC ASYNC =>
  -ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP.
FUNCTION => -ERR wrong number of arguments for 'function' command
FUNCTION nosuch => -ERR unknown subcommand 'nosuch'. Try FUNCTION HELP.

# LATENCY without events
LATENCY LATEST => []
LATENCY RESET => :0
LATENCY RESET command fork => :0
LATENCY HISTORY command => []
LATENCY HISTORY => -ERR wrong number of arguments for 'latency|history' command
LATENCY nosuch => -ERR unknown subcommand 'nosuch'. Try LATENCY HELP.
LATENCY => -ERR wrong number of arguments for 'latency' command

# SHUTDOWN refuses what it does not understand
SHUTDOWN foo => -ERR syntax error
SHUTDOWN ABORT => -ERR No shutdown in progress.
SHUTDOWN SAVE NOSAVE => -ERR syntax error
SHUTDOWN NOW ABORT => -ERR syntax error
SHUTDOWN ABORT ABORT => -ERR No shutdown in progress.
SHUTDOWN NOSAVE NOW FORCE foo => -ERR syntax error
PING => +PONG

# MEMORY USAGE
SET k v => +OK
MEMORY USAGE k => :16..200
MEMORY USAGE k SAMPLES 0 => :16..200
MEMORY USAGE k SAMPLES 5 => :16..200
SET k {x*10000} => +OK
MEMORY USAGE k => :10000..21000
MEMORY USAGE nokey => nil
MEMORY USAGE => -ERR wrong number of arguments for 'memory|usage' command
MEMORY USAGE k SAMPLES => -ERR syntax error
MEMORY USAGE k SAMPLES -1 => -ERR syntax error
MEMORY USAGE k SAMPLES a => -ERR value is not an integer or out of range
MEMORY USAGE k FOO 3 => -ERR syntax error
MEMORY PURGE => +OK
MEMORY => -ERR wrong number of arguments for 'memory' command
MEMORY nosuch => -ERR unknown subcommand 'nosuch'. Try MEMORY HELP.

# OBJECT
SET text hello => +OK
SET number 12345678901 => +OK
SET shortest 5 => +OK
SET negative -5 => +OK
SET zeros 007 => +OK
SET wide 12345678901234567890 => +OK
SET limit {x*44} => +OK
SET beyond {x*45} => +OK
SET empty "" => +OK
OBJECT ENCODING text => "embstr"
OBJECT ENCODING number => "int"
OBJECT ENCODING shortest => "int"
OBJECT ENCODING negative => "int"
OBJECT ENCODING zeros => "embstr"
OBJECT ENCODING wide => "embstr"
OBJECT ENCODING limit => "embstr"
OBJECT ENCODING beyond => "raw"
OBJECT ENCODING empty => "embstr"
OBJECT ENCODING nokey => nil
OBJECT REFCOUNT text => :1
OBJECT REFCOUNT nokey => nil
OBJECT IDLETIME text => :0..60
OBJECT IDLETIME nokey => nil
OBJECT FREQ text =>
  -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when
  switching between policies at runtime LRU and LFU data will take some time to adjust.
OBJECT FREQ nokey => nil
OBJECT ENCODING => -ERR wrong number of arguments for 'object|encoding' command
OBJECT ENCODING a b => -ERR wrong number of arguments for 'object|encoding' command
OBJECT => -ERR wrong number of arguments for 'object' command
OBJECT nosuch => -ERR unknown subcommand 'nosuch'. Try OBJECT HELP.

# OBJECT IDLETIME and FREQ under an LFU policy
SET k v => +OK
CONFIG SET maxmemory-policy allkeys-lfu => +OK
OBJECT IDLETIME k =>
  -ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching
  between policies at runtime LRU and LFU data will take some time to adjust.
OBJECT IDLETIME nokey => nil
OBJECT FREQ k => any
OBJECT FREQ nokey => nil
CONFIG SET maxmemory-policy noeviction => +OK
OBJECT IDLETIME k => any

# DEBUG
SET k v => +OK
DEBUG SLEEP 0 => +OK
DEBUG SLEEP abc => +OK
DEBUG SLEEP => -ERR unknown subcommand or wrong number of arguments for 'SLEEP'. Try DEBUG HELP.
DEBUG OBJECT k => any
DEBUG OBJECT nokey => -ERR no such key
DEBUG SET-ACTIVE-EXPIRE 0 => +OK
DEBUG SET-ACTIVE-EXPIRE 1 => +OK
DEBUG SET-ACTIVE-EXPIRE =>
  -ERR unknown subcommand or wrong number of arguments for 'SET-ACTIVE-EXPIRE'. Try DEBUG HELP.
DEBUG QUICKLIST-PACKED-THRESHOLD 100b => +OK
DEBUG QUICKLIST-PACKED-THRESHOLD 1kb => +OK
DEBUG QUICKLIST-PACKED-THRESHOLD 0 => +OK
DEBUG QUICKLIST-PACKED-THRESHOLD abc =>
  -ERR argument must be a memory value bigger than 1 and smaller than 4gb
DEBUG QUICKLIST-PACKED-THRESHOLD 5gb =>
  -ERR argument must be a memory value bigger than 1 and smaller than 4gb
DEBUG QUICKLIST-PACKED-THRESHOLD =>
  -ERR unknown subcommand or wrong number of arguments for 'QUICKLIST-PACKED-THRESHOLD'. Try DEBUG
  HELP.
DEBUG DICT-RESIZING 0 => +OK
  || redis70: -ERR unknown subcommand or wrong number of arguments for 'DICT-RESIZING'. Try DEBUG
  HELP.
DEBUG DICT-RESIZING 1 => +OK
  || redis70: -ERR unknown subcommand or wrong number of arguments for 'DICT-RESIZING'. Try DEBUG
  HELP.
DEBUG LOG "a place in a test" => +OK
DEBUG ERROR "ERR a b" => -ERR a b
DEBUG ERROR "X\r\n+OK" => -X  +OK
DEBUG => -ERR wrong number of arguments for 'debug' command
DEBUG nosuch => -ERR unknown subcommand or wrong number of arguments for 'nosuch'. Try DEBUG HELP.
debug log x => +OK

# DEBUG SET-ACTIVE-EXPIRE keeps expired keys from being swept
DEBUG SET-ACTIVE-EXPIRE 0 => +OK
SET k v PX 1 => +OK
SET l v PX 1 => +OK
eventually GET k => nil
DEBUG SET-ACTIVE-EXPIRE 1 => +OK
eventually DBSIZE => :0

# DEBUG PROTOCOL in RESP2
DEBUG PROTOCOL string => "Hello World"
DEBUG PROTOCOL integer => :12345
DEBUG PROTOCOL double => "3.141"
DEBUG PROTOCOL bignum => "1234567999999999999999999999999999999"
DEBUG PROTOCOL null => nil
DEBUG PROTOCOL array => [:0 :1 :2]
DEBUG PROTOCOL set => [:0 :1 :2]
DEBUG PROTOCOL map => [:0 :0 :1 :1 :2 :0]
DEBUG PROTOCOL verbatim => "This is a verbatim\x0astring"
DEBUG PROTOCOL true => :1
DEBUG PROTOCOL false => :0
DEBUG PROTOCOL attrib => "Some real reply following the attribute"
DEBUG PROTOCOL push => -ERR RESP2 is not supported by this command
DEBUG PROTOCOL nosuch =>
  -ERR Wrong protocol type name. Please use one of the following:
  string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false

# DEBUG PROTOCOL in RESP3
HELLO 3 => any
DEBUG PROTOCOL string => "Hello World"
DEBUG PROTOCOL integer => :12345
DEBUG PROTOCOL double => ,3.141
DEBUG PROTOCOL bignum => (1234567999999999999999999999999999999
DEBUG PROTOCOL null => null
DEBUG PROTOCOL array => [:0 :1 :2]
DEBUG PROTOCOL set => ~[:0 :1 :2]
DEBUG PROTOCOL map => %[:0 #f :1 #t :2 #f]
DEBUG PROTOCOL verbatim => "txt:This is a verbatim\x0astring"
DEBUG PROTOCOL true => #t
DEBUG PROTOCOL false => #f

# SLOWLOG
CONFIG SET slowlog-log-slower-than -1 => +OK
SLOWLOG RESET => +OK
SLOWLOG LEN => :0
SLOWLOG GET => []
SLOWLOG GET 0 => []
SLOWLOG GET -1 => []
SLOWLOG GET x => -ERR count should be greater than or equal to -1
SLOWLOG GET -2 => -ERR count should be greater than or equal to -1
SLOWLOG GET 1 2 => -ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.
SLOWLOG LEN x => -ERR wrong number of arguments for 'slowlog|len' command
SLOWLOG => -ERR wrong number of arguments for 'slowlog' command
SLOWLOG nosuch => -ERR unknown subcommand 'nosuch'. Try SLOWLOG HELP.
CONFIG SET slowlog-log-slower-than 10000 => +OK

# SLOWLOG trims arguments and hides passwords
SLOWLOG RESET => +OK
CONFIG SET slowlog-log-slower-than 0 => +OK
SET k {v*200} => +OK
MSET 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
  35 36 =>
  +OK
AUTH secret =>
  -ERR AUTH <password> called without any password configured for the default user. Are you sure
  your configuration is correct?
AUTH default secret => +OK
HELLO 2 AUTH default secret => any
CONFIG SET maxmemory 0 requirepass "" => +OK
CONFIG SET slowlog-log-slower-than -1 => +OK
SLOWLOG GET 6 =>
  [[any any any ["CONFIG" "SET" "maxmemory" "0" "requirepass" "(redacted)"] any any] [any any any
  ["HELLO" "2" "AUTH" "(redacted)" "(redacted)"] any any] [any any any ["AUTH" "(redacted)"
  "(redacted)"] any any] [any any any ["AUTH" "(redacted)"] any any] [any any any any any any] [any
  any any ["SET" "k" len:147] any any]]
SLOWLOG RESET => +OK
SLOWLOG LEN => :0
CONFIG SET slowlog-log-slower-than 10000 => +OK

# INFO
INFO nosuch => ""
INFO cluster => "# Cluster\x0d\x0acluster_enabled:0\x0d\x0a"
INFO modules => "# Modules\x0d\x0a"
INFO CLUSTER => "# Cluster\x0d\x0acluster_enabled:0\x0d\x0a"
INFO replication => start:"# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"
INFO server => start:"# Server\r\nredis_version:7."
INFO keyspace => "# Keyspace\x0d\x0a"
SET k v => +OK
SET l v EX 100 => +OK
INFO keyspace => start:"# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl="
INFO everything => start:"# Server\r\nredis_version:7."
INFO all => start:"# Server\r\nredis_version:7."
INFO keyspace cluster =>
  start:"# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl="

# INFO in RESP3 is one verbatim text
HELLO 3 => any
INFO cluster => "txt:# Cluster\x0d\x0acluster_enabled:0\x0d\x0a"
`;
