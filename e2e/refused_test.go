package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"sluice/authn"
	"sluice/authn/devca"
	"sluice/bank"
	"sluice/bank/banktest"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// reason is the ErrorInfo reason of a refusal.
func reason(err error) string { return info(err).GetReason() }

// info is a refusal's ErrorInfo; nil if it has none.
func info(err error) *errdetails.ErrorInfo {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == "sluice" {
			return info
		}
	}
	return nil
}

func violations(err error) []string {
	var out []string
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				out = append(out, v.GetField())
			}
		}
	}
	return out
}

func answering(h *house) {
	h.bank.Answer(bank.ListAccounts, &bankv1.ListAccountsResponse{Accounts: []*datav1.Account{
		{AccountId: "A1", Currency: "CZK"}, {AccountId: "A2", Currency: "CZK"}, {AccountId: "A3", Currency: "CZK"},
	}})
	h.bank.Answer(bank.ListHolders, banktest.HeldBy(customerID, "A1", "A2", "A3"))
	h.bank.Answer(bank.ListBalances, &bankv1.ListBalancesResponse{Accounts: []*datav1.AccountBalances{
		{AccountId: "A1", Balances: []*datav1.Balance{{Amount: czk(1)}}},
		{AccountId: "A2", Balances: []*datav1.Balance{{Amount: czk(2)}}},
	}})
	h.bank.Answer(bank.ListTransactions, &bankv1.ListTransactionsResponse{
		Accounts:      []*datav1.AccountTransactions{{AccountId: "A1", Transactions: []*datav1.Transaction{transaction("T1", 1)}}},
		NextPageToken: "bank page two",
	})
}

