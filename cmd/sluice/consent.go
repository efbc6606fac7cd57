package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

type consentCmd struct {
	Request     consentRequestCmd     `cmd:"" help:"Ask a customer of a bank for consent, as a partner."`
	Authorize   consentAuthorizeCmd   `cmd:"" help:"Give consent, as the customer."`
	Reject      consentRejectCmd      `cmd:"" help:"Refuse consent, as the customer."`
	List        consentListCmd        `cmd:"" help:"List a customer's consents, or a partner's."`
	Show        consentShowCmd        `cmd:"" help:"Show one consent and how it came about."`
	Narrow      consentNarrowCmd      `cmd:"" help:"Share less than before."`
	Pause       consentPauseCmd       `cmd:"" help:"Share nothing for now."`
	Resume      consentResumeCmd      `cmd:"" help:"Share again after a pause."`
	Renew       consentRenewCmd       `cmd:"" help:"Move the end."`
	AskRenewal  consentAskRenewalCmd  `cmd:"" help:"Ask the customer for a later end, as the partner."`
	Withdraw    consentWithdrawCmd    `cmd:"" help:"Take one account out, as any of its holders."`
	Revoke      consentRevokeCmd      `cmd:"" help:"End it for good."`
	RevokeAll   consentRevokeAllCmd   `cmd:"" help:"End all of the customer's consents at his bank."`
	Suspend     consentSuspendCmd     `cmd:"" help:"Hold it, as an operator."`
	Unsuspend   consentUnsuspendCmd   `cmd:"" help:"Lift the operator's hold."`
	Events      consentEventsCmd      `cmd:"" help:"Read every change of a partner's consents."`
	Usage       consentUsageCmd       `cmd:"" help:"Count by day what was released and refused under a consent."`
	Disclosures consentDisclosuresCmd `cmd:"" help:"List what was released under a consent."`
}

// forCustomer is what each of the customer's commands needs: his bank speaks
// for him.
type forCustomer struct {
	connection
	Bank     string `help:"The customer's bank, which speaks for him." required:"" placeholder:"BANK"`
	Customer string `help:"The customer, as the bank names him." required:"" placeholder:"ID"`
	JSON     bool   `help:"Print JSON."`
}

// oneConsent is a command about one consent.
type oneConsent struct {
	forCustomer
	Consent  string `arg:"" help:"The consent's id."`
	Revision int64  `help:"Change it only if this is its revision; any if 0." default:"0"`
}

const exampleOfCustomer = `
Example:
  sluice consent %s con_… --bank morava --customer 9593%s`

// customerCall makes one call of the customer's service as his bank.
func customerCall[Q, R any](ctx context.Context, c *forCustomer,
	method func(customerv1.ConsentServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return call(ctx, &c.connection, authn.Bank, c.Bank, customerv1.NewConsentServiceClient, method, request)
}

// changed prints the consent that a change answered with.
func (c *forCustomer) changed(answer interface{ GetConsent() *consentv1.Consent }, err error) error {
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer.GetConsent())
	}
	return printConsent(os.Stdout, answer.GetConsent())
}

type consentRequestCmd struct {
	connection
	As         string      `help:"The partner that asks." default:"messenger"`
	Bank       string      `help:"The bank whose customer is asked." required:"" placeholder:"BANK"`
	Clusters   clusterList `help:"Kinds of data, parted by commas." required:"" placeholder:"BALANCES,…"`
	Purpose    purpose     `help:"Why." required:"" placeholder:"ACCOUNT_OVERVIEW"`
	Text       string      `help:"Why, in the partner's words." required:""`
	LookBack   int32       `help:"How many days of the past, today included." default:"0" placeholder:"DAYS"`
	Days       int         `help:"For how many days from now." default:"90"`
	Unattended int32       `help:"Accesses a day without the customer." default:"0" placeholder:"N"`
	OneTime    bool        `help:"For one sitting only."`
	Retention  int32       `help:"For how many days the partner keeps the data." default:"0" placeholder:"DAYS"`
	JSON       bool        `help:"Print JSON."`
}

func (c *consentRequestCmd) Help() string {
	return `The customer sees the request at his bank and gives all of it, less, or nothing.

Example:
  sluice consent request --bank morava --purpose ACCOUNT_OVERVIEW --text "Your accounts in the chat" \
    --clusters ACCOUNT_BASIC,BALANCES,TRANSACTIONS_BASIC --look-back 90 --unattended 4`
}

