package oauthdb_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/oauth"
	"sluice/oauth/oauthdb"
	"sluice/sqldb/sqldbtest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func session(id string) oauth.SessionRow {
	return oauth.SessionRow{ID: id, Request: "hash of " + id, Pending: true, Content: "sealed", Expires: noon}
}

func grant(id string) oauth.GrantRow {
	return oauth.GrantRow{ID: id, Client: "messenger", Consent: "con_1", Code: "code of " + id, Refresh: "refresh of " + id, Content: "sealed", Expires: noon}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stores runs a test on a store of each engine.
func stores(t *testing.T, test func(t *testing.T, s *oauthdb.Store)) {
	t.Helper()
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) { test(t, oauthdb.New(open(t))) })
}

// atOnce counts how many of n that run at the same time succeed. Any other end
// than ErrConflict fails the test.
func atOnce(t *testing.T, n int, do func(i int) error) (won int) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, oauth.ErrConflict) {
			t.Errorf("loser: %v", err)
		}
	}
	return won
}

func TestWhatIsKeptIsFoundAgain(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		ctx := t.Context()
		as, g := session("ask_1"), grant("gra_1")
		must(t, s.AddSession(ctx, as))
		must(t, s.AddGrant(ctx, g))
		as.Version, g.Version = 1, 1
		for name, find := range map[string]func() (any, error){
			"session by id":      func() (any, error) { return s.Session(ctx, "ask_1") },
			"session by request": func() (any, error) { return s.SessionByRequest(ctx, as.Request) },
			"grant by id":        func() (any, error) { return s.Grant(ctx, "gra_1") },
			"grant by code":      func() (any, error) { return s.GrantByCode(ctx, g.Code) },
			"grant by refresh":   func() (any, error) { return s.GrantByRefresh(ctx, g.Refresh) },
		} {
			var want any = g
			if name == "session by id" || name == "session by request" {
				want = as
			}
			got, err := find()
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", name, err, diff)
			}
		}
	})
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		ctx := t.Context()
		none := grant("gra_1")
		none.Code, none.Refresh = "", ""
		must(t, s.AddGrant(ctx, none))
		none.ID = "gra_2"
		must(t, s.AddGrant(ctx, none)) // many have neither code nor refresh token
		for _, key := range []string{"", "none", "'; DROP TABLE oauth_grants; --"} {
			for name, find := range map[string]func() error{
				"session":            func() error { _, err := s.Session(ctx, key); return err },
				"session by request": func() error { _, err := s.SessionByRequest(ctx, key); return err },
				"grant":              func() error { _, err := s.Grant(ctx, key); return err },
				"grant by code":      func() error { _, err := s.GrantByCode(ctx, key); return err },
				"grant by refresh":   func() error { _, err := s.GrantByRefresh(ctx, key); return err },
			} {
				if err := find(); !errors.Is(err, oauth.ErrNotFound) {
					t.Errorf("%s %q: %v, want ErrNotFound", name, key, err)
				}
			}
		}
	})
}

func TestIDsCodesAndRefreshTokensAreUsedForOneOnly(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		ctx := t.Context()
		must(t, s.AddSession(ctx, session("ask_1")))
		must(t, s.AddGrant(ctx, grant("gra_1")))
		again := session("ask_2")
		again.Request = "hash of ask_1"
		code, refresh := grant("gra_2"), grant("gra_3")
		code.Code, refresh.Refresh = "code of gra_1", "refresh of gra_1"
		for name, err := range map[string]error{
			"session": s.AddSession(ctx, session("ask_1")), "request": s.AddSession(ctx, again),
			"grant": s.AddGrant(ctx, grant("gra_1")), "code": s.AddGrant(ctx, code), "refresh token": s.AddGrant(ctx, refresh),
		} {
			if err == nil {
				t.Errorf("the %s is kept twice", name)
			}
		}
	})
}

