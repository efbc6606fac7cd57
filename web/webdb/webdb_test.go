package webdb_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/authn/banklogin"
	"sluice/seal"
	"sluice/sqldb/sqldbtest"
	"sluice/web"
	"sluice/web/webdb"
)

func at() time.Time { return time.Date(2026, time.May, 3, 14, 3, 7, 0, time.UTC) }

func session() web.Session {
	return web.Session{Seen: at(), Identities: []web.Identity{{Bank: "morava", Customer: "ona'); --", Name: "Ona ☂ \"J\"", Since: at().Add(-time.Hour)}}}
}

func TestASessionMovesToItsNewKeyWhole(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s := webdb.New(open(t), sealer(t))
		must(t, s.Move(t.Context(), "none", "a", session()))
		got, err := s.Session(t.Context(), "a")
		must(t, err)
		if diff := cmp.Diff(session(), got); diff != "" {
			t.Error(diff)
		}
		next := session()
		next.Identities = append(next.Identities, web.Identity{Bank: "vilnia", Customer: "v", Since: at()})
		must(t, s.Move(t.Context(), "a", "b", next))
		if _, err := s.Session(t.Context(), "a"); !errors.Is(err, web.ErrNoSession) {
			t.Errorf("the old key: %v", err)
		}
		next.Seen = at().Add(time.Minute)
		must(t, s.Seen(t.Context(), "b", next))
		got, err = s.Session(t.Context(), "b")
		must(t, err)
		if diff := cmp.Diff(next, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnEndedSessionIsNotBroughtBackByAVisit(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s := webdb.New(open(t), sealer(t))
		must(t, s.Move(t.Context(), "none", "a", session()))
		must(t, s.End(t.Context(), "a"))
		must(t, s.Seen(t.Context(), "a", session()))
		if _, err := s.Session(t.Context(), "a"); !errors.Is(err, web.ErrNoSession) {
			t.Errorf("it is back: %v", err)
		}
	})
}

func TestALoginIsTakenOnceAndByItsBrowser(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s := webdb.New(open(t), sealer(t))
		want := web.Pending{Next: "/ask/x", Login: banklogin.Pending{Bank: "morava", State: "s", Nonce: "n", Verifier: "v", At: at()}}
		must(t, s.Begin(t.Context(), "browser", "state", want, at().Add(time.Minute)))
		if _, err := s.Take(t.Context(), "other", "state"); !errors.Is(err, web.ErrNoSession) {
			t.Errorf("another browser: %v", err)
		}
		var took atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				got, err := s.Take(t.Context(), "browser", "state")
				if err == nil {
					took.Add(1)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Error(diff)
					}
				} else if !errors.Is(err, web.ErrNoSession) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took.Load() != 1 {
			t.Errorf("taken %d times", took.Load())
		}
	})
}

func TestSweepingForgetsWhatHasEnded(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s := webdb.New(open(t), sealer(t))
		must(t, s.Move(t.Context(), "none", "a", session()))
		must(t, s.Begin(t.Context(), "browser", "state", web.Pending{}, at().Add(time.Minute)))
		if n, err := s.Sweep(t.Context(), at().Add(time.Second)); err != nil || n != 0 {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := s.Sweep(t.Context(), at().Add(time.Minute)); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if n, err := s.Sweep(t.Context(), at().Add(web.SessionIdle)); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func sealer(t *testing.T) *seal.Sealer {
	t.Helper()
	out, err := seal.NewSealer(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whoever reads the database learns of nobody's visit.
func TestRowsNameNobody(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		db := open(t)
		s, ctx := webdb.New(db, sealer(t)), t.Context()
		must(t, s.Move(ctx, "none", "key", session()))
		must(t, s.Begin(ctx, "browser", "state", web.Pending{Login: banklogin.Pending{Verifier: "the-verifier"}}, at()))
		for table, key := range map[string]string{"web_sessions": "key", "web_logins": "state"} {
			var content string
			if err := db.Reader().QueryRowContext(ctx, `SELECT content FROM `+table).Scan(&content); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(content, "{\"") || strings.Contains(content, "Ona") || strings.Contains(content, "verifier") {
				t.Errorf("%s (%s) can be read: %s", table, key, content)
			}
		}
		other, err := seal.NewSealer(bytes.Repeat([]byte{8}, seal.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := webdb.New(db, other).Session(ctx, "key"); err == nil {
			t.Error("a session is opened with another key")
		}
	})
}
