package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

type pullCmd struct {
	Accounts     pullAccountsCmd     `cmd:"" help:"Pull the accounts."`
	Account      pullAccountCmd      `cmd:"" help:"Pull one account."`
	Balances     pullBalancesCmd     `cmd:"" help:"Pull balances."`
	Transactions pullTransactionsCmd `cmd:"" help:"Pull transactions of one account."`
	Cards        pullCardsCmd        `cmd:"" help:"Pull payment cards."`
}

// calling is what every call under a consent states, but its purpose.
type calling struct {
	connection
	As         string `help:"The partner that calls." default:"messenger"`
	Consent    string `help:"The consent to call under." required:"" placeholder:"ID"`
	Unattended bool   `help:"The customer is not present."`
	Token      string `help:"File with the access token to show." type:"existingfile" placeholder:"FILE"`
	DPoPKey    string `help:"File with the private key that the token is bound to, PEM or JWK; makes a proof for each call." name:"dpop-key" type:"existingfile" placeholder:"FILE"`
	JSON       bool   `help:"Print JSON."`
}

// underConsent is what every pull states.
type underConsent struct {
	calling
	Purpose purpose `help:"Why; it must be the consent's." default:"ACCOUNT_OVERVIEW"`
}

const exampleOfPull = `Example:
  sluice pull %s --consent con_…%s`

func (c *underConsent) access() *partnerv1.Access { return c.accessFor(c.Purpose) }

func (c *calling) accessFor(p purpose) *partnerv1.Access {
	present := partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT
	if c.Unattended {
		present = partnerv1.Attendance_ATTENDANCE_UNATTENDED
	}
	return &partnerv1.Access{ConsentId: c.Consent, Purpose: consentv1.Purpose(p), Attendance: present}
}

