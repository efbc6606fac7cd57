// Package replica is one gateway's membership among those that share a
// database: it registers, shows that it lives, and hears of changes.
//
// A replica lives as long as it can write its heartbeat. The lease that a beat
// gives counts from before it was sent; without one, nothing remembered is
// believed. Reading gives no lease: a server that was deposed still answers
// readers. A replica that was removed, or finds another database or one that
// lost changes, forgets everything and begins anew. Whether somebody else is
// dead is judged by his counter standing still on one's own clock, never by
// wall time.
package replica
