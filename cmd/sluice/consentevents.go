package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"sluice/authn"
	consentv1 "sluice/gen/sluice/consent/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// reading is what every command that reads events has.
type reading struct {
	Cursor string `help:"Read on behind this, which the call before printed." placeholder:"CURSOR"`
	Limit  int32  `help:"How many at most." default:"100"`
	JSON   bool   `help:"Print JSON, one answer as it came."`
}

type consentEventsCmd struct {
	connection
	reading
	Partner string `help:"The partner whose consents they are." default:"messenger" aliases:"as"`
}

func (c *consentEventsCmd) Help() string {
	return `Every change of each consent comes once and in its order. Keep the cursor, and go on
from it later; the one that was printed last is good for ever.

Examples:
  sluice consent events --partner messenger
  sluice consent events --partner messenger --cursor …`
}

// Run reads one answer.
func (c *consentEventsCmd) Run(ctx context.Context) error {
	answer, err := call(ctx, &c.connection, authn.Partner, c.Partner, partnerv1.NewConsentServiceClient,
		partnerv1.ConsentServiceClient.ListConsentEvents, &partnerv1.ListConsentEventsRequest{PageSize: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	return printEvents(os.Stdout, answer.GetEvents(), answer.GetCursor())
}

func printEvents(w io.Writer, events []*consentv1.ConsentEvent, cursor string) error {
	var rows [][]string
	for _, e := range events {
		rows = append(rows, append([]string{e.GetConsentId()}, changeRow(e.GetChange())...))
	}
	if err := table(w, "CONSENT|"+changeHead, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nRead on: --cursor %s\n", cursor)
	return err //nolint:wrapcheck // the caller's own writer
}
