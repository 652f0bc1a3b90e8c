/**
 * Conformance suite: parts of strings: APPEND, STRLEN, GETRANGE, SUBSTR, SETRANGE.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const rangesSuite = String.raw`
# APPEND
APPEND k => -ERR wrong number of arguments for 'append' command
APPEND k a b => -ERR wrong number of arguments for 'append' command
APPEND k "" => :0
EXISTS k => :1
GET k => ""
APPEND k abc => :3
APPEND k def => :6
GET k => "abcdef"
APPEND k "" => :6
GET k => "abcdef"
EXPIRE k 100 => :1
APPEND k g => :7
TTL k => :99..100
SET n 1 => +OK
APPEND n 2 => :2
INCR n => :13
APPEND n x => :3
INCR n => -ERR value is not an integer or out of range
RPUSH l a => :1
APPEND l b => -WRONGTYPE Operation against a key holding the wrong kind of value
APPEND b "\x00\xff" => :2
APPEND b "\x00" => :3
GET b => "\x00\xff\x00"
APPEND big {a*16000} => :16000
APPEND big {b*16000} => :32000
APPEND big {c*16000} => :48000
APPEND big {d*100000} => :148000
APPEND big e => :148001
STRLEN big => :148001
GETRANGE big 15999 16000 => "ab"
GETRANGE big 31999 32000 => "bc"
GETRANGE big 47999 48000 => "cd"
GETRANGE big 147999 -1 => "de"

# STRLEN
STRLEN => -ERR wrong number of arguments for 'strlen' command
STRLEN a b => -ERR wrong number of arguments for 'strlen' command
STRLEN none => :0
SET k v => +OK
STRLEN k => :1
SET k 12345678901234567890 => +OK
STRLEN k => :20
SET k -1 => +OK
STRLEN k => :2
RPUSH l a => :1
STRLEN l => -WRONGTYPE Operation against a key holding the wrong kind of value
SET k {v*1000000} => +OK
STRLEN k => :1000000

# GETRANGE and SUBSTR
GETRANGE => -ERR wrong number of arguments for 'getrange' command
GETRANGE k 0 => -ERR wrong number of arguments for 'getrange' command
GETRANGE k 0 1 2 => -ERR wrong number of arguments for 'getrange' command
SUBSTR k 0 => -ERR wrong number of arguments for 'substr' command
GETRANGE none 0 -1 => ""
SET k "Hello World" => +OK
GETRANGE k 0 3 => "Hell"
GETRANGE k 0 -1 => "Hello World"
GETRANGE k -4 -1 => "orld"
GETRANGE k 5 3 => ""
GETRANGE k 5 5000 => " World"
GETRANGE k -5000 10000 => "Hello World"
GETRANGE k 0 0 => "H"
GETRANGE k 10 10 => "d"
GETRANGE k 11 11 => ""
GETRANGE k 11 -1 => ""
GETRANGE k -1 -1 => "d"
GETRANGE k -11 -11 => "H"
GETRANGE k -12 -12 => "H"
GETRANGE k -12 -11 => "H"
GETRANGE k -3 -5 => ""
GETRANGE k -5000 -4999 => "H"
GETRANGE k 0 -12 => "H"
GETRANGE k 0 -11 => "H"
GETRANGE k -1 0 => ""
GETRANGE k 9223372036854775807 9223372036854775807 => ""
GETRANGE k -9223372036854775808 9223372036854775807 => "Hello World"
GETRANGE k 0 9223372036854775807 => "Hello World"
GETRANGE k 0 4294967297 => "Hello World"
GETRANGE k 4294967297 -1 => ""
GETRANGE k -9223372036854775808 -9223372036854775808 => "H"
GETRANGE k 9223372036854775808 0 => -ERR value is not an integer or out of range
GETRANGE k a 0 => -ERR value is not an integer or out of range
GETRANGE k 0 a => -ERR value is not an integer or out of range
GETRANGE k 0 "" => -ERR value is not an integer or out of range
GETRANGE k 1.0 2 => -ERR value is not an integer or out of range
SUBSTR k 0 3 => "Hell"
SUBSTR k -3 -1 => "rld"
SET k "" => +OK
GETRANGE k 0 -1 => ""
GETRANGE k 0 0 => ""
RPUSH l a => :1
GETRANGE l 0 -1 => -WRONGTYPE Operation against a key holding the wrong kind of value
SUBSTR l 0 -1 => -WRONGTYPE Operation against a key holding the wrong kind of value
GETRANGE l x y => -ERR value is not an integer or out of range
GETRANGE none x y => -ERR value is not an integer or out of range
SET n 123456789 => +OK
GETRANGE n 2 4 => "345"

# GETRANGE of a large value
SET k {a*300000} => +OK
APPEND k {b*300000} => :600000
GETRANGE k 299998 300001 => "aabb"
GETRANGE k -3 -1 => "bbb"
GETRANGE k 0 599999 => len:600000
GETRANGE k 599999 700000 => "b"
GETRANGE k 600000 700000 => ""
GETRANGE k 100000 499999 => len:400000

# SETRANGE
SETRANGE => -ERR wrong number of arguments for 'setrange' command
SETRANGE k 0 => -ERR wrong number of arguments for 'setrange' command
SETRANGE k 0 a b => -ERR wrong number of arguments for 'setrange' command
SETRANGE k 0 "" => :0
EXISTS k => :0
SETRANGE k 5 "" => :0
EXISTS k => :0
SETRANGE k 0 foo => :3
GET k => "foo"
SETRANGE k 1 b => :3
GET k => "fbo"
SETRANGE k 4 bar => :7
GET k => "fbo\x00bar"
SETRANGE k 0 "" => :7
SETRANGE k 100 "" => :7
GET k => "fbo\x00bar"
SETRANGE z 3 abc => :6
GET z => "\x00\x00\x00abc"
SETRANGE k -1 x => -ERR offset is out of range
SETRANGE k -9223372036854775808 x => -ERR offset is out of range
SETRANGE k abc x => -ERR value is not an integer or out of range
SETRANGE k 1.5 x => -ERR value is not an integer or out of range
SETRANGE k 536870912 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
SETRANGE k 536870912 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
SETRANGE k 536870908 world => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
SETRANGE k 9223372036854775807 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
SETRANGE k 9223372036854775806 xx => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
SETRANGE k 9223372036854775808 x => -ERR value is not an integer or out of range
SETRANGE k 4294967296 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
SETRANGE none 536870911 xx => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
SETRANGE none -1 "" => -ERR offset is out of range
SETRANGE none 536870912 "" => :0
SETRANGE k 536870912 "" => :7
EXISTS none => :0
GET k => "fbo\x00bar"
EXPIRE k 100 => :1
SETRANGE k 0 z => :7
TTL k => :99..100
RPUSH l a => :1
SETRANGE l 0 x => -WRONGTYPE Operation against a key holding the wrong kind of value
SETRANGE l 0 "" => -WRONGTYPE Operation against a key holding the wrong kind of value
SETRANGE l -1 x => -ERR offset is out of range
SETRANGE l 536870912 x => -WRONGTYPE Operation against a key holding the wrong kind of value
SETRANGE l abc x => -ERR value is not an integer or out of range
SET n 1234 => +OK
SETRANGE n 1 0 => :4
INCR n => :1035
SETRANGE n 1 "\x00\x01" => :4
GET n => "1\x00\x015"

# SETRANGE on a large value
SETRANGE k 200000 x => :200001
STRLEN k => :200001
GETRANGE k 0 3 => "\x00\x00\x00\x00"
GETRANGE k 199998 -1 => "\x00\x00x"
SETRANGE k 65535 {y*65536} => :200001
STRLEN k => :200001
GETRANGE k 65533 65537 => "\x00\x00yyy"
GETRANGE k 131069 131073 => "yy\x00\x00\x00"
SETRANGE k 200001 end => :200004
STRLEN k => :200004
GETRANGE k -5 -1 => "\x00xend"
SETRANGE k 300000 "" => :200004
STRLEN k => :200004
SETRANGE k 400000 {z*1000} => :401000
STRLEN k => :401000
GETRANGE k 199999 200006 => "\x00xend\x00\x00\x00"
GETRANGE k 399998 400001 => "\x00\x00zz"

# SETRANGE at the far end of a value costs what it touches
SETRANGE k 100000000 x => :100000001
STRLEN k => :100000001
GETRANGE k 99999998 100000000 => "\x00\x00x"
APPEND k y => :100000002
GETRANGE k -3 -1 => "\x00xy"
SETRANGE k 50000000 abc => :100000002
GETRANGE k 49999999 50000003 => "\x00abc\x00"
STRLEN k => :100000002
DEL k => :1
EXISTS k => :0

# A value ends at proto-max-bulk-len (the real servers would fill half a gigabyte with zeros)
SETRANGE k 536870911 x => :536870912 || valkey80: - || redis70: -
STRLEN k => :536870912 || valkey80: - || redis70: -
APPEND k y => -ERR string exceeds maximum allowed size (proto-max-bulk-len) || valkey80: - ||
  redis70: -
GETRANGE k -2 -1 => "\x00x" || valkey80: - || redis70: -
SETRANGE k 268435456 mid => :536870912 || valkey80: - || redis70: -
GETRANGE k 268435455 268435459 => "\x00mid\x00" || valkey80: - || redis70: -
APPEND k "" => :536870912 || valkey80: - || redis70: -
DEL k => :1 || valkey80: - || redis70: -
`;
