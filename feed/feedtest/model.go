package feedtest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/feed"
)

// reference is a bank with what it truly has to say, and what must have become of it.
type reference struct {
	*world
	p        consent.PartnerID
	truth    map[consent.AccountID]int64 // how many events each account has
	position map[consent.AccountID]int64
	out      map[string]feed.Delivery // given out and not acknowledged
	given    map[string]int           // how often each was given out
	done     map[consent.AccountID]int64
}

var modelAccounts = []consent.AccountID{"A1", "A2", "A3"}

func model(t *testing.T, rig Rig, worlds *atomic.Int64) {
	checks, failed := 0, false
	rapid.Check(t, func(rt *rapid.T) {
		// A failure is made small by trying again, as often as that takes.
		if checks++; checks > rig.Models && !failed {
			return
		}
		defer func() { failed = failed || rt.Failed() }()
		r := reference{
			world: newWorld(t, rig, worlds), truth: map[consent.AccountID]int64{}, position: map[consent.AccountID]int64{},
			out: map[string]feed.Delivery{}, given: map[string]int{}, done: map[consent.AccountID]int64{},
		}
		r.p = r.partner("messenger")
		r.allow("con_1", r.p, shares(everything, modelAccounts...)...)
		r.told(r.p)
		for _, a := range modelAccounts {
			r.truth[a] = rapid.Int64Range(0, 9).Draw(rt, string(a))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"publish": r.send, "take": r.take, "acknowledge": r.end,
			"time passes": func(rt *rapid.T) {
				r.pass(time.Duration(rapid.IntRange(1, 40).Draw(rt, "seconds")) * time.Second)
			},
		})
		r.finish(rt)
	})
}

// send publishes some of the truth, in any order and repetition.
func (r *reference) send(rt *rapid.T) {
	var batch []feed.Event
	came := map[consent.AccountID]map[int64]bool{}
	for range rapid.IntRange(1, 12).Draw(rt, "events") {
		a := rapid.SampledFrom(modelAccounts).Draw(rt, "account")
		if r.truth[a] == 0 {
			continue
		}
		s := rapid.Int64Range(1, r.truth[a]).Draw(rt, "sequence")
		batch = append(batch, balance(a, s))
		if came[a] == nil {
			came[a] = map[int64]bool{}
		}
		came[a][s] = true
	}
	got, rejected := r.publish(batch...)
	if len(got) != len(came) || len(rejected) != 0 {
		rt.Fatalf("positions of %d accounts, want %d; rejected: %v", len(got), len(came), rejected)
	}
	for _, p := range got {
		for came[p.Account][r.position[p.Account]+1] {
			r.position[p.Account]++
		}
		if p.Sequence != r.position[p.Account] {
			rt.Fatalf("%s is at %d, want %d", p.Account, p.Sequence, r.position[p.Account])
		}
		for s := range came[p.Account] {
			if s > p.Sequence && p.MissingFrom != p.Sequence+1 {
				rt.Fatalf("%s has a gap before %d and says %+v", p.Account, s, p)
			}
		}
	}
}

func key(d feed.Delivery) string { return fmt.Sprint(d.Event.Account, "/", d.Event.Sequence) }

func (r *reference) take(rt *rapid.T) {
	consumer := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "consumer")
	for _, d := range r.due(r.p, consumer, rapid.IntRange(1, 5).Draw(rt, "limit")) {
		k, a := key(d), d.Event.Account
		r.given[k]++
		if d.Event.Sequence != r.done[a]+1 || d.Event.Sequence > r.position[a] {
			rt.Fatalf("%s is given out after %d of %d", k, r.done[a], r.position[a])
		}
		if string(d.Event.Answer) != k || d.Attempts != r.given[k] {
			rt.Fatalf("%s says %q, attempt %d of %d", k, d.Event.Answer, d.Attempts, r.given[k])
		}
		r.out[k] = d
	}
}

func (r *reference) end(rt *rapid.T) {
	for _, a := range modelAccounts {
		k := fmt.Sprint(a, "/", r.done[a]+1)
		if d, out := r.out[k]; out && rapid.Bool().Draw(rt, "acknowledge "+k) {
			r.ack(r.p, rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "by"), "", d)
			r.done[a]++
		}
	}
}

// finish sends and takes all that is left.
func (r *reference) finish(rt *rapid.T) {
	var all []feed.Event
	for _, a := range modelAccounts {
		for s := r.truth[a]; s >= 1; s-- {
			all = append(all, balance(a, s))
		}
	}
	r.publish(all...)
	r.pass(time.Hour)
	for _, d := range r.drain(r.p, "last") {
		a := d.Event.Account
		if r.done[a]++; d.Event.Sequence != r.done[a] {
			rt.Fatalf("%s/%d is given out as number %d", a, d.Event.Sequence, r.done[a])
		}
	}
	for _, a := range modelAccounts {
		if r.done[a] != r.truth[a] {
			rt.Fatalf("%d of %d events of %s were delivered", r.done[a], r.truth[a], a)
		}
	}
}
