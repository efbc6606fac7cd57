package replay

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Store remembers uses. It may be used by many goroutines and many replicas.
type Store interface {
	// Use notes one use of key and says whether it is the first. The note is kept
	// until that instant at least: what it protects must be refused for its age
	// from then on. After an error the key may or may not be used up.
	Use(ctx context.Context, key string, until time.Time) (fresh bool, err error)
}

// Key names a use: what is used, who signed it, and the id it was given. No two
// different uses have one key.
func Key(what, signer, id string) string {
	var b strings.Builder
	for _, part := range []string{what, signer, id} {
		b.WriteString(strconv.Itoa(len(part)))
		b.WriteByte(':')
		b.WriteString(part)
	}
	return b.String()
}
