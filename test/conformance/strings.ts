/**
 * Conformance suite: setting and getting strings, with every option.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const stringsSuite = String.raw`
# GET and SET of ordinary, empty and binary keys and values
GET k => nil
SET k v => +OK
GET k => "v"
SET k "" => +OK
GET k => ""
STRLEN k => :0
SET "" empty-key => +OK
GET "" => "empty-key"
SET "a\x00b\r\n" "\x00\xff\r\n\x01" => +OK
GET "a\x00b\r\n" => "\x00\xff\x0d\x0a\x01"
GET "a\x00b" => nil
EXISTS a => :0
SET {k*512} {v*70000} => +OK
STRLEN {k*512} => :70000
GET {k*512} => len:70000
GET {k*511} => nil
SET k {v*1048576} => +OK
STRLEN k => :1048576
GET k => len:1048576
SET k small => +OK
GET k => "small"

# SET keeps a key of 65536 bytes apart from its neighbours
SET {k*65536} long => +OK
SET {k*65535} shorter => +OK
GET {k*65536} => "long"
GET {k*65535} => "shorter"
DEL {k*65536} => :1
GET {k*65535} => "shorter"
DBSIZE => :1

# SET refuses a wrong number of arguments and unknown options
SET => -ERR wrong number of arguments for 'set' command
SET k => -ERR wrong number of arguments for 'set' command
SET k v FOO => -ERR syntax error
SET k v EX => -ERR syntax error
SET k v PX => -ERR syntax error
SET k v EXAT => -ERR syntax error
SET k v PXAT => -ERR syntax error
SET k v EX 10 20 => -ERR syntax error
SET k v NX XX => -ERR syntax error
SET k v XX NX => -ERR syntax error
SET k v KEEPTTL EX 10 => -ERR syntax error
SET k v EX 10 KEEPTTL => -ERR syntax error
SET k v EX 10 PX 10 => -ERR syntax error
SET k v EX 10 EXAT 10 => -ERR syntax error
SET k v PX 10 PXAT 10 => -ERR syntax error
SET k v EX 10 EX 10 => +OK
SET k v NX NX => nil
SET k v XX XX => +OK
SET k v GET GET => "v"
SET k v KEEPTTL KEEPTTL => +OK
SET k v PERSIST => -ERR syntax error
SET k v "" => -ERR syntax error
SET k v EX EX => -ERR value is not an integer or out of range
GET k => "v"

# SET reads its options in any order and case
SET k v ex 100 => +OK
TTL k => :99..100
SET k w Px 100000 => +OK
PTTL k => :99000..100000
SET k x eXAT {now+100} => +OK
TTL k => :98..100
SET k y pxat {ms+100000} => +OK
PTTL k => :98000..100002
SET k z nx => nil
SET k z Xx gEt Ex 50 => "y"
TTL k => :49..50
SET k 1 KEEPTTL xx get => "z"
TTL k => :49..50
GET k => "1"
SET k 2 => +OK
TTL k => :-1
SET k 3 EX 100 NX => nil
SET k 3 GET EX 100 XX => "2"
TTL k => :99..100
SET k 4 keepttl => +OK
TTL k => :99..100

# SET NX and XX
SET k v XX => nil
EXISTS k => :0
SET k v NX => +OK
SET k w NX => nil
GET k => "v"
SET k w XX => +OK
GET k => "w"
SET k x NX EX 10 => nil
TTL k => :-1
SET k x XX EX 10 => +OK
TTL k => :9..10

# SET GET
SET k v GET => nil
SET k w GET => "v"
GET k => "w"
SET k x NX GET => "w"
GET k => "w"
SET n x NX GET => nil
GET n => "x"
SET m x XX GET => nil
EXISTS m => :0
SET k y XX GET => "w"
GET k => "y"
SET k {z*100000} GET => "y"
SET k s GET => len:100000
SET k t GET KEEPTTL => "s"
RPUSH l a => :1
SET l v GET => -WRONGTYPE Operation against a key holding the wrong kind of value
TYPE l => +list
SET l v NX GET => -WRONGTYPE Operation against a key holding the wrong kind of value
SET l v XX GET => -WRONGTYPE Operation against a key holding the wrong kind of value
SET l v NX => nil
SET l v XX => +OK
TYPE l => +string
GET l => "v"
RPUSH l2 a => :1
SET l2 v EX 10 => +OK
GET l2 => "v"
TTL l2 => :9..10

# SET refuses expiry times that are no times
SET k v EX 0 => -ERR invalid expire time in 'set' command
SET k v EX -1 => -ERR invalid expire time in 'set' command
SET k v PX 0 => -ERR invalid expire time in 'set' command
SET k v PX -10 => -ERR invalid expire time in 'set' command
SET k v EXAT 0 => -ERR invalid expire time in 'set' command
SET k v EXAT -1 => -ERR invalid expire time in 'set' command
SET k v PXAT 0 => -ERR invalid expire time in 'set' command
SET k v PXAT -1 => -ERR invalid expire time in 'set' command
SET k v EX abc => -ERR value is not an integer or out of range
SET k v EX 1.5 => -ERR value is not an integer or out of range
SET k v EX "" => -ERR value is not an integer or out of range
SET k v EX 9223372036854775807 => -ERR invalid expire time in 'set' command
SET k v EX 9223372036854776 => -ERR invalid expire time in 'set' command
SET k v EX 9223372036854775 => -ERR invalid expire time in 'set' command
SET k v EX 9223372036854775808 => -ERR value is not an integer or out of range
SET k v EX 99999999999999999999 => -ERR value is not an integer or out of range
SET k v PX 9223372036854775807 => -ERR invalid expire time in 'set' command
SET k v PX 9223372036854775808 => -ERR value is not an integer or out of range
SET k v EXAT 9223372036854775807 => -ERR invalid expire time in 'set' command
SET k v EXAT 9223372036854776 => -ERR invalid expire time in 'set' command
SET k v PXAT 9223372036854775808 => -ERR value is not an integer or out of range
SET k v EX " 10" => -ERR value is not an integer or out of range
SET k v EX 010 => -ERR value is not an integer or out of range
SET k v EX +10 => -ERR value is not an integer or out of range
EXISTS k => :0

# SET far into the future
SET k v EX 1000000000 => +OK
TTL k => :999999999..1000000000
SET k v PX 1000000000000 => +OK
PTTL k => :999999999000..1000000000000
SET k v EXAT 33177117420 => +OK
EXPIRETIME k => :33177117420
SET k v PXAT 33177117420000 => +OK
PEXPIRETIME k => :33177117420000

# SET with a time that has passed
SET k v => +OK
SET k w EXAT 1 => +OK
GET k => nil
EXISTS k => :0
SET k w PXAT 1 => +OK
EXISTS k => :0
DBSIZE => :0
SET k v => +OK
SET k w EXAT 1 GET => "v"
EXISTS k => :0
SET k w PXAT {ms-1} NX => +OK
EXISTS k => :0

# SETNX
SETNX k v => :1
SETNX k w => :0
GET k => "v"
SETNX k => -ERR wrong number of arguments for 'setnx' command
SETNX k v w => -ERR wrong number of arguments for 'setnx' command
RPUSH l a => :1
SETNX l v => :0
TYPE l => +list
SETNX {k*2000} v => :1
SETNX {k*2000} v => :0

# SETNX on a key that has expired
PSETEX k 1 v => +OK
eventually EXISTS k => :0
SETNX k w => :1
TTL k => :-1
GET k => "w"

# SETEX and PSETEX
SETEX k 100 v => +OK
TTL k => :99..100
GET k => "v"
PSETEX k 100000 w => +OK
PTTL k => :99000..100000
GET k => "w"
SETEX k 0 v => -ERR invalid expire time in 'setex' command
SETEX k -1 v => -ERR invalid expire time in 'setex' command
PSETEX k 0 v => -ERR invalid expire time in 'psetex' command
PSETEX k -1 v => -ERR invalid expire time in 'psetex' command
SETEX k abc v => -ERR value is not an integer or out of range
PSETEX k abc v => -ERR value is not an integer or out of range
SETEX k 9223372036854775807 v => -ERR invalid expire time in 'setex' command
SETEX k 9223372036854775 v => -ERR invalid expire time in 'setex' command
PSETEX k 9223372036854775807 v => -ERR invalid expire time in 'psetex' command
SETEX k 10 => -ERR wrong number of arguments for 'setex' command
SETEX k 10 v x => -ERR wrong number of arguments for 'setex' command
PSETEX k 10 => -ERR wrong number of arguments for 'psetex' command
PSETEX k 10 v x => -ERR wrong number of arguments for 'psetex' command
GET k => "w"
RPUSH l a => :1
SETEX l 10 v => +OK
GET l => "v"

# GETSET
GETSET k v => nil
GETSET k w => "v"
GET k => "w"
EXPIRE k 100 => :1
GETSET k x => "w"
TTL k => :-1
RPUSH l a => :1
GETSET l v => -WRONGTYPE Operation against a key holding the wrong kind of value
TYPE l => +list
GETSET k => -ERR wrong number of arguments for 'getset' command
GETSET k v w => -ERR wrong number of arguments for 'getset' command
GETSET k {v*100000} => "x"
GETSET k "" => len:100000
GETSET k v => ""

# GETDEL
GETDEL k => nil
SET k v => +OK
GETDEL k => "v"
EXISTS k => :0
GETDEL k => nil
SET k "" EX 100 => +OK
GETDEL k => ""
GETDEL k => nil
SET k {v*100000} => +OK
GETDEL k => len:100000
EXISTS k => :0
RPUSH l a => :1
GETDEL l => -WRONGTYPE Operation against a key holding the wrong kind of value
LLEN l => :1
GETDEL => -ERR wrong number of arguments for 'getdel' command
GETDEL k k => -ERR wrong number of arguments for 'getdel' command

# GETEX
GETEX k => nil
GETEX k EX 10 => nil
SET k v => +OK
GETEX k => "v"
TTL k => :-1
GETEX k EX 100 => "v"
TTL k => :99..100
GETEX k => "v"
TTL k => :99..100
GETEX k PERSIST => "v"
TTL k => :-1
GETEX k PERSIST => "v"
GETEX k px 100000 => "v"
PTTL k => :99000..100000
GETEX k exat {now+50} => "v"
TTL k => :48..50
GETEX k PXAT {ms+50000} => "v"
TTL k => :49..50
GETEX k persist => "v"
TTL k => :-1
GETEX k EXAT 1 => "v"
GETEX k => nil
EXISTS k => :0
SET k v => +OK
GETEX k PXAT {ms-1000} => "v"
EXISTS k => :0
DBSIZE => :0

# GETEX refuses bad options
SET k v => +OK
GETEX => -ERR wrong number of arguments for 'getex' command
GETEX k EX => -ERR syntax error
GETEX k FOO => -ERR syntax error
GETEX k EX 0 => -ERR invalid expire time in 'getex' command
GETEX k EX -1 => -ERR invalid expire time in 'getex' command
GETEX k PX 0 => -ERR invalid expire time in 'getex' command
GETEX k EXAT 0 => -ERR invalid expire time in 'getex' command
GETEX k PXAT -5 => -ERR invalid expire time in 'getex' command
GETEX k EX abc => -ERR value is not an integer or out of range
GETEX k EX 9223372036854775807 => -ERR invalid expire time in 'getex' command
GETEX k PX 9223372036854775807 => -ERR invalid expire time in 'getex' command
GETEX k EX 9223372036854775808 => -ERR value is not an integer or out of range
GETEX k EX 10 PX 10 => -ERR syntax error
GETEX k EX 10 PERSIST => -ERR syntax error
GETEX k PERSIST EX 10 => -ERR syntax error
GETEX k PERSIST PERSIST => "v"
GETEX k NX => -ERR syntax error
GETEX k KEEPTTL => -ERR syntax error
GETEX k GET => -ERR syntax error
GETEX none EX 0 => nil
GETEX none FOO => -ERR syntax error
GETEX none EX abc => nil
TTL k => :-1
RPUSH l a => :1
GETEX l => -WRONGTYPE Operation against a key holding the wrong kind of value
GETEX l EX 10 => -WRONGTYPE Operation against a key holding the wrong kind of value
GETEX l EX 0 => -WRONGTYPE Operation against a key holding the wrong kind of value
TTL l => :-1

# MGET
MGET => -ERR wrong number of arguments for 'mget' command
MGET a => [nil]
MSET a 1 b 2 "" e => +OK
MGET a b => ["1" "2"]
MGET a none b "" a => ["1" nil "2" "e" "1"]
RPUSH l x => :1
MGET a l b => ["1" nil "2"]
SET {x*300} {y*300} => +OK
MGET {x*300} a => [len:300 "1"]
SET exp v PX 1 => +OK
eventually MGET exp => [nil]
MGET exp exp a => [nil nil "1"]

# MGET of values of every size
SET a {a*1} => +OK
SET b {b*63} => +OK
SET c {c*4096} => +OK
SET d {d*65536} => +OK
SET e {e*1048576} => +OK
MGET a b c d e e d c b a => ["a" len:63 len:4096 len:65536 len:1048576 len:1048576 len:65536
  len:4096 len:63 "a"]

# MSET
MSET => -ERR wrong number of arguments for 'mset' command
MSET a => -ERR wrong number of arguments for 'mset' command
MSET a 1 b => -ERR wrong number of arguments for 'mset' command
MSET a 1 b 2 c => -ERR wrong number of arguments for 'mset' command
MSET a 1 b 2 => +OK
MGET a b => ["1" "2"]
MSET a 1 a 2 a 3 => +OK
GET a => "3"
MSET a 1 b 2 a 3 b 4 => +OK
MGET a b => ["3" "4"]
EXPIRE a 100 => :1
MSET a x => +OK
TTL a => :-1
RPUSH l a => :1
MSET l v a w => +OK
MGET l a => ["v" "w"]
MSET "" "" k {v*100000} => +OK
STRLEN k => :100000
GET "" => ""
MSET k {w*100001} k {x*5} => +OK
GET k => "xxxxx"

# MSETNX
MSETNX => -ERR wrong number of arguments for 'msetnx' command
MSETNX a => -ERR wrong number of arguments for 'msetnx' command
MSETNX a 1 b => -ERR wrong number of arguments for 'msetnx' command
MSETNX a 1 b 2 => :1
MSETNX b 3 c 4 => :0
EXISTS c => :0
GET b => "2"
MSETNX c 1 c 2 => :1
GET c => "2"
RPUSH l a => :1
MSETNX d 1 l 2 => :0
EXISTS d => :0
MSETNX d 1 e 2 f 3 => :1
MGET d e f => ["1" "2" "3"]

# MSETNX counts a key that has expired as missing
PSETEX k 1 v => +OK
eventually EXISTS k => :0
MSETNX k 1 j 2 => :1
TTL k => :-1
MGET k j => ["1" "2"]

# Commands of strings on a list
RPUSH l a => :1
GET l => -WRONGTYPE Operation against a key holding the wrong kind of value
STRLEN l => -WRONGTYPE Operation against a key holding the wrong kind of value
APPEND l x => -WRONGTYPE Operation against a key holding the wrong kind of value
INCR l => -WRONGTYPE Operation against a key holding the wrong kind of value
DECR l => -WRONGTYPE Operation against a key holding the wrong kind of value
INCRBY l 1 => -WRONGTYPE Operation against a key holding the wrong kind of value
DECRBY l 1 => -WRONGTYPE Operation against a key holding the wrong kind of value
INCRBYFLOAT l 1 => -WRONGTYPE Operation against a key holding the wrong kind of value
GETRANGE l 0 1 => -WRONGTYPE Operation against a key holding the wrong kind of value
SETRANGE l 0 x => -WRONGTYPE Operation against a key holding the wrong kind of value
GETSET l x => -WRONGTYPE Operation against a key holding the wrong kind of value
GETDEL l => -WRONGTYPE Operation against a key holding the wrong kind of value
GETEX l => -WRONGTYPE Operation against a key holding the wrong kind of value
MGET l => [nil]
LRANGE l 0 -1 => ["a"]

# Commands of strings with a wrong number of arguments
GET => -ERR wrong number of arguments for 'get' command
GET a b => -ERR wrong number of arguments for 'get' command
GETSET a => -ERR wrong number of arguments for 'getset' command
GETDEL => -ERR wrong number of arguments for 'getdel' command
GETEX => -ERR wrong number of arguments for 'getex' command
MGET => -ERR wrong number of arguments for 'mget' command
MSET a => -ERR wrong number of arguments for 'mset' command
SETNX a => -ERR wrong number of arguments for 'setnx' command
SETEX a 1 => -ERR wrong number of arguments for 'setex' command
PSETEX a 1 => -ERR wrong number of arguments for 'psetex' command
INCR => -ERR wrong number of arguments for 'incr' command
INCR a b => -ERR wrong number of arguments for 'incr' command
DECR => -ERR wrong number of arguments for 'decr' command
DECR a b => -ERR wrong number of arguments for 'decr' command
INCRBY a => -ERR wrong number of arguments for 'incrby' command
INCRBY a 1 2 => -ERR wrong number of arguments for 'incrby' command
DECRBY a => -ERR wrong number of arguments for 'decrby' command
INCRBYFLOAT a => -ERR wrong number of arguments for 'incrbyfloat' command
INCRBYFLOAT a 1 2 => -ERR wrong number of arguments for 'incrbyfloat' command
APPEND a => -ERR wrong number of arguments for 'append' command
STRLEN => -ERR wrong number of arguments for 'strlen' command
GETRANGE a 1 => -ERR wrong number of arguments for 'getrange' command
SUBSTR a 1 => -ERR wrong number of arguments for 'substr' command
SETRANGE a 1 => -ERR wrong number of arguments for 'setrange' command
LCS => -ERR wrong number of arguments for 'lcs' command
LCS a => -ERR wrong number of arguments for 'lcs' command

# An unknown command and names in any case
get k => nil
GeT k => nil
SeT k v => +OK

# Expired values are missing for every command of strings
SET k v PX 1 => +OK
eventually EXISTS k => :0
GET k => nil
STRLEN k => :0
GETRANGE k 0 -1 => ""
GETDEL k => nil
GETEX k => nil
GETSET k new => nil
GET k => "new"
SET k v PX 1 => +OK
eventually EXISTS k => :0
APPEND k x => :1
TTL k => :-1
SET k 5 PX 1 => +OK
eventually EXISTS k => :0
INCR k => :1
TTL k => :-1
SET k v PX 1 => +OK
eventually EXISTS k => :0
SETRANGE k 2 x => :3
GET k => "\x00\x00x"
SET k v PX 1 => +OK
eventually EXISTS k => :0
SET k w XX => nil
SET k w GET => nil
TTL k => :-1
SET k v PX 1 => +OK
eventually EXISTS k => :0
SET k w KEEPTTL => +OK
TTL k => :-1
`;
