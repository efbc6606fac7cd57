package consentview_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/consent"
	"sluice/disclosure"
	bankv1 "sluice/gen/sluice/bank/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	"sluice/refusal"
)

func TestWhoMustAgreeAndWhoMaySeeItIsTheBanksToSay(t *testing.T) {
	d := open(t)
	for _, test := range []struct {
		name     string
		accounts []string
		named    []string
		hidden   bool
		want     []string // co-holders who are awaited
		informed []string // others who may see it
		fields   []string // of the refusal, if it is one
	}{
		{name: "an account of one's own", accounts: []string{"own"}},
		{name: "a joint account, nobody named", accounts: []string{"own", "joint"}, want: []string{"you"}},
		{name: "a joint account, its holder named", accounts: []string{"joint"}, named: []string{"you"}, want: []string{"you"}},
		{name: "a joint account that each may share", accounts: []string{"either"}, informed: []string{"kid"}},
		{name: "joint accounts of both kinds", accounts: []string{"joint", "either"}, want: []string{"you"}, informed: []string{"kid"}},
		{name: "hidden, where nobody must agree", accounts: []string{"either"}, hidden: true},
		{name: "hidden", accounts: []string{"own", "joint"}, hidden: true},
		{name: "one named who need not agree", accounts: []string{"either"}, named: []string{"kid"}, fields: []string{"co_holder_customer_ids[0]"}},
		{name: "one named of an account not chosen", accounts: []string{"own"}, named: []string{"you"}, fields: []string{"co_holder_customer_ids[0]"}},
		{name: "a stranger named too", accounts: []string{"joint"}, named: []string{"you", "stranger"}, fields: []string{"co_holder_customer_ids[1]"}},
		{name: "hidden from one who is named", accounts: []string{"joint"}, named: []string{"you"}, hidden: true, fields: []string{"co_holder_customer_ids"}},
		{name: "another's account", accounts: []string{"own", "other"}, fields: []string{"shares[1].account_id"}},
		{name: "an account twice", accounts: []string{"own", "own"}, fields: []string{"shares[1].account_id"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := d.request(t)
			answer, err := d.customers(t, "morava").AuthorizeConsent(t.Context(), &customerv1.AuthorizeConsentRequest{
				CustomerId: "me", ConsentId: id, Shares: shares(test.accounts...), CoHolderCustomerIds: test.named, HiddenFromCoHolders: test.hidden,
			})
			if test.fields != nil {
				refused(t, "AuthorizeConsent", err, "INVALID_REQUEST", test.fields...)
				return
			}
			c := got(answer, err)(t).GetConsent()
			all := slices.Sorted(slices.Values(slices.Concat(test.want, test.informed)))
			if !slices.Equal(c.GetCoHolderCustomerIds(), all) || !slices.Equal(c.GetAwaitingCustomerIds(), test.want) || c.GetHiddenFromCoHolders() != test.hidden {
				t.Errorf("co-holders %q, awaited %q, hidden %v; want %q, awaited %q", c.GetCoHolderCustomerIds(), c.GetAwaitingCustomerIds(), c.GetHiddenFromCoHolders(), all, test.want)
			}
		})
	}
}

func TestWithoutTheBankNobodyAgreesAndAnybodyRevokes(t *testing.T) {
	d := open(t)
	ctx, at := t.Context(), d.customers(t, "morava")
	id := d.give(t, false, "joint").GetConsentId()
	agree := func(customer, id string) error {
		_, err := at.AuthorizeConsent(ctx, &customerv1.AuthorizeConsentRequest{CustomerId: customer, ConsentId: id, Shares: shares("joint")})
		return err
	}
	d.bank.Fail(bank.ErrUnavailable)
	refused(t, "the customer agrees", agree("me", d.request(t)), "BANK_UNAVAILABLE")
	refused(t, "the co-holder agrees", agree("you", id), "BANK_UNAVAILABLE")
	_, err := at.WithdrawAccount(ctx, &customerv1.WithdrawAccountRequest{CustomerId: "you", ConsentId: id, AccountId: "joint"})
	refused(t, "the co-holder withdraws", err, "BANK_UNAVAILABLE")
	refused(t, "what is not there", agree("me", "con_absent"), "CONSENT_NOT_FOUND")
	all := got(at.RevokeAllConsents(ctx, &customerv1.RevokeAllConsentsRequest{CustomerId: "me"}))(t)
	if !slices.Equal(ids(all.GetConsents()), []string{id}) {
		t.Errorf("revoked %q", ids(all.GetConsents()))
	}
	d.bank.Fail(bank.ErrNoCustomer)
	refused(t, "nobody of the bank's", agree("me", d.request(t)), "INVALID_REQUEST", "customer_id")
	d.bank.Fail(nil)
	twice := []*bankv1.AccountHolders{{AccountId: "joint"}, {AccountId: "joint"}}
	d.bank.Answer(bank.ListHolders, &bankv1.ListHoldersResponse{Accounts: twice})
	refused(t, "an answer that contradicts itself", agree("me", d.request(t)), "BANK_ANSWER_INVALID")
	d.bank.Answer(bank.ListHolders, &bankv1.ListHoldersResponse{})
	refused(t, "an account whose holders are not known", agree("me", d.request(t)), "INVALID_REQUEST", "shares[0].account_id")
}

