package feed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/feed"
)

func TestEachKindHasANameAndNeedsWhatItTellsOf(t *testing.T) {
	names := map[string]bool{}
	for k := feed.TransactionPosted; k <= feed.AccountWithdrawn; k++ {
		if names[k.String()] || k.String() == feed.Kind(0).String() {
			t.Errorf("kind %d is called %s", k, k)
		}
		names[k.String()] = true
		ofConsents := k == feed.ConsentChanged || k == feed.AccountLeft
		if k.Published() == ofConsents {
			t.Errorf("%s: published by banks: %t", k, k.Published())
		}
		if bare := ofConsents || k == feed.AccountWithdrawn; (k.Cluster() == 0) != bare {
			t.Errorf("%s needs %s", k, consent.ClusterName(k.Cluster()))
		}
	}
	if feed.Kind(0).Published() || feed.Kind(0).Cluster() != 0 {
		t.Error("the zero kind is published")
	}
}

func TestASequenceFarAheadIsSaidToBeAhead(t *testing.T) {
	event := func(n int64) feed.Event { return feed.Event{Account: "A1", Sequence: n, Kind: feed.BalanceChanged} }
	s := feed.State{Account: "A1", Sequence: 7}
	_, rejected := s.Take([]feed.Event{event(8 + feed.MostAhead), event(7 + feed.MostAhead)})
	if len(rejected) != 1 || rejected[0].Sequence != 8+feed.MostAhead || rejected[0].Field != "sequence" ||
		rejected[0].Description != "is more than 1,000,000 ahead of what was published" {
		t.Errorf("rejected %v", rejected)
	}
	if p := s.Position(); p.Sequence != 7 || p.MissingFrom != 8 {
		t.Errorf("it stands at %+v", p)
	}
}

func TestDeliveriesSpreadOverAllShards(t *testing.T) {
	const n = 16_000
	var in [feed.Shards]int
	for i := range n {
		in[feed.ShardOf("morava", fmt.Sprint("account-", i))]++
	}
	for s, got := range in {
		if got < n/feed.Shards*8/10 || got > n/feed.Shards*12/10 {
			t.Errorf("shard %d has %d of %d", s, got, n)
		}
	}
	if feed.ShardOf("a", "bc") == feed.ShardOf("ab", "c") && feed.ShardOf("a", "bd") == feed.ShardOf("ab", "d") {
		t.Error("parts run into each other")
	}
}

func TestADeliveryRestsLongerWithEachErrorAndThenForGood(t *testing.T) {
	last := time.Duration(0)
	for n := 1; n < feed.MaxErrors; n++ {
		rest, again := feed.Backoff(n)
		if !again || rest < last || rest < time.Second {
			t.Errorf("after %d errors: %v, %t", n, rest, again)
		}
		last = rest
	}
	if _, again := feed.Backoff(feed.MaxErrors); again {
		t.Error("there is no end")
	}
}

func TestAConsumerTakesNoShardThatAnotherHolds(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		var shards []feed.Leased
		for s := range rapid.IntRange(0, feed.Shards).Draw(t, "shards") {
			shards = append(shards, feed.Leased{
				Shard: s, Consumer: rapid.SampledFrom([]string{"", "me", "other"}).Draw(t, "consumer"),
				Until: at.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "until")) * time.Second),
			})
		}
		consumers := rapid.IntRange(0, 20).Draw(t, "consumers")
		mine, letGo := feed.Share(shards, "me", consumers, at)
		most := (len(shards) + max(consumers, 1) - 1) / max(consumers, 1)
		if len(mine) > most {
			t.Fatalf("has %d shards of %d among %d", len(mine), len(shards), consumers)
		}
		free := 0
		for _, l := range shards {
			has, left := slices.Contains(mine, l.Shard), slices.Contains(letGo, l.Shard)
			others := l.Consumer == "other" && l.Until.After(at)
			if has && (left || others) || left && l.Consumer != "me" || l.Consumer == "me" && !has && !left {
				t.Fatalf("of %+v: has %t, lets go %t", l, has, left)
			}
			if !others {
				free++
			}
		}
		if len(mine) != min(most, free) {
			t.Fatalf("has %d shards, want %d of %d that are free", len(mine), most, free)
		}
	})
}

func TestWhoWaitsIsWokenByAnEventOrByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bell feed.Bell
		next, began := bell.Next("messenger"), time.Now()
		if other := bell.Next("messenger"); other != next {
			t.Error("two who wait for one partner wait for different things")
		}
		bell.Wake([]consent.PartnerID{"wallet"})
		go func() {
			time.Sleep(feed.Poll / 5)
			bell.Wake([]consent.PartnerID{"messenger", "nobody"})
		}()
		if err := feed.Wait(t.Context(), next); err != nil || time.Since(began) != feed.Poll/5 {
			t.Errorf("woken after %v: %v", time.Since(began), err)
		}
		began = time.Now()
		if err := feed.Wait(t.Context(), bell.Next("messenger")); err != nil || time.Since(began) != feed.Poll {
			t.Errorf("waited %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := feed.Wait(ctx, bell.Next("messenger")); !errors.Is(err, context.Canceled) {
			t.Errorf("waited on: %v", err)
		}
	})
}

// asked is a store that keeps what positions it was asked for.
type asked struct {
	feed.Store
	accounts []consent.AccountID
}

func (a *asked) Positions(_ context.Context, _ consent.BankID, accounts []consent.AccountID) ([]feed.Position, error) {
	a.accounts = accounts
	out := make([]feed.Position, len(accounts))
	for i, id := range accounts {
		out[i] = feed.Position{Account: id, Sequence: 7}
	}
	return out, nil
}

func TestNamesThatCanNotBeKeptStandAtNothing(t *testing.T) {
	store := &asked{}
	f := feed.New(store, nil, &feed.Bell{})
	got, err := f.Positions(t.Context(), "morava", []consent.AccountID{"A\x00", "A1", "", "A2"})
	want := []feed.Position{{Account: "A\x00"}, {Account: "A1", Sequence: 7}, {}, {Account: "A2", Sequence: 7}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("positions = %v, %v, want %v", got, err, want)
	}
	if !slices.Equal(store.accounts, []consent.AccountID{"A1", "A2"}) {
		t.Errorf("the store was asked for %q", store.accounts)
	}
}
