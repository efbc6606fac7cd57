package consentview_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sluice/authn"
	"sluice/consent"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func ids(all []*consentv1.Consent) []string {
	out := []string{}
	for _, c := range all {
		out = append(out, c.GetConsentId())
	}
	return out
}

func TestABankListsAllOfItsOwnAndOneCustomers(t *testing.T) {
	d := open(t)
	ctx, bank := t.Context(), d.bankItself(t, "morava")
	first := d.give(t, true, "joint").GetConsentId()
	d.at(noon.Add(time.Second))
	second := d.request(t)
	d.at(noon.Add(2 * time.Second))
	third := d.give(t, false, "joint").GetConsentId()
	got(bank.RevokeConsent(ctx, &bankv1.RevokeConsentRequest{ConsentId: third}))(t)
	d.at(noon.Add(3 * time.Second))
	got(d.partner(t, "messenger").RequestConsent(ctx, &partnerv1.RequestConsentRequest{BankId: "slezsko", Terms: asked()}))(t)
	for _, test := range []struct {
		r    *bankv1.ListConsentsRequest
		want []string
	}{
		{&bankv1.ListConsentsRequest{}, []string{third, second, first}},
		{&bankv1.ListConsentsRequest{LiveOnly: true}, []string{second, first}},
		{&bankv1.ListConsentsRequest{CustomerId: "me"}, []string{third, first}},
		{&bankv1.ListConsentsRequest{CustomerId: "me", LiveOnly: true}, []string{first}},
		{&bankv1.ListConsentsRequest{CustomerId: "you"}, []string{}},
	} {
		answer := got(bank.ListConsents(ctx, test.r))(t)
		if !slices.Equal(ids(answer.GetConsents()), test.want) || answer.GetNextPageToken() != "" {
			t.Errorf("%v: %q, want %q", test.r, ids(answer.GetConsents()), test.want)
		}
	}
	page := got(bank.ListConsents(ctx, &bankv1.ListConsentsRequest{PageSize: 1}))(t)
	page2 := got(bank.ListConsents(ctx, &bankv1.ListConsentsRequest{PageSize: 1, PageToken: page.GetNextPageToken()}))(t)
	if !slices.Equal(ids(page2.GetConsents()), []string{second}) {
		t.Errorf("the second page has %q", ids(page2.GetConsents()))
	}
	for name, r := range map[string]*bankv1.ListConsentsRequest{
		"another customer": {PageToken: page.GetNextPageToken(), CustomerId: "me"},
		"live ones":        {PageToken: page.GetNextPageToken(), LiveOnly: true},
	} {
		_, err := bank.ListConsents(ctx, r)
		refused(t, "the page token for "+name, err, "PAGE_TOKEN_INVALID")
	}
	_, err := d.bankItself(t, "slezsko").ListConsents(ctx, &bankv1.ListConsentsRequest{PageToken: page.GetNextPageToken()})
	refused(t, "another bank's page token", err, "PAGE_TOKEN_INVALID")
}

func TestABankHoldsLetsGoAndEndsAConsent(t *testing.T) {
	d := open(t)
	ctx, bank := t.Context(), d.bankItself(t, "morava")
	id := d.give(t, false, "own").GetConsentId()
	held := got(bank.SuspendConsent(ctx, &bankv1.SuspendConsentRequest{ConsentId: id}))(t).GetConsent()
	_, err := bank.SuspendConsent(ctx, &bankv1.SuspendConsentRequest{ConsentId: id})
	refused(t, "suspending twice", err, "CHANGE_NOT_POSSIBLE")
	free := got(bank.UnsuspendConsent(ctx, &bankv1.UnsuspendConsentRequest{ConsentId: id}))(t).GetConsent()
	if held.GetStatus() != consent.Suspended || free.GetStatus() != consent.Active {
		t.Errorf("held %v, let go %v", held.GetStatus(), free.GetStatus())
	}
	if _, err := d.book.Suspend(ctx, consent.ByOperator("ops"), consent.ID(id)); err != nil {
		t.Fatal(err)
	}
	_, err = bank.UnsuspendConsent(ctx, &bankv1.UnsuspendConsentRequest{ConsentId: id})
	refused(t, "lifting the operator's hold", err, "CHANGE_NOT_POSSIBLE")
	ended := got(bank.RevokeConsent(ctx, &bankv1.RevokeConsentRequest{ConsentId: id}))(t).GetConsent()
	again := got(bank.RevokeConsent(ctx, &bankv1.RevokeConsentRequest{ConsentId: id}))(t).GetConsent()
	if ended.GetStatus() != consent.Revoked || !proto.Equal(ended, again) {
		t.Errorf("ended %v, and again %v", ended, again)
	}
	seen := got(bank.GetConsent(ctx, &bankv1.GetConsentRequest{ConsentId: id}))(t)
	last := seen.GetChanges()[len(seen.GetChanges())-1]
	if last.GetActor() != consent.ActorBank || last.GetActorId() != "morava" || last.GetReason() != consent.WhyBankTerminated {
		t.Errorf("last change %v", last)
	}
}