// Run asks, and prints the consent's id.
func (c *consentRequestCmd) Run(ctx context.Context) error {
	answer, err := call(ctx, &c.connection, authn.Partner, c.As, partnerv1.NewConsentServiceClient,
		partnerv1.ConsentServiceClient.RequestConsent, &partnerv1.RequestConsentRequest{BankId: c.Bank, Terms: &consentv1.Terms{
			Clusters: c.Clusters, Purpose: consentv1.Purpose(c.Purpose), PurposeText: c.Text, LookBackDays: c.LookBack,
			ValidUntil: timestamppb.New(time.Now().AddDate(0, 0, c.Days)), UnattendedPerDay: c.Unattended,
			OneTime: c.OneTime, RetentionDays: c.Retention,
		}})
	return (&forCustomer{JSON: c.JSON}).changed(answer, err)
}

// lessOrAll is how much of what was asked a customer gives.
type lessOrAll struct {
	Share    shareList `help:"What an account shares; once for each account." placeholder:"ACCOUNT=CLUSTER,…"`
	LookBack *int32    `help:"Days of the past, today included; as before if not given." placeholder:"DAYS"`
	Days     *int      `help:"For how many days from now; as before if not given." placeholder:"N"`
}

func (l *lessOrAll) end() *timestamppb.Timestamp {
	if l.Days == nil {
		return nil
	}
	return timestamppb.New(time.Now().AddDate(0, 0, *l.Days))
}

type consentAuthorizeCmd struct {
	oneConsent
	lessOrAll
	CoHolder []string `help:"A co-holder who must agree too; the bank's are named even if none is given." placeholder:"ID"`
	Hidden   bool     `help:"Neither ask nor tell the co-holders, for the customer's safety."`
}

func (c *consentAuthorizeCmd) Help() string {
	return fmt.Sprintf(exampleOfCustomer, "authorize", ` \
    --share A7753=ACCOUNT_BASIC,BALANCES,TRANSACTIONS_BASIC --share C1005=BALANCES --look-back 90`)
}

// Run gives consent.
func (c *consentAuthorizeCmd) Run(ctx context.Context) error {
	return c.changed(customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.AuthorizeConsent, &customerv1.AuthorizeConsentRequest{
		CustomerId: c.Customer, ConsentId: c.Consent, Revision: c.Revision, Shares: c.Share,
		LookBackDays: c.LookBack, ValidUntil: c.end(), CoHolderCustomerIds: c.CoHolder,
		HiddenFromCoHolders: c.Hidden,
	}))
}

type consentRejectCmd struct{ oneConsent }

func (c *consentRejectCmd) Help() string { return fmt.Sprintf(exampleOfCustomer, "reject", "") }

// Run refuses the request.
func (c *consentRejectCmd) Run(ctx context.Context) error {
	return c.changed(customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.RejectConsent,
		&customerv1.RejectConsentRequest{CustomerId: c.Customer, ConsentId: c.Consent, Revision: c.Revision}))
}

type consentNarrowCmd struct {
	oneConsent
	lessOrAll
}

func (c *consentNarrowCmd) Help() string {
	return "The shares given here are all that is left; without any, the shares stay.\n" +
		fmt.Sprintf(exampleOfCustomer, "narrow", " --share A7753=BALANCES --look-back 30")
}

// Run narrows the consent.
func (c *consentNarrowCmd) Run(ctx context.Context) error {
	return c.changed(customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.NarrowConsent, &customerv1.NarrowConsentRequest{
		CustomerId: c.Customer, ConsentId: c.Consent, Revision: c.Revision, Shares: c.Share,
		LookBackDays: c.LookBack, ValidUntil: c.end(),
	}))
}

type consentPauseCmd struct{ oneConsent }

func (c *consentPauseCmd) Help() string { return fmt.Sprintf(exampleOfCustomer, "pause", "") }

// Run pauses the consent.
func (c *consentPauseCmd) Run(ctx context.Context) error {
	return c.changed(customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.PauseConsent,
		&customerv1.PauseConsentRequest{CustomerId: c.Customer, ConsentId: c.Consent, Revision: c.Revision}))
}

type consentResumeCmd struct{ oneConsent }

func (c *consentResumeCmd) Help() string { return fmt.Sprintf(exampleOfCustomer, "resume", "") }

// Run resumes the consent.
func (c *consentResumeCmd) Run(ctx context.Context) error {
	return c.changed(customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.ResumeConsent,
		&customerv1.ResumeConsentRequest{CustomerId: c.Customer, ConsentId: c.Consent, Revision: c.Revision}))
}

