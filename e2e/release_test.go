package e2e

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sluice/bank"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

func TestConsentIsEnforcedThroughItsWholeLife(t *testing.T) {
	h := open(t)
	answering(h)
	kinds := clusters(accountBasic, balances)
	id := h.request(kinds, nil)
	pull, customer := h.accounts("messenger"), h.customer()
	count := func() (int, string) {
		out, err := pull.ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)})
		return len(out.GetAccounts()), reason(err)
	}
	change := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name   string
		do     func()
		count  int
		reason string
	}{
		{"pending", func() {}, 0, "CONSENT_PENDING"},
		{"authorized", func() { h.authorize(id, kinds, "A1", "A2") }, 2, ""},
		{"narrowed", func() {
			_, err := customer.NarrowConsent(h.ctx(), &customerv1.NarrowConsentRequest{
				CustomerId: customerID, ConsentId: id, Shares: []*consentv1.Share{{AccountId: "A1", Clusters: kinds}},
			})
			change(err)
		}, 1, ""},
		{"paused", func() {
			_, err := customer.PauseConsent(h.ctx(), &customerv1.PauseConsentRequest{CustomerId: customerID, ConsentId: id})
			change(err)
		}, 0, "CONSENT_PAUSED"},
		{"resumed", func() {
			_, err := customer.ResumeConsent(h.ctx(), &customerv1.ResumeConsentRequest{CustomerId: customerID, ConsentId: id})
			change(err)
		}, 1, ""},
		{"revoked", func() {
			_, err := customer.RevokeConsent(h.ctx(), &customerv1.RevokeConsentRequest{CustomerId: customerID, ConsentId: id})
			change(err)
		}, 0, "CONSENT_REVOKED"},
		{"revoked again", func() {
			_, err := customer.RevokeConsent(h.ctx(), &customerv1.RevokeConsentRequest{CustomerId: customerID, ConsentId: id})
			change(err)
		}, 0, "CONSENT_REVOKED"},
	} {
		step.do()
		if n, why := count(); n != step.count || why != step.reason {
			t.Errorf("%s: %d accounts, %q, want %d, %q", step.name, n, why, step.count, step.reason)
		}
	}
}

func TestUnattendedAccessesAreCountedAndTheirPagesAreNot(t *testing.T) {
	h := open(t)
	answering(h)
	kinds := clusters(transactionsBasic)
	id := h.request(kinds, func(terms *consentv1.Terms) { terms.UnattendedPerDay = 2 })
	h.authorize(id, kinds, "A1")
	account, pull := h.pairwise(id)[0], h.accounts("messenger")
	ask := func(token string, attendance partnerv1.Attendance) (*partnerv1.ListTransactionsResponse, error) {
		a := access(id)
		a.Attendance = attendance
		return pull.ListTransactions(h.ctx(), &partnerv1.ListTransactionsRequest{Access: a, AccountId: account, PageToken: token})
	}
	const away, present = partnerv1.Attendance_ATTENDANCE_UNATTENDED, partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT
	for left := int32(1); left >= 0; left-- {
		first, err := ask("", away)
		if err != nil {
			t.Fatal(err)
		}
		if got := first.GetRelease().GetAccessBudget().GetRemaining(); got != left {
			t.Errorf("remaining = %d, want %d", got, left)
		}
		if _, err := ask(first.GetNextPageToken(), away); err != nil {
			t.Errorf("next page of a counted access: %v", err)
		}
	}
	_, err := ask("", away)
	if reason(err) != "ACCESS_LIMIT_REACHED" || status.Code(err) != codes.ResourceExhausted {
		t.Errorf("third access = %v, want ACCESS_LIMIT_REACHED", err)
	}
	if _, err := ask("", present); err != nil {
		t.Errorf("with the customer present: %v", err)
	}
	if n := len(h.disclosures(id)); n != 5 {
		t.Errorf("%d disclosures, want 5: two accesses of two pages and one with the customer", n)
	}
}

func TestUnattendedLimitHoldsAgainstParallelCalls(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(balances), "A1") // 4 a day
	pull := h.accounts("messenger")
	a := access(id)
	a.Attendance = partnerv1.Attendance_ATTENDANCE_UNATTENDED
	var answered atomic.Int32
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			if _, err := pull.ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: a}); err == nil {
				answered.Add(1)
			}
		})
	}
	wg.Wait()
	if answered.Load() != 4 {
		t.Errorf("%d unattended accesses were answered, want 4", answered.Load())
	}
}

func TestNoPullThatBeginsAfterRevokeReturnedIsAnswered(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(balances), "A1")
	pull, customer := h.accounts("messenger"), h.customer()
	var revoked atomic.Bool
	var answered, late atomic.Int32
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				after := revoked.Load()
				_, err := pull.ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)})
				if err == nil && after {
					late.Add(1)
				}
				if err == nil {
					answered.Add(1)
				}
			}
		})
	}
	for deadline := time.Now().Add(callTimeout); answered.Load() < 50 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if _, err := customer.RevokeConsent(h.ctx(), &customerv1.RevokeConsentRequest{CustomerId: customerID, ConsentId: id}); err != nil {
		t.Fatal(err)
	}
	revoked.Store(true)
	time.Sleep(200 * time.Millisecond) // long enough for many more pulls
	stop()
	wg.Wait()
	if answered.Load() < 50 || late.Load() != 0 {
		t.Errorf("%d pulls answered, %d of them begun after the revoke returned; want at least 50 and 0", answered.Load(), late.Load())
	}
}

