package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"

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
	return `Each line is a sluice.bank.v1.FeedEvent. Without a sequence it is numbered on behind
what the gateway has of its account. What was published before changes nothing.

Examples:
  sluice bank publish events.jsonl --bank morava
  echo '{"accountId": "A7753", "occurredAt": "2026-11-24T12:00:00Z", "balanceChanged": {"balances": [
    {"type": "BALANCE_TYPE_INTERIM_BOOKED", "amount": {"currencyCode": "CZK", "units": "1200"}}]}}' |
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
	if err := c.number(ctx, events); err != nil {
		return err
	}
	positions, rejected := map[string]*bankv1.FeedPosition{}, [][]string(nil)
	for batch := range slices.Chunk(events, c.Batch) {
		answer, err := call(ctx, &c.connection, authn.Bank, c.Bank, bankv1.NewFeedServiceClient,
			bankv1.FeedServiceClient.PublishBatch, &bankv1.PublishBatchRequest{Events: batch})
		if err != nil {
			return err
		}
		for _, p := range answer.GetPositions() {
			positions[p.GetAccountId()] = p
		}
		for _, r := range answer.GetRejections() {
			rejected = append(rejected, []string{r.GetAccountId(), strconv.FormatInt(r.GetSequence(), 10), r.GetField(), r.GetDescription()})
		}
		if c.JSON {
			if err := printJSON(os.Stdout, answer); err != nil {
				return err
			}
		}
	}
	return c.report(os.Stdout, positions, rejected)
}

func (c *bankPublishCmd) report(w io.Writer, positions map[string]*bankv1.FeedPosition, rejected [][]string) error {
	if !c.JSON {
		if err := table(w, "ACCOUNT|DURABLE UP TO|MISSING FROM", positionRows(positions)); err != nil {
			return err
		}
	}
	if len(rejected) == 0 {
		return nil
	}
	if !c.JSON {
		fmt.Fprintln(w)
		if err := table(w, "ACCOUNT|EVENT|FIELD|NOT TAKEN BECAUSE IT", rejected); err != nil {
			return err
		}
	}
	return errNotTaken
}

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

// number gives events without a sequence the next ones of their accounts.
func (c *bankPublishCmd) number(ctx context.Context, events []*bankv1.FeedEvent) error {
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
			return err
		}
		for _, p := range answer.GetPositions() {
			next[p.GetAccountId()] = p.GetSequence()
		}
	}
	for _, e := range events {
		if e.GetSequence() == 0 {
			next[e.GetAccountId()]++
			e.Sequence = next[e.GetAccountId()]
		} else if n, numbered := next[e.GetAccountId()]; numbered {
			next[e.GetAccountId()] = max(n, e.GetSequence())
		}
	}
	return nil
}

// maxEventLine bounds one event, in bytes of JSON.
const maxEventLine = 1 << 20

// readFeedEvents reads an event from each line that is not empty.
func readFeedEvents(r io.Reader) ([]*bankv1.FeedEvent, error) {
	var out []*bankv1.FeedEvent
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEventLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		e := &bankv1.FeedEvent{}
		if err := protojson.Unmarshal(line, e); err != nil {
			return nil, fmt.Errorf("line %d is no event: %w", n, err)
		}
		out = append(out, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read line %d: %w", n+1, err)
	}
	if len(out) == 0 {
		return nil, errors.New("there are no events to publish")
	}
	return out, nil
}