type consentRenewCmd struct {
	oneConsent
	Days int `help:"For how many days from now." required:"" placeholder:"N"`
}

func (c *consentRenewCmd) Help() string {
	return fmt.Sprintf(exampleOfCustomer, "renew", " --days 180")
}

// Run moves the end.
func (c *consentRenewCmd) Run(ctx context.Context) error {
	return c.changed(customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.RenewConsent, &customerv1.RenewConsentRequest{
		CustomerId: c.Customer, ConsentId: c.Consent, Revision: c.Revision, ValidUntil: timestamppb.New(time.Now().AddDate(0, 0, c.Days)),
	}))
}

type consentAskRenewalCmd struct {
	connection
	Consent string `arg:"" help:"The consent's id."`
	As      string `help:"The partner that asks." default:"messenger"`
	Days    int    `help:"For how many days from now; at most a year is asked for." required:"" placeholder:"N"`
	JSON    bool   `help:"Print JSON."`
}

func (c *consentAskRenewalCmd) Help() string {
	return `The end stays as it is until the customer renews.

Example:
  sluice consent ask-renewal con_… --as messenger --days 180`
}

// Run asks.
func (c *consentAskRenewalCmd) Run(ctx context.Context) error {
	answer, err := call(ctx, &c.connection, authn.Partner, c.As, partnerv1.NewConsentServiceClient,
		partnerv1.ConsentServiceClient.RenewConsent, &partnerv1.RenewConsentRequest{
			ConsentId: c.Consent, ValidUntil: timestamppb.New(time.Now().AddDate(0, 0, c.Days)),
		})
	return (&forCustomer{JSON: c.JSON}).changed(answer, err)
}

type consentWithdrawCmd struct {
	oneConsent
	Account string `help:"The account." required:"" placeholder:"ACCOUNT"`
}

func (c *consentWithdrawCmd) Help() string {
	return fmt.Sprintf(exampleOfCustomer, "withdraw", " --account C1005")
}

// Run takes one account out.
func (c *consentWithdrawCmd) Run(ctx context.Context) error {
	return c.changed(customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.WithdrawAccount, &customerv1.WithdrawAccountRequest{
		CustomerId: c.Customer, ConsentId: c.Consent, Revision: c.Revision, AccountId: c.Account,
	}))
}

type consentRevokeCmd struct {
	connection
	Consent  string `arg:"" help:"The consent's id."`
	Bank     string `help:"The customer's bank, which speaks for him." placeholder:"BANK"`
	Customer string `help:"The customer, as the bank names him." placeholder:"ID"`
	As       string `help:"Revoke as this partner instead." placeholder:"PARTNER"`
	JSON     bool   `help:"Print JSON."`
}

func (c *consentRevokeCmd) Help() string {
	return "When this returns, nothing more leaves under the consent.\n" +
		fmt.Sprintf(exampleOfCustomer, "revoke", "") + "\n  sluice consent revoke con_… --as messenger"
}

// Validate wants to know who revokes.
func (c *consentRevokeCmd) Validate() error {
	if byCustomer := c.Bank != "" && c.Customer != ""; byCustomer == (c.As != "") {
		return errors.New("say who revokes: --bank and --customer, or --as")
	}
	return nil
}

// Run ends the consent.
func (c *consentRevokeCmd) Run(ctx context.Context) error {
	printer := &forCustomer{connection: c.connection, Bank: c.Bank, JSON: c.JSON}
	if c.As != "" {
		return printer.changed(call(ctx, &c.connection, authn.Partner, c.As, partnerv1.NewConsentServiceClient,
			partnerv1.ConsentServiceClient.RevokeConsent, &partnerv1.RevokeConsentRequest{ConsentId: c.Consent}))
	}
	return printer.changed(customerCall(ctx, printer, customerv1.ConsentServiceClient.RevokeConsent,
		&customerv1.RevokeConsentRequest{CustomerId: c.Customer, ConsentId: c.Consent}))
}

type consentRevokeAllCmd struct{ forCustomer }

func (c *consentRevokeAllCmd) Help() string {
	return `When this returns, nothing more leaves under any of them. Consents of others that
the customer only agreed to as a co-holder stay.

Example:
  sluice consent revoke-all --bank morava --customer 9593`
}

// Run ends them.
func (c *consentRevokeAllCmd) Run(ctx context.Context) error {
	answer, err := customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.RevokeAllConsents,
		&customerv1.RevokeAllConsentsRequest{CustomerId: c.Customer})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	return printConsents(os.Stdout, answer.GetConsents())
}
