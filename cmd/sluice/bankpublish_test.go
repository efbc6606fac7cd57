package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

func TestEventsAreSentInTheirOrderWhateverTheFilesIs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var events []*bankv1.FeedEvent
		for _, account := range []string{"A1", "A2", "A3"} {
			for i := range rapid.IntRange(1, 100).Draw(rt, account) {
				events = append(events, &bankv1.FeedEvent{AccountId: account, Sequence: int64(8 + i)})
			}
			for range rapid.IntRange(0, 3).Draw(rt, account+" without") {
				events = append(events, &bankv1.FeedEvent{AccountId: account})
			}
		}
		events = rapid.Permutation(events).Draw(rt, "file")
		next := map[string]int64{"A1": 7, "A2": 7, "A3": 7}
		have := map[string]int64{"A1": 7, "A2": 7, "A3": 7}
		numberOn(events, next)
		n := 0
		most := rapid.IntRange(1, 40).Draw(rt, "batch")
		for _, batch := range inBatches(events, most) {
			if len(batch) == 0 || len(batch) > most {
				rt.Fatalf("a batch has %d events, of %d at most", len(batch), most)
			}
			for _, e := range batch {
				if have[e.GetAccountId()]++; e.GetSequence() != have[e.GetAccountId()] {
					rt.Fatalf("%s: %d is sent in the place of %d", e.GetAccountId(), e.GetSequence(), have[e.GetAccountId()])
				}
				n++
			}
		}
		if n != len(events) {
			rt.Fatalf("%d of %d events are sent", n, len(events))
		}
	})
}

func TestBatchesStayBelowWhatARequestMayHave(t *testing.T) {
	var events []*bankv1.FeedEvent
	for range 30 {
		events = append(events, &bankv1.FeedEvent{What: &bankv1.FeedEvent_FraudAlertRaised{
			FraudAlertRaised: &datav1.FraudAlert{Text: strings.Repeat("x", 100_000)},
		}})
	}
	if batches := inBatches(events, 500); len(batches) != 4 || len(batches[0]) != 9 {
		t.Errorf("%d batches, the first of %d", len(batches), len(batches[0]))
	}
}

func TestALineThatIsNoEventIsNamed(t *testing.T) {
	const good = `{"accountId": "A1", "occurredAt": "2026-11-24T12:00:00Z", "accountClosed": {}}` + "\n"
	for lines, want := range map[string]string{
		good + "{}":             "line 2 is no event: account_id: ",
		good + "\n" + good[:40]: "line 3 is no event: ",
		strings.Replace(good, `{"`, `{"sequence": -1, "`, 1): "line 1 is no event: sequence: ",
		good + strings.Repeat(" ", maxEventLine+9) + good:    fmt.Sprintf("line 2 is longer than %d bytes", maxEventLine),
	} {
		if events, err := readFeedEvents(strings.NewReader(lines)); err == nil || !strings.HasPrefix(err.Error(), "nothing was sent: "+want) {
			t.Errorf("%d events and %v, want %q", len(events), err, want)
		}
	}
	long := strings.Replace(good, "A1", "A1"+strings.Repeat("1", 126), 1)
	if events, err := readFeedEvents(strings.NewReader(long + strings.Repeat(" ", maxEventLine) + "\r\n" + good)); err != nil || len(events) != 2 {
		t.Errorf("%d events of two: %v", len(events), err)
	}
}

func TestWhatWasNotTakenIsSaid(t *testing.T) {
	p := published{positions: map[string]*bankv1.FeedPosition{}, last: map[string]int64{}}
	sent := func(account string, sequences ...int64) (batch []*bankv1.FeedEvent) {
		for _, n := range sequences {
			batch = append(batch, &bankv1.FeedEvent{AccountId: account, Sequence: n})
		}
		return batch
	}
	p.note(append(sent("A1", 4), sent("A2", 1)...), &bankv1.PublishBatchResponse{Positions: []*bankv1.FeedPosition{{AccountId: "A1", Sequence: 3, MissingFrom: 4}, {AccountId: "A2", Sequence: 1, MissingFrom: 2}}})
	if err := p.left(); !errors.Is(err, errNotTaken) || err.Error() != "not all events were taken: A1 waits for event 4" {
		t.Errorf("behind a gap: %v", err)
	}
	p.note(sent("A1", 9), &bankv1.PublishBatchResponse{Positions: []*bankv1.FeedPosition{{AccountId: "A1", Sequence: 9}}})
	if err := p.left(); err != nil {
		t.Errorf("all was taken: %v", err)
	}
	p.note(sent("A2", 2, 3), &bankv1.PublishBatchResponse{
		Positions:  []*bankv1.FeedPosition{{AccountId: "A2", Sequence: 1, MissingFrom: 2}},
		Rejections: []*bankv1.EventRejection{{AccountId: "A2", Sequence: 2}},
	})
	const want = "not all events were taken: event 2 of A2 was rejected; A2 waits for event 2"
	if err := p.left(); !errors.Is(err, errNotTaken) || err.Error() != want {
		t.Errorf("left = %v, want %s", err, want)
	}
}