func TestHandshakeAndHealth(t *testing.T) {
	h := open(t)
	health := func(creds credentials.TransportCredentials) error {
		_, err := healthpb.NewHealthClient(h.connect(creds)).Check(h.ctx(), &healthpb.HealthCheckRequest{})
		return err
	}
	if _, err := healthpb.NewHealthClient(h.dial(authn.Partner, "messenger")).Check(h.ctx(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("health with a partner's certificate: %v", err)
	}
	stranger, err := devca.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := stranger.Issue(authn.Identity{Kind: authn.Partner, ID: "messenger"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]*tls.Config{
		"without a certificate":            {RootCAs: h.ca.Roots()},
		"with another authority's":         {RootCAs: h.ca.Roots(), Certificates: []tls.Certificate{cert}},
		"without trust in the gateway's":   {Certificates: []tls.Certificate{cert}},
		"with a version of TLS before 1.3": {RootCAs: h.ca.Roots(), MaxVersion: tls.VersionTLS12},
	} {
		if err := health(credentials.NewTLS(cfg)); status.Code(err) != codes.Unavailable {
			t.Errorf("health %s = %v, want the connection refused", name, err)
		}
	}
	if _, err := h.accounts("unregistered").ListAccounts(h.ctx(), &partnerv1.ListAccountsRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("call of an unregistered partner = %v, want the connection refused", err)
	}
}

func TestMethodsTakeOnlyTheirKindOfCaller(t *testing.T) {
	h := open(t)
	partner, bankConn, ops := h.dial(authn.Partner, "messenger"), h.dial(authn.Bank, bankID), h.dial(authn.Operator, "ops")
	calls := map[string]func(context.Context) error{
		"a bank pulls": func(ctx context.Context) error {
			_, err := partnerv1.NewAccountServiceClient(bankConn).ListAccounts(ctx, &partnerv1.ListAccountsRequest{Access: access("con_x")})
			return err
		},
		"a partner authorizes": func(ctx context.Context) error {
			_, err := customerv1.NewConsentServiceClient(partner).RevokeConsent(ctx, &customerv1.RevokeConsentRequest{CustomerId: "c", ConsentId: "con_x"})
			return err
		},
		"a partner operates": func(ctx context.Context) error {
			_, err := operatorv1.NewRegistryServiceClient(partner).ListBanks(ctx, &operatorv1.ListBanksRequest{})
			return err
		},
		"an operator pulls": func(ctx context.Context) error {
			_, err := partnerv1.NewAccountServiceClient(ops).ListAccounts(ctx, &partnerv1.ListAccountsRequest{Access: access("con_x")})
			return err
		},
	}
	for name, call := range calls {
		if err := call(h.ctx()); reason(err) != "CALLER_NOT_PERMITTED" {
			t.Errorf("%s: %v, want CALLER_NOT_PERMITTED", name, err)
		}
	}
}

func TestBadInputIsRefusedClearlyAndChangesNothing(t *testing.T) {
	h := open(t)
	answering(h)
	kinds := clusters(accountBasic, balances, transactionsBasic)
	id := h.agree(kinds, "A1", "A2")
	account := h.pairwise(id)[0]
	pull := h.accounts("messenger")
	first, err := pull.ListTransactions(h.ctx(), &partnerv1.ListTransactionsRequest{Access: access(id), AccountId: account})
	if err != nil {
		t.Fatal(err)
	}
	token := first.GetNextPageToken()
	other := h.agree(kinds, "A1")
	before := h.state(id, other)

	tests := []struct {
		name   string
		change func(*partnerv1.ListTransactionsRequest)
		code   codes.Code
		reason string
		field  string // the violation expected, if any
	}{
		{"empty request", func(r *partnerv1.ListTransactionsRequest) { proto.Reset(r) }, codes.InvalidArgument, "INVALID_REQUEST", "access"},
		{"no consent id", func(r *partnerv1.ListTransactionsRequest) { r.Access.ConsentId = "" }, codes.InvalidArgument, "INVALID_REQUEST", "access.consent_id"},
		{"long consent id", func(r *partnerv1.ListTransactionsRequest) { r.Access.ConsentId = strings.Repeat("x", 65) }, codes.InvalidArgument, "INVALID_REQUEST", "access.consent_id"},
		{"unknown consent", func(r *partnerv1.ListTransactionsRequest) { r.Access.ConsentId = "con_unknown" }, codes.NotFound, "CONSENT_NOT_FOUND", ""},
		{"no purpose", func(r *partnerv1.ListTransactionsRequest) { r.Access.Purpose = 0 }, codes.InvalidArgument, "INVALID_REQUEST", "access.purpose"},
		{"undefined purpose", func(r *partnerv1.ListTransactionsRequest) { r.Access.Purpose = 99 }, codes.InvalidArgument, "INVALID_REQUEST", "access.purpose"},
		{"another purpose", func(r *partnerv1.ListTransactionsRequest) {
			r.Access.Purpose = consentv1.Purpose_PURPOSE_LENDING_DECISION
		}, codes.PermissionDenied, "PURPOSE_NOT_PERMITTED", ""},
		{"attendance not stated", func(r *partnerv1.ListTransactionsRequest) { r.Access.Attendance = 0 }, codes.InvalidArgument, "INVALID_REQUEST", "access.attendance"},
		{"no account", func(r *partnerv1.ListTransactionsRequest) { r.AccountId = "" }, codes.InvalidArgument, "INVALID_REQUEST", "account_id"},
		{"unknown account", func(r *partnerv1.ListTransactionsRequest) { r.AccountId = "acc_unknown" }, codes.NotFound, "ACCOUNT_NOT_COVERED", ""},
		{"the bank's own account id", func(r *partnerv1.ListTransactionsRequest) { r.AccountId = "A1" }, codes.NotFound, "ACCOUNT_NOT_COVERED", ""},
		{"dates reversed", func(r *partnerv1.ListTransactionsRequest) { r.FromDate, r.ToDate = day(1), day(2) }, codes.InvalidArgument, "INVALID_REQUEST", "to_date"},
		{"no such date", func(r *partnerv1.ListTransactionsRequest) { r.FromDate = &date.Date{Year: 2026, Month: 2, Day: 30} }, codes.InvalidArgument, "INVALID_REQUEST", "from_date"},
		{"date without a day", func(r *partnerv1.ListTransactionsRequest) { r.ToDate = &date.Date{Year: 2026, Month: 2} }, codes.InvalidArgument, "INVALID_REQUEST", "to_date"},
		{"too far back", func(r *partnerv1.ListTransactionsRequest) { r.FromDate = day(90) }, codes.PermissionDenied, "LOOKBACK_EXCEEDED", ""},
		{"page too large", func(r *partnerv1.ListTransactionsRequest) { r.PageSize = 501 }, codes.InvalidArgument, "INVALID_REQUEST", "page_size"},
		{"page negative", func(r *partnerv1.ListTransactionsRequest) { r.PageSize = -1 }, codes.InvalidArgument, "INVALID_REQUEST", "page_size"},
		{"page token made up", func(r *partnerv1.ListTransactionsRequest) { r.PageToken = "AQIDBAUGBwgJCgsMDQ4P" }, codes.InvalidArgument, "PAGE_TOKEN_INVALID", ""},
		{"page token of another consent", func(r *partnerv1.ListTransactionsRequest) {
			r.Access.ConsentId, r.PageToken = other, token
		}, codes.InvalidArgument, "PAGE_TOKEN_INVALID", ""},
		{"page token of another filter", func(r *partnerv1.ListTransactionsRequest) {
			r.FromDate, r.PageToken = day(5), token
		}, codes.InvalidArgument, "PAGE_TOKEN_INVALID", ""},
		{"page token of another account", func(r *partnerv1.ListTransactionsRequest) {
			r.AccountId, r.PageToken = h.pairwise(id)[1], token
		}, codes.InvalidArgument, "PAGE_TOKEN_INVALID", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := &partnerv1.ListTransactionsRequest{Access: access(id), AccountId: account}
			tt.change(req)
			_, err := pull.ListTransactions(h.ctx(), req)
			if status.Code(err) != tt.code || reason(err) != tt.reason {
				t.Errorf("error = %v %s, want %v %s", status.Code(err), reason(err), tt.code, tt.reason)
			}
			if got := violations(err); tt.field != "" && (len(got) == 0 || got[0] != tt.field) {
				t.Errorf("violations = %v, want %s", got, tt.field)
			}
		})
	}
	if after := h.state(id, other); after != before {
		t.Errorf("bad input changed the store:\nbefore %s\nafter  %s", before, after)
	}
}

// state is everything that can be seen of consents, for comparing.
func (h *house) state(ids ...string) string {
	h.t.Helper()
	var b strings.Builder
	for _, id := range ids {
		c, err := h.customer().GetConsent(h.ctx(), &customerv1.GetConsentRequest{CustomerId: customerID, ConsentId: id})
		if err != nil {
			h.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s changes=%d disclosures=%d; ", c.GetConsent().GetStatus(), len(c.GetChanges()), len(h.disclosures(id)))
	}
	return b.String()
}

func TestAWithheldAccountLooksExactlyLikeAnAbsentOne(t *testing.T) {
	h := open(t)
	answering(h)
	kinds := clusters(accountBasic, balances)
	all := h.agree(kinds, "A1", "A2", "A3")
	withheld := h.pairwise(all)[2] // messenger knows A3 from one consent
	id := h.agree(kinds, "A1", "A2")
	pull := h.accounts("messenger")
	ask := func(account string) error {
		_, err := pull.GetAccount(h.ctx(), &partnerv1.GetAccountRequest{Access: access(id), AccountId: account})
		return err
	}
	a, b := status.Convert(ask(withheld)), status.Convert(ask("acc_zzzzzzzzzzzzzzzzzzzzzzzzzz"))
	if a.Code() != codes.NotFound || !proto.Equal(a.Proto(), b.Proto()) {
		t.Errorf("withheld = %v\nabsent   = %v, want the same NOT_FOUND", a.Proto(), b.Proto())
	}
}

func TestAnothersConsentLooksExactlyLikeNone(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(balances), "A1")
	ask := func(partner, id string) error {
		_, err := h.accounts(partner).ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)})
		return err
	}
	a, b := status.Convert(ask("wallet", id)), status.Convert(ask("wallet", "con_there-is-none"))
	if a.Code() != codes.NotFound || !proto.Equal(a.Proto(), b.Proto()) {
		t.Errorf("another's = %v\nnone      = %v, want the same NOT_FOUND", a.Proto(), b.Proto())
	}
	if err := ask("messenger", id); err != nil {
		t.Errorf("its own partner: %v", err)
	}
}

