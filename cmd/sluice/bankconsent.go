package main

import (
	"context"
	"os"

	"google.golang.org/grpc"

	"sluice/authn"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
)

type bankConsentsCmd struct {
	List      bankConsentsListCmd      `cmd:"" help:"List the consents about the bank's data."`
	Show      bankConsentsShowCmd      `cmd:"" help:"Show one consent and how it came about."`
	Suspend   bankConsentsSuspendCmd   `cmd:"" help:"Hold a consent, e.g. on suspicion of fraud."`
	Unsuspend bankConsentsUnsuspendCmd `cmd:"" help:"Lift the bank's own hold."`
	Revoke    bankConsentsRevokeCmd    `cmd:"" help:"End a consent for good."`
	Withdraw  bankConsentsWithdrawCmd  `cmd:"" help:"Take an account out of all of a customer's consents, e.g. when it is closed."`
	Events    bankConsentsEventsCmd    `cmd:"" help:"Read every change of the consents about the bank's data."`
}

// asBank is what each of a bank's own commands needs.
type asBank struct {
	connection
	Bank string `help:"The bank." required:"" placeholder:"BANK"`
}

func bankCall[Q, R any](ctx context.Context, c *asBank,
	method func(bankv1.ConsentServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return call(ctx, &c.connection, authn.Bank, c.Bank, bankv1.NewConsentServiceClient, method, request)
}

type bankConsentsListCmd struct {
	asBank
	Customer string `help:"Only this customer's." placeholder:"ID"`
	Live     bool   `help:"Only those that have not ended."`
	JSON     bool   `help:"Print JSON."`
}

func (c *bankConsentsListCmd) Help() string {
	return `Examples:
  sluice bank consents list --bank morava --live
  sluice bank consents list --bank morava --customer 9593`
}

// Run lists all of them.
func (c *bankConsentsListCmd) Run(ctx context.Context) error {
	all, err := allPages(func(token string) (*bankv1.ListConsentsResponse, error) {
		return bankCall(ctx, &c.asBank, bankv1.ConsentServiceClient.ListConsents,
			&bankv1.ListConsentsRequest{CustomerId: c.Customer, LiveOnly: c.Live, PageToken: token})
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, &bankv1.ListConsentsResponse{Consents: all})
	}
	return printConsents(os.Stdout, all)
}

// oneOfBank is a bank's command about one consent.
type oneOfBank struct {
	asBank
	Consent string `arg:"" help:"The consent's id."`
	JSON    bool   `help:"Print JSON."`
}

func (c *oneOfBank) changed(answer interface{ GetConsent() *consentv1.Consent }, err error) error {
	return (&forCustomer{JSON: c.JSON}).changed(answer, err)
}

type bankConsentsShowCmd struct{ oneOfBank }

func (c *bankConsentsShowCmd) Help() string {
	return "Example:\n  sluice bank consents show con_… --bank morava"
}

// Run shows the consent and its changes.
func (c *bankConsentsShowCmd) Run(ctx context.Context) error {
	answer, err := bankCall(ctx, &c.asBank, bankv1.ConsentServiceClient.GetConsent, &bankv1.GetConsentRequest{ConsentId: c.Consent})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	return printHistory(os.Stdout, answer.GetConsent(), answer.GetChanges())
}

type bankConsentsSuspendCmd struct{ oneOfBank }

func (c *bankConsentsSuspendCmd) Help() string {
	return "Nothing is released under it until the bank lifts its hold.\n\nExample:\n  sluice bank consents suspend con_… --bank morava"
}

// Run holds the consent.
func (c *bankConsentsSuspendCmd) Run(ctx context.Context) error {
	return c.changed(bankCall(ctx, &c.asBank, bankv1.ConsentServiceClient.SuspendConsent, &bankv1.SuspendConsentRequest{ConsentId: c.Consent}))
}

type bankConsentsUnsuspendCmd struct{ oneOfBank }

func (c *bankConsentsUnsuspendCmd) Help() string {
	return "The holds of the customer and of the operator stay.\n\nExample:\n  sluice bank consents unsuspend con_… --bank morava"
}

// Run lifts the hold.
func (c *bankConsentsUnsuspendCmd) Run(ctx context.Context) error {
	return c.changed(bankCall(ctx, &c.asBank, bankv1.ConsentServiceClient.UnsuspendConsent, &bankv1.UnsuspendConsentRequest{ConsentId: c.Consent}))
}

type bankConsentsRevokeCmd struct{ oneOfBank }

func (c *bankConsentsRevokeCmd) Help() string {
	return "When this returns, nothing more leaves under the consent.\n\nExample:\n  sluice bank consents revoke con_… --bank morava"
}

// Run ends the consent.
func (c *bankConsentsRevokeCmd) Run(ctx context.Context) error {
	return c.changed(bankCall(ctx, &c.asBank, bankv1.ConsentServiceClient.RevokeConsent, &bankv1.RevokeConsentRequest{ConsentId: c.Consent}))
}

type bankConsentsWithdrawCmd struct {
	asBank
	Customer string `help:"The customer who shares it." required:"" placeholder:"ID"`
	Account  string `help:"The account." required:"" placeholder:"ACCOUNT"`
	JSON     bool   `help:"Print JSON."`
}

func (c *bankConsentsWithdrawCmd) Help() string {
	return `A consent that shared nothing else ends. For a joint account, ask once for each holder.

Example:
  sluice bank consents withdraw --bank morava --customer 9593 --account A7753`
}

// Run takes the account out, and lists the consents that lost it.
func (c *bankConsentsWithdrawCmd) Run(ctx context.Context) error {
	answer, err := bankCall(ctx, &c.asBank, bankv1.ConsentServiceClient.WithdrawAccount,
		&bankv1.WithdrawAccountRequest{CustomerId: c.Customer, AccountId: c.Account})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	return printConsents(os.Stdout, answer.GetConsents())
}

type bankConsentsEventsCmd struct {
	asBank
	reading
}

func (c *bankConsentsEventsCmd) Help() string {
	return `Every change of each consent comes once and in its order. Keep the cursor, and go on
from it later; the one that was printed last is good for ever.

Examples:
  sluice bank consents events --bank morava
  sluice bank consents events --bank morava --cursor …`
}

// Run reads one answer.
func (c *bankConsentsEventsCmd) Run(ctx context.Context) error {
	answer, err := bankCall(ctx, &c.asBank, bankv1.ConsentServiceClient.ListConsentEvents,
		&bankv1.ListConsentEventsRequest{PageSize: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	return printEvents(os.Stdout, answer.GetEvents(), answer.GetCursor())
}
