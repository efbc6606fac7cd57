package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"google.golang.org/grpc"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

type alertsCmd struct {
	List   alertsListCmd   `cmd:"" help:"List the alerts that are not at an end."`
	Answer alertsAnswerCmd `cmd:"" help:"Carry a customer's answer to the bank."`
}

func alertCall[Q, R any](ctx context.Context, c *underConsent,
	method func(partnerv1.AlertServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return callUnder(ctx, &c.calling, partnerv1.NewAlertServiceClient, method, request)
}

type alertsListCmd struct {
	underConsent
	Account []string `help:"Only this account; may be given again." placeholder:"ID"`
}

func (c *alertsListCmd) Help() string {
	return "Example:\n  sluice alerts list --consent con_… --purpose FRAUD_PROTECTION"
}

// Run lists the alerts.
func (c *alertsListCmd) Run(ctx context.Context) error {
	got, err := alertCall(ctx, &c.underConsent, partnerv1.AlertServiceClient.ListAlerts,
		&partnerv1.ListAlertsRequest{Access: c.access(), AccountIds: c.Account})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, a := range got.GetAccounts() {
		for _, w := range a.GetAlerts() {
			rows = append(rows, []string{
				a.GetAccountId(), w.GetAlertId(), shortName(w.GetStatus()), formatMoney(w.GetAmount()), formatTime(w.GetExpiresAt()),
				choiceNames(w.GetChoices()), w.GetText(),
			})
		}
	}
	return c.print(os.Stdout, got, "ACCOUNT|ALERT|STATUS|AMOUNT|UNTIL|ANSWERS|TEXT", rows)
}

func choiceNames(list []datav1.AlertChoice) string {
	var names []string
	for _, c := range list {
		names = append(names, shortName(c))
	}
	return strings.Join(names, ",")
}

type alertsAnswerCmd struct {
	underConsent
	Account      string      `help:"The account, as the partner knows it." required:"" placeholder:"ID"`
	Alert        string      `arg:"" help:"The alert's id."`
	Choice       alertChoice `help:"What the customer says: was_me, not_me or block_card." required:"" placeholder:"CHOICE"`
	Confirmation string      `help:"The partner's proof that the customer confirmed just this." required:"" placeholder:"TEXT"`
}

func (c *alertsAnswerCmd) Help() string {
	return `The customer must be present. The same answer again is fine; another one is refused.

Example:
  sluice alerts answer WP-1 --consent con_… --purpose FRAUD_PROTECTION --account acc_… \
    --choice was_me --confirmation tap-17`
}

// Run carries the answer.
func (c *alertsAnswerCmd) Run(ctx context.Context) error {
	got, err := alertCall(ctx, &c.underConsent, partnerv1.AlertServiceClient.AnswerAlert, &partnerv1.AnswerAlertRequest{
		Access: c.access(), AccountId: c.Account, AlertId: c.Alert,
		Choice: datav1.AlertChoice(c.Choice), Confirmation: c.Confirmation,
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, got)
	}
	return table(os.Stdout, "ALERT|STATUS", [][]string{{c.Alert, shortName(got.GetStatus())}})
}

// alertChoice reads a choice by its short name.
type alertChoice datav1.AlertChoice

func (c *alertChoice) UnmarshalText(text []byte) error {
	n, ok := datav1.AlertChoice_value["ALERT_CHOICE_"+strings.ToUpper(string(text))]
	if !ok || n == 0 {
		return fmt.Errorf("there is no choice %q; there are was_me, not_me and block_card", text)
	}
	*c = alertChoice(n)
	return nil
}
