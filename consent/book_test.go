package consent_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/consent/consenttest"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/refusal"
)

// shelf is a book over a store in memory, with a clock that tests set and that
// counts how often it is read.
type shelf struct {
	*consent.Book
	store *consenttest.Memory
	at    time.Time
	reads int
}

func newShelf(wrap ...func(consent.Store) consent.Store) *shelf {
	s := &shelf{store: consenttest.NewMemory(), at: start}
	var store consent.Store = s.store
	for _, w := range wrap {
		store = w(store)
	}
	s.Book = consent.NewBook(store, consenttest.NewBarrier(), func() time.Time { s.reads++; return s.at })
	return s
}

var (
	own      = consent.ByCustomer{Bank: "morava", Customer: "9593"}
	stranger = consent.ByCustomer{Bank: "morava", Customer: "1"}
	joint    = consent.ByCustomer{Bank: "morava", Customer: "7001"}
)

func (s *shelf) request(t *testing.T, edit ...func(*consent.Terms)) consent.Consent {
	t.Helper()
	asked := terms()
	for _, e := range edit {
		e(&asked)
	}
	c, err := s.Request(t.Context(), "messenger", "morava", asked)
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	return c
}

func (s *shelf) authorize(t *testing.T, coHolders ...consent.CustomerID) consent.Consent {
	t.Helper()
	return kept(t)(s.Authorize(t.Context(), own, s.request(t).ID, 1, choice(coHolders...)))
}

func kept(t *testing.T) func(consent.Consent, error) consent.Consent {
	t.Helper()
	return func(c consent.Consent, err error) consent.Consent {
		t.Helper()
		if err != nil {
			t.Fatalf("change: %v", err)
		}
		return c
	}
}

func TestBookKeepsEachChangeAndReadsItsClockOnce(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	thirty := 30
	var c consent.Consent
	step := func(kind consent.ChangeKind, want consent.Status, do func() (consent.Consent, error)) {
		t.Helper()
		s.at, s.reads = s.at.Add(time.Second+time.Microsecond), 0
		c = kept(t)(do())
		if c.Status != want || s.reads != 1 {
			t.Errorf("%s: %v after %d readings of the clock", consent.ChangeName(kind), c.Status, s.reads)
		}
		if !c.ChangedAt.Equal(s.at.Truncate(time.Millisecond)) {
			t.Errorf("%s: changed at %v, want %v", consent.ChangeName(kind), c.ChangedAt, s.at)
		}
		got, err := s.Get(ctx, own, c.ID)
		if d := cmp.Diff(c, got); err != nil || d != "" {
			t.Errorf("%s: kept otherwise (%v):\n%s", consent.ChangeName(kind), err, d)
		}
		history, err := s.History(ctx, own, c.ID)
		if err != nil || len(history) != int(c.Revision) || history[len(history)-1].Kind != kind {
			t.Errorf("%s: history %v, %v", consent.ChangeName(kind), history, err)
		}
	}
	type result = func() (consent.Consent, error)
	for _, st := range []struct {
		kind consent.ChangeKind
		want consent.Status
		do   result
	}{
		{consent.KindRequest, consent.Pending, func() (consent.Consent, error) { return s.Request(ctx, "messenger", "morava", terms()) }},
		{consent.KindAuthorize, consent.PartiallyAuthorized, func() (consent.Consent, error) { return s.Authorize(ctx, own, c.ID, 1, choice("7001")) }},
		{consent.KindAuthorize, consent.Active, func() (consent.Consent, error) { return s.Authorize(ctx, joint, c.ID, 2, choice()) }},
		{consent.KindNarrow, consent.Active, func() (consent.Consent, error) {
			return s.Narrow(ctx, own, c.ID, 3, consent.Narrowing{LookBackDays: &thirty})
		}},
		{consent.KindPause, consent.Paused, func() (consent.Consent, error) { return s.Pause(ctx, own, c.ID, 4) }},
		{consent.KindSuspend, consent.Suspended, func() (consent.Consent, error) { return s.Suspend(ctx, consent.ByBank("morava"), c.ID) }},
		{consent.KindSuspend, consent.Suspended, func() (consent.Consent, error) { return s.Suspend(ctx, consent.ByOperator("ops"), c.ID) }},
		{consent.KindUnsuspend, consent.Suspended, func() (consent.Consent, error) { return s.Unsuspend(ctx, consent.ByOperator("ops"), c.ID) }},
		{consent.KindUnsuspend, consent.Paused, func() (consent.Consent, error) { return s.Unsuspend(ctx, consent.ByBank("morava"), c.ID) }},
		{consent.KindResume, consent.Active, func() (consent.Consent, error) { return s.Resume(ctx, own, c.ID, 9) }},
		{consent.KindAskRenewal, consent.Active, func() (consent.Consent, error) {
			return s.AskRenewal(ctx, consent.ByPartner("messenger"), c.ID, start.Add(200*day))
		}},
		{consent.KindRenew, consent.Active, func() (consent.Consent, error) { return s.Renew(ctx, own, c.ID, 11, start.Add(200*day)) }},
		{consent.KindWithdrawAccount, consent.Active, func() (consent.Consent, error) { return s.WithdrawAccount(ctx, joint, c.ID, 12, "A1") }},
		{consent.KindSupersede, consent.Superseded, func() (consent.Consent, error) { return s.Supersede(ctx, own, c.ID) }},
	} {
		step(st.kind, st.want, st.do)
	}
}

