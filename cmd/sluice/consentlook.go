package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

type consentListCmd struct {
	connection
	Bank       string `help:"The customer's bank, which speaks for him." placeholder:"BANK"`
	Customer   string `help:"The customer, as the bank names him." placeholder:"ID"`
	AsCoHolder bool   `help:"Those of others that he agreed to, or must agree to, as a co-holder."`
	Partner    string `help:"List this partner's instead." placeholder:"PARTNER"`
	Live       bool   `help:"Only those of the partner that have not ended."`
	JSON       bool   `help:"Print JSON."`
}

func (c *consentListCmd) Help() string {
	return `Examples:
  sluice consent list --bank morava --customer 9593
  sluice consent list --bank morava --customer 9593 --as-co-holder
  sluice consent list --partner messenger --live`
}

// Validate wants to know whose.
func (c *consentListCmd) Validate() error {
	if byCustomer := c.Bank != "" && c.Customer != ""; byCustomer == (c.Partner != "") {
		return errors.New("say whose: --bank and --customer, or --partner")
	}
	if c.Partner == "" && c.Live || c.Partner != "" && c.AsCoHolder {
		return errors.New("--live goes with --partner, --as-co-holder with --bank and --customer")
	}
	return nil
}

// Run lists all of them.
func (c *consentListCmd) Run(ctx context.Context) error {
	var (
		all []*consentv1.Consent
		err error
	)
	if c.Partner != "" {
		all, err = allPages(func(token string) (*partnerv1.ListConsentsResponse, error) {
			return call(ctx, &c.connection, authn.Partner, c.Partner, partnerv1.NewConsentServiceClient,
				partnerv1.ConsentServiceClient.ListConsents, &partnerv1.ListConsentsRequest{PageToken: token, LiveOnly: c.Live})
		})
	} else {
		of := forCustomer{connection: c.connection, Bank: c.Bank}
		all, err = allPages(func(token string) (*customerv1.ListConsentsResponse, error) {
			return customerCall(ctx, &of, customerv1.ConsentServiceClient.ListConsents,
				&customerv1.ListConsentsRequest{CustomerId: c.Customer, PageToken: token, AsCoHolder: c.AsCoHolder})
		})
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, &partnerv1.ListConsentsResponse{Consents: all})
	}
	return printConsents(os.Stdout, all)
}