func TestACoHolderAgreesToTheWholeChoiceAndWithdrawsTheirOwnAccountOnly(t *testing.T) {
	d := open(t)
	ctx, at := t.Context(), d.customers(t, "morava")
	id := d.give(t, false, "own", "joint").GetConsentId()
	agree := func(accounts ...string) (*customerv1.AuthorizeConsentResponse, error) {
		return at.AuthorizeConsent(ctx, &customerv1.AuthorizeConsentRequest{CustomerId: "you", ConsentId: id, Shares: shares(accounts...)})
	}
	_, err := agree("joint")
	refused(t, "agreeing to a part", err, "INVALID_REQUEST", "shares")
	_, err = at.AuthorizeConsent(ctx, &customerv1.AuthorizeConsentRequest{CustomerId: "you", ConsentId: id, Shares: shares("own")})
	refused(t, "agreeing to none of theirs", err, "INVALID_REQUEST", "shares")
	if c := got(agree("own", "joint"))(t).GetConsent(); c.GetStatus() != consent.Active || !slices.Equal(c.GetCoHolderCustomerIds(), []string{"you"}) {
		t.Errorf("agreed: %v", c)
	}
	_, err = at.WithdrawAccount(ctx, &customerv1.WithdrawAccountRequest{CustomerId: "you", ConsentId: id, AccountId: "own"})
	refused(t, "withdrawing the customer's account", err, "INVALID_REQUEST", "account_id")
	c := got(at.WithdrawAccount(ctx, &customerv1.WithdrawAccountRequest{CustomerId: "you", ConsentId: id, AccountId: "joint"}))(t).GetConsent()
	if len(c.GetShares()) != 1 || c.GetStatus() != consent.Active {
		t.Errorf("withdrawn: %v", c)
	}
	_, err = at.RevokeConsent(ctx, &customerv1.RevokeConsentRequest{CustomerId: "you", ConsentId: id})
	refused(t, "revoking another's consent", err, "CHANGE_NOT_POSSIBLE")
}

func TestACustomerListsTheirOwnApartFromThoseTheyHoldAccountsOf(t *testing.T) {
	d := open(t)
	ctx, at := t.Context(), d.customers(t, "morava")
	joint := d.give(t, false, "joint").GetConsentId()
	d.at(noon.Add(time.Second))
	second := d.give(t, false, "joint").GetConsentId()
	d.give(t, true, "joint")
	list := func(customer string, asCoHolder bool) []string {
		return ids(got(at.ListConsents(ctx, &customerv1.ListConsentsRequest{CustomerId: customer, AsCoHolder: asCoHolder}))(t).GetConsents())
	}
	if mine := list("me", false); len(mine) != 3 {
		t.Errorf("the customer's own are %q", mine)
	}
	if others := list("you", true); !slices.Equal(others, []string{second, joint}) {
		t.Errorf("as a co-holder: %q, want %q", others, []string{second, joint})
	}
	if none := append(list("you", false), list("me", true)...); len(none) > 0 {
		t.Errorf("turned round: %q", none)
	}
	page := got(at.ListConsents(ctx, &customerv1.ListConsentsRequest{CustomerId: "you", AsCoHolder: true, PageSize: 1}))(t)
	next := got(at.ListConsents(ctx, &customerv1.ListConsentsRequest{CustomerId: "you", AsCoHolder: true, PageSize: 1, PageToken: page.GetNextPageToken()}))(t)
	if !slices.Equal(ids(next.GetConsents()), []string{joint}) || next.GetNextPageToken() != "" {
		t.Errorf("the second page has %q", ids(next.GetConsents()))
	}
	for name, r := range map[string]*customerv1.ListConsentsRequest{
		"their own":         {CustomerId: "you", PageToken: page.GetNextPageToken()},
		"another customer":  {CustomerId: "me", AsCoHolder: true, PageToken: page.GetNextPageToken()},
		"a made-up place":   {CustomerId: "you", AsCoHolder: true, PageToken: "AAAA"},
		"nothing like them": {CustomerId: "you", AsCoHolder: true, PageToken: "!"},
	} {
		_, err := at.ListConsents(ctx, r)
		refused(t, "the page token for "+name, err, "PAGE_TOKEN_INVALID")
	}
	_, err := at.ListConsents(ctx, &customerv1.ListConsentsRequest{})
	refused(t, "nobody's list", err, "INVALID_REQUEST", "customer_id")
}