func TestOfManyWhoReplaceOneVersionOneWins(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		ctx := t.Context()
		must(t, s.AddSession(ctx, session("ask_1")))
		must(t, s.AddGrant(ctx, grant("gra_1")))
		for version := int64(1); version <= 3; version++ {
			won := atOnce(t, 8, func(i int) error {
				as := session("ask_1")
				as.Version, as.Content = version, strconv.Itoa(i)
				return s.ReplaceSession(ctx, as)
			})
			granted := atOnce(t, 8, func(i int) error {
				g := grant("gra_1")
				g.Version, g.Content = version, strconv.Itoa(i)
				return s.ReplaceGrant(ctx, g)
			})
			if won != 1 || granted != 1 {
				t.Errorf("version %d was replaced by %d sessions and %d grants", version, won, granted)
			}
		}
		if g, err := s.Grant(ctx, "gra_1"); err != nil || g.Version != 4 {
			t.Errorf("grant at version %d, %v", g.Version, err)
		}
	})
}

func TestAFinishedSessionIsReplacedNoMore(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		ctx := t.Context()
		must(t, s.AddSession(ctx, session("ask_1")))
		as := session("ask_1")
		as.Version, as.Pending = 1, false
		must(t, s.ReplaceSession(ctx, as))
		for _, pending := range []bool{true, false} {
			as.Version, as.Pending = 2, pending
			if err := s.ReplaceSession(ctx, as); !errors.Is(err, oauth.ErrConflict) {
				t.Errorf("finished, replaced as pending=%t: %v", pending, err)
			}
		}
	})
}

func TestARevocationAlwaysLandsAndStays(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		ctx := context.WithoutCancel(t.Context())
		for round := range 10 {
			id := "gra_" + strconv.Itoa(round)
			must(t, s.AddGrant(ctx, grant(id)))
			atOnce(t, 9, func(i int) error {
				if i%3 == 0 {
					return s.RevokeGrant(ctx, id, noon.Add(time.Minute))
				}
				g := grant(id)
				g.Version = 1
				return s.ReplaceGrant(ctx, g)
			})
			g, err := s.Grant(ctx, id)
			if err != nil || !g.Revoked.Equal(noon.Add(time.Minute)) {
				t.Fatalf("after a revocation among others: %+v, %v", g, err)
			}
			if err := s.ReplaceGrant(ctx, g); !errors.Is(err, oauth.ErrConflict) {
				t.Errorf("a revoked grant was replaced: %v", err)
			}
		}
		must(t, s.RevokeGrant(ctx, "gra_none", noon))
	})
}

func TestAnotherClientCanNotReplaceAGrant(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		must(t, s.AddGrant(t.Context(), grant("gra_1")))
		g := grant("gra_1")
		g.Version, g.Client = 1, "other"
		if err := s.ReplaceGrant(t.Context(), g); !errors.Is(err, oauth.ErrConflict) {
			t.Errorf("replaced: %v", err)
		}
	})
}

func TestOnlyWhatExpiredIsForgotten(t *testing.T) {
	stores(t, func(t *testing.T, s *oauthdb.Store) {
		ctx := t.Context()
		old, young := session("ask_old"), session("ask_young")
		oldGrant, youngGrant := grant("gra_old"), grant("gra_young")
		young.Expires, youngGrant.Expires = noon.Add(time.Millisecond), noon.Add(time.Millisecond)
		must(t, errors.Join(s.AddSession(ctx, old), s.AddSession(ctx, young), s.AddGrant(ctx, oldGrant), s.AddGrant(ctx, youngGrant)))
		must(t, s.Forget(ctx, noon.Add(time.Millisecond)))
		_, noSession := s.Session(ctx, "ask_old")
		_, noGrant := s.Grant(ctx, "gra_old")
		_, err := s.Session(ctx, "ask_young")
		_, err2 := s.Grant(ctx, "gra_young")
		if !errors.Is(noSession, oauth.ErrNotFound) || !errors.Is(noGrant, oauth.ErrNotFound) || err != nil || err2 != nil {
			t.Errorf("old: %v, %v; young: %v, %v", noSession, noGrant, err, err2)
		}
	})
}
