package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
)

type consentListCmd struct {
	forCustomer
}

func (c *consentListCmd) Help() string {
	return `Example:
  sluice consent list --bank morava --customer 9593`
}

// Run lists all of the customer's consents.
func (c *consentListCmd) Run(ctx context.Context) error {
	all := &customerv1.ListConsentsResponse{}
	for token := ""; ; {
		page, err := customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.ListConsents,
			&customerv1.ListConsentsRequest{CustomerId: c.Customer, PageToken: token})
		if err != nil {
			return err
		}
		all.Consents = append(all.Consents, page.GetConsents()...)
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if c.JSON {
		return printJSON(os.Stdout, all)
	}
	var rows [][]string
	for _, a := range all.GetConsents() {
		rows = append(rows, []string{
			a.GetConsentId(), shortName(a.GetStatus()), a.GetPartnerId(), shortName(a.GetAsked().GetPurpose()),
			strconv.Itoa(len(a.GetShares())), formatTime(a.GetValidUntil()),
		})
	}
	return table(os.Stdout, "CONSENT|STATUS|PARTNER|PURPOSE|ACCOUNTS|UNTIL", rows)
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
	if err := printConsent(os.Stdout, answer.GetConsent()); err != nil {
		return err
	}
	var rows [][]string
	for _, h := range answer.GetChanges() {
		rows = append(rows, []string{
			strconv.FormatInt(h.GetRevision(), 10), formatTime(h.GetAt()), shortName(h.GetKind()),
			shortName(h.GetActor()) + " " + h.GetActorId(), strings.TrimPrefix(shortName(h.GetReason()), "UNSPECIFIED"), shortName(h.GetStatus()),
		})
	}
	fmt.Println()
	return table(os.Stdout, "REVISION|WHEN|WHAT|WHO|WHY|STATUS", rows)
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
	if left := c.GetAwaitingCustomerIds(); len(left) > 0 {
		rows = append(rows, []string{"awaits", strings.Join(left, ", ")})
	}
	return table(w, "consent|"+c.GetConsentId(), rows)
}
