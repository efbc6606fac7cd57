package feedtest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/consent"
	"sluice/feed"
)

func oneAtATime(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1", "A2")...)
	w.told(p)
	w.publish(balance("A1", 1), balance("A1", 2), balance("A2", 1))
	first := w.due(p, "a", 10)
	same(t, "what is out", says(first), []string{"A1/1", "A2/1"})
	w.pass(time.Second)
	same(t, "what is out besides", says(w.due(p, "a", 10)), []string{})
	for _, d := range first {
		if d.Event.Account == "A1" {
			w.ack(p, "a", "", d)
		}
	}
	same(t, "what follows", says(w.due(p, "a", 10)), []string{"A1/2"})
	same(t, "given to nobody", len(w.due("", "a", 10))+len(w.due(p, "", 10))+len(w.due(p, "a", 0)), 0)
}

func fitting(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1", "A2", "A3", "A4", "A5")...)
	w.told(p)
	const size = 3000 // and somewhat more when it is sealed
	for a := 1; a <= 5; a++ {
		e := balance(consent.AccountID(fmt.Sprint("A", a)), 1)
		e.Answer = bytes.Repeat([]byte("x"), size)
		w.publish(e)
	}
	given := map[consent.AccountID]bool{}
	for _, test := range []struct {
		room feed.Room
		want int
	}{
		{feed.Room{Events: 10, Bytes: 1}, 1},
		{feed.Room{Events: 10, Bytes: 3 * size}, 2},
		{feed.Room{Events: 1, Bytes: 9 * size}, 1},
		{feed.Room{Events: 10}, 1},
	} {
		due, err := w.Due(t.Context(), p, "a", test.room)
		if err != nil || len(due) != test.want {
			t.Fatalf("into %+v go %d, %v, want %d", test.room, len(due), err, test.want)
		}
		for _, d := range due {
			if given[d.Event.Account] || d.Redelivered() {
				t.Errorf("%s was out and is given again", d.Event.Account)
			}
			given[d.Event.Account] = true
		}
	}
}

func again(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1")...)
	w.told(p)
	w.publish(balance("A1", 1))
	first := w.due(p, "a", 10)
	for range 5 {
		w.pass(feed.AckWait / 6)
		same(t, "what is due before its time", says(w.due(p, "a", 10)), []string{})
	}
	w.pass(feed.AckWait / 3)
	second := w.due(p, "a", 10)
	if len(first) != 1 || len(second) != 1 || first[0].Redelivered() || !second[0].Redelivered() || second[0].Attempts != 2 {
		t.Fatalf("given %+v and then %+v", first, second)
	}
	w.ack(p, "b", "", second...) // a partner may acknowledge wherever it likes
	w.pass(time.Hour)
	same(t, "what is due after", says(w.due(p, "a", 10)), []string{})
}

// many accounts, so that every shard has some.
func many() []consent.AccountID {
	var out []consent.AccountID
	for i := range 100 {
		out = append(out, consent.AccountID(fmt.Sprintf("A%03d", i)))
	}
	return out
}

func (w *world) publishEach(accounts []consent.AccountID, sequence int64) {
	w.t.Helper()
	var batch []feed.Event
	for _, a := range accounts {
		batch = append(batch, balance(a, sequence))
	}
	w.publish(batch...)
}

func shardsOf(ds []feed.Delivery) map[int]bool {
	out := map[int]bool{}
	for _, d := range ds {
		out[d.Shard] = true
	}
	return out
}

func shared(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, many()...)...)
	w.told(p)
	w.publishEach(many(), 1)
	all := w.due(p, "a", 1000)
	same(t, "shards of the only consumer", len(shardsOf(all)), feed.Shards)
	w.ack(p, "a", "", all...)
	w.publishEach(many(), 2)
	same(t, "shards of a second one at first", len(w.due(p, "b", 1000)), 0)
	first := w.due(p, "a", 1000)
	second := w.due(p, "b", 1000)
	same(t, "shards of the first", len(shardsOf(first)), feed.Shards/2)
	same(t, "shards of the second", len(shardsOf(second)), feed.Shards/2)
	same(t, "deliveries to both", len(first)+len(second), len(many()))
	seen := map[consent.AccountID]bool{}
	for _, d := range append(first, second...) {
		if seen[d.Event.Account] || d.Redelivered() {
			t.Errorf("%s was given out twice", d.Event.Account)
		}
		seen[d.Event.Account] = true
	}
}

// sharedLater is of a consumer that must wait for longer than others remember it.
func sharedLater(t *testing.T, w *world) {
	p := w.partner("messenger")
	first, second := many(), many()
	for i := range second {
		second[i] = "B" + second[i]
	}
	w.allow("con_1", p, shares(everything, first...)...)
	w.allow("con_2", p, shares(everything, second...)...)
	w.told(p)
	w.publishEach(first, 1)
	out := w.due(p, "a", 1000)
	w.publishEach(second, 1)
	same(t, "what another is given at first", len(w.due(p, "b", 1000)), 0)
	w.pass(feed.Lease * 6 / 10)
	w.ack(p, "a", "", out...)
	w.pass(feed.Lease * 6 / 10)
	same(t, "what another is given while all is leased", len(w.due(p, "b", 1000)), 0)
	mine := w.due(p, "a", 1000)
	theirs := w.due(p, "b", 1000)
	same(t, "shards of both", []int{len(shardsOf(mine)), len(shardsOf(theirs))}, []int{feed.Shards / 2, feed.Shards / 2})
}

