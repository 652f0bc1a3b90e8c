/**
 * Conformance suite: SCAN: arguments and filters. What it guarantees while keys come is in
 * scan.test.ts. Notation: transcript.ts. Every reply was given by a real server; where two of them
 * differ, both are written down.
 */

export const scanSuite = String.raw`
# SCAN of an empty database
SCAN 0 => ["0" []]
SCAN 0 COUNT 1 => ["0" []]
SCAN 0 MATCH * => ["0" []]
SCAN 0 TYPE string => ["0" []]

# SCAN refuses bad arguments
SCAN => -ERR wrong number of arguments for 'scan' command
SCAN abc => -ERR invalid cursor
SCAN "" => ["0" []] || valkey80: -ERR invalid cursor
SCAN 0x0 => -ERR invalid cursor
SCAN " 0" => -ERR invalid cursor || valkey80: ["0" []]
SCAN 1.5 => -ERR invalid cursor
SCAN 18446744073709551616 => -ERR invalid cursor
SCAN 99999999999999999999999 => -ERR invalid cursor
SCAN 0 FOO => -ERR syntax error
SCAN 0 COUNT => -ERR syntax error
SCAN 0 MATCH => -ERR syntax error
SCAN 0 TYPE => -ERR syntax error
SCAN 0 COUNT 0 => -ERR syntax error
SCAN 0 COUNT -1 => -ERR syntax error
SCAN 0 COUNT abc => -ERR value is not an integer or out of range
SCAN 0 COUNT 1.5 => -ERR value is not an integer or out of range
SCAN 0 COUNT "" => -ERR value is not an integer or out of range
SCAN 0 COUNT 9223372036854775808 => -ERR value is not an integer or out of range
SCAN 0 MATCH a FOO => -ERR syntax error
SCAN 0 COUNT 10 COUNT => -ERR syntax error
SCAN 0 TYPE => -ERR syntax error
SCAN abc FOO => -ERR invalid cursor
SCAN 0 COUNT 0 FOO => -ERR syntax error

# SCAN of a few keys
MSET a 1 b 2 c 3 aa 4 => +OK
RPUSH l x => :1
SCAN 0 COUNT 1000 => ["0" any]
SCAN 0 COUNT 1000 MATCH a => ["0" ["a"]]
SCAN 0 MATCH aa COUNT 1000 => ["0" ["aa"]]
SCAN 0 COUNT 1000 TYPE list => ["0" ["l"]]
SCAN 0 COUNT 1000 TYPE LIST => ["0" ["l"]]
SCAN 0 COUNT 1000 TYPE string MATCH b => ["0" ["b"]]
SCAN 0 COUNT 1000 TYPE list MATCH b => ["0" []]
SCAN 0 COUNT 1000 TYPE hash => ["0" []]
SCAN 0 COUNT 1000 TYPE set => ["0" []]
SCAN 0 COUNT 1000 TYPE zset => ["0" []]
SCAN 0 COUNT 1000 TYPE stream => ["0" []]
SCAN 0 COUNT 1000 TYPE foo => ["0" []] || valkey80: -ERR unknown type name 'foo'
SCAN 0 COUNT 1000 TYPE "" => ["0" []] || valkey80: -ERR unknown type name ''
SCAN 0 COUNT 1000 MATCH none => ["0" []]
SCAN 0 match none count 1000 => ["0" []]
SCAN 0 COUNT 1 COUNT 1000 MATCH x MATCH a => ["0" ["a"]]
SCAN 0 COUNT 1000 TYPE string TYPE list => ["0" ["l"]]
SCAN 0 COUNT 9223372036854775807 MATCH c => ["0" ["c"]]
SCAN 0 COUNT 1000 MATCH {x*3000} => ["0" []]
SCAN 00 COUNT 1000 MATCH a => ["0" ["a"]]
SCAN -0 COUNT 1000 MATCH a => ["0" ["a"]]
SCAN +0 COUNT 1000 MATCH a => ["0" ["a"]]

# SCAN leaves expired keys out
SET a 1 => +OK
SET k v PX 1 => +OK
eventually EXISTS k => :0
SCAN 0 COUNT 1000 => ["0" ["a"]]

# SCAN of binary and long names
SET "\x00\xff\r\n" 1 => +OK
SCAN 0 COUNT 1000 => ["0" ["\x00\xff\x0d\x0a"]]
DEL "\x00\xff\r\n" => :1
SET {k*10000} 1 => +OK
SCAN 0 COUNT 1000 => ["0" [len:10000]]

# SCAN stays in its database
SET a 0 => +OK
SELECT 1 => +OK
SET b 1 => +OK
SCAN 0 COUNT 1000 => ["0" ["b"]]
SELECT 0 => +OK
SCAN 0 COUNT 1000 => ["0" ["a"]]

# A cursor from nowhere is taken
SET a 1 => +OK
SCAN 1 COUNT 1000 => [cursor any]
SCAN 12345678901234567 COUNT 1000 => [cursor any]
SCAN 18446744073709551615 COUNT 1000 => [cursor any]
SCAN 9007199254740993 COUNT 1000 => [cursor any]
`;