// allPages reads a list to its end.
func allPages[R interface {
	GetConsents() []*consentv1.Consent
	GetNextPageToken() string
}](page func(token string) (R, error),
) ([]*consentv1.Consent, error) {
	var all []*consentv1.Consent
	for token := ""; ; {
		answer, err := page(token)
		if err != nil {
			return nil, err
		}
		all = append(all, answer.GetConsents()...)
		if token = answer.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

func printConsents(w io.Writer, all []*consentv1.Consent) error {
	var rows [][]string
	for _, a := range all {
		rows = append(rows, []string{
			a.GetConsentId(), shortName(a.GetStatus()), a.GetPartnerId(), a.GetBankId() + " " + a.GetCustomerId(),
			shortName(a.GetAsked().GetPurpose()), strconv.Itoa(len(a.GetShares())), formatTime(a.GetValidUntil()),
		})
	}
	return table(w, "CONSENT|STATUS|PARTNER|BANK, CUSTOMER|PURPOSE|ACCOUNTS|UNTIL", rows)
}

type consentShowCmd struct {
	forCustomer
	Consent string `arg:"" help:"The consent's id."`
}

func (c *consentShowCmd) Help() string { return fmt.Sprintf(exampleOfCustomer, "show", "") }

// Run shows the consent and its changes.
func (c *consentShowCmd) Run(ctx context.Context) error {
	answer, err := customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.GetConsent,
		&customerv1.GetConsentRequest{CustomerId: c.Customer, ConsentId: c.Consent})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	return printHistory(os.Stdout, answer.GetConsent(), answer.GetChanges())
}

// printHistory writes a consent and how it came about.
func printHistory(w io.Writer, c *consentv1.Consent, changes []*consentv1.Change) error {
	if err := printConsent(w, c); err != nil {
		return err
	}
	var rows [][]string
	for _, h := range changes {
		rows = append(rows, append([]string{strconv.FormatInt(h.GetRevision(), 10)}, changeRow(h)...))
	}
	fmt.Fprintln(w)
	return table(w, "REVISION|"+changeHead, rows)
}

const changeHead = "WHEN|WHAT|WHO|WHY|STATUS"

func changeRow(h *consentv1.Change) []string {
	return []string{
		formatTime(h.GetAt()), shortName(h.GetKind()), shortName(h.GetActor()) + " " + h.GetActorId(),
		strings.TrimPrefix(shortName(h.GetReason()), "UNSPECIFIED"), shortName(h.GetStatus()),
	}
}

type consentDisclosuresCmd struct {
	forCustomer
	Consent string `arg:"" help:"The consent's id."`
}

func (c *consentDisclosuresCmd) Help() string {
	return fmt.Sprintf(exampleOfCustomer, "disclosures", "")
}

// Run lists all that was released, newest first.
func (c *consentDisclosuresCmd) Run(ctx context.Context) error {
	all := &customerv1.ListDisclosuresResponse{}
	for token := ""; ; {
		page, err := customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.ListDisclosures,
			&customerv1.ListDisclosuresRequest{CustomerId: c.Customer, ConsentId: c.Consent, PageToken: token})
		if err != nil {
			return err
		}
		all.Disclosures = append(all.Disclosures, page.GetDisclosures()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if c.JSON {
		return printJSON(os.Stdout, all)
	}
	return printDisclosures(os.Stdout, all.GetDisclosures())
}

func printDisclosures(w io.Writer, all []*customerv1.Disclosure) error {
	var rows [][]string
	for _, d := range all {
		_, method, _ := strings.Cut(d.GetMethod(), "/")
		rows = append(rows, []string{
			formatTime(d.GetReleasedAt()), d.GetPartnerId(), method, strings.Join(d.GetAccountIds(), " "),
			clusterNames(d.GetClusters()), strconv.Itoa(int(d.GetItems())), d.GetDisclosureId(),
		})
	}
	return table(w, "WHEN|PARTNER|CALL|ACCOUNTS|KINDS OF DATA|ITEMS|DISCLOSURE", rows)
}

func unattended(t *consentv1.Terms) string {
	text := "no access while the customer is away"
	if n := t.GetUnattendedPerDay(); n > 0 {
		text = fmt.Sprintf("%d accesses a day while the customer is away", n)
	}
	if t.GetOneTime() {
		text += "; for one sitting only"
	}
	return text
}

func printConsent(w io.Writer, c *consentv1.Consent) error {
	until := formatTime(c.GetValidUntil())
	if c.GetEndClamped() {
		until += " (the longest there is)"
	}
	rows := [][]string{
		{"status", shortName(c.GetStatus()) + ", revision " + strconv.FormatInt(c.GetRevision(), 10)},
		{"partner", c.GetPartnerId()},
		{"bank", c.GetBankId()},
		{"purpose", shortName(c.GetAsked().GetPurpose()) + ": " + c.GetAsked().GetPurposeText()},
		{"asked for", clusterNames(c.GetAsked().GetClusters())},
		{"look-back", fmt.Sprintf("%d days", c.GetLookBackDays())},
		{"until", until},
		{"unattended", unattended(c.GetAsked())},
	}
	for _, s := range c.GetShares() {
		rows = append(rows, []string{"shares", s.GetAccountId() + ": " + clusterNames(s.GetClusters())})
	}
	if until := c.GetRenewalAskedUntil(); until != nil {
		rows = append(rows, []string{"renewal", "the partner asks for it until " + formatTime(until)})
	}
	if c.GetHiddenFromCoHolders() {
		rows = append(rows, []string{"co-holders", "neither asked nor told"})
	}
	if all := c.GetCoHolderCustomerIds(); len(all) > 0 {
		rows = append(rows, []string{"co-holders", strings.Join(all, ", ")})
	}
	if left := c.GetAwaitingCustomerIds(); len(left) > 0 {
		rows = append(rows, []string{"awaits", strings.Join(left, ", ")})
	}
	return table(w, "consent|"+c.GetConsentId(), rows)
}
