package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/consent/grantdb"
	"sluice/feed"
	"sluice/feed/feeddb"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/sqldb"
)

func rung(t *testing.T, next <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-next:
	case <-time.After(5 * time.Second):
		t.Errorf("nobody was woken for %s", what)
	}
}

func terms(now time.Time) consent.Terms {
	return consent.Terms{
		Clusters: consent.ClustersOf(consent.Balances), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it",
		LookBackDays: 90, ValidUntil: now.AddDate(0, 1, 0), UnattendedPerDay: 4,
	}
}

type grantsOf struct{ consent.Store }

func (g grantsOf) Grant(ctx context.Context, id consent.ID) (consent.Grant, error) {
	c, err := g.Get(ctx, id)
	return c.Grant(), err
}

func TestAChangeOfAConsentWakesItsPartnersStreams(t *testing.T) {
	var bell feed.Bell
	ring := func(p consent.PartnerID) { bell.Wake([]consent.PartnerID{p}) }
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	store := consenttest.NewMemory()
	book := consent.NewBook(ringing{store, ring}, consenttest.NewBarrier(), func() time.Time { return noon })

	next, other := bell.Next("messenger"), bell.Next("wallet")
	asked, err := book.Request(t.Context(), "messenger", "morava", terms(noon))
	if err != nil {
		t.Fatal(err)
	}
	rung(t, next, "a request")

	next = bell.Next("messenger")
	if _, err := book.Revoke(t.Context(), consent.ByPartner("messenger"), asked.ID); err != nil {
		t.Fatal(err)
	}
	rung(t, next, "a revoke")

	next = bell.Next("messenger")
	fenced := false
	heard := newHearing(func(context.Context, consent.ID, int64) error { fenced = true; return nil }, grantsOf{store}, ring)
	if err := heard.Fence(t.Context(), asked.ID, 2); err != nil || !fenced {
		t.Errorf("Fence = %v, fenced: %t", err, fenced)
	}
	rung(t, next, "another replica's change")

	select {
	case <-other:
		t.Error("another partner was woken")
	default:
	}
}

// The store remembers for a moment that nothing is due; here that moment never ends.
func TestWhoIsWokenForAChangeFindsIt(t *testing.T) {
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sluice.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	noon := func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	b := newBell(feeddb.New(db, noon))
	deliveries := feed.New(b.store, nil, b)
	book := consent.NewBook(ringing{grantdb.New(db), b.ring}, consenttest.NewBarrier(), noon)
	due := func() int {
		found, err := deliveries.Due(t.Context(), "messenger", "one", feed.Room{Events: 10, Bytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := due(); n != 0 {
		t.Fatalf("%d are due before there is anything", n)
	}
	next := b.Next("messenger")
	asked, err := book.Request(t.Context(), "messenger", "morava", terms(noon()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Revoke(t.Context(), consent.ByPartner("messenger"), asked.ID); err != nil {
		t.Fatal(err)
	}
	rung(t, next, "a change")
	if n := due(); n == 0 {
		t.Error("and nothing was due")
	}
}
