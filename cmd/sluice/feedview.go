package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"

	"sluice/authn"
	operatorv1 "sluice/gen/sluice/operator/v1"
)

type feedCmd struct {
	Status feedStatusCmd `cmd:"" help:"Show what waits for partners, and what was dropped or rejected in a day."`
	Dead   feedDeadCmd   `cmd:"" help:"List events that partners failed to take until they were put aside."`
}

func feedCall[Q, R any](ctx context.Context, c *byOperator,
	method func(operatorv1.FeedServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return call(ctx, &c.connection, authn.Operator, c.Operator, operatorv1.NewFeedServiceClient, method, request)
}

type feedDeadCmd struct {
	byOperator
	Partner string `help:"Only this partner's." placeholder:"ID"`
	Max     int32  `help:"At most so many, the newest; up to 500." default:"100"`
}

func (c *feedDeadCmd) Help() string {
	return `What the events said is erased. The partner reads the accounts anew, once it can.

Examples:
  sluice feed dead
  sluice feed dead --partner messenger --max 10`
}

// Run lists the newest.
func (c *feedDeadCmd) Run(ctx context.Context) error {
	got, err := feedCall(ctx, &c.byOperator, operatorv1.FeedServiceClient.ListDeadLetters,
		&operatorv1.ListDeadLettersRequest{PartnerId: c.Partner, PageSize: c.Max})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(os.Stdout, got)
	}
	return printDead(os.Stdout, got)
}

func printDead(w io.Writer, got *operatorv1.ListDeadLettersResponse) error {
	var rows [][]string
	for _, d := range got.GetDeadLetters() {
		rows = append(rows, []string{
			formatTime(d.GetPutAsideAt()), d.GetPartnerId(), d.GetBankId(), d.GetConsentId(), shortName(d.GetKind()),
			d.GetEventId(), strconv.Itoa(int(d.GetErrors())), d.GetError(),
		})
	}
	if err := table(w, "PUT ASIDE|PARTNER|BANK|CONSENT|KIND|EVENT|ERRORS|THE LAST", rows); err != nil || !got.GetMore() {
		return err
	}
	_, err := fmt.Fprintln(w, "and older ones")
	return err //nolint:wrapcheck // the caller's own writer
}

type feedStatusCmd struct {
	byOperator
	Partner string      `help:"Only this partner's feed." xor:"party" placeholder:"ID"`
	Bank    string      `help:"Only this bank's." xor:"party" placeholder:"ID"`
	Day     calendarDay `help:"The day, in UTC, of which is counted what was dropped and rejected; today if not given." placeholder:"YYYY-MM-DD"`
}

func (c *feedStatusCmd) Help() string {
	return `What waits and what was put aside is of now, whatever the day.

Examples:
  sluice feed status
  sluice feed status --partner messenger
  sluice feed status --bank morava --day 2026-01-31`
}

// Run asks for page after page.
func (c *feedStatusCmd) Run(ctx context.Context) error {
	request := &operatorv1.GetFeedStatusRequest{Day: c.Day.Date, PageSize: 200}
	switch {
	case c.Partner != "":
		request.Party = &operatorv1.GetFeedStatusRequest_PartnerId{PartnerId: c.Partner}
	case c.Bank != "":
		request.Party = &operatorv1.GetFeedStatusRequest_BankId{BankId: c.Bank}
	}
	all := &operatorv1.GetFeedStatusResponse{}
	for {
		got, err := feedCall(ctx, &c.byOperator, operatorv1.FeedServiceClient.GetFeedStatus, request)
		if err != nil {
			return err
		}
		all.Day = got.GetDay()
		all.Partners = append(all.Partners, got.GetPartners()...)
		all.Banks = append(all.Banks, got.GetBanks()...)
		if request.PageToken = got.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	if c.JSON {
		return printJSON(os.Stdout, all)
	}
	return printFeedStatus(os.Stdout, all, time.Now())
}

// printFeedStatus leaves out the head of what was not asked for.
func printFeedStatus(w io.Writer, s *operatorv1.GetFeedStatusResponse, now time.Time) error {
	day := formatDate(s.GetDay())
	if len(s.GetPartners()) > 0 {
		var rows [][]string
		for _, p := range s.GetPartners() {
			rows = append(rows, []string{
				p.GetPartnerId(), strconv.Itoa(int(p.GetWaiting())), age(p), strconv.Itoa(int(p.GetPutAside())), droppedWords(p.GetDropped()),
			})
		}
		if err := table(w, "PARTNER|WAITING|OLDEST|PUT ASIDE|DROPPED "+day, rows); err != nil {
			return err
		}
		if day != now.UTC().Format(time.DateOnly) {
			fmt.Fprintf(w, "Dropped is of %s; the rest is of now.\n", day)
		}
	}
	if len(s.GetBanks()) == 0 {
		return nil
	}
	var rows [][]string
	for _, b := range s.GetBanks() {
		rows = append(rows, []string{b.GetBankId(), rejectedWords(b.GetRejected())})
	}
	return table(w, "BANK|REJECTED "+day, rows)
}

// age is for how long the oldest event has waited.
func age(p *operatorv1.PartnerFeed) string {
	if p.GetOldestAge() == nil {
		return "-"
	}
	return p.GetOldestAge().AsDuration().Truncate(time.Second).String()
}

func droppedWords(all []*operatorv1.DroppedEvents) string {
	var words []string
	for _, d := range all {
		words = append(words, fmt.Sprint(d.GetCount(), " ", shortName(d.GetKind()), " ", d.GetReason()))
	}
	return orDash(words)
}

func rejectedWords(all []*operatorv1.RejectedEvents) string {
	var words []string
	for _, r := range all {
		words = append(words, fmt.Sprint(r.GetCount(), " ", r.GetField()))
	}
	return orDash(words)
}

func orDash(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}
