package grantdb

import (
	"context"

	"sluice/consent"
)

// Mend is what a round does with one consent that it found.
func (s *Store) Mend(ctx context.Context, id consent.ID) (bool, error) { return s.mend(ctx, id) }
