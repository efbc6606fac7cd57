package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"

	"sluice/authn"
	customerv1 "sluice/gen/sluice/customer/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/reference/samplebank"
)

// The people and accounts of the tour, in the sample data.
const (
	tourPartner  = "messenger"
	tourBank     = "morava"
	tourCustomer = "9593"
	tourCurrent  = "A7753" // shares balances and transactions
	tourCard     = "C1005" // shares balances and transactions too
	tourLoan     = "L6577" // is kept back

	tourCurrentEnds, tourCardEnds = "****7753", "****0050" // their numbers, as they are shown
)

// tourTarget is the gateway to walk through; it must have the sample banks and
// the partners messenger and wallet.
type tourTarget struct {
	gateway, data string
	// Pages: the messenger's, the customer's, the bank's agents'.
	chat, pages, desk string
	teller            *sampleFeed                // of the bank that publishes
	answers           <-chan samplebank.Answered // to alerts, as the banks have them
}

// tour is one walk. Each step makes real calls and fails unless they come out
// as the story has it.
type tour struct {
	*storyteller
	messenger partnerv1.AccountServiceClient
	wallet    partnerv1.AccountServiceClient
	asks      partnerv1.ConsentServiceClient
	customer  customerv1.ConsentServiceClient
	operator  operatorv1.RegistryServiceClient
	target    tourTarget
	chat      *chatting
	telling   *telling

	consent  string
	accounts []string // as messenger knows them: the current account, the card
	released []string // the disclosures that messenger was told of, oldest first
}

// runTour walks through the story and fails at the first step that differs.
func runTour(ctx context.Context, target tourTarget, out io.Writer) (err error) {
	t := &tour{storyteller: &storyteller{ctx: ctx, out: out}, target: target}
	connections := &connection{Data: target.data, Gateway: target.gateway}
	dial := func(kind authn.Kind, id string) *grpc.ClientConn {
		conn, dialed := connections.dial(kind, id)
		if err = errors.Join(err, dialed); dialed != nil {
			return nil
		}
		return conn
	}
	messenger, wallet := dial(authn.Partner, "messenger"), dial(authn.Partner, "wallet")
	bank, operator := dial(authn.Bank, tourBank), dial(authn.Operator, "ops")
	for _, conn := range []*grpc.ClientConn{messenger, wallet, bank, operator} {
		if conn != nil {
			defer func() { err = errors.Join(err, conn.Close()) }()
		}
	}
	if err != nil {
		return err
	}
	t.messenger, t.asks = partnerv1.NewAccountServiceClient(messenger), partnerv1.NewConsentServiceClient(messenger)
	t.wallet = partnerv1.NewAccountServiceClient(wallet)
	t.customer, t.operator = customerv1.NewConsentServiceClient(bank), operatorv1.NewRegistryServiceClient(operator)
	roots, err := connections.roots()
	if err != nil {
		return err
	}
	if t.chat, err = newChatting(roots); err != nil {
		return err
	}
	t.telling = newTelling(target, messenger)
	for _, chapter := range []func(){
		t.withoutConsent, t.agreement, t.pulls, t.limits, t.changes, t.record, t.feeds,
		t.connecting, t.asking, t.talking, t.alerting, t.takingBack,
	} {
		chapter()
	}
	return t.end()
}

func (t *tour) withoutConsent() {
	t.chapter("Four banks, a partner, and no consent")
	t.step("The operator sees the banks and partners", t.parties)
	t.step("Messenger pulls balances without a consent", t.refused("CONSENT_NOT_FOUND", func() error {
		_, err := t.messenger.ListBalances(t.ctx, &partnerv1.ListBalancesRequest{Access: access("con_there-is-none")})
		return err
	}))
}

func (t *tour) agreement() {
	t.chapter("A customer decides")
	t.step("Messenger asks for balances and 90 days of transactions", t.request)
	t.step("Messenger pulls before anybody agreed", t.refused("CONSENT_PENDING", t.balances))
	t.step("The customer gives two of three accounts", t.authorize)
}

func (t *tour) pulls() {
	t.chapter("Messenger pulls what was given, and no more")
	t.step("First permitted pull: accounts, numbers masked", t.pullAccounts)
	t.step("Balances of two accounts", t.pullBalances)
	t.step("90 days of transactions, page by page, without descriptions", t.pullTransactions)
}

func (t *tour) limits() {
	t.chapter("Beyond the consent")
	t.step("A look-back too deep", t.refused("LOOKBACK_EXCEEDED", t.tooDeep))
	t.step("An account that was kept back, and one that does not exist", t.keptBack)
	t.step("Another partner, with its own certificate", t.refused("CONSENT_NOT_FOUND", func() error {
		_, err := t.wallet.ListBalances(t.ctx, &partnerv1.ListBalancesRequest{Access: access(t.consent)})
		return err
	}))
	t.step("A purpose that was not agreed", t.refused("PURPOSE_NOT_PERMITTED", t.otherPurpose))
	t.step("Cards, which were not given", t.refused("CLUSTER_NOT_COVERED", func() error {
		_, err := t.messenger.ListCards(t.ctx, &partnerv1.ListCardsRequest{Access: access(t.consent)})
		return err
	}))
	t.step("Without the customer: two a day, then no more", t.unattended)
}

func (t *tour) changes() {
	t.chapter("The customer changes his mind")
	t.step("Narrowed to one account: the next pull shows one", t.narrow)
	t.step("Paused: the next pull is refused", t.change("CONSENT_PAUSED", func() error {
		_, err := t.customer.PauseConsent(t.ctx, &customerv1.PauseConsentRequest{CustomerId: tourCustomer, ConsentId: t.consent})
		return err
	}))
	t.step("Resumed: the next pull is permitted", t.resume)
	t.step("Revoked: the next pull is refused", t.change("CONSENT_REVOKED", func() error {
		_, err := t.customer.RevokeConsent(t.ctx, &customerv1.RevokeConsentRequest{CustomerId: tourCustomer, ConsentId: t.consent})
		return err
	}))
}

func (t *tour) record() {
	t.chapter("What the customer sees")
	t.step("Every release is on record, and nothing else", t.disclosures)
}

// parties checks that the four banks and two partners are there and active.
func (t *tour) parties() (string, error) {
	banks, err := t.operator.ListBanks(t.ctx, &operatorv1.ListBanksRequest{})
	if err != nil {
		return "", err
	}
	partners, err := t.operator.ListPartners(t.ctx, &operatorv1.ListPartnersRequest{})
	if err != nil {
		return "", err
	}
	var names []string
	for _, p := range append(banks.GetBanks(), partners.GetPartners()...) {
		if p.GetStanding() != operatorv1.Standing_STANDING_ACTIVE {
			return "", fmt.Errorf("%s is %s", p.GetPartyId(), shortName(p.GetStanding()))
		}
		names = append(names, p.GetDisplayName())
	}
	if len(banks.GetBanks()) < 4 || len(partners.GetPartners()) < 2 {
		return "", fmt.Errorf("there are %d banks and %d partners", len(banks.GetBanks()), len(partners.GetPartners()))
	}
	return strings.Join(names, ", "), nil
}
