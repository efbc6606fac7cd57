// Package grantcache keeps grants near the gate: in this process, and in Redis
// for all replicas. It is the only room that knows Redis.
//
// A cache decides only how fast things are. Every release is recorded under the
// fence, which compares the grant with the truth; and a refusal is made only
// from the truth. So whatever is kept here, or in Redis, may be old, lost or
// forged: the worst it does is cost a second walk.
//
// Still it tries not to be old. A grant read from the truth is kept unless a
// change of it was heard of since the reading began. A grant found in Redis is
// believed if its seal is good and the changes heard of reach back to the
// position at which it was read.
//
// In Redis stands, per live grant that was used: 16 bytes that only a gateway
// can connect with a consent, its revision, and the grant sealed with a key that
// is not in Redis (AES-256-GCM). Nothing of it can be read or made there. A grant
// that was taken back leaves its revision, for a minute.
package grantcache
