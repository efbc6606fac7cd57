package main

import (
	"errors"
	"path/filepath"
	"testing"

	"sluice/sqldb"
)

func TestNoGatewayServesADatabaseOfOtherSecrets(t *testing.T) {
	dir := t.TempDir()
	db, err := sqldb.Open(t.Context(), filepath.Join(dir, "sluice.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	own, err := openSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first marks it
		if err := own.belong(t.Context(), db); err != nil {
			t.Fatalf("with its own secrets: %v", err)
		}
	}
	for name, change := range map[string]func(s *secrets, other secrets){
		"all":            func(s *secrets, other secrets) { *s = other },
		"pairwise key":   func(s *secrets, other secrets) { s.PairwiseKey = other.PairwiseKey },
		"page token key": func(s *secrets, other secrets) { s.PageTokenKey = other.PageTokenKey },
		"cache key":      func(s *secrets, other secrets) { s.CacheKey = other.CacheKey },
	} {
		other, err := openSecrets(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s := own
		change(&s, other)
		if err := s.belong(t.Context(), db); !errors.Is(err, errOtherSecrets) {
			t.Errorf("another %s: %v, want %v", name, err, errOtherSecrets)
		}
	}
}
