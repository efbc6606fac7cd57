package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	customerv1 "sluice/gen/sluice/customer/v1"
)

type consentUsageCmd struct {
	forCustomer
	Consent string `arg:"" help:"The consent's id."`
	Days    int32  `help:"How many days, today included." default:"30"`
}

func (c *consentUsageCmd) Help() string { return fmt.Sprintf(exampleOfCustomer, "usage", " --days 90") }

// Run counts by day.
func (c *consentUsageCmd) Run(ctx context.Context) error {
	answer, err := customerCall(ctx, &c.forCustomer, customerv1.ConsentServiceClient.GetUsage,
		&customerv1.GetUsageRequest{CustomerId: c.Customer, ConsentId: c.Consent, Days: c.Days})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, answer)
	}
	var rows [][]string
	for _, d := range answer.GetDays() {
		var refused []string
		for _, r := range d.GetRefusals() {
			refused = append(refused, shortName(r.GetReason())+" "+strconv.Itoa(int(r.GetCount())))
		}
		rows = append(rows, []string{
			formatDate(d.GetDay()), strconv.Itoa(int(d.GetReleases() - d.GetEvents())), strconv.Itoa(int(d.GetUnattended() - d.GetEvents())),
			strconv.Itoa(int(d.GetEvents())), strings.Join(refused, ", "),
		})
	}
	if err := table(os.Stdout, "DAY (UTC)|READS|UNATTENDED|TOLD OF NEWS|REFUSED", rows); err != nil {
		return err
	}
	if last := answer.GetLastReleasedAt(); last != nil {
		fmt.Printf("\nLast released at %s\n", formatTime(last))
	}
	return nil
}