func TestUsageCountsByDayWhatWasReleasedAndRefused(t *testing.T) {
	d := open(t)
	ctx, at := t.Context(), d.customers(t, "morava")
	id := d.give(t, false, "own").GetConsentId()
	today := consent.DayOf(noon)
	d.counts.days = []disclosure.DayCount{{Day: today - 3, Releases: 7, Unattended: 2, Events: 1}, {Day: today, Releases: 1}}
	d.counts.refusals = []disclosure.RefusalCount{
		{Day: today - 4, Reason: refusal.ConsentPaused, Count: 5},
		{Day: today, Reason: refusal.AccessLimitReached, Count: 2},
		{Day: today, Reason: refusal.PurposeNotPermitted, Count: 1},
	}
	d.counts.last = map[consent.ID]time.Time{consent.ID(id): noon.Add(-time.Hour), "con_other": noon}
	answer := got(at.GetUsage(ctx, &customerv1.GetUsageRequest{CustomerId: "me", ConsentId: id}))(t)
	type row struct{ day, releases, unattended, events, refusals int32 }
	var rows []row
	for _, u := range answer.GetDays() {
		r := row{day: u.GetDay().GetDay(), releases: u.GetReleases(), unattended: u.GetUnattended(), events: u.GetEvents()}
		for _, refused := range u.GetRefusals() {
			r.refusals += refused.GetCount()
		}
		rows = append(rows, r)
	}
	if want := []row{{20, 0, 0, 0, 5}, {21, 7, 2, 1, 0}, {24, 1, 0, 0, 3}}; !slices.Equal(rows, want) {
		t.Errorf("days %v, want %v", rows, want)
	}
	if !answer.GetLastReleasedAt().AsTime().Equal(noon.Add(-time.Hour)) {
		t.Errorf("last released at %v", answer.GetLastReleasedAt())
	}
	if d.counts.from != today-29 || d.counts.to != today {
		t.Errorf("asked from %v to %v", d.counts.from, d.counts.to)
	}
	got(at.GetUsage(ctx, &customerv1.GetUsageRequest{CustomerId: "me", ConsentId: id, Days: 1}))(t)
	if d.counts.from != today {
		t.Errorf("one day begins %v", d.counts.from)
	}
	_, err := at.GetUsage(ctx, &customerv1.GetUsageRequest{CustomerId: "you", ConsentId: id})
	refused(t, "another's usage", err, "CONSENT_NOT_FOUND")
	shared := d.give(t, false, "joint").GetConsentId()
	_, err = at.GetUsage(ctx, &customerv1.GetUsageRequest{CustomerId: "you", ConsentId: shared})
	refused(t, "usage, to a co-holder", err, "CALLER_NOT_PERMITTED")
	_, err = at.ListDisclosures(ctx, &customerv1.ListDisclosuresRequest{CustomerId: "you", ConsentId: shared})
	refused(t, "disclosures, to a co-holder", err, "CALLER_NOT_PERMITTED")
	_, err = at.GetUsage(ctx, &customerv1.GetUsageRequest{CustomerId: "me", ConsentId: id, Days: 367})
	refused(t, "too many days", err, "INVALID_REQUEST", "days")
	d.counts.err = errDisk
	_, err = at.GetUsage(ctx, &customerv1.GetUsageRequest{CustomerId: "me", ConsentId: id})
	refused(t, "a log that fails", err, "RECORD_UNAVAILABLE")
}