func TestEveryAnswerIsOnRecordEvenWhenTheGatewayIsKilled(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(balances), "A1")
	pull := h.accounts("messenger")
	var mu sync.Mutex
	var received []string
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				out, err := pull.ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)})
				if err != nil {
					return
				}
				mu.Lock()
				received = append(received, out.GetRelease().GetDisclosureId())
				mu.Unlock()
			}
		})
	}
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(received) >= 40
	}
	for deadline := time.Now().Add(callTimeout); !enough() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	h.stop(syscall.SIGKILL)
	wg.Wait()
	h.start()

	var recorded []string
	for token := ""; ; {
		page, err := h.customer().ListDisclosures(h.ctx(), &customerv1.ListDisclosuresRequest{
			CustomerId: customerID, ConsentId: id, PageSize: 100, PageToken: token,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.GetDisclosures() {
			recorded = append(recorded, d.GetDisclosureId())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	for _, id := range received {
		if !slices.Contains(recorded, id) {
			t.Errorf("answer %s was received and is not on record", id)
		}
	}
	if len(received) < 40 {
		t.Errorf("only %d answers before the kill", len(received))
	}
	if _, err := h.accounts("messenger").ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)}); err != nil {
		t.Errorf("the restarted gateway does not know the consent: %v", err)
	}
}

func TestAnUnusableBankReleasesAndRecordsNothing(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(balances), "A1")
	pull := h.accounts("messenger")
	for _, tt := range []struct {
		name   string
		set    func()
		reason string
	}{
		{"refuses", func() { h.bank.Fail(status.Error(codes.PermissionDenied, canary)) }, "BANK_UNAVAILABLE"},
		{"answers garbage", func() { h.bank.Fail(nil); h.bank.AnswerBytes(bank.ListBalances, []byte(canary+"\xff")) }, "BANK_ANSWER_INVALID"},
		{"answers nothing", func() { h.bank.AnswerBytes(bank.ListBalances, nil) }, "BANK_UNAVAILABLE"},
		{"answers too much to take", func() { h.bank.AnswerBytes(bank.ListBalances, make([]byte, 5<<20)) }, "BANK_UNAVAILABLE"},
		{"says it has no such account", func() {
			h.bank.Answer(bank.ListBalances, &bankv1.ListBalancesResponse{Failures: []*bankv1.AccountFailure{
				{AccountId: "A1", Code: bankv1.AccountFailureCode_ACCOUNT_FAILURE_CODE_NOT_FOUND},
			}})
		}, "ACCOUNT_NOT_COVERED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.set()
			_, err := pull.ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)})
			if reason(err) != tt.reason {
				t.Errorf("pull = %v, want %s", err, tt.reason)
			}
		})
	}
	if n := len(h.disclosures(id)); n != 0 {
		t.Errorf("%d disclosures on record, want none", n)
	}
}

func TestOneAccountsFailureDoesNotHideTheOthers(t *testing.T) {
	h := open(t)
	answering(h)
	h.bank.Answer(bank.ListBalances, &bankv1.ListBalancesResponse{
		Accounts: []*datav1.AccountBalances{{AccountId: "A1", Balances: []*datav1.Balance{{Amount: czk(1)}}}},
		Failures: []*bankv1.AccountFailure{{AccountId: "A2", Code: bankv1.AccountFailureCode_ACCOUNT_FAILURE_CODE_UNAVAILABLE}},
	})
	id := h.agree(clusters(balances), "A1", "A2", "A3")
	names := h.pairwise(id)
	out, err := h.accounts("messenger").ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{
		Access: access(id), AccountIds: append(names, "acc_unknown"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.GetAccounts()) != 1 || out.GetAccounts()[0].GetAccountId() != names[0] {
		t.Errorf("accounts = %v, want only the first", out.GetAccounts())
	}
	got := map[string]string{}
	for _, f := range out.GetFailures() {
		got[f.GetAccountId()] = f.GetReason().String()
	}
	for account, want := range map[string]string{
		names[1]: "REASON_BANK_UNAVAILABLE", names[2]: "REASON_BANK_UNAVAILABLE", "acc_unknown": "REASON_ACCOUNT_NOT_COVERED",
	} {
		if got[account] != want {
			t.Errorf("failure of %s = %q, want %s", account, got[account], want)
		}
	}
}

func TestDisclosuresAreExactlyWhatThePartnerReceived(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(accountBasic, balances, transactionsBasic), "A1", "A2")
	pull, names := h.accounts("messenger"), h.pairwise(id)
	b, err := pull.ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)})
	if err != nil {
		t.Fatal(err)
	}
	tx, err := pull.ListTransactions(h.ctx(), &partnerv1.ListTransactionsRequest{Access: access(id), AccountId: names[0]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pull.ListCards(h.ctx(), &partnerv1.ListCardsRequest{Access: access(id)}); reason(err) != "CLUSTER_NOT_COVERED" {
		t.Errorf("cards = %v, want CLUSTER_NOT_COVERED", err)
	}
	got := h.disclosures(id)
	if len(got) != 2 {
		t.Fatalf("%d disclosures, want the 2 releases", len(got))
	}
	if got[0].GetDisclosureId() != tx.GetRelease().GetDisclosureId() || got[1].GetDisclosureId() != b.GetRelease().GetDisclosureId() {
		t.Error("disclosures are not the releases, newest first")
	}
	newest := got[0]
	if !slices.Equal(newest.GetAccountIds(), []string{"A1"}) || !slices.Equal(newest.GetClusters(), clusters(transactionsBasic)) ||
		newest.GetItems() != 1 || newest.GetMethod() != "sluice.partner.v1.AccountService/ListTransactions" ||
		newest.GetGrantRevision() != tx.GetRelease().GetGrantRevision() {
		t.Errorf("disclosure = %v, want what was released", newest)
	}
}
