/**
 * Conformance suite: LCS.
 * Notation: transcript.ts. Every reply was given by a real server; where two of them differ, both
 * are written down.
 */

export const lcsSuite = String.raw`
# LCS
LCS => -ERR wrong number of arguments for 'lcs' command
LCS a => -ERR wrong number of arguments for 'lcs' command
LCS a b => ""
MSET a ohmytext b mynewtext => +OK
LCS a b => "mytext"
LCS a b LEN => :6
LCS a b IDX => ["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
LCS a b IDX MINMATCHLEN 4 => ["matches" [[[:4 :7] [:5 :8]]] "len" :6]
LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN => ["matches" [[[:4 :7] [:5 :8] :4]] "len" :6]
LCS a b IDX WITHMATCHLEN => ["matches" [[[:4 :7] [:5 :8] :4] [[:2 :3] [:0 :1] :2]] "len" :6]
LCS a b idx minmatchlen 2 withmatchlen => ["matches" [[[:4 :7] [:5 :8] :4] [[:2 :3] [:0 :1] :2]]
  "len" :6]
LCS a b MINMATCHLEN 4 => "mytext"
LCS a b WITHMATCHLEN => "mytext"
LCS a b MINMATCHLEN 2 LEN WITHMATCHLEN => :6
LCS a b IDX MINMATCHLEN 0 => ["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
LCS a b IDX MINMATCHLEN -5 => ["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
LCS a b IDX MINMATCHLEN 100 => ["matches" [] "len" :6]
LCS a b IDX MINMATCHLEN 9223372036854775807 => ["matches" [] "len" :6]
LCS a b IDX MINMATCHLEN abc => -ERR value is not an integer or out of range
LCS a b IDX MINMATCHLEN => -ERR syntax error
LCS a b LEN IDX => -ERR If you want both the length and indexes, please just use IDX.
LCS a b FOO => -ERR syntax error
LCS a b LEN LEN => :6
LCS a b IDX IDX => ["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
LCS b a => "mytext"
LCS b a IDX => ["matches" [[[:5 :8] [:4 :7]] [[:0 :1] [:2 :3]]] "len" :6]
LCS a a => "ohmytext"
LCS a a IDX => ["matches" [[[:0 :7] [:0 :7]]] "len" :8]
LCS a none => ""
LCS a none LEN => :0
LCS a none IDX => ["matches" [] "len" :0]
LCS none none2 => ""
LCS none none2 IDX WITHMATCHLEN => ["matches" [] "len" :0]
SET e "" => +OK
LCS a e IDX => ["matches" [] "len" :0]
SET "x\x00" "\x00a\xff\x00b" => +OK
SET y "\x00\xffa\x00b" => +OK
LCS "x\x00" y => "\x00\xff\x00b"
LCS "x\x00" y IDX WITHMATCHLEN => ["matches" [[[:3 :4] [:3 :4] :2] [[:2 :2] [:1 :1] :1] [[:0 :0]
  [:0 :0] :1]] "len" :4]
RPUSH l a => :1
LCS a l => -ERR The specified keys must contain string values
LCS l a => -ERR The specified keys must contain string values
LCS none l => -ERR The specified keys must contain string values
LCS a l LEN IDX => -ERR The specified keys must contain string values
LCS a l FOO => -ERR The specified keys must contain string values

# LCS of many small matches
SET a abcbdab => +OK
SET b bdcaba => +OK
LCS a b => "bdab"
LCS a b IDX WITHMATCHLEN => ["matches" [[[:5 :6] [:3 :4] :2] [[:3 :4] [:0 :1] :2]] "len" :4]
LCS b a => "bcba"
LCS b a IDX WITHMATCHLEN => ["matches" [[[:5 :5] [:5 :5] :1] [[:4 :4] [:3 :3] :1] [[:2 :2] [:2 :2]
  :1] [[:0 :0] [:1 :1] :1]] "len" :4]
SET a xaxbxcxdxexfx => +OK
SET b abcdefxxxxxx => +OK
LCS a b => "abcdefx"
LCS a b IDX WITHMATCHLEN => ["matches" [[[:12 :12] [:11 :11] :1] [[:11 :11] [:5 :5] :1] [[:9 :9]
  [:4 :4] :1] [[:7 :7] [:3 :3] :1] [[:5 :5] [:2 :2] :1] [[:3 :3] [:1 :1] :1] [[:1 :1] [:0 :0] :1]]
  "len" :7]
SET a aaaa => +OK
SET b aa => +OK
LCS a b IDX => ["matches" [[[:2 :3] [:0 :1]]] "len" :2]
LCS b a IDX => ["matches" [[[:0 :1] [:2 :3]]] "len" :2]
SET a {a*3000} => +OK
SET b {a*2000} => +OK
LCS a b LEN => :2000
LCS a b IDX => ["matches" [[[:1000 :2999] [:0 :1999]]] "len" :2000]

# LCS refuses values whose table would be too large
SET a {a*20000} => +OK
SET b {b*20000} => +OK
LCS a b => -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
LCS a b LEN => -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
LCS a b IDX => -ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len

# LCS in RESP3
HELLO 3 => any
MSET a ohmytext b mynewtext => +OK
LCS a b => "mytext"
LCS a b LEN => :6
LCS a b IDX => %["matches" [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] "len" :6]
LCS a none IDX => %["matches" [] "len" :0]
GET none => null
MGET none a => [null "ohmytext"]
SET k v GET => null
INCRBYFLOAT f 1.5 => "1.5"
`;