func TestBookIDsAreUnguessableAndNeverTheSame(t *testing.T) {
	s := newShelf()
	seen := map[consent.ID]bool{}
	for range 100 {
		id := s.request(t).ID
		if !strings.HasPrefix(string(id), "con_") || len(id) < len("con_")+26 || seen[id] {
			t.Errorf("id %q", id)
		}
		seen[id] = true
	}
}

func TestBookRefusesInvalidTermsAndKeepsNothing(t *testing.T) {
	s := newShelf(func(store consent.Store) consent.Store { return &faulty{Store: store, t: t, noWrites: true} })
	_, err := s.Request(t.Context(), "messenger", "morava", consent.Terms{})
	if refusal.ReasonOf(err) != refusal.InvalidRequest {
		t.Errorf("error %v, want INVALID_REQUEST", err)
	}
}

func TestWhatIsOutOfReachLooksLikeWhatDoesNotExist(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	id := s.authorize(t).ID
	_, absent := s.Get(ctx, own, "con_absent")
	wantRefusal(t, absent, refusal.ConsentNotFound)
	for name, scope := range map[string]consent.Scope{
		"another customer":          stranger,
		"the customer's namesake":   consent.ByCustomer{Bank: "slezsko", Customer: "9593"},
		"a customer without a name": consent.ByCustomer{Bank: "morava"},
		"a customer without a bank": consent.ByCustomer{Customer: "9593"},
		"another partner":           consent.ByPartner("wallet"),
		"no partner":                consent.ByPartner(""),
		"another bank":              consent.ByBank("slezsko"),
		"no bank":                   consent.ByBank(""),
		"no operator":               consent.ByOperator(""),
		"no scope":                  nil,
	} {
		t.Run(name, func(t *testing.T) {
			for what, err := range everyCall(ctx, s.Book, scope, id) {
				if err == nil || err.Error() != absent.Error() {
					t.Errorf("%s: %v, want %v", what, err, absent)
				}
			}
		})
	}
	if c, err := s.Get(ctx, own, id); err != nil || c.Revision != 2 {
		t.Errorf("revision %d, %v; want it untouched at 2", c.Revision, err)
	}
	for what, err := range everyCall(ctx, s.Book, consent.ByOperator("ops"), "con_absent") {
		if err == nil || err.Error() != absent.Error() {
			t.Errorf("%s of an absent consent: %v, want %v", what, err, absent)
		}
	}
}

// everyCall makes each call of a book that takes a scope, and a wrong revision
// where it takes one: out of reach, that must not show either.
func everyCall(ctx context.Context, b *consent.Book, s consent.Scope, id consent.ID) map[string]error {
	_, history := b.History(ctx, s, id)
	return map[string]error{
		"Get": errOf(b.Get(ctx, s, id)), "History": history,
		"Authorize": errOf(b.Authorize(ctx, s, id, 77, choice())), "Reject": errOf(b.Reject(ctx, s, id, 77)),
		"Narrow": errOf(b.Narrow(ctx, s, id, 77, consent.Narrowing{})),
		"Pause":  errOf(b.Pause(ctx, s, id, 77)), "Resume": errOf(b.Resume(ctx, s, id, 77)),
		"Renew":           errOf(b.Renew(ctx, s, id, 77, start)),
		"WithdrawAccount": errOf(b.WithdrawAccount(ctx, s, id, 77, "A1")),
		"Suspend":         errOf(b.Suspend(ctx, s, id)), "Unsuspend": errOf(b.Unsuspend(ctx, s, id)),
		"AskRenewal": errOf(b.AskRenewal(ctx, s, id, start)),
		"Revoke":     errOf(b.Revoke(ctx, s, id)), "Supersede": errOf(b.Supersede(ctx, s, id)),
	}
}