// everyAnswer makes every call of customer.v1 as a customer about a consent, and
// answers all that came back, as bytes.
func everyAnswer(t *testing.T, d *doors, customer, id string) [][]byte {
	t.Helper()
	ctx, at := t.Context(), d.customers(t, "morava")
	var all [][]byte
	add := func(m proto.Message, err error) {
		raw, encodeErr := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if encodeErr != nil {
			t.Fatal(encodeErr)
		}
		all = append(all, append(raw, errorBytes(t, err)...))
	}
	add(at.ListConsents(ctx, &customerv1.ListConsentsRequest{CustomerId: customer}))
	add(at.ListConsents(ctx, &customerv1.ListConsentsRequest{CustomerId: customer, AsCoHolder: true}))
	add(at.GetConsent(ctx, &customerv1.GetConsentRequest{CustomerId: customer, ConsentId: id}))
	add(at.AuthorizeConsent(ctx, &customerv1.AuthorizeConsentRequest{CustomerId: customer, ConsentId: id, Shares: shares("joint")}))
	add(at.RejectConsent(ctx, &customerv1.RejectConsentRequest{CustomerId: customer, ConsentId: id}))
	add(at.NarrowConsent(ctx, &customerv1.NarrowConsentRequest{CustomerId: customer, ConsentId: id, Shares: shares("joint")}))
	add(at.PauseConsent(ctx, &customerv1.PauseConsentRequest{CustomerId: customer, ConsentId: id}))
	add(at.ResumeConsent(ctx, &customerv1.ResumeConsentRequest{CustomerId: customer, ConsentId: id}))
	add(at.RenewConsent(ctx, &customerv1.RenewConsentRequest{CustomerId: customer, ConsentId: id, ValidUntil: asked().GetValidUntil()}))
	add(at.WithdrawAccount(ctx, &customerv1.WithdrawAccountRequest{CustomerId: customer, ConsentId: id, AccountId: "joint"}))
	add(at.RevokeConsent(ctx, &customerv1.RevokeConsentRequest{CustomerId: customer, ConsentId: id}))
	add(at.RevokeAllConsents(ctx, &customerv1.RevokeAllConsentsRequest{CustomerId: customer}))
	add(at.GetUsage(ctx, &customerv1.GetUsageRequest{CustomerId: customer, ConsentId: id}))
	add(at.ListDisclosures(ctx, &customerv1.ListDisclosuresRequest{CustomerId: customer, ConsentId: id}))
	if n := len(customerv1.ConsentService_ServiceDesc.Methods); len(all) != n+1 { // one is called twice
		t.Errorf("%d answers to %d methods", len(all), n)
	}
	return all
}

// Byte by byte, the answers to a co-holder are those of a house where the
// consent does not exist.
func TestAHiddenConsentIsInvisibleToItsCoHolderInEveryCall(t *testing.T) {
	with, without := open(t), open(t)
	hidden := with.give(t, true, "own", "joint").GetConsentId()
	for _, who := range []string{"you", "stranger"} {
		a, b := everyAnswer(t, with, who, hidden), everyAnswer(t, without, who, hidden)
		for i := range a {
			if !slices.Equal(a[i], b[i]) {
				t.Errorf("answer %d to %s is %q with the hidden consent and %q without", i, who, a[i], b[i])
			}
		}
	}
	if c := got(with.customers(t, "morava").GetConsent(t.Context(), &customerv1.GetConsentRequest{CustomerId: "me", ConsentId: hidden}))(t).GetConsent(); c.GetRevision() != 2 || !c.GetHiddenFromCoHolders() {
		t.Errorf("its customer reads %v", c)
	}
	// The same calls do see one that is not hidden, so the comparison can fail.
	shown := with.give(t, false, "joint").GetConsentId()
	if a, b := everyAnswer(t, with, "you", shown), everyAnswer(t, without, "you", shown); slices.Equal(a[1], b[1]) || slices.Equal(a[2], b[2]) {
		t.Error("a consent that is not hidden is not seen either")
	}
}