func pull[Q, R any](ctx context.Context, c *underConsent,
	method func(partnerv1.AccountServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return callUnder(ctx, &c.calling, partnerv1.NewAccountServiceClient, method, request)
}

// callUnder calls with the token that is to be shown, if one is.
func callUnder[S, Q, R any](ctx context.Context, c *calling, service func(grpc.ClientConnInterface) S,
	method func(S, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	shows, err := readShownToken(c.Token, c.DPoPKey)
	if err != nil {
		var none R
		return none, err
	}
	c.shows = shows
	return call(ctx, &c.connection, authn.Partner, c.As, service, method, request)
}

// answer is what all answers of AccountService have.
type answer interface {
	proto.Message
	GetFailures() []*partnerv1.AccountFailure
	GetRelease() *partnerv1.Release
}

// print writes a table with what stands around it, or JSON.
func (c *calling) print(w io.Writer, a answer, head string, rows [][]string) error {
	if c.JSON {
		return printJSON(w, a)
	}
	if err := table(w, head, rows); err != nil {
		return err
	}
	for _, f := range a.GetFailures() {
		fmt.Fprintf(w, "%s %s\n", f.GetAccountId(), paint(w, red, "not released: "+shortName(f.GetReason())))
	}
	return printRelease(w, a.GetRelease())
}

func printRelease(w io.Writer, r *partnerv1.Release) error {
	budget := ""
	if b := r.GetAccessBudget(); b != nil {
		budget = fmt.Sprintf("; %d unattended accesses left until %s", b.GetRemaining(), formatTime(b.GetResetAt()))
	}
	_, err := fmt.Fprintln(w, paint(w, faint, fmt.Sprintf("released as %s under revision %d%s", r.GetDisclosureId(), r.GetGrantRevision(), budget)))
	return err //nolint:wrapcheck // the caller's own writer
}

const accountHead = "ACCOUNT|KIND|STATUS|CURRENCY|NAME|NUMBER|HOLDERS"

func accountRow(a *datav1.Account) []string {
	var holders []string
	for _, h := range a.GetHolders() {
		holders = append(holders, h.GetName())
	}
	return []string{
		a.GetAccountId(), shortName(a.GetKind()), shortName(a.GetStatus()), a.GetCurrency(), a.GetDisplayName(), a.GetNumber(), strings.Join(holders, ", "),
	}
}

type pullAccountsCmd struct{ underConsent }

func (c *pullAccountsCmd) Help() string { return fmt.Sprintf(exampleOfPull, "accounts", "") }

// Run pulls the accounts.
func (c *pullAccountsCmd) Run(ctx context.Context) error {
	got, err := pull(ctx, &c.underConsent, partnerv1.AccountServiceClient.ListAccounts, &partnerv1.ListAccountsRequest{Access: c.access()})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, a := range got.GetAccounts() {
		rows = append(rows, accountRow(a))
	}
	return c.print(os.Stdout, got, accountHead, rows)
}

type pullAccountCmd struct {
	underConsent
	Account string `arg:"" help:"The account's id, as the partner knows it."`
}

func (c *pullAccountCmd) Help() string { return fmt.Sprintf(exampleOfPull, "account acc_…", "") }

// Run pulls one account.
func (c *pullAccountCmd) Run(ctx context.Context) error {
	got, err := pull(ctx, &c.underConsent, partnerv1.AccountServiceClient.GetAccount,
		&partnerv1.GetAccountRequest{Access: c.access(), AccountId: c.Account})
	if err != nil {
		return err
	}
	return c.print(os.Stdout, got, accountHead, [][]string{accountRow(got.GetAccount())})
}

type pullBalancesCmd struct {
	underConsent
	Account []string `help:"Only this account; may be given again." placeholder:"ID"`
}

func (c *pullBalancesCmd) Help() string {
	return fmt.Sprintf(exampleOfPull, "balances", " --unattended")
}

// Run pulls balances.
func (c *pullBalancesCmd) Run(ctx context.Context) error {
	got, err := pull(ctx, &c.underConsent, partnerv1.AccountServiceClient.ListBalances,
		&partnerv1.ListBalancesRequest{Access: c.access(), AccountIds: c.Account})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, a := range got.GetAccounts() {
		for _, b := range a.GetBalances() {
			rows = append(rows, []string{a.GetAccountId(), shortName(b.GetType()), formatMoney(b.GetAmount()), formatTime(b.GetAsOf())})
		}
	}
	return c.print(os.Stdout, got, "ACCOUNT|BALANCE|AMOUNT|AS OF", rows)
}

type pullCardsCmd struct {
	underConsent
	Account []string `help:"Only this account; may be given again." placeholder:"ID"`
}

func (c *pullCardsCmd) Help() string { return fmt.Sprintf(exampleOfPull, "cards", "") }

// Run pulls payment cards.
func (c *pullCardsCmd) Run(ctx context.Context) error {
	got, err := pull(ctx, &c.underConsent, partnerv1.AccountServiceClient.ListCards,
		&partnerv1.ListCardsRequest{Access: c.access(), AccountIds: c.Account})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, a := range got.GetAccounts() {
		for _, k := range a.GetCards() {
			rows = append(rows, []string{a.GetAccountId(), k.GetProduct(), k.GetNumber(), shortName(k.GetStatus()), formatDate(k.GetIssueDate())})
		}
	}
	return c.print(os.Stdout, got, "ACCOUNT|CARD|NUMBER|STATUS|ISSUED", rows)
}

type pullTransactionsCmd struct {
	underConsent
	Account  string      `arg:"" help:"The account's id, as the partner knows it."`
	From     calendarDay `help:"First day; the earliest permitted if not given." placeholder:"YYYY-MM-DD"`
	To       calendarDay `help:"Last day; today if not given." placeholder:"YYYY-MM-DD"`
	PageSize int32       `help:"How many at most; up to 500." default:"100"`
	All      bool        `help:"Follow the pages to the end."`
	Page     string      `help:"Go on where this page token says." placeholder:"TOKEN"`
}

func (c *pullTransactionsCmd) Help() string {
	return fmt.Sprintf(exampleOfPull, "transactions acc_…", " --from 2026-11-01 --all")
}

// Run pulls one page of transactions, or all.
func (c *pullTransactionsCmd) Run(ctx context.Context) error {
	r := &partnerv1.ListTransactionsRequest{
		Access: c.access(), AccountId: c.Account, FromDate: c.From.Date, ToDate: c.To.Date, PageSize: c.PageSize, PageToken: c.Page,
	}
	all, err := pull(ctx, &c.underConsent, partnerv1.AccountServiceClient.ListTransactions, r)
	if err != nil {
		return err
	}
	for c.All && all.GetNextPageToken() != "" {
		r.PageToken = all.GetNextPageToken()
		page, err := pull(ctx, &c.underConsent, partnerv1.AccountServiceClient.ListTransactions, r)
		if err != nil {
			return err
		}
		all.Account.Transactions = slices.Concat(all.GetAccount().GetTransactions(), page.GetAccount().GetTransactions())
		if !c.JSON { // each page is a release of its own
			if err := printRelease(os.Stdout, all.GetRelease()); err != nil {
				return err
			}
		}
		all.NextPageToken, all.Release = page.GetNextPageToken(), page.GetRelease()
	}
	var rows [][]string
	for _, t := range all.GetAccount().GetTransactions() {
		rows = append(rows, transactionRow(t))
	}
	if err := c.print(os.Stdout, all, "DATE|AMOUNT|KIND|STATUS|DESCRIPTION|ID", rows); err != nil || c.JSON || all.GetNextPageToken() == "" {
		return err
	}
	_, err = fmt.Printf("There is more: --page %s\n", all.GetNextPageToken())
	return err //nolint:wrapcheck // standard output
}

func transactionRow(t *datav1.Transaction) []string {
	about := t.GetDescription()
	if m := t.GetCardPurchase().GetMerchantName(); m != "" && m != about {
		about += " " + m
	}
	return []string{
		formatDate(t.GetBookingDate()), formatMoney(t.GetAmount()), shortName(t.GetKind()), shortName(t.GetStatus()), about, t.GetTransactionId(),
	}
}