func TestEachPartyReachesItsOwnConsent(t *testing.T) {
	s := newShelf()
	id := s.authorize(t).ID
	for _, scope := range []consent.Scope{own, consent.ByPartner("messenger"), consent.ByBank("morava"), consent.ByOperator("ops")} {
		if _, err := s.Get(t.Context(), scope, id); err != nil {
			t.Errorf("%#v: %v", scope, err)
		}
	}
}

func TestAPendingConsentIsOpenToTheBanksCustomersUntilOneDecides(t *testing.T) {
	ctx := t.Context()
	for name, decide := range map[string]func(s *shelf, id consent.ID) (consent.Consent, error){
		"authorize": func(s *shelf, id consent.ID) (consent.Consent, error) { return s.Authorize(ctx, own, id, 0, choice()) },
		"reject":    func(s *shelf, id consent.ID) (consent.Consent, error) { return s.Reject(ctx, own, id, 0) },
		"revoke":    func(s *shelf, id consent.ID) (consent.Consent, error) { return s.Revoke(ctx, own, id) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			id := s.request(t).ID
			if _, err := s.Get(ctx, stranger, id); err != nil {
				t.Errorf("read while pending: %v", err)
			}
			_, err := s.Get(ctx, consent.ByCustomer{Bank: "slezsko", Customer: "1"}, id)
			wantRefusal(t, err, refusal.ConsentNotFound)
			c := kept(t)(decide(s, id))
			if _, err := s.Get(ctx, own, id); err != nil || c.Customer != "9593" {
				t.Errorf("read by who decided: %v, customer %q", err, c.Customer)
			}
			_, err = s.Get(ctx, stranger, id)
			wantRefusal(t, err, refusal.ConsentNotFound)
		})
	}
}

func TestACoHolderReachesWhatTheyDecideAboutAndStaysSo(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	c := s.authorize(t, "7001", "7002")
	_, err := s.Pause(ctx, joint, c.ID, 0)
	wantNotPossible(t, err, consent.PartiallyAuthorized)
	kept(t)(s.Authorize(ctx, joint, c.ID, 2, choice()))
	if _, err := s.Get(ctx, joint, c.ID); err != nil {
		t.Errorf("read after agreeing: %v", err)
	}
	c = kept(t)(s.Reject(ctx, consent.ByCustomer{Bank: "morava", Customer: "7002"}, c.ID, 3))
	if c.Status != consent.Rejected {
		t.Errorf("%v after a co-holder refused", c.Status)
	}
	for _, holder := range []consent.CustomerID{"7001", "7002"} {
		if _, err := s.History(ctx, consent.ByCustomer{Bank: "morava", Customer: holder}, c.ID); err != nil {
			t.Errorf("history for %s: %v", holder, err)
		}
	}
	_, err = s.Get(ctx, consent.ByCustomer{Bank: "slezsko", Customer: "7001"}, c.ID)
	wantRefusal(t, err, refusal.ConsentNotFound)
}

func TestAChangeFromAnotherRevisionIsAConflict(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	c := s.authorize(t)
	for _, seen := range []int64{-1, 1, 3} {
		_, err := s.Pause(ctx, own, c.ID, seen)
		wantRefusal(t, err, refusal.ConsentConflict)
	}
	kept(t)(s.Pause(ctx, own, c.ID, 2))
	kept(t)(s.Resume(ctx, own, c.ID, 0))
}

func TestBookRevokeTwiceMakesOneRevision(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	c := s.authorize(t)
	first := kept(t)(s.Revoke(ctx, own, c.ID))
	s.at = s.at.Add(time.Hour)
	for _, scope := range []consent.Scope{own, consent.ByPartner("messenger"), consent.ByBank("morava")} {
		again := kept(t)(s.Revoke(ctx, scope, c.ID))
		if d := cmp.Diff(first, again); d != "" {
			t.Errorf("%v revoked anew:\n%s", scope, d)
		}
	}
	if history, err := s.History(ctx, own, c.ID); err != nil || len(history) != 3 {
		t.Errorf("%d changes, %v; want 3", len(history), err)
	}
}

