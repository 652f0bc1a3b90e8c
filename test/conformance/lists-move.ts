/**
 * Conformance suite: the commands on several lists: LMOVE, RPOPLPUSH, LMPOP.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const listsMoveSuite = `
# LMOVE
LMOVE => -ERR wrong number of arguments for 'lmove' command
LMOVE a b LEFT => -ERR wrong number of arguments for 'lmove' command
LMOVE a b LEFT RIGHT x => -ERR wrong number of arguments for 'lmove' command
LMOVE none d LEFT RIGHT => nil
LMOVE none d foo RIGHT => -ERR syntax error
LMOVE none d LEFT foo => -ERR syntax error
EXISTS d => :0
RPUSH a 1 2 3 4 5 => :5
LMOVE a b LEFT LEFT => "1"
LMOVE a b LEFT RIGHT => "2"
LMOVE a b RIGHT LEFT => "5"
LMOVE a b right right => "4"
LRANGE a 0 -1 => ["3"]
LRANGE b 0 -1 => ["5" "1" "2" "4"]
LMOVE a b LEFT RIGHT => "3"
EXISTS a => :0
LRANGE b 0 -1 => ["5" "1" "2" "4" "3"]
LMOVE b b LEFT RIGHT => "5"
LRANGE b 0 -1 => ["1" "2" "4" "3" "5"]
LMOVE b b RIGHT LEFT => "5"
LRANGE b 0 -1 => ["5" "1" "2" "4" "3"]
LMOVE b b LEFT LEFT => "5"
LMOVE b b RIGHT RIGHT => "3"
LRANGE b 0 -1 => ["5" "1" "2" "4" "3"]
SET s v => +OK
LMOVE b s LEFT LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
LMOVE s b LEFT LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
LMOVE none s LEFT LEFT => nil
LMOVE s none LEFT LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
LMOVE s s LEFT LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
LRANGE b 0 -1 => ["5" "1" "2" "4" "3"]
RPUSH one x => :1
EXPIRE one 100 => :1
LMOVE one one LEFT RIGHT => "x"
TTL one => :99..100
LMOVE one other LEFT RIGHT => "x"
TTL other => :-1
EXISTS one => :0
EXPIRE b 100 => :1
RPUSH c 9 => :1
LMOVE c b LEFT LEFT => "9"
TTL b => :99..100
RPUSH big {x*50000} y => :2
LMOVE big big2 LEFT LEFT => len:50000
LMOVE big2 big RIGHT RIGHT => len:50000
LLEN big => :2
LINDEX big 1 => len:50000

# RPOPLPUSH
RPOPLPUSH => -ERR wrong number of arguments for 'rpoplpush' command
RPOPLPUSH a => -ERR wrong number of arguments for 'rpoplpush' command
RPOPLPUSH a b c => -ERR wrong number of arguments for 'rpoplpush' command
RPOPLPUSH none d => nil
EXISTS d => :0
RPUSH a 1 2 3 => :3
RPOPLPUSH a b => "3"
RPOPLPUSH a b => "2"
LRANGE a 0 -1 => ["1"]
LRANGE b 0 -1 => ["2" "3"]
RPOPLPUSH a b => "1"
EXISTS a => :0
RPOPLPUSH b b => "3"
RPOPLPUSH b b => "2"
LRANGE b 0 -1 => ["2" "3" "1"]
SET s v => +OK
RPOPLPUSH b s => -WRONGTYPE Operation against a key holding the wrong kind of value
RPOPLPUSH s b => -WRONGTYPE Operation against a key holding the wrong kind of value
RPOPLPUSH none s => nil
LRANGE b 0 -1 => ["2" "3" "1"]

# LMPOP
LMPOP => -ERR wrong number of arguments for 'lmpop' command
LMPOP 1 => -ERR wrong number of arguments for 'lmpop' command
LMPOP 1 k => -ERR wrong number of arguments for 'lmpop' command
LMPOP 0 k LEFT => -ERR numkeys should be greater than 0
LMPOP -1 k LEFT => -ERR numkeys should be greater than 0
LMPOP abc k LEFT => -ERR numkeys should be greater than 0
LMPOP 2 k LEFT => -ERR syntax error
LMPOP 2 k k2 foo => -ERR syntax error
LMPOP 1 k k2 LEFT => -ERR syntax error
LMPOP 1 k LEFT => nil-array
LMPOP 2 k k2 RIGHT => nil-array
LMPOP 1 k LEFT COUNT 10 => nil-array
RPUSH k a b c d e f g => :7
LMPOP 1 k LEFT => ["k" ["a"]]
LMPOP 1 k RIGHT => ["k" ["g"]]
LMPOP 2 none k LEFT COUNT 2 => ["k" ["b" "c"]]
LMPOP 3 none none k right count 2 => ["k" ["f" "e"]]
LRANGE k 0 -1 => ["d"]
LMPOP 1 k LEFT COUNT 100 => ["k" ["d"]]
EXISTS k => :0
RPUSH k a b c => :3
RPUSH k2 x y z => :3
LMPOP 2 k k2 LEFT COUNT 2 => ["k" ["a" "b"]]
LMPOP 2 k k2 RIGHT COUNT 9223372036854775807 => ["k" ["c"]]
LMPOP 2 k k2 RIGHT COUNT 9223372036854775807 => ["k2" ["z" "y" "x"]]
EXISTS k k2 => :0
RPUSH k a b c => :3
LMPOP 2 k k LEFT COUNT 2 => ["k" ["a" "b"]]
LMPOP 1 k LEFT COUNT 0 => -ERR count should be greater than 0
LMPOP 1 k LEFT COUNT -1 => -ERR count should be greater than 0
LMPOP 1 k LEFT COUNT abc => -ERR count should be greater than 0
LMPOP 1 k LEFT COUNT 9223372036854775808 => -ERR count should be greater than 0
LMPOP 1 k LEFT COUNT => -ERR syntax error
LMPOP 1 k LEFT COUNT 1 COUNT 2 => -ERR syntax error
LMPOP 1 k LEFT COUNT 1 foo => -ERR syntax error
LMPOP 1 k LEFT foo => -ERR syntax error
LMPOP 1 k LEFT foo 1 => -ERR syntax error
LMPOP 9223372036854775807 k LEFT => -ERR syntax error
LMPOP 9223372036854775808 k LEFT => -ERR numkeys should be greater than 0
LMPOP 4294967296 k LEFT => -ERR syntax error
SET s v => +OK
LMPOP 1 s LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
LMPOP 2 none s LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
LMPOP 2 s k LEFT => -WRONGTYPE Operation against a key holding the wrong kind of value
LMPOP 2 k s LEFT => ["k" ["c"]]
`;
