package signingdb_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/authn/signing"
	"sluice/authn/signingdb"
	"sluice/sqldb/sqldbtest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestKeysAreKeptInOrderAndRetireForGood(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s := signingdb.New(open(t))
		want := []signing.Stored{
			{ID: "sig_b", Made: noon, Sealed: "sealed b", Public: "{}"},
			{ID: "sig_a", Made: noon.Add(time.Millisecond), Sealed: "sealed a", Public: "{}"},
			{ID: "sig_c", Made: noon.Add(time.Millisecond), Sealed: "sealed c", Public: "{}"},
		}
		for _, i := range []int{2, 0, 1} {
			if err := s.Add(t.Context(), want[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.Keys(t.Context()); err != nil || !cmp.Equal(want, got) {
			t.Fatalf("keys: %v %s", err, cmp.Diff(want, got))
		}
		if err := s.Add(t.Context(), want[0]); err == nil {
			t.Error("a key is kept twice")
		}
		want[0].Sealed, want[0].Retired = "", true
		for range 2 { // doing so again is fine
			if err := s.Retire(t.Context(), "sig_b"); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Keys(t.Context()); err != nil || !cmp.Equal(want, got) {
				t.Errorf("after retiring: %v %s", err, cmp.Diff(want, got))
			}
		}
	})
}