func TestBookListRefusesWhatIsNobodys(t *testing.T) {
	s, ctx := newShelf(), t.Context()
	s.request(t)
	c := s.authorize(t)
	for name, q := range map[string]consent.Query{
		"nothing":                        {Limit: 1},
		"a customer of no bank":          {Customer: "9593", Limit: 1},
		"a co-holder of no bank":         {CoHolder: "9593", Limit: 1},
		"a partner and a bank":           {Partner: "messenger", Bank: "morava", Limit: 1},
		"a partner and a customer":       {Partner: "messenger", Customer: "9593", Limit: 1},
		"one as customer and co-holder":  {Bank: "morava", Customer: "9593", CoHolder: "9593", Limit: 1},
		"a partner, with a co-holder":    {Partner: "messenger", CoHolder: "9593", Limit: 1},
		"everything":                     {Partner: "messenger", Bank: "morava", Customer: "9593", CoHolder: "7001", Limit: 1},
		"everything alive, of all there": {LiveOnly: true, Limit: 1},
	} {
		_, err := s.List(ctx, q)
		if err == nil {
			t.Fatalf("%s was listed", name)
		}
		wantRefusal(t, err, refusal.InvalidRequest, "query")
	}
	_, err := s.List(ctx, consent.Query{Bank: "morava"})
	wantRefusal(t, err, refusal.InvalidRequest, "page_size")
	got, err := s.List(ctx, consent.Query{Bank: "morava", Customer: "9593", Limit: 10})
	if d := cmp.Diff([]consent.Consent{c}, got); err != nil || d != "" {
		t.Errorf("%v, list (-want +got):\n%s", err, d)
	}
}

func TestAChangeIsToldOnlyWhenItPassedTheBarrier(t *testing.T) {
	ctx, store, gate := t.Context(), consenttest.NewMemory(), consenttest.NewBarrier()
	b := consent.NewBook(store, gate, func() time.Time { return start })
	c, err := b.Request(ctx, "messenger", "morava", terms())
	if err != nil || !c.Fenced() {
		t.Fatalf("requested: fenced %v, %v", c.Fenced(), err)
	}
	own := consent.ByCustomer{Bank: "morava", Customer: "9593"}
	c, err = b.Authorize(ctx, own, c.ID, 0, choice())
	if err != nil || !c.Fenced() || gate.Passed(c.ID) != 0 {
		t.Fatalf("authorized: fenced %v, %v; nothing was released before, so nothing need be waited for", c.Fenced(), err)
	}

	gate.Fail(errDisk)
	for range 2 { // asking again must wait again
		if _, err = b.Revoke(ctx, own, c.ID); refusal.ReasonOf(err) != refusal.RecordUnavailable {
			t.Errorf("Revoke = %v while the barrier holds, want RECORD_UNAVAILABLE", err)
		}
	}
	seen, err := b.Get(ctx, own, c.ID)
	if err != nil || seen.Status != consent.Revoked || seen.Seen() != consentv1.ConsentStatus_CONSENT_STATUS_REVOKING {
		t.Errorf("it reads %v, shown as %v, %v; want REVOKED shown as REVOKING", seen.Status, seen.Seen(), err)
	}

	gate.Fail(nil)
	if n, err := b.Settle(ctx); n != 1 || err != nil || gate.Passed(c.ID) != seen.Revision {
		t.Errorf("Settle = %d, %v, passed revision %d", n, err, gate.Passed(c.ID))
	}
	if seen, err = b.Get(ctx, own, c.ID); err != nil || seen.Seen() != consent.Revoked {
		t.Errorf("it is shown as %v, %v; want REVOKED", seen.Seen(), err)
	}
	if n, err := b.Settle(ctx); n != 0 || err != nil {
		t.Errorf("Settle with nothing to do = %d, %v", n, err)
	}
}

func TestManyRevokingAtOnceMakeOneRevision(t *testing.T) {
	ctx := t.Context()
	store := consenttest.NewMemory()
	b := consent.NewBook(store, consenttest.NewBarrier(), func() time.Time { return start })
	c, err := b.Request(ctx, "messenger", "morava", terms())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if c, err := b.Revoke(ctx, consent.ByPartner("messenger"), c.ID); err != nil || c.Revision != 2 {
				t.Errorf("revision %d, %v", c.Revision, err)
			}
		})
	}
	wg.Wait()
}

func errOf(_ consent.Consent, err error) error { return err }
