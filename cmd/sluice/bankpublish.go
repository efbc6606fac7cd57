package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"sluice/authn"
	bankv1 "sluice/gen/sluice/bank/v1"
)

type bankPublishCmd struct {
	asBank
	File  string `arg:"" help:"File with one event in each line, as JSON; - is standard input." default:"-"`
	Batch int    `help:"Events in one request, up to 500." default:"100"`
	JSON  bool   `help:"Print JSON, one answer a request."`
}

func (c *bankPublishCmd) Help() string {
	return `Each line is a sluice.bank.v1.FeedEvent, of at most 1 MiB. If one of them can't be
read nothing is sent. They are sent in the order of each account's sequences, in
whatever order they come. One without a sequence is numbered on, behind what the
gateway has of its account and what the file has of it with sequences: to publish
such a file twice is to publish it all again. With sequences, what was published
before changes nothing. It ends with 1 if not all events were taken.

Examples:
  sluice bank publish events.jsonl --bank morava
  echo '{"accountId": "L6577", "occurredAt": "2026-11-24T12:00:00Z", "balanceChanged": {"balances": [
    {"type": "BALANCE_TYPE_INTERIM_BOOKED", "amount": {"currencyCode": "CZK", "units": "-1200"}}]}}' |
    tr -d '\n' | sluice bank publish --bank morava`
}

var errNotTaken = errors.New("not all events were taken")

// Run publishes all there are; what is wrong with one does not keep others back.
func (c *bankPublishCmd) Run(ctx context.Context) error {
	if c.Batch < 1 || c.Batch > 500 {
		return fmt.Errorf("--batch must be 1 to 500, not %d", c.Batch)
	}
	in := io.ReadCloser(os.Stdin)
	if c.File != "-" {
		var err error
		if in, err = os.Open(c.File); err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
	events, err := readFeedEvents(in)
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	next, err := c.next(ctx, events)
	if err != nil {
		return err
	}
	numberOn(events, next)
	done := published{positions: map[string]*bankv1.FeedPosition{}, last: map[string]int64{}}
	for _, batch := range inBatches(events, c.Batch) {
		answer, err := call(ctx, &c.connection, authn.Bank, c.Bank, bankv1.NewFeedServiceClient,
			bankv1.FeedServiceClient.PublishBatch, &bankv1.PublishBatchRequest{Events: batch})
		if err != nil {
			return err
		}
		done.note(batch, answer)
		if c.JSON {
			if err := printJSON(os.Stdout, answer); err != nil {
				return err
			}
		}
	}
	if !c.JSON {
		if err := done.print(os.Stdout); err != nil {
			return err
		}
	}
	return done.left()
}

// published is what became of events.
type published struct {
	positions map[string]*bankv1.FeedPosition
	last      map[string]int64 // the highest sequences that were sent
	rejected  []*bankv1.EventRejection
}

func (p *published) note(batch []*bankv1.FeedEvent, answer *bankv1.PublishBatchResponse) {
	for _, e := range batch {
		p.last[e.GetAccountId()] = max(p.last[e.GetAccountId()], e.GetSequence())
	}
	for _, position := range answer.GetPositions() {
		p.positions[position.GetAccountId()] = position
	}
	p.rejected = append(p.rejected, answer.GetRejections()...)
}

func (p *published) print(w io.Writer) error {
	if err := table(w, "ACCOUNT|DURABLE UP TO|MISSING FROM", positionRows(p.positions)); err != nil || len(p.rejected) == 0 {
		return err
	}
	fmt.Fprintln(w)
	rows := make([][]string, len(p.rejected))
	for i, r := range p.rejected {
		rows[i] = []string{r.GetAccountId(), strconv.FormatInt(r.GetSequence(), 10), r.GetField(), r.GetDescription()}
	}
	return table(w, "ACCOUNT|EVENT|FIELD|NOT TAKEN BECAUSE IT", rows)
}

// left says which events were not taken: those rejected, and those behind a gap.
// That an account waits for what was published ahead before is no fault of these.
func (p *published) left() error {
	var which []string
	for _, r := range p.rejected {
		which = append(which, fmt.Sprintf("event %d of %s was rejected", r.GetSequence(), printable(r.GetAccountId())))
	}
	for _, id := range slices.Sorted(maps.Keys(p.last)) {
		if durable := p.positions[id].GetSequence(); durable < p.last[id] {
			which = append(which, fmt.Sprintf("%s waits for event %d", printable(id), durable+1))
		}
	}
	if len(which) == 0 {
		return nil
	}
	if n := len(which); n > mostNamed {
		which = append(which[:mostNamed], fmt.Sprintf("and %d more", n-mostNamed))
	}
	return fmt.Errorf("%w: %s", errNotTaken, strings.Join(which, "; "))
}

// mostNamed bounds what one message names.
const mostNamed = 20

func positionRows(positions map[string]*bankv1.FeedPosition) [][]string {
	var rows [][]string
	for id, p := range positions {
		missing := ""
		if p.GetMissingFrom() > 0 {
			missing = strconv.FormatInt(p.GetMissingFrom(), 10)
		}
		rows = append(rows, []string{id, strconv.FormatInt(p.GetSequence(), 10), missing})
	}
	slices.SortFunc(rows, slices.Compare[[]string])
	return rows
}

// next is up to where the gateway has the accounts of events without a sequence.
func (c *bankPublishCmd) next(ctx context.Context, events []*bankv1.FeedEvent) (map[string]int64, error) {
	next := map[string]int64{}
	for _, e := range events {
		if e.GetSequence() == 0 {
			next[e.GetAccountId()] = 0
		}
	}
	accounts := make([]string, 0, len(next))
	for id := range next {
		accounts = append(accounts, id)
	}
	slices.Sort(accounts)
	for some := range slices.Chunk(accounts, 500) {
		answer, err := call(ctx, &c.connection, authn.Bank, c.Bank, bankv1.NewFeedServiceClient,
			bankv1.FeedServiceClient.GetFeedPosition, &bankv1.GetFeedPositionRequest{AccountIds: some})
		if err != nil {
			return nil, err
		}
		for _, p := range answer.GetPositions() {
			next[p.GetAccountId()] = p.GetSequence()
		}
	}
	return next, nil
}

// numberOn numbers events without a sequence behind those that have one, and puts
// all in the order in which they can be taken.
func numberOn(events []*bankv1.FeedEvent, next map[string]int64) {
	for _, e := range events {
		next[e.GetAccountId()] = max(next[e.GetAccountId()], e.GetSequence())
	}
	for _, e := range events {
		if e.GetSequence() == 0 {
			next[e.GetAccountId()]++
			e.Sequence = next[e.GetAccountId()]
		}
	}
	slices.SortStableFunc(events, func(a, b *bankv1.FeedEvent) int {
		return cmp.Or(cmp.Compare(a.GetAccountId(), b.GetAccountId()), cmp.Compare(a.GetSequence(), b.GetSequence()))
	})
}
