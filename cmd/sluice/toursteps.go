package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const (
	tourLookBack   = 90
	tourUnattended = 2
)

// asked are the kinds of data the tour is about.
func asked() []datav1.DataCluster {
	return []datav1.DataCluster{consent.AccountBasic, consent.Balances, consent.TransactionsBasic}
}

// access states a call with the customer present, for the purpose agreed.
func access(id string) *partnerv1.Access {
	return &partnerv1.Access{
		ConsentId: id, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
}

func (t *tour) request() (string, error) {
	got, err := t.asks.RequestConsent(t.ctx, &partnerv1.RequestConsentRequest{BankId: tourBank, Terms: &consentv1.Terms{
		Clusters: asked(), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "Your accounts in the chat",
		LookBackDays: tourLookBack, ValidUntil: timestamppb.New(time.Now().AddDate(0, 6, 0)), UnattendedPerDay: tourUnattended,
	}})
	if err != nil {
		return "", err
	}
	t.consent = got.GetConsent().GetConsentId()
	return fmt.Sprintf("%s is %s, for %s", t.consent, shortName(got.GetConsent().GetStatus()), clusterNames(asked())), nil
}

func (t *tour) authorize() (string, error) {
	got, err := t.customer.AuthorizeConsent(t.ctx, &customerv1.AuthorizeConsentRequest{
		CustomerId: tourCustomer, ConsentId: t.consent,
		Shares: []*consentv1.Share{{AccountId: tourCurrent, Clusters: asked()}, {AccountId: tourCard, Clusters: asked()}},
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; %s and %s are shared, %s is not", shortName(got.GetConsent().GetStatus()), tourCurrent, tourCard, tourLoan), nil
}

// release notes a disclosure that messenger was told of.
func (t *tour) release(a answer) { t.released = append(t.released, a.GetRelease().GetDisclosureId()) }

func (t *tour) pullAccounts() (string, error) {
	got, err := t.messenger.ListAccounts(t.ctx, &partnerv1.ListAccountsRequest{Access: access(t.consent)})
	if err != nil {
		return "", err
	}
	t.release(got)
	var told []string
	for _, a := range got.GetAccounts() {
		if strings.Contains(a.GetAccountId(), tourCurrent) || !strings.HasPrefix(a.GetNumber(), "****") {
			return "", fmt.Errorf("it shows the bank's own names: %v", a)
		}
		if len(a.GetHolders()) > 0 || a.GetOpeningDate() != nil || a.GetLoan() != nil {
			return "", fmt.Errorf("it shows details: %v", a)
		}
		t.accounts = append(t.accounts, a.GetAccountId())
		told = append(told, fmt.Sprintf("%s %s, %s %s", a.GetAccountId(), a.GetDisplayName(), a.GetCurrency(), a.GetNumber()))
	}
	if len(told) != 2 {
		return "", fmt.Errorf("%d accounts, want two", len(told))
	}
	return strings.Join(told, "\n      "), nil
}

func (t *tour) balances() error {
	got, err := t.messenger.ListBalances(t.ctx, &partnerv1.ListBalancesRequest{Access: access(t.consent)})
	if err == nil {
		t.release(got)
	}
	return err
}

func (t *tour) pullBalances() (string, error) {
	got, err := t.messenger.ListBalances(t.ctx, &partnerv1.ListBalancesRequest{Access: access(t.consent)})
	if err != nil {
		return "", err
	}
	t.release(got)
	var told []string
	for _, a := range got.GetAccounts() {
		told = append(told, a.GetAccountId()+" "+formatMoney(a.GetBalances()[0].GetAmount()))
	}
	if len(told) != 2 {
		return "", fmt.Errorf("%d accounts, want two", len(told))
	}
	return strings.Join(told, "\n      "), nil
}

func (t *tour) pullTransactions() (string, error) {
	r := &partnerv1.ListTransactionsRequest{Access: access(t.consent), AccountId: t.accounts[0], PageSize: 5}
	earliest := consent.DayOf(time.Now()) - (tourLookBack - 1)
	count, pages, oldest := 0, 0, ""
	for {
		got, err := t.messenger.ListTransactions(t.ctx, r)
		if err != nil {
			return "", err
		}
		t.release(got)
		pages++
		for _, tx := range got.GetAccount().GetTransactions() {
			if tx.GetDescription() != "" || tx.GetCounterparty() != nil || tx.GetBalanceAfter() != nil {
				return "", fmt.Errorf("it shows details: %v", tx)
			}
			if oldest = formatDate(tx.GetBookingDate()); oldest < earliest.String() {
				return "", fmt.Errorf("it shows %s, before %s", oldest, earliest)
			}
			count++
		}
		if r.PageToken = got.GetNextPageToken(); r.GetPageToken() == "" {
			break
		}
	}
	if count == 0 || pages < 2 {
		return "", fmt.Errorf("%d transactions on %d pages, want several pages", count, pages)
	}
	return fmt.Sprintf("%d transactions on %d pages, the oldest of %s; the look-back begins on %s", count, pages, oldest, earliest), nil
}

func (t *tour) tooDeep() error {
	y, m, d := (consent.DayOf(time.Now()) - 2*tourLookBack).Date()
	_, err := t.messenger.ListTransactions(t.ctx, &partnerv1.ListTransactionsRequest{
		Access: access(t.consent), AccountId: t.accounts[0],
		FromDate: &date.Date{Year: int32(y), Month: int32(m), Day: int32(d)},
	})
	return err
}

// keptBack asks for the loan by the bank's own name and for an account that
// nobody has: the two refusals must be the same, to the letter.
func (t *tour) keptBack() (string, error) {
	ask := func(account string) error {
		_, err := t.messenger.GetAccount(t.ctx, &partnerv1.GetAccountRequest{Access: access(t.consent), AccountId: account})
		return err
	}
	said, err := t.refused("ACCOUNT_NOT_COVERED", func() error { return ask(tourLoan) })()
	if err != nil {
		return "", err
	}
	absent, err := t.refused("ACCOUNT_NOT_COVERED", func() error { return ask("acc_there-is-none") })()
	if err != nil {
		return "", err
	}
	if said != absent {
		return "", fmt.Errorf("the two differ: %q and %q", said, absent)
	}
	return said + " (both alike)", nil
}

func (t *tour) otherPurpose() error {
	a := access(t.consent)
	a.Purpose = consentv1.Purpose_PURPOSE_LENDING_DECISION
	_, err := t.messenger.ListBalances(t.ctx, &partnerv1.ListBalancesRequest{Access: a})
	return err
}

func (t *tour) unattended() (string, error) {
	a := access(t.consent)
	a.Attendance = partnerv1.Attendance_ATTENDANCE_UNATTENDED
	r := &partnerv1.ListBalancesRequest{Access: a}
	for left := tourUnattended - 1; left >= 0; left-- {
		got, err := t.messenger.ListBalances(t.ctx, r)
		if err != nil {
			return "", err
		}
		t.release(got)
		if n := got.GetRelease().GetAccessBudget().GetRemaining(); int(n) != left {
			return "", fmt.Errorf("%d accesses are left, want %d", n, left)
		}
	}
	_, refusal := t.messenger.ListBalances(t.ctx, r)
	said, err := t.refused("ACCESS_LIMIT_REACHED", func() error { return refusal })()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s (until %s)", said, errorInfo(status.Convert(refusal)).GetMetadata()["reset"]), nil
}

func (t *tour) narrow() (string, error) {
	if _, err := t.customer.NarrowConsent(t.ctx, &customerv1.NarrowConsentRequest{
		CustomerId: tourCustomer, ConsentId: t.consent,
		Shares: []*consentv1.Share{{AccountId: tourCurrent, Clusters: asked()}},
	}); err != nil {
		return "", err
	}
	got, err := t.messenger.ListBalances(t.ctx, &partnerv1.ListBalancesRequest{Access: access(t.consent)})
	if err != nil {
		return "", err
	}
	t.release(got)
	if len(got.GetAccounts()) != 1 || got.GetAccounts()[0].GetAccountId() != t.accounts[0] {
		return "", fmt.Errorf("it shows %v", got.GetAccounts())
	}
	return fmt.Sprintf("%s only, under revision %d", t.accounts[0], got.GetRelease().GetGrantRevision()), nil
}

// change is a change of the customer's, and a pull right after it that must be
// refused.
func (t *tour) change(reason string, do func() error) func() (string, error) {
	return func() (string, error) {
		if err := do(); err != nil {
			return "", err
		}
		return t.refused(reason, t.balances)()
	}
}

func (t *tour) resume() (string, error) {
	if _, err := t.customer.ResumeConsent(t.ctx, &customerv1.ResumeConsentRequest{CustomerId: tourCustomer, ConsentId: t.consent}); err != nil {
		return "", err
	}
	return "permitted again", t.balances()
}

// disclosures compares what the customer is shown with what messenger was told.
func (t *tour) disclosures() (string, error) {
	var all []*customerv1.Disclosure
	r := &customerv1.ListDisclosuresRequest{CustomerId: tourCustomer, ConsentId: t.consent}
	for {
		got, err := t.customer.ListDisclosures(t.ctx, r)
		if err != nil {
			return "", err
		}
		all = append(all, got.GetDisclosures()...)
		if r.PageToken = got.GetNextPageToken(); r.GetPageToken() == "" {
			break
		}
	}
	var ids []string
	for _, d := range slices.Backward(all) {
		// On a machine that is slow now, one may have been withheld and made anew.
		if d.GetOutcome() != customerv1.DisclosureOutcome_DISCLOSURE_OUTCOME_WITHHELD {
			ids = append(ids, d.GetDisclosureId())
		}
	}
	if !slices.Equal(ids, t.released) {
		return "", errors.New("the record and what messenger was told differ")
	}
	var b strings.Builder
	if err := printDisclosures(&b, all); err != nil {
		return "", err
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", "\n      "), nil
}
