package consent_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/consent"
)

func drawGrant(t *rapid.T) consent.Grant {
	number := func(what string) int64 { return rapid.Int64Range(0, 1<<50).Draw(t, what) }
	c := consent.Consent{
		ID: consent.ID(rapid.String().Draw(t, "id")), Revision: number("revision"), Status: consent.Status(rapid.IntRange(0, 11).Draw(t, "status")),
		Partner: consent.PartnerID(rapid.String().Draw(t, "partner")), Bank: consent.BankID(rapid.String().Draw(t, "bank")),
		Customer:     consent.CustomerID(rapid.String().Draw(t, "customer")),
		LookBackDays: rapid.IntRange(0, 4000).Draw(t, "look-back"), ValidUntil: time.UnixMilli(number("end")).UTC(),
	}
	c.Asked.OneTime, c.Asked.UnattendedPerDay = rapid.Bool().Draw(t, "one-time"), rapid.IntRange(0, 100).Draw(t, "unattended")
	for range rapid.IntRange(0, 4).Draw(t, "accounts") {
		c.Shares = append(c.Shares, consent.Share{
			Account: consent.AccountID(rapid.String().Draw(t, "account")), Clusters: consent.Clusters(rapid.Uint32Max(1<<20).Draw(t, "clusters")),
		})
	}
	return c.Grant()
}

func TestAnEncodedGrantComesBackTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawGrant(t)
		raw, err := want.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := consent.ParseGrant(want.ID(), raw)
		if err != nil || got.Digest() != want.Digest() {
			t.Fatalf("ParseGrant = %+v, %v, want %+v", got, err, want)
		}
		if d := cmp.Diff(want.Shares(), got.Shares()); d != "" {
			t.Errorf("shares (-want +got):\n%s", d)
		}
		for n := range raw {
			if g, err := consent.ParseGrant(want.ID(), raw[:n]); err == nil {
				t.Fatalf("%d of %d bytes made %+v", n, len(raw), g)
			}
		}
		if _, err := consent.ParseGrant(want.ID(), append(raw, 0)); err == nil {
			t.Fatal("a byte too many was taken")
		}
	})
}

func FuzzParseGrant(f *testing.F) {
	raw, err := consent.Consent{ID: "con_1", Revision: 2, Shares: []consent.Share{share("A1", consent.Balances)}}.Grant().AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := consent.ParseGrant("con_1", b)
		if err != nil && g.Status() != 0 {
			t.Errorf("an error and %+v", g)
		}
	})
}
