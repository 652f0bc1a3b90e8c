/**
 * Conformance suite: DEL, EXISTS, TYPE, KEYS, RANDOMKEY and databases.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const keysSuite = String.raw`
# DEL and UNLINK
DEL => -ERR wrong number of arguments for 'del' command
UNLINK => -ERR wrong number of arguments for 'unlink' command
DEL none => :0
UNLINK none => :0
SET a 1 => +OK
SET b 2 => +OK
SET c 3 => +OK
DEL a b none c => :3
DBSIZE => :0
MSET a 1 b 2 c 3 => +OK
UNLINK a none c => :2
EXISTS a b c => :1
SET k v => +OK
DEL k k => :1
SET k v => +OK
UNLINK k k k => :1
RPUSH l a b c => :3
DEL l => :1
EXISTS l => :0
RPUSH l {a*100000} => :1
UNLINK l => :1
SET big {b*10000000} => +OK
UNLINK big => :1
EXISTS big => :0
SET "a\x00" 1 => +OK
SET "a\x00b" 2 => +OK
DEL "a\x00" => :1
EXISTS "a\x00b" => :1
SET k v PX 1 => +OK
eventually EXISTS k => :0
DEL k => :0
UNLINK k => :0
SET "" v => +OK
DEL "" => :1

# EXISTS and TOUCH
EXISTS => -ERR wrong number of arguments for 'exists' command
TOUCH => -ERR wrong number of arguments for 'touch' command
EXISTS a => :0
TOUCH a => :0
MSET a 1 b 2 => +OK
EXISTS a => :1
EXISTS a b none => :2
EXISTS a a a => :3
EXISTS a a none b => :3
TOUCH a => :1
TOUCH a b none => :2
TOUCH a a => :2
RPUSH l x => :1
EXISTS l a => :2
TOUCH l a l => :3
SET k v PX 1 => +OK
eventually EXISTS k => :0
TOUCH k => :0
EXISTS k a k => :1

# TYPE
TYPE => -ERR wrong number of arguments for 'type' command
TYPE a b => -ERR wrong number of arguments for 'type' command
TYPE none => +none
SET s v => +OK
TYPE s => +string
RPUSH l a => :1
TYPE l => +list
SET n 1 => +OK
TYPE n => +string
SET big {b*1000000} => +OK
TYPE big => +string
SET k v PX 1 => +OK
eventually TYPE k => +none

# KEYS
KEYS => -ERR wrong number of arguments for 'keys' command
KEYS * x => -ERR wrong number of arguments for 'keys' command
KEYS * => {}
MSET foo 1 fao 2 fbar 3 hello 4 hallo 5 hxllo 6 hllo 7 "h\x00llo" 8 => +OK
KEYS * => {"foo" "fao" "fbar" "hello" "hallo" "hxllo" "hllo" "h\x00llo"}
KEYS f* => {"foo" "fao" "fbar"}
KEYS f?o => {"foo" "fao"}
KEYS h?llo => {"hello" "hallo" "hxllo" "h\x00llo"}
KEYS h*llo => {"hello" "hallo" "hxllo" "h\x00llo" "hllo"}
KEYS h[ae]llo => {"hello" "hallo"}
KEYS h[^e]llo => {"hallo" "hxllo" "h\x00llo"}
KEYS h[a-b]llo => {"hallo"}
KEYS h[b-a]llo => {"hallo"}
KEYS h[a-xz]llo => {"hello" "hallo" "hxllo"}
KEYS "h[\\a]llo" => {"hallo"}
KEYS "h\\allo" => {"hallo"}
KEYS "h\\*llo" => {}
KEYS H* => {}
KEYS *o => {"foo" "fao" "hello" "hallo" "hxllo" "hllo" "h\x00llo"}
KEYS *l*o => {"hello" "hallo" "hxllo" "hllo" "h\x00llo"}
KEYS **l**o** => {"hello" "hallo" "hxllo" "hllo" "h\x00llo"}
KEYS ? => {}
KEYS ???? => {"hllo" "fbar"}
KEYS "" => {}
KEYS none => {}
KEYS foo => {"foo"}
KEYS "h\x00*" => {"h\x00llo"}

# KEYS with the corners of patterns
MSET "" 1 a 2 [ 3 ] 4 "\\" 5 ^ 6 - 7 "a]" 8 "[a" 9 * 10 ? 11 "b-" 12 ab 13 => +OK
KEYS * => {"[a" "*" "a]" "]" "-" "a" "^" "ab" "b-" "[" "?" "\x5c" ""}
KEYS ** => {"a" "[" "]" "\\" "^" "-" "a]" "[a" "*" "?" "b-" "ab"}
KEYS "" => {""}
KEYS [ => {}
KEYS [a => {"a"}
KEYS [ab => {"a"}
KEYS [] => {}
KEYS []a] => {}
KEYS [^ => {"*" "]" "-" "a" "^" "[" "?" "\x5c"}
KEYS [^] => any
KEYS [^a => any
KEYS [a- => {"-" "a"}
KEYS [a-] => {"]" "a" "^"}
KEYS [-a] => {"-" "a"}
KEYS [--a] => {"]" "-" "a" "^" "[" "?" "\x5c"}
KEYS "[\\]]" => {"]"}
KEYS "[\\" => {"\x5c"}
KEYS "[\\\\]" => {"\x5c"}
KEYS "\\" => {"\x5c"}
KEYS "\\\\" => {"\x5c"}
KEYS "\\[" => {"["}
KEYS "\\*" => {"*"}
KEYS "\\?" => {"?"}
KEYS a[ => {}
KEYS "a\\]" => {"a]"}
KEYS a] => {"a]"}
KEYS *] => {"a]" "]"}
KEYS *[*]* => {"*"}
KEYS [^a-z] => {"*" "]" "-" "^" "[" "?" "\x5c"}
KEYS [*] => {"*"}
KEYS ?] => {"a]"}
KEYS *? => {"[a" "*" "a]" "]" "-" "a" "^" "ab" "b-" "[" "?" "\x5c"}
KEYS ?*? => {"[a" "a]" "ab" "b-"}
KEYS *??* => {"[a" "a]" "ab" "b-"}

# KEYS is not slowed by many stars
SET {a*400} 1 => +OK
KEYS a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b => {}

# KEYS and RANDOMKEY leave expired keys out
MSET a 1 b 2 => +OK
SET k v PX 1 => +OK
eventually EXISTS k => :0
KEYS * => {"a" "b"}
DEL b => :1
RANDOMKEY => "a"
DEL a => :1
RANDOMKEY => nil

# RANDOMKEY
RANDOMKEY => nil
RANDOMKEY x => -ERR wrong number of arguments for 'randomkey' command
SET "only\x00" v => +OK
RANDOMKEY => "only\x00"
RANDOMKEY => "only\x00"
DEL "only\x00" => :1
RANDOMKEY => nil

# Databases hold keys of the same name apart
SET k 0 => +OK
SELECT 1 => +OK
GET k => nil
SET k 1 => +OK
SELECT 15 => +OK
SET k 15 => +OK
KEYS * => {"k"}
DBSIZE => :1
DEL k => :1
SELECT 1 => +OK
GET k => "1"
SELECT 0 => +OK
GET k => "0"
DBSIZE => :1
SELECT 16 => -ERR DB index is out of range
SELECT -1 => -ERR DB index is out of range
SELECT abc => -ERR value is not an integer or out of range
GET k => "0"

# SWAPDB
SET k zero => +OK
SELECT 1 => +OK
SET k one => +OK
SET j one => +OK
SWAPDB 0 1 => +OK
GET k => "zero"
DBSIZE => :1
SELECT 0 => +OK
GET k => "one"
DBSIZE => :2
KEYS * => {"k" "j"}
SWAPDB 0 0 => +OK
GET k => "one"
SWAPDB 1 0 => +OK
GET k => "zero"
SWAPDB 0 16 => -ERR DB index is out of range
SWAPDB 16 0 => -ERR DB index is out of range
SWAPDB a 0 => -ERR invalid first DB index
SWAPDB 0 b => -ERR invalid second DB index
SWAPDB 0 => -ERR wrong number of arguments for 'swapdb' command
2: GET k => "zero"
SWAPDB 0 1 => +OK
2: GET k => "one"

# FLUSHDB and FLUSHALL
SET k 0 => +OK
SELECT 1 => +OK
SET k 1 => +OK
FLUSHDB => +OK
EXISTS k => :0
SELECT 0 => +OK
GET k => "0"
FLUSHDB ASYNC => +OK
DBSIZE => :0
SET k 0 => +OK
SELECT 1 => +OK
SET k 1 => +OK
FLUSHALL SYNC => +OK
DBSIZE => :0
SELECT 0 => +OK
DBSIZE => :0
FLUSHDB FOO => -ERR syntax error
FLUSHALL FOO => -ERR syntax error
FLUSHDB SYNC ASYNC => -ERR syntax error

# A key may have 65536 bytes, on ours no more
SET {k*65536} v => +OK
INCR {k*65537} => -ERR key exceeds maximum allowed size (65536 bytes) || valkey80: :1 || redis70: :1
GET {k*65537} => nil || valkey80: "1" || redis70: "1"
DEL {k*65537} => :0 || valkey80: :1 || redis70: :1
MSET a 1 {k*65537} 2 => -ERR key exceeds... || valkey80: +OK || redis70: +OK
MSETNX b 1 {k*65537} 2 => -ERR key exceeds... || valkey80: :0 || redis70: :0
EXISTS a b => :0 || valkey80: :1 || redis70: :1
SET a 1 => +OK
RENAME a {k*65537} => -ERR key exceeds... || valkey80: +OK || redis70: +OK
COPY {k*65536} {k*65537} => -ERR key exceeds... || valkey80: :0 || redis70: :0
GET a => "1" || valkey80: nil || redis70: nil
`;
