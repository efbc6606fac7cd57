package replicadb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/consent/grantdb"
	"sluice/consent/replica"
	"sluice/consent/replicadb"
	"sluice/disclosure"
	"sluice/disclosure/logdb"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/registry"
	"sluice/registry/registrydb"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

var who = consent.ByCustomer{Bank: "morava", Customer: "one"}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// live makes a live consent and the book that changes it.
func live(t *testing.T, db *sqldb.DB) (*consent.Book, consent.Consent) {
	t.Helper()
	b := consent.NewBook(grantdb.New(db), consenttest.NewBarrier(), time.Now)
	clusters := consent.ClustersOf(consent.Balances)
	c, err := b.Request(t.Context(), "messenger", "morava", consent.Terms{
		Clusters: clusters, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "to show it", ValidUntil: time.Now().AddDate(0, 1, 0),
	})
	must(t, err)
	c, err = b.Authorize(t.Context(), who, c.ID, 0, consent.Choice{Shares: []consent.Share{{Account: "A1", Clusters: clusters}}})
	must(t, err)
	return b, c
}

func TestABeatTellsWhatChangedSince(t *testing.T) {
	db := sqldbtest.Postgres(t)
	r := replicadb.New(db, "boot_1")
	b, c := live(t, db)
	p, err := r.Register(t.Context(), "boot_1", "127.0.0.1:1")
	must(t, err)
	if len(p.Heads) != 2 || len(p.From) != 2 || len(p.Changes) != 2 || len(p.Replicas) != 1 || p.Incarnation == "" {
		t.Fatalf("Register = %+v; want two shards, two changes, one replica", p)
	}
	since := map[int64]int64{}
	for _, ch := range p.Changes {
		since[ch.At.Shard] = ch.At.Pos
	}
	_, err = b.Pause(t.Context(), who, c.ID, 0)
	must(t, err)
	_, err = b.Resume(t.Context(), who, c.ID, 0)
	must(t, err)
	p, err = r.Beat(t.Context(), "boot_1", since)
	must(t, err)
	if len(p.Changes) != 2 || p.Changes[0].Revision != 3 || p.Changes[1].Revision != 4 || p.Changes[1].ID != c.ID ||
		p.Changes[1].At.Pos != p.Changes[0].At.Pos+1 || p.Replicas[0].Heartbeat != 2 {
		t.Errorf("Beat = %+v; want revisions 3 and 4 and the second heartbeat", p)
	}
}

func TestABeatIsAWriteToOnesOwnRow(t *testing.T) {
	db := sqldbtest.Postgres(t)
	r := replicadb.New(db, "boot_1")
	_, err := r.Register(t.Context(), "boot_1", "127.0.0.1:1")
	must(t, err)
	must(t, r.Remove(t.Context(), "boot_1", 99)) // another counter: it lives
	if _, err := r.Beat(t.Context(), "boot_1", nil); err != nil {
		t.Errorf("Beat = %v after a removal that came too late", err)
	}
	must(t, r.Remove(t.Context(), "boot_1", 2))
	if _, err := r.Beat(t.Context(), "boot_1", nil); !errors.Is(err, replica.ErrRemoved) {
		t.Errorf("Beat = %v, want ErrRemoved", err)
	}
}

func TestOthersAreThoseRegisteredAndThoseWhoReleasedLately(t *testing.T) {
	db := sqldbtest.Postgres(t)
	parties := registrydb.New(db)
	must(t, parties.PutPartner(t.Context(), registry.Partner{ID: "messenger", Name: "M", Standing: registry.Active}))
	must(t, parties.PutBank(t.Context(), registry.Bank{ID: "morava", Name: "B", Standing: registry.Active}))
	_, c := live(t, db)
	me := replicadb.New(db, "me")
	for _, boot := range []string{"me", "idle", "busy"} {
		_, err := me.Register(t.Context(), boot, boot+":1")
		must(t, err)
	}
	for _, boot := range []string{"me", "busy", "taken for dead"} {
		release(t, db, boot, c, nil)
	}
	before := func() time.Time { return time.Now().Add(-time.Minute) }
	release(t, db, "idle", c, before)
	found, err := me.Others(t.Context(), c.ID)
	must(t, err)
	var got []string
	for _, o := range found {
		state := o.Boot + "@" + o.Address
		if o.Recent {
			state += " recent"
		}
		got = append(got, state)
	}
	want := []string{"busy@busy:1 recent", "idle@idle:1", "taken for dead@ recent"}
	for _, w := range want {
		if !strings.Contains(strings.Join(got, ","), w) {
			t.Errorf("Others = %q lacks %q", got, w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("Others = %q, want %q", got, want)
	}
	must(t, replicadb.New(db, "busy").Leave(t.Context()))
	found, err = me.Others(t.Context(), c.ID)
	must(t, err)
	if len(found) != 2 {
		t.Errorf("Others = %+v, want the two that did not leave", found)
	}
}

func release(t *testing.T, db *sqldb.DB, boot string, c consent.Consent, now func() time.Time) {
	t.Helper()
	log := logdb.NewWithClock(db, boot, now)
	defer log.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, _, err := log.Append(ctx, disclosure.NewID(), disclosure.Entry{
		Grant: c.Grant(), Method: "m", Accounts: []consent.AccountID{"A1"}, Clusters: consent.ClustersOf(consent.Balances),
		Purpose: c.Asked.Purpose, Items: 1,
	})
	must(t, err)
}
