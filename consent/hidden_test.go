package consent_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/refusal"
)

func (s *shelf) hide(t *testing.T) consent.Consent {
	t.Helper()
	chosen := choice()
	chosen.Hidden = true
	return kept(t)(s.Authorize(t.Context(), own, s.request(t).ID, 1, chosen))
}

func TestAHiddenConsentWaitsForNobodyAndNamesNobody(t *testing.T) {
	c := newShelf().hide(t)
	if c.Status != consent.Active || !c.Hidden || c.CoHolders != nil || c.Awaiting != nil {
		t.Errorf("%v, hidden %v, of %v, awaiting %v", c.Status, c.Hidden, c.CoHolders, c.Awaiting)
	}
}

func TestAHiddenConsentIsToItsCoHolderLikeOneThatIsNot(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	hidden := s.hide(t)
	_, absent := s.Get(ctx, joint, "con_absent")
	for what, err := range everyCall(ctx, s.Book, joint, hidden.ID) {
		if err == nil || err.Error() != absent.Error() {
			t.Errorf("%s: %v, want %v", what, err, absent)
		}
	}
	for _, q := range []consent.Query{
		{Bank: "morava", CoHolder: "7001", Limit: 10}, {Bank: "morava", Customer: "7001", Limit: 10},
	} {
		if found, err := s.List(ctx, q); err != nil || len(found) > 0 {
			t.Errorf("listed %v, %v", found, err)
		}
	}
	if found, err := s.RevokeAll(ctx, joint); err != nil || len(found) > 0 {
		t.Errorf("revoked %v, %v", found, err)
	}
	if now := kept(t)(s.Get(ctx, own, hidden.ID)); now.Revision != hidden.Revision {
		t.Errorf("it was changed to %+v", now)
	}
}

// Whoever holds an encoded consent that both names a co-holder and hides from
// them, however it came about, must fail closed.
func TestHiddenCountsForMoreThanBeingNamed(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	c := s.authorize(t, "7001")
	ch := consent.Change{Consent: c.ID, Revision: 3, Kind: consent.KindNarrow, Actor: customer, At: start, Status: c.Status}
	c.Revision, c.Hidden = 3, true
	if err := s.store.Replace(ctx, c, ch); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(ctx, joint, c.ID)
	wantRefusal(t, err, refusal.ConsentNotFound)
}

func TestCoHoldersStayNamedAfterTheyAgreedAndAfterTheEnd(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	c := s.authorize(t, "7002", "7001")
	want := []consent.CustomerID{"7001", "7002"}
	c = kept(t)(s.Authorize(ctx, joint, c.ID, 2, choice()))
	s.at = s.at.Add(time.Minute)
	for _, c := range []consent.Consent{c, kept(t)(s.Revoke(ctx, own, c.ID))} {
		if d := cmp.Diff(want, c.CoHolders); d != "" {
			t.Errorf("%v: co-holders (-want +got):\n%s", c.Status, d)
		}
		for _, id := range want {
			found, err := s.List(ctx, consent.Query{Bank: "morava", CoHolder: id, Limit: 10})
			if err != nil || len(found) != 1 {
				t.Errorf("%v: %s finds %d, %v", c.Status, id, len(found), err)
			}
		}
	}
	if found, err := s.List(ctx, consent.Query{Bank: "slezsko", CoHolder: "7001", Limit: 10}); err != nil || len(found) > 0 {
		t.Errorf("a namesake at another bank finds %v, %v", found, err)
	}
}

func TestACoHolderWhoWithdrewAnAccountTookPartAsOne(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	c := s.authorize(t, "7001")
	c = kept(t)(s.WithdrawAccount(ctx, joint, c.ID, 0, "A1"))
	_, err := s.Revoke(ctx, joint, c.ID)
	wantNotPossible(t, err, consent.PartiallyAuthorized)
	_, err = s.Narrow(ctx, joint, c.ID, 0, consent.Narrowing{Shares: choice().Shares[1:]})
	wantNotPossible(t, err, consent.PartiallyAuthorized)
}

func TestWhoHoldsAnAccountAndNeedNotAgreeSeesItsConsentAndMayWithdraw(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	chosen := choice()
	chosen.Informed = []consent.CustomerID{"7001"}
	c := kept(t)(s.Authorize(ctx, own, s.request(t).ID, 1, chosen))
	if c.Status != consent.Active || c.Awaiting != nil || !cmp.Equal(c.CoHolders, chosen.Informed) {
		t.Fatalf("%v, awaiting %v, of %v", c.Status, c.Awaiting, c.CoHolders)
	}
	found, err := s.List(ctx, consent.Query{Bank: "morava", CoHolder: "7001", Limit: 10})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	for what, err := range map[string]error{
		"agreed":   errOf(s.Authorize(ctx, joint, c.ID, 0, consent.Choice{Shares: c.Shares})),
		"rejected": errOf(s.Reject(ctx, joint, c.ID, 0)),
		"revoked":  errOf(s.Revoke(ctx, joint, c.ID)),
	} {
		if refusal.ReasonOf(err) != refusal.ChangeNotPossible {
			t.Errorf("%s: %v", what, err)
		}
	}
	account := c.Shares[0].Account
	c = kept(t)(s.WithdrawAccount(ctx, joint, c.ID, 0, account))
	if _, shared := c.Grant().Share(account); shared {
		t.Error("the account is still shared")
	}
}

func TestNobodyIsInformedOfWhatIsHiddenNorBothAskedAndInformed(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	hidden, twice := choice(), choice()
	hidden.Hidden, hidden.Informed = true, []consent.CustomerID{"7001"}
	twice.CoHolders, twice.Informed = []consent.CustomerID{"7001"}, []consent.CustomerID{"7001"}
	_, err := s.Authorize(ctx, own, s.request(t).ID, 1, hidden)
	wantRefusal(t, err, refusal.InvalidRequest, "co_holder_customer_ids")
	_, err = s.Authorize(ctx, own, s.request(t).ID, 1, twice)
	wantRefusal(t, err, refusal.InvalidRequest, "co_holder_customer_ids[1]")
}
