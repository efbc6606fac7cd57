package grantdb_test

import (
	"path/filepath"
	"testing"
	"time"

	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/consent/grantdb"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/sqldb"
	"sluice/sqldb/sqldbtest"
)

func open(t *testing.T) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "sluice.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestStoreKeepsTheContract(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		consenttest.RunStore(t, func(t *testing.T) consent.Store { return grantdb.New(open(t)) })
	})
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func asked(t *testing.T, s consent.Store, id consent.ID) consent.Consent {
	t.Helper()
	c, ch, err := consent.Request(id, "messenger", "morava", consent.Terms{
		Clusters: consent.ClustersOf(consent.Balances), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		PurposeText: "to show it", ValidUntil: noon.AddDate(0, 1, 0),
	}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), c, ch); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHistoryCanNotBeChangedInTheDatabase(t *testing.T) {
	db := open(t)
	asked(t, grantdb.New(db), "con_1")
	for _, statement := range []string{
		`UPDATE consent_revisions SET actor_id = 'somebody else'`,
		`DELETE FROM consent_revisions`,
		`UPDATE grant_changes SET version = 9`,
		`DELETE FROM grant_changes`,
	} {
		if err := exec(t, db, statement); err == nil {
			t.Errorf("the database took %q", statement)
		}
	}
}

func TestChangesHaveDensePositionsPerShard(t *testing.T) {
	db := open(t)
	s := grantdb.New(db)
	for _, id := range []consent.ID{"con_1", "con_2", "con_3"} {
		c := asked(t, s, id)
		next, ch, err := c.Authorize(consent.Choice{Shares: []consent.Share{{Account: "A1", Clusters: consent.ClustersOf(consent.Balances)}}},
			consent.Actor{Kind: consent.ActorCustomer, ID: "one"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Replace(t.Context(), next, ch); err != nil {
			t.Fatal(err)
		}
		// A change that fails takes no position.
		if err := s.Replace(t.Context(), next, ch); err == nil {
			t.Fatal("the same revision was kept twice")
		}
	}
	rows, err := db.Reader().QueryContext(t.Context(), `SELECT shard, count(*), min(pos), max(pos) FROM grant_changes GROUP BY shard ORDER BY shard`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for n := 0; rows.Next(); n++ {
		var shard, count, first, last int64
		if err := rows.Scan(&shard, &count, &first, &last); err != nil {
			t.Fatal(err)
		}
		if (n == 0) != (shard == 0) || count != 3 || first != 1 || last != 3 {
			t.Errorf("shard %d has %d changes from %d to %d, want 3 from 1 to 3", shard, count, first, last)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestConsentsSurviveReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.db")
	db, err := sqldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := asked(t, grantdb.New(db), "con_1")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sqldb.Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got, err := grantdb.New(db).Get(t.Context(), "con_1")
	if err != nil || got.Grant().Digest() != want.Grant().Digest() {
		t.Errorf("Get = %+v, %v, want %+v", got, err, want)
	}
}

func TestContentWithAnUnknownNameIsNotRead(t *testing.T) {
	db := open(t)
	s := grantdb.New(db)
	asked(t, s, "con_1")
	if err := exec(t, db, `DROP TRIGGER consent_revisions_no_update`); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE consent_revisions SET content = replace(content, 'BALANCES', 'EVERYTHING')`,
		`UPDATE consent_revisions SET content = '{'`,
		`UPDATE grants SET status = 'LIVELY'`,
	} {
		if err := exec(t, db, statement); err != nil {
			t.Fatal(err)
		}
		if c, err := s.Get(t.Context(), "con_1"); err == nil {
			t.Errorf("after %q the consent reads %+v", statement, c)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	db, err := sqldb.Open(b.Context(), filepath.Join(b.TempDir(), "sluice.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := grantdb.New(db)
	c, ch, err := consent.Request("con_1", "messenger", "morava", consent.Terms{
		Clusters: consent.ClustersOf(consent.Balances), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		PurposeText: "to show it", ValidUntil: noon.AddDate(0, 1, 0),
	}, noon)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Create(b.Context(), c, ch); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Get(b.Context(), "con_1"); err != nil {
			b.Fatal(err)
		}
	}
}
