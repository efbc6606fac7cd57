package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	"sluice/feed"
	"sluice/feed/feedtest"
	consentv1 "sluice/gen/sluice/consent/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/registry"
	"sluice/seal"
)

func TestDeadLettersArePrintedAndCantSteerTheTerminal(t *testing.T) {
	var w bytes.Buffer
	err := printDead(&w, &operatorv1.ListDeadLettersResponse{More: true, DeadLetters: []*operatorv1.DeadLetter{{
		PartnerId: "messenger", EventId: "evt_1", Kind: partnerv1.EventKind_EVENT_KIND_BALANCE_CHANGED, BankId: "morava",
		ConsentId: "con_1", PutAsideAt: timestamppb.Now(), Errors: 10, Error: "full\x1b[2J",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(w.String(), "\n")
	if got := strings.Fields(lines[1]); strings.Join(got[2:], " ") != "messenger morava con_1 BALANCE_CHANGED evt_1 10 full�[2J" {
		t.Errorf("printed %q", lines[1])
	}
	if lines[2] != "and older ones" {
		t.Errorf("%q does not say that there are more", w.String())
	}
}

func TestAFeedsStatusIsPrinted(t *testing.T) {
	var w bytes.Buffer
	status := &operatorv1.GetFeedStatusResponse{
		Day: &date.Date{Year: 2026, Month: 11, Day: 24},
		Partners: []*operatorv1.PartnerFeed{
			{PartnerId: "messenger", Waiting: 3, OldestAge: durationpb.New(90 * time.Second), PutAside: 1, Dropped: []*operatorv1.DroppedEvents{
				{Kind: partnerv1.EventKind_EVENT_KIND_BALANCE_CHANGED, Reason: "EXPIRED", Count: 4},
				{Kind: partnerv1.EventKind_EVENT_KIND_TRANSACTION_POSTED, Reason: "CONSENT_PAUSED", Count: 5},
			}},
			{PartnerId: "wallet"},
		},
		Banks: []*operatorv1.BankFeed{{BankId: "morava", Rejected: []*operatorv1.RejectedEvents{{Field: "what.status", Count: 2}}}},
	}
	if err := printFeedStatus(&w, status, time.Date(2026, time.November, 24, 23, 59, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	var have []string
	for line := range strings.Lines(w.String()) {
		have = append(have, strings.Join(strings.Fields(line), " "))
	}
	want := `PARTNER WAITING OLDEST PUT ASIDE DROPPED 2026-11-24
messenger 3 1m30s 1 4 BALANCE_CHANGED EXPIRED, 5 TRANSACTION_POSTED CONSENT_PAUSED
wallet 0 - 0 -
BANK REJECTED 2026-11-24
morava 2 what.status`
	if got := strings.Join(have, "\n"); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	w.Reset()
	if err := printFeedStatus(&w, status, time.Date(2026, time.November, 25, 0, 1, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.String(), "Dropped is of 2026-11-24; the rest is of now.") {
		t.Errorf("of another day it is printed\n%s", w.String())
	}
}

// watched is a feed with one partner, whose door's side of it is watched.
type watched struct {
	t       *testing.T
	at      time.Time
	memory  *feedtest.Memory
	feed    *feed.Feed
	metrics *metrics
	log     bytes.Buffer
	door    watchedFeed
	away    error
}

func (w *watched) Partners(context.Context) ([]registry.Partner, error) {
	return []registry.Partner{{ID: "messenger"}}, w.away
}

func (w *watched) Banks(context.Context) ([]registry.Bank, error) {
	return []registry.Bank{{ID: "morava"}}, nil
}

func watch(t *testing.T) *watched {
	t.Helper()
	sealer, err := seal.NewSealer(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{t: t, at: time.Date(2026, time.November, 24, 1, 0, 0, 0, time.UTC), metrics: newMetrics()}
	clock := func() time.Time { return w.at }
	w.memory = feedtest.NewMemory(clock)
	w.feed = feed.New(w.memory, sealer, &feed.Bell{})
	logger := slog.New(slog.NewTextHandler(&w.log, nil))
	w.door = watchedFeed{w.feed, w.metrics, logger}
	w.metrics.watchFeeds(&feedGauges{feed: w.feed, parties: w, log: logger, now: clock})
	c, ch, err := consent.Request("con_1", "messenger", "morava", consent.Terms{
		Clusters: consent.ClustersOf(consent.Balances), Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "To show it.",
		LookBackDays: 90, ValidUntil: w.at.AddDate(0, 1, 0), UnattendedPerDay: 4, RetentionDays: 30,
	}, w.at)
	if err != nil {
		t.Fatal(err)
	}
	w.memory.Keep(c, ch)
	c, ch, err = c.Authorize(consent.Choice{Shares: []consent.Share{{Account: "A1", Clusters: consent.ClustersOf(consent.Balances)}}},
		consent.Actor{Kind: consent.ActorCustomer, ID: "9593"}, w.at)
	if err != nil {
		t.Fatal(err)
	}
	w.memory.Keep(c, ch)
	return w
}

func (w *watched) publish(sequence int64) {
	w.t.Helper()
	e := feed.Event{Account: "A1", Sequence: sequence, Kind: feed.BalanceChanged, Answer: []byte("900 CZK"), Day: consent.NoDay, OccurredAt: w.at}
	if _, rejected, err := w.feed.Publish(w.t.Context(), "morava", []feed.Event{e}); err != nil || len(rejected) > 0 {
		w.t.Fatalf("publish: %v, %v", rejected, err)
	}
}

// answer takes what is due, and says of balances that they can't be taken.
func (w *watched) answer(words string) {
	w.t.Helper()
	due, err := w.feed.Due(w.t.Context(), "messenger", "a", feed.Room{Events: 10})
	if err != nil {
		w.t.Fatal(err)
	}
	var acks []feed.Ack
	for _, d := range due {
		a := feed.Ack{Shard: d.Shard, Pos: d.Pos}
		if d.Event.Kind == feed.BalanceChanged {
			a.Error = words
		}
		acks = append(acks, a)
	}
	if err := w.door.Acknowledge(w.t.Context(), "messenger", "a", acks); err != nil {
		w.t.Fatal(err)
	}
}

// has says which of these lines the metrics lack.
func (w *watched) has(lines ...string) {
	w.t.Helper()
	r := httptest.NewRecorder()
	promhttp.HandlerFor(w.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(r,
		httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/metrics", nil))
	for _, line := range lines {
		if !strings.Contains(r.Body.String(), line+"\n") {
			w.t.Errorf("the metrics have no %s", line)
		}
	}
}

func TestAnEventThatIsPutAsideIsLoggedOnceWithoutAWordOfAnybodys(t *testing.T) {
	w := watch(t)
	w.answer("") // the change of the consent
	w.publish(1)
	for n := range feed.MaxErrors {
		if w.log.Len() > 0 {
			t.Fatalf("after %d errors the log has %s", n, &w.log)
		}
		w.answer("900 CZK is too much")
		w.at = w.at.Add(time.Hour)
	}
	line := w.log.String()
	if strings.Count(line, "an event was put aside") != 1 || !strings.Contains(line, "level=WARN") ||
		!strings.Contains(line, "partner=messenger consent=con_1 kind=BALANCE_CHANGED errors=10") {
		t.Errorf("the log has %s", line)
	}
	if strings.Contains(line, "CZK") {
		t.Errorf("the log has a partner's words: %s", line)
	}
	w.publish(2)
	w.answer("no more") // one is aside already, and is not told of again
	if got := w.log.String(); got != line {
		t.Errorf("the log has %s", got)
	}
	w.has(`sluice_feed_acknowledged_total{outcome="failed",partner="messenger"} 11`, `sluice_feed_put_aside{partner="messenger"} 1`)
}

func TestFeedsAreMeasuredFromTheDatabase(t *testing.T) {
	w := watch(t)
	w.has(`sluice_feed_waiting{partner="messenger"} 0`, `sluice_feed_oldest_seconds{partner="messenger"} 0`,
		`sluice_feed_dropped_today{reason="EXPIRED"} 0`, `sluice_feed_rejected_today{bank="morava"} 0`)
	w.publish(1)
	w.at = w.at.Add(90 * time.Second)
	if _, rejected, err := w.feed.Publish(t.Context(), "morava", []feed.Event{{Account: "A1", Sequence: 2, Kind: feed.ConsentChanged}}); err != nil || len(rejected) != 1 {
		t.Fatalf("rejected %v, %v", rejected, err)
	}
	w.has(`sluice_feed_waiting{partner="messenger"} 1`, `sluice_feed_oldest_seconds{partner="messenger"} 90`, `sluice_feed_rejected_today{bank="morava"} 1`)
	w.at = w.at.Add(feed.Retention)
	if err := w.feed.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.has(`sluice_feed_waiting{partner="messenger"} 0`, `sluice_feed_dropped_today{reason="EXPIRED"} 1`)
}

func TestWhatCantBeMeasuredIsNotThereAndSpoilsNothingElse(t *testing.T) {
	w := watch(t)
	w.away = errors.New("database is away")
	w.has(`sluice_releases_total{outcome="sent"} 0`)
	if !strings.Contains(w.log.String(), "measure feeds") {
		t.Errorf("the log has %s", &w.log)
	}
	w.away = nil
	w.at = w.at.Add(feedsStale)
	w.has(`sluice_feed_waiting{partner="messenger"} 0`)
}