func TestABankClosesAnAccountEverywhere(t *testing.T) {
	d := open(t)
	ctx, bank := t.Context(), d.bankItself(t, "morava")
	both, only, other := d.give(t, false, "own", "either").GetConsentId(), d.give(t, false, "own").GetConsentId(), d.give(t, false, "either").GetConsentId()
	answer := got(bank.WithdrawAccount(ctx, &bankv1.WithdrawAccountRequest{CustomerId: "me", AccountId: "own"}))(t)
	changed := ids(answer.GetConsents())
	slices.Sort(changed)
	want := []string{both, only}
	slices.Sort(want)
	if !slices.Equal(changed, want) || slices.Contains(changed, other) {
		t.Errorf("changed %q, want %q", changed, want)
	}
	if answer := got(bank.WithdrawAccount(ctx, &bankv1.WithdrawAccountRequest{CustomerId: "me", AccountId: "own"}))(t); len(answer.GetConsents()) != 0 {
		t.Errorf("again: %v", answer)
	}
	if answer := got(d.bankItself(t, "slezsko").WithdrawAccount(ctx, &bankv1.WithdrawAccountRequest{CustomerId: "me", AccountId: "either"}))(t); len(answer.GetConsents()) != 0 {
		t.Errorf("another bank changed %v", answer)
	}
	for _, r := range []*bankv1.WithdrawAccountRequest{{CustomerId: "me"}, {AccountId: "own"}} {
		_, err := bank.WithdrawAccount(ctx, r)
		refused(t, r.String(), err, "INVALID_REQUEST", map[bool]string{true: "customer_id", false: "account_id"}[r.GetCustomerId() == ""])
	}
}

func TestAnotherBanksConsentLooksAbsentInEveryCall(t *testing.T) {
	d := open(t)
	ctx, other := t.Context(), d.bankItself(t, "slezsko")
	id := d.give(t, false, "own").GetConsentId()
	errOf := func(_ any, err error) error { return err }
	for _, id := range []string{id, "con_absent"} {
		for what, err := range map[string]error{
			"GetConsent":       errOf(other.GetConsent(ctx, &bankv1.GetConsentRequest{ConsentId: id})),
			"RevokeConsent":    errOf(other.RevokeConsent(ctx, &bankv1.RevokeConsentRequest{ConsentId: id})),
			"SuspendConsent":   errOf(other.SuspendConsent(ctx, &bankv1.SuspendConsentRequest{ConsentId: id})),
			"UnsuspendConsent": errOf(other.UnsuspendConsent(ctx, &bankv1.UnsuspendConsentRequest{ConsentId: id})),
		} {
			refused(t, what, err, "CONSENT_NOT_FOUND")
		}
	}
	if page := got(other.ListConsents(ctx, &bankv1.ListConsentsRequest{}))(t); len(page.GetConsents()) != 0 {
		t.Errorf("listed %v", page)
	}
	if page := got(other.ListConsentEvents(ctx, &bankv1.ListConsentEventsRequest{}))(t); len(page.GetEvents()) != 0 {
		t.Errorf("events %v", page)
	}
}

func TestABankFollowsEveryChangeWithWhoMadeIt(t *testing.T) {
	d := open(t)
	ctx, bank := t.Context(), d.bankItself(t, "morava")
	id := d.give(t, false, "joint").GetConsentId()
	page := got(bank.ListConsentEvents(ctx, &bankv1.ListConsentEventsRequest{}))(t)
	got(d.customers(t, "morava").AuthorizeConsent(ctx, &customerv1.AuthorizeConsentRequest{CustomerId: "you", ConsentId: id, Shares: shares("joint")}))(t)
	more := got(bank.ListConsentEvents(ctx, &bankv1.ListConsentEventsRequest{Cursor: page.GetCursor()}))(t)
	var actors []string
	for _, e := range append(page.GetEvents(), more.GetEvents()...) {
		actors = append(actors, consent.ActorName(e.GetChange().GetActor())+" "+e.GetChange().GetActorId())
	}
	if want := []string{"PARTNER messenger", "CUSTOMER me", "CO_HOLDER you"}; !slices.Equal(actors, want) {
		t.Errorf("changes by %q, want %q", actors, want)
	}
	_, err := d.bankItself(t, "slezsko").ListConsentEvents(ctx, &bankv1.ListConsentEventsRequest{Cursor: more.GetCursor()})
	refused(t, "another bank's cursor", err, "PAGE_TOKEN_INVALID")
}

func TestEachDoorTakesItsOwnKindOfCallerOnly(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	_, err := bankv1.NewConsentServiceClient(d.as(t, authn.Partner, "messenger")).ListConsents(ctx, &bankv1.ListConsentsRequest{})
	refused(t, "a partner at the banks' door", err, "CALLER_NOT_PERMITTED")
	_, err = partnerv1.NewConsentServiceClient(d.as(t, authn.Bank, "morava")).ListConsents(ctx, &partnerv1.ListConsentsRequest{})
	refused(t, "a bank at the partners' door", err, "CALLER_NOT_PERMITTED")
	_, err = customerv1.NewConsentServiceClient(d.as(t, authn.Operator, "ops")).RevokeAllConsents(ctx, &customerv1.RevokeAllConsentsRequest{CustomerId: "me"})
	refused(t, "an operator at the customers' door", err, "CALLER_NOT_PERMITTED")
}

func TestAStoreOrBarrierThatFailsIsToldAsUnavailable(t *testing.T) {
	d := open(t)
	ctx := context.WithoutCancel(t.Context())
	d.give(t, false, "own")
	d.barrier.Fail(errDisk)
	_, err := d.bankItself(t, "morava").WithdrawAccount(ctx, &bankv1.WithdrawAccountRequest{CustomerId: "me", AccountId: "own"})
	refused(t, "WithdrawAccount", err, "RECORD_UNAVAILABLE")
	_, err = d.customers(t, "morava").RevokeAllConsents(ctx, &customerv1.RevokeAllConsentsRequest{CustomerId: "me"})
	refused(t, "RevokeAllConsents", err, "RECORD_UNAVAILABLE")
}
