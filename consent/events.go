package consent

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// EventQuery selects the changes of one partner's consents, or of those about
// one bank's data: exactly one of the two.
type EventQuery struct {
	Partner PartnerID
	Bank    BankID
	After   Cursor // only those behind it
	Limit   int    // at most this many; at least 1
}

// Cursor is how far somebody has read the changes: one position in each shard.
// The zero value is the beginning. It is good for the query it came from, and
// no secret, but whoever takes one from outside must know that it is his own.
type Cursor struct{ read map[int64]int64 }

// Shards is how many shards changes may have.
const Shards = 256

// At is the position read up to in a shard.
func (c Cursor) At(shard int64) int64 { return c.read[shard] }

// Past is the cursor moved behind positions, and never back.
func (c Cursor) Past(positions ...Position) Cursor {
	if len(positions) == 0 {
		return c
	}
	read := maps.Clone(c.read)
	if read == nil {
		read = make(map[int64]int64, len(positions))
	}
	for _, p := range positions {
		read[p.Shard] = max(read[p.Shard], p.Pos)
	}
	return Cursor{read: read}
}

// String is the cursor as ParseCursor reads it; "" for the beginning.
func (c Cursor) String() string {
	b := make([]byte, 0, 4*len(c.read))
	for _, shard := range slices.Sorted(maps.Keys(c.read)) {
		b = binary.AppendUvarint(b, uint64(shard))
		b = binary.AppendUvarint(b, uint64(c.read[shard]))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ErrCursor means that a text is no cursor.
var ErrCursor = errors.New("not a cursor")

// ParseCursor reads what String wrote, or answers ErrCursor.
func ParseCursor(text string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Cursor{}, ErrCursor
	}
	r, last := reader{b: b}, int64(-1)
	c := Cursor{read: map[int64]int64{}}
	for len(r.b) > 0 {
		at := Position{Shard: r.num(), Pos: r.num()}
		if r.bad || at.Shard <= last || at.Shard >= Shards || at.Pos < 1 {
			return Cursor{}, ErrCursor
		}
		c.read[at.Shard], last = at.Pos, at.Shard
	}
	return c, nil
}

// Events reads changes, those of each consent in their order, and a cursor to
// read on with. What was committed is never passed over: a change either comes,
// or lies behind the cursor's positions.
func (b *Book) Events(ctx context.Context, q EventQuery) ([]Change, Cursor, error) {
	var f faults
	if (q.Partner == "") == (q.Bank == "") {
		f.add("query", "must name a partner or a bank, and not both")
	}
	if q.Limit < 1 {
		f.add("page_size", "must be at least 1")
	}
	if err := f.refuse(); err != nil {
		return nil, Cursor{}, err
	}
	found, next, err := b.store.Events(ctx, q)
	if err != nil {
		return nil, Cursor{}, unread(ctx, fmt.Errorf("read events: %w", err))
	}
	return found, next, nil
}