func TestPairwiseIDsDifferBetweenPartnersAndStayOverConsents(t *testing.T) {
	h := open(t)
	answering(h)
	one, two := h.pairwise(h.agree(clusters(balances), "A1")), h.pairwise(h.agree(clusters(accountBasic), "A1"))
	if one[0] != two[0] {
		t.Errorf("one partner knows an account as %s and %s", one[0], two[0])
	}
	if strings.Contains(one[0], "A1") {
		t.Errorf("the pairwise id %s has the bank's in it", one[0])
	}
}

func TestSuspendedPartyGetsNothingUntilReinstated(t *testing.T) {
	h := open(t)
	answering(h)
	id := h.agree(clusters(balances), "A1")
	pull := h.accounts("messenger")
	ops := operatorv1.NewRegistryServiceClient(h.dial(authn.Operator, "ops"))
	ask := func() error {
		_, err := pull.ListBalances(h.ctx(), &partnerv1.ListBalancesRequest{Access: access(id)})
		return err
	}
	partner := func(s operatorv1.Standing) {
		if _, err := ops.SetPartnerStanding(h.ctx(), &operatorv1.SetPartnerStandingRequest{PartnerId: "messenger", Standing: s}); err != nil {
			t.Fatal(err)
		}
	}
	holder := func(s operatorv1.Standing) {
		if _, err := ops.SetBankStanding(h.ctx(), &operatorv1.SetBankStandingRequest{BankId: bankID, Standing: s}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, ""},
		{func() { partner(operatorv1.Standing_STANDING_SUSPENDED) }, "PARTNER_SUSPENDED"},
		{func() { partner(operatorv1.Standing_STANDING_ACTIVE) }, ""},
		{func() { holder(operatorv1.Standing_STANDING_SUSPENDED) }, "BANK_SUSPENDED"},
		{func() { holder(operatorv1.Standing_STANDING_ACTIVE) }, ""},
	} {
		step.do()
		if got := reason(ask()); got != step.want {
			t.Errorf("pull = %q, want %q", got, step.want)
		}
	}
}
