package consenttest

import (
	"testing"
	"time"

	"sluice/consent"
)

// of keeps a consent of a partner and a bank, authorized at once if a customer
// is named.
func of(t *testing.T, s consent.Store, id consent.ID, partner consent.PartnerID, bank consent.BankID,
	customer consent.CustomerID, coHolders ...consent.CustomerID,
) consent.Consent {
	t.Helper()
	c, ch := first(t, id, epoch())
	c.Partner, c.Bank, ch.Actor.ID = partner, bank, string(partner)
	create(t, s, c, ch)
	if customer == "" {
		return c
	}
	next, agreed := authorized(t, c, customer, coHolders...)
	return replace(t, s, next, agreed)
}

func end(t *testing.T, s consent.Store, c consent.Consent) {
	t.Helper()
	c, ch := next(c, "x")
	c.Status, ch.Status = consent.Revoked, consent.Revoked
	replace(t, s, c, ch)
}

func listForms(t *testing.T, s consent.Store) {
	of(t, s, "con_1", "messenger", "morava", "9593", "7001")
	of(t, s, "con_2", "messenger", "slezsko", "9593")
	of(t, s, "con_3", "wallet", "morava", "")
	of(t, s, "con_4", "wallet", "morava", "7001")
	end(t, s, of(t, s, "con_5", "wallet", "morava", "9593", "7001"))
	for _, test := range []struct {
		q         consent.Query
		all, live []consent.ID
	}{
		{consent.Query{Partner: "messenger"}, []consent.ID{"con_2", "con_1"}, []consent.ID{"con_2", "con_1"}},
		{consent.Query{Partner: "wallet"}, []consent.ID{"con_5", "con_4", "con_3"}, []consent.ID{"con_4", "con_3"}},
		{consent.Query{Partner: "morava"}, nil, nil},
		{consent.Query{Bank: "morava"}, []consent.ID{"con_5", "con_4", "con_3", "con_1"}, []consent.ID{"con_4", "con_3", "con_1"}},
		{consent.Query{Bank: "slezsko"}, []consent.ID{"con_2"}, []consent.ID{"con_2"}},
		{consent.Query{Bank: "morava", Customer: "9593"}, []consent.ID{"con_5", "con_1"}, []consent.ID{"con_1"}},
		{consent.Query{Bank: "morava", Customer: "7001"}, []consent.ID{"con_4"}, []consent.ID{"con_4"}},
		{consent.Query{Bank: "morava", CoHolder: "7001"}, []consent.ID{"con_5", "con_1"}, []consent.ID{"con_1"}},
		{consent.Query{Bank: "slezsko", CoHolder: "7001"}, nil, nil},
		{consent.Query{Bank: "morava", CoHolder: "9593"}, nil, nil},
	} {
		for _, live := range []bool{false, true} {
			test.q.LiveOnly, test.q.Limit, test.q.Before = live, 10, ""
			want := test.all
			if live {
				want = test.live
			}
			wantIDs(t, "the list", idsOf(t, s, test.q), want...)
			if len(want) < 2 {
				continue
			}
			test.q.Limit = 1
			wantIDs(t, "its first page", idsOf(t, s, test.q), want[0])
			test.q.Before = want[0]
			wantIDs(t, "its second page", idsOf(t, s, test.q), want[1])
		}
	}
}

func listCoHolder(t *testing.T, s consent.Store) {
	mine := consent.Query{Bank: "morava", CoHolder: "7001", Limit: 10}
	c := of(t, s, "con_1", "messenger", "morava", "9593", "7001", "7002")
	p := of(t, s, "con_2", "messenger", "morava", "")
	hidden, agreed := authorized(t, p, "9593")
	hidden.Hidden = true
	replace(t, s, hidden, agreed)
	wantIDs(t, "the co-holder's list", idsOf(t, s, mine), "con_1")
	by := consent.Actor{Kind: consent.ActorCoHolder, ID: "7001"}
	next, ch, err := c.Authorize(consent.Choice{Shares: c.Shares}, by, c.ChangedAt.Add(time.Second))
	wantErr(t, "agree", err, nil)
	replace(t, s, next, ch)
	wantIDs(t, "the list after agreeing", idsOf(t, s, mine), "con_1")
	end(t, s, next)
	wantIDs(t, "the list after the end", idsOf(t, s, mine), "con_1")
	mine.LiveOnly = true
	wantIDs(t, "the list of those that live", idsOf(t, s, mine))
}