func takenOver(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, many()...)...)
	w.told(p)
	w.publishEach(many(), 1)
	w.publishEach(many(), 2)
	lost := w.due(p, "dead", 1000)
	w.ack(p, "dead", "", lost[:10]...)
	w.pass(feed.Lease - time.Second)
	same(t, "what another is given while it may live", len(w.due(p, "b", 1000)), 0)
	w.pass(2 * time.Second)
	got := w.due(p, "b", 1000)
	for _, d := range got {
		if d.Redelivered() != (d.Event.Sequence == 1) {
			t.Errorf("%s/%d redelivered: %t", d.Event.Account, d.Event.Sequence, d.Redelivered())
		}
	}
	same(t, "what another is given when it is dead", len(got), len(many()))
	w.ack(p, "b", "", got...)
	same(t, "what is left", len(w.drain(p, "b")), len(many())-10)
	w.ack(p, "dead", "", lost...) // too late to matter
}

// silent is of a consumer that dies with all there is.
func silent(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1")...)
	w.told(p)
	w.publish(balance("A1", 1))
	lost := w.due(p, "dead", 10)
	w.pass(feed.Lease - time.Second)
	same(t, "what another is given while it may live", says(w.due(p, "b", 10)), []string{})
	w.ack(p, "dead", "", feed.Delivery{Shard: lost[0].Shard}) // a sign of life
	w.pass(feed.Lease - time.Second)
	same(t, "what another is given while it lives", says(w.due(p, "b", 10)), []string{})
	w.pass(time.Second)
	same(t, "what another is given when it is dead", says(w.due(p, "b", 10)), []string{"A1/1"})
}

func errors(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1", "A2")...)
	w.told(p)
	w.publish(balance("A1", 1), balance("A1", 2), balance("A2", 1))
	rest := time.Duration(0)
	for n := 1; n <= feed.MaxErrors; n++ {
		due := w.due(p, "a", 10)
		if n > 1 {
			same(t, fmt.Sprint("what is due after errors: ", n-1), says(due), []string{"A1/1"})
		}
		for _, d := range due {
			if d.Event.Account == "A2" {
				w.ack(p, "a", "", d)
				continue
			}
			w.ack(p, "a", fmt.Sprint("no ", n, "\n", strings.Repeat("ä", 300)), d)
			w.ack(p, "a", "counted once\x00", d)
		}
		next, again := feed.Backoff(n)
		if !again {
			break
		}
		if next < rest || next < time.Second {
			t.Errorf("rests %v after %v", next, rest)
		}
		rest = next
		w.pass(rest - time.Millisecond)
		same(t, "what is due while it rests", says(w.due(p, "a", 10)), []string{})
		w.pass(time.Millisecond)
	}
	same(t, "what follows", says(w.drain(p, "a")), []string{"A1/2"})
	same(t, "contents kept", w.rig.Payloads(t, w.bank), 0)
	dead, err := w.Dead(t.Context(), p, 10)
	if err != nil || len(dead) != 1 || dead[0].Error != "no 10 "+strings.Repeat("ä", 194) || dead[0].Errors != 10 || dead[0].Kind != feed.BalanceChanged ||
		dead[0].Partner != p || dead[0].Consent != consent.ID("con_1-"+w.name) || !dead[0].At.Equal(w.now()) {
		t.Errorf("put aside: %+v, %v", dead, err)
	}
	kept, err := w.rig.Store.Dead(t.Context(), p, 10)
	if err != nil || len(kept) != 1 || strings.Contains(kept[0].Error, "no ") || strings.Contains(kept[0].Error, "ä") {
		t.Errorf("the partner's words are kept in clear: %+v, %v", kept, err)
	}
	everyones, err := w.Dead(t.Context(), "", 1)
	if err != nil || len(everyones) != 1 {
		t.Errorf("put aside of all: %+v, %v", everyones, err)
	}
}

func dropped(t *testing.T, w *world) {
	p := w.partner("messenger")
	w.allow("con_1", p, shares(everything, "A1", "A2")...)
	w.told(p)
	w.publish(balance("A1", 1), balance("A1", 2), balance("A2", 1))
	due := w.due(p, "a", 10)
	for range 2 {
		if err := w.Drop(t.Context(), due, "CONSENT_PAUSED"); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "contents kept", w.rig.Payloads(t, w.bank), 1)
	same(t, "what follows", says(w.drain(p, "a")), []string{"A1/2"})
	counts, err := w.Counts(t.Context(), string(p), consent.DayOf(w.now()))
	same(t, "error", err, nil)
	same(t, "counts", counts, map[string]int{"dropped BALANCE_CHANGED CONSENT_PAUSED": 2})
}
