/**
 * Conformance suite: EXPIRE, TTL and their relatives, and what keeps or drops an expiry.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const expirySuite = String.raw`
# EXPIRE and TTL
EXPIRE => -ERR wrong number of arguments for 'expire' command
EXPIRE k => -ERR wrong number of arguments for 'expire' command
TTL => -ERR wrong number of arguments for 'ttl' command
TTL k x => -ERR wrong number of arguments for 'ttl' command
TTL none => :-2
PTTL none => :-2
EXPIRE none 10 => :0
SET k v => +OK
TTL k => :-1
PTTL k => :-1
EXPIRE k 100 => :1
TTL k => :99..100
PTTL k => :99000..100000
GET k => "v"
EXPIRE k 200 => :1
TTL k => :199..200
SET k w => +OK
TTL k => :-1
RPUSH l a => :1
EXPIRE l 100 => :1
TTL l => :99..100
RPUSH l b => :2
TTL l => :99..100
LRANGE l 0 -1 => ["a" "b"]

# PEXPIRE and PTTL
PEXPIRE k 100 => :0
SET k v => +OK
PEXPIRE k 100000 => :1
PTTL k => :99000..100000
TTL k => :99..100
PEXPIRE k => -ERR wrong number of arguments for 'pexpire' command
PEXPIRE k 10 NX XX => -ERR NX and XX, GT or LT options at the same time are not compatible
PEXPIRE none 10 => :0
PTTL => -ERR wrong number of arguments for 'pttl' command
PTTL k x => -ERR wrong number of arguments for 'pttl' command

# EXPIREAT, PEXPIREAT, EXPIRETIME and PEXPIRETIME
EXPIREAT k {now+100} => :0
SET k v => +OK
EXPIRETIME k => :-1
PEXPIRETIME k => :-1
EXPIRETIME none => :-2
PEXPIRETIME none => :-2
EXPIREAT k {now+100} => :1
TTL k => :98..100
PEXPIREAT k {ms+100000} => :1
PTTL k => :98000..100002
EXPIREAT k 33177117420 => :1
EXPIRETIME k => :33177117420
PEXPIRETIME k => :33177117420000
PEXPIREAT k 33177117420123 => :1
EXPIRETIME k => :33177117420
PEXPIRETIME k => :33177117420123
PEXPIREAT k 33177117420500 => :1
EXPIRETIME k => :33177117421
PEXPIREAT k 33177117420499 => :1
EXPIRETIME k => :33177117420
PEXPIREAT k 33177117420999 => :1
EXPIRETIME k => :33177117421
EXPIRETIME => -ERR wrong number of arguments for 'expiretime' command
EXPIRETIME k x => -ERR wrong number of arguments for 'expiretime' command
PEXPIRETIME => -ERR wrong number of arguments for 'pexpiretime' command
EXPIREAT k => -ERR wrong number of arguments for 'expireat' command
PEXPIREAT k => -ERR wrong number of arguments for 'pexpireat' command

# A time that has passed removes the key
SET k v => +OK
EXPIRE k 0 => :1
EXISTS k => :0
SET k v => +OK
EXPIRE k -1 => :1
EXISTS k => :0
SET k v => +OK
PEXPIRE k 0 => :1
GET k => nil
SET k v => +OK
PEXPIRE k -1000 => :1
GET k => nil
SET k v => +OK
EXPIREAT k 0 => :1
GET k => nil
SET k v => +OK
EXPIREAT k 1 => :1
GET k => nil
SET k v => +OK
EXPIREAT k -1 => :1
GET k => nil
SET k v => +OK
PEXPIREAT k 0 => :1
GET k => nil
SET k v => +OK
PEXPIREAT k {ms-1} => :1
GET k => nil
SET k v => +OK
EXPIRE k -9223372036854775 => :1
GET k => nil
SET k v => +OK
PEXPIRE k -9223372036854775808 => :1
PEXPIREAT k -9223372036854775808 => :0
EXISTS k => :0
DBSIZE => :0
RPUSH l a b c => :3
EXPIRE l 0 => :1
EXISTS l => :0
SET k v => +OK
EXPIRE k 0 NX => :1
EXISTS k => :0
SET k v EX 100 => +OK
EXPIRE k 0 NX => :0
EXISTS k => :1
EXPIRE k 0 GT => :0
EXISTS k => :1
EXPIRE k 0 LT => :1
EXISTS k => :0
SET k v => +OK
EXPIRE k 0 GT => :0
EXISTS k => :1
EXPIRE k 0 XX => :0
EXISTS k => :1
EXPIRE k 0 LT => :1
EXISTS k => :0

# Expiry times that do not fit are refused
SET k v => +OK
EXPIRE k 9223372036854775807 => -ERR invalid expire time in 'expire' command
EXPIRE k 9223372036854775 => -ERR invalid expire time in 'expire' command
EXPIRE k 9223372036854776 => -ERR invalid expire time in 'expire' command
EXPIRE k -9223372036854775808 => -ERR invalid expire time in 'expire' command
EXPIRE k -9223372036854776 => -ERR invalid expire time in 'expire' command
EXPIRE k 9223372036854775808 => -ERR value is not an integer or out of range
EXPIRE k -9223372036854775809 => -ERR value is not an integer or out of range
PEXPIRE k 9223372036854775807 => -ERR invalid expire time in 'pexpire' command
PEXPIRE k 9223372036854770000 => -ERR invalid expire time in 'pexpire' command
PEXPIRE k 9223372036854775808 => -ERR value is not an integer or out of range
EXPIREAT k 9223372036854775807 => -ERR invalid expire time in 'expireat' command
EXPIREAT k 9223372036854776 => -ERR invalid expire time in 'expireat' command
EXPIREAT k -9223372036854775808 => -ERR invalid expire time in 'expireat' command
EXPIREAT k 9223372036854775808 => -ERR value is not an integer or out of range
PEXPIREAT k 9223372036854775808 => -ERR value is not an integer or out of range
EXPIRE k abc => -ERR value is not an integer or out of range
EXPIRE k "" => -ERR value is not an integer or out of range
EXPIRE k 1.5 => -ERR value is not an integer or out of range
EXPIRE k +1 => -ERR value is not an integer or out of range
EXPIRE k 01 => -ERR value is not an integer or out of range
PEXPIRE k abc => -ERR value is not an integer or out of range
EXPIREAT k abc => -ERR value is not an integer or out of range
PEXPIREAT k abc => -ERR value is not an integer or out of range
EXPIRE none abc => -ERR value is not an integer or out of range
EXPIRE none 9223372036854775807 => -ERR invalid expire time in 'expire' command
TTL k => :-1

# Expiry times in the far future
SET k v => +OK
EXPIRE k 9000000000 => :1
TTL k => :8999999999..9000000000
EXPIREAT k 200000000000 => :1
EXPIRETIME k => :200000000000
PEXPIREAT k 4503599627370495 => :1
PEXPIRETIME k => :4503599627370495
PEXPIREAT k 281474976710655 => :1
PEXPIRETIME k => :281474976710655
PEXPIREAT k 281474976710656 => :1
PEXPIRETIME k => :281474976710656
PEXPIREAT k 9007199254740991 => :1
PEXPIRETIME k => :9007199254740991
EXPIRE k 999999999999 => :1
TTL k => :999999999998..999999999999
GET k => "v"

# EXPIRE NX
SET k v => +OK
EXPIRE k 100 NX => :1
TTL k => :99..100
EXPIRE k 200 NX => :0
TTL k => :99..100
EXPIRE none 100 NX => :0
EXPIRE k 200 nx => :0

# EXPIRE XX
SET k v => +OK
EXPIRE k 100 XX => :0
TTL k => :-1
EXPIRE k 100 => :1
EXPIRE k 200 XX => :1
TTL k => :199..200
EXPIRE none 100 XX => :0

# EXPIRE GT
SET k v => +OK
EXPIRE k 100 GT => :0
TTL k => :-1
EXPIRE k 100 => :1
EXPIRE k 50 GT => :0
TTL k => :99..100
EXPIRE k 200 GT => :1
TTL k => :199..200
EXPIREAT k 33177117420 => :1
EXPIREAT k 33177117420 GT => :0
EXPIREAT k 33177117421 GT => :1
EXPIREAT k 33177117420 GT => :0
EXPIRETIME k => :33177117421
EXPIRE none 100 GT => :0

# EXPIRE LT
SET k v => +OK
EXPIRE k 100 LT => :1
TTL k => :99..100
EXPIRE k 200 LT => :0
TTL k => :99..100
EXPIRE k 50 LT => :1
TTL k => :49..50
EXPIREAT k 33177117420 => :1
PERSIST k => :1
EXPIREAT k 33177117420 LT => :1
EXPIREAT k 33177117420 LT => :0
EXPIREAT k 33177117419 LT => :1
EXPIREAT k 33177117420 LT => :0
EXPIRETIME k => :33177117419
EXPIRE none 100 LT => :0

# EXPIRE with several options
SET k v => +OK
EXPIRE k 100 NX XX => -ERR NX and XX, GT or LT options at the same time are not compatible
EXPIRE k 100 NX GT => -ERR NX and XX, GT or LT options at the same time are not compatible
EXPIRE k 100 NX LT => -ERR NX and XX, GT or LT options at the same time are not compatible
EXPIRE k 100 GT LT => -ERR GT and LT options at the same time are not compatible
EXPIRE k 100 XX GT => :0
TTL k => :-1
EXPIRE k 100 XX LT => :0
TTL k => :-1
EXPIRE k 100 => :1
EXPIRE k 200 XX GT => :1
TTL k => :199..200
EXPIRE k 100 LT XX => :1
TTL k => :99..100
EXPIRE k 100 NX NX => :0
EXPIRE k 300 XX XX => :1
EXPIRE k 400 GT GT => :1
TTL k => :399..400
EXPIRE k 100 FOO => -ERR Unsupported option FOO
EXPIRE k 100 "" => -ERR Unsupported option...
EXPIRE k 100 NX FOO => -ERR Unsupported option FOO
EXPIRE k 100 "f\r\no" => -ERR Unsupported option f  o
EXPIRE k 100 EX => -ERR Unsupported option EX
EXPIRE k abc FOO => -ERR Unsupported option FOO
EXPIRE k abc NX => -ERR value is not an integer or out of range
EXPIRE none 100 FOO => -ERR Unsupported option FOO
PEXPIRE k 100000 XX gt => :0
PEXPIREAT k {ms+900000} GT => :1
PTTL k => :890000..900002
EXPIREAT k {now+100} lt => :1
TTL k => :98..100
EXPIREAT k 100 NX => :0
EXPIREAT k 100 NX XX => -ERR NX and XX, GT or LT options at the same time are not compatible
EXPIREAT k 100 FOO => -ERR Unsupported option FOO
PEXPIREAT k 100 GT LT => -ERR GT and LT options at the same time are not compatible
PEXPIRE k 100 FOO => -ERR Unsupported option FOO

# PERSIST
PERSIST => -ERR wrong number of arguments for 'persist' command
PERSIST k x => -ERR wrong number of arguments for 'persist' command
PERSIST none => :0
SET k v => +OK
PERSIST k => :0
EXPIRE k 100 => :1
PERSIST k => :1
TTL k => :-1
PERSIST k => :0
GET k => "v"
RPUSH l a => :1
EXPIRE l 100 => :1
PERSIST l => :1
TTL l => :-1

# A key that has expired is gone for every command
SET k v PX 1 => +OK
eventually EXISTS k => :0
TTL k => :-2
PTTL k => :-2
EXPIRETIME k => :-2
PEXPIRETIME k => :-2
EXPIRE k 100 => :0
PERSIST k => :0
TYPE k => +none
GET k => nil
SET k v PX 1 => +OK
eventually EXISTS k => :0
DEL k => :0
RPUSH l a => :1
PEXPIRE l 1 => :1
eventually EXISTS l => :0
LLEN l => :0
LPUSHX l b => :0
RPUSH l c => :1
TTL l => :-1
LRANGE l 0 -1 => ["c"]

# TTL rounds to the nearest second
SET k v PX 1400 => +OK
TTL k => :1..1
PEXPIRE k 100700 => :1
TTL k => :100..101

# Every command that changes a value keeps or drops its expiry
SET k 1 EX 100 => +OK
APPEND k 2 => :2
TTL k => :99..100
INCR k => :13
TTL k => :99..100
DECRBY k 5 => :8
TTL k => :99..100
SETRANGE k 0 9 => :1
TTL k => :99..100
INCRBYFLOAT k 1.5 => "10.5"
TTL k => :99..100
GETEX k => "10.5"
TTL k => :99..100
APPEND k {x*100000} => :100004
TTL k => :99..100
SETRANGE k 300000 y => :300001
TTL k => :99..100
GETSET k x => len:300001
TTL k => :-1
EXPIRE k 100 => :1
MSET k y => +OK
TTL k => :-1
EXPIRE k 100 => :1
SET k z => +OK
TTL k => :-1
RPUSH l a b c d => :4
EXPIRE l 100 => :1
LPOP l => "a"
TTL l => :99..100
LSET l 0 z => +OK
TTL l => :99..100
LTRIM l 0 0 => +OK
TTL l => :99..100
RPOP l => "z"
EXISTS l => :0
RPUSH l a => :1
TTL l => :-1

# A value of a hundred kilobytes keeps its content through EXPIRE and PERSIST
SET k {v*100000} => +OK
EXPIRE k 100 => :1
STRLEN k => :100000
PERSIST k => :1
STRLEN k => :100000
GETRANGE k 99998 -1 => "vv"
EXPIRE k 100 => :1
PEXPIRE k 200000 => :1
APPEND k w => :100001
GETRANGE k 99999 -1 => "vw"
TTL k => :199..200

# A very short expiry ends by itself
SET k v PX 20 => +OK
eventually GET k => nil
eventually DBSIZE => :0
RPUSH l a => :1
PEXPIRE l 20 => :1
eventually LRANGE l 0 -1 => []
eventually DBSIZE => :0
`;
