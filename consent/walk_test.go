package consent_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/consent/consenttest"
	"sluice/refusal"
)

// walk is a consent and its model on the same random way.
type walk struct {
	book    *consent.Book
	model   model
	id      consent.ID
	now     int64 // milliseconds
	used    int64 // first
	usedNow int64 // last
	events  []consent.Change
	cursor  consent.Cursor
	renewed bool
	last    consent.Consent
	digests map[[32]byte]int64
}

func TestBookDoesWhatTheModelDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWalk(t)
		actions := map[string]func(*rapid.T){
			"":     w.check,
			"time": w.wait, "sweep": w.sweep, "use": func(*rapid.T) {
				if w.model.status() == "ACTIVE" {
					w.usedNow = w.now
					if w.used == 0 {
						w.used = w.now
					}
				}
			},
		}
		for _, kind := range []string{
			"authorize", "reject", "narrow", "pause", "resume", "suspend", "unsuspend",
			"renew", "ask", "withdraw", "revoke", "supersede",
		} {
			actions[kind] = func(t *rapid.T) { w.try(t, kind) }
		}
		// Most ways are to go through the consent's life, not only to its end.
		for _, end := range []string{"reject", "revoke", "supersede"} {
			early := actions[end]
			actions[end] = func(t *rapid.T) {
				if w.model.over != "" || rarely(t, 6, "end") {
					early(t)
				}
			}
		}
		t.Repeat(actions)
	})
}

func newWalk(t *rapid.T) *walk {
	w := &walk{now: start.UnixMilli(), digests: map[[32]byte]int64{}}
	w.book = consent.NewBook(consenttest.NewMemory(), consenttest.NewBarrier(), func() time.Time {
		return time.UnixMilli(w.now).Add(999 * time.Microsecond) // local time, with more than milliseconds
	})
	kinds := rapid.SliceOfNDistinct(rapid.SampledFrom(allKinds()), 2, -1, rapid.ID[string]).Draw(t, "kinds")
	days := rapid.SampledFrom([]int{1, 30, 730}).Draw(t, "look-back")
	life := rapid.SampledFrom([]int64{30 * minute, 90 * oneDay, 366 * oneDay, 500 * oneDay}).Draw(t, "life")
	asked := terms()
	asked.Clusters, asked.LookBackDays, asked.OneTime = setOf(kinds), days, rapid.Bool().Draw(t, "one-time")
	asked.ValidUntil = time.UnixMilli(w.now + life)
	c, err := w.book.Request(context.Background(), "messenger", "morava", asked)
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	if c.EndClamped != (life > 366*oneDay) {
		t.Fatalf("asked for %d days: clamped %v", life/oneDay, c.EndClamped)
	}
	w.id, w.last = c.ID, c
	w.model = model{
		bank: "morava", partner: "messenger", kinds: closure(kinds), askedLookBack: days, lookBack: days, oneTime: asked.OneTime,
		born: w.now, decided: w.now, end: w.now + min(life, 366*oneDay), changes: 1,
		waiting: map[string]bool{}, named: map[string]bool{}, held: map[string]bool{}, accounts: map[string]map[string]bool{},
	}
	return w
}

func allKinds() []string {
	return []string{"ACCOUNT_BASIC", "ACCOUNT_DETAILED", "BALANCES", "TRANSACTIONS_BASIC", "TRANSACTIONS_DETAILED", "STATEMENTS"}
}

func setOf(kinds []string) consent.Clusters {
	var s consent.Clusters
	for _, k := range kinds {
		c, _ := consent.ParseCluster(k)
		s |= consent.ClustersOf(c)
	}
	return s
}

func (w *walk) wait(t *rapid.T) {
	to := rapid.SampledFrom([]int64{
		w.now + 1, w.now + minute, w.now + 15*minute, w.now + oneDay, w.now + 40*oneDay, w.now + 90*oneDay, w.model.end - 30*oneDay,
		w.model.born + hour - 1, w.model.end - 1, w.model.end,
	}).Draw(t, "to")
	// Most of the time little passes: a consent whose end was reached is dull.
	if to > w.now && (to < w.now+10*minute || rarely(t, 5, "far")) {
		w.now = to
	}
}

func (w *walk) sweep(t *rapid.T) {
	want := w.model.sweep(w.now, w.used, w.usedNow)
	n, err := w.book.Sweep(context.Background(), func(context.Context, consent.ID) (time.Time, bool, error) {
		return time.UnixMilli(w.used), w.used != 0, nil
	}, func(_ context.Context, ids []consent.ID) (map[consent.ID]time.Time, error) {
		last := map[consent.ID]time.Time{}
		for _, id := range ids {
			if w.usedNow != 0 {
				last[id] = time.UnixMilli(w.usedNow)
			}
		}
		return last, nil
	}, 15*time.Minute)
	if err != nil || n != want {
		t.Fatalf("swept %d, %v; want %d", n, err, want)
	}
}

func (w *walk) try(t *rapid.T, kind string) {
	c := w.draw(t, kind)
	before := w.model.end
	want := w.model.make(c, w.now)
	got, err := w.send(c)
	outcome := done
	switch {
	case err != nil:
		outcome = refusal.Name(refusal.ReasonOf(err))
	case got.Revision == w.last.Revision:
		outcome = same
	}
	if outcome != want {
		t.Fatalf("%+v: %s (%v), want %s", c, outcome, err, want)
	}
	w.renewed = w.renewed || w.model.end > before
}

func (w *walk) send(c call) (consent.Consent, error) {
	ctx, s := context.Background(), scopeOf(c.by)
	var shares []consent.Share
	for _, want := range c.shares {
		shares = append(shares, consent.Share{Account: consent.AccountID(want.account), Clusters: setOf(want.kinds)})
	}
	var days *int
	if c.lookBack != -1 {
		days = &c.lookBack
	}
	var end time.Time
	if c.end != 0 {
		end = time.UnixMilli(c.end).Add(time.Microsecond)
	}
	switch c.kind {
	case "authorize":
		return w.book.Authorize(ctx, s, w.id, c.seen, consent.Choice{
			Shares: shares, LookBackDays: days, ValidUntil: end, CoHolders: customersOf(c.coHolders), Informed: customersOf(c.informed), Hidden: c.hidden,
		})
	case "reject":
		return w.book.Reject(ctx, s, w.id, c.seen)
	case "narrow":
		return w.book.Narrow(ctx, s, w.id, c.seen, consent.Narrowing{Shares: shares, LookBackDays: days, ValidUntil: end})
	case "pause":
		return w.book.Pause(ctx, s, w.id, c.seen)
	case "resume":
		return w.book.Resume(ctx, s, w.id, c.seen)
	case "suspend":
		return w.book.Suspend(ctx, s, w.id)
	case "unsuspend":
		return w.book.Unsuspend(ctx, s, w.id)
	case "renew":
		return w.book.Renew(ctx, s, w.id, c.seen, end)
	case "ask":
		return w.book.AskRenewal(ctx, s, w.id, end)
	case "withdraw":
		return w.book.WithdrawAccount(ctx, s, w.id, c.seen, consent.AccountID(c.account))
	case "revoke":
		return w.book.Revoke(ctx, s, w.id)
	case "supersede":
		return w.book.Supersede(ctx, s, w.id)
	}
	return consent.Consent{}, fmt.Errorf("unknown call %q", c.kind)
}

func customersOf(ids []string) []consent.CustomerID {
	var out []consent.CustomerID
	for _, id := range ids {
		out = append(out, consent.CustomerID(id))
	}
	return out
}

func scopeOf(c caller) consent.Scope {
	switch c.role {
	case "customer":
		return consent.ByCustomer{Bank: consent.BankID(c.bank), Customer: consent.CustomerID(c.id)}
	case "bank":
		return consent.ByBank(c.id)
	case "partner":
		return consent.ByPartner(c.id)
	}
	return consent.ByOperator(c.id)
}

// check holds the consent against its model and against what is always true.
func (w *walk) check(t *rapid.T) {
	ctx := context.Background()
	c, err := w.book.Get(ctx, consent.ByOperator("ops"), w.id)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if d := cmp.Diff(w.model.picture(), pictureOf(c)); d != "" {
		t.Fatalf("not as the model (-model +consent):\n%s", d)
	}
	history, err := w.book.History(ctx, consent.ByOperator("ops"), w.id)
	if err != nil {
		t.Fatalf("history: %v", err)
	}
	replays(t, history, c)
	w.tells(t, history)
	w.showsItsHolders(t)
	w.neverWider(t, c)
	w.endsAreFinal(t, c)
	if r, known := w.digests[c.Grant().Digest()]; known && r != c.Revision {
		t.Fatalf("revisions %d and %d have one digest", r, c.Revision)
	}
	if c.Revision == w.last.Revision && c.Grant().Digest() != w.last.Grant().Digest() {
		t.Fatalf("revision %d has two digests", c.Revision)
	}
	w.digests[c.Grant().Digest()] = c.Revision
	w.last = c
}

// neverWider: no more than was asked; and once agreed, never more than before.
func (w *walk) neverWider(t *rapid.T, c consent.Consent) {
	if c.LookBackDays > w.last.LookBackDays || c.LookBackDays > c.Asked.LookBackDays {
		t.Fatalf("look-back grew to %d", c.LookBackDays)
	}
	if !w.renewed && (c.ValidUntil.After(c.Asked.ValidUntil) || c.ValidUntil.After(w.last.ValidUntil)) {
		t.Fatalf("the end moved to %v", c.ValidUntil)
	}
	for _, s := range c.Shares {
		most := c.Asked.Clusters
		if w.last.Status != consent.Pending {
			had, _ := w.last.Grant().Share(s.Account)
			most = had.Clusters
		}
		if s.Clusters == 0 || !s.Clusters.Within(most) {
			t.Fatalf("account %s shares %v, at most %v", s.Account, s.Clusters, most)
		}
	}
}

// tells requires that who reads on gets each change once and in order.
func (w *walk) tells(t *rapid.T, history []consent.Change) {
	for {
		found, next, err := w.book.Events(context.Background(), consent.EventQuery{Partner: "messenger", After: w.cursor, Limit: 2})
		if err != nil {
			t.Fatalf("events: %v", err)
		}
		if len(found) == 0 {
			break
		}
		w.events, w.cursor = append(w.events, found...), next
	}
	if d := cmp.Diff(history, w.events); d != "" {
		t.Fatalf("events are not the history (-history +events):\n%s", d)
	}
}

// showsItsHolders requires that co-holders find the consent in their list, and
// reach it, exactly if they were named and it is not hidden.
func (w *walk) showsItsHolders(t *rapid.T) {
	for _, id := range []string{"7001", "7002", "9593", "1"} {
		who := caller{"customer", "morava", id}
		found, err := w.book.List(context.Background(), consent.Query{Bank: "morava", CoHolder: consent.CustomerID(id), Limit: 5})
		if want := w.model.named[id] && !w.model.hidden; err != nil || len(found) == 1 != want {
			t.Fatalf("%s finds %d as a co-holder, %v; want one: %v", id, len(found), err, want)
		}
		_, err = w.book.Get(context.Background(), scopeOf(who), w.id)
		if want := w.model.role(who) != ""; (err == nil) != want {
			t.Fatalf("%s reads it: %v; want so: %v", id, err, want)
		}
	}
}

func (w *walk) endsAreFinal(t *rapid.T, c consent.Consent) {
	if !consent.Ended(w.last.Status) {
		return
	}
	if d := cmp.Diff(w.last, c); d != "" {
		t.Fatalf("changed after its end:\n%s", d)
	}
}

// replays requires that the history alone tells status, revision and holds.
func replays(t *rapid.T, history []consent.Change, c consent.Consent) {
	status, holds, at := consent.Status(0), consent.Holds(0), time.Time{}
	for i, ch := range history {
		if ch.Consent != c.ID || ch.Revision != int64(i)+1 || ch.At.Before(at) {
			t.Fatalf("change %d is %+v", i, ch)
		}
		if !listed(ch, status) {
			t.Fatalf("%v from %v is not in the table", ch, status)
		}
		own := map[consent.ActorKind]consent.Holds{
			consent.ActorCustomer: consent.HeldByCustomer, consent.ActorBank: consent.HeldByBank, consent.ActorOperator: consent.HeldByOperator,
		}[ch.Actor.Kind]
		switch ch.Kind {
		case consent.KindPause, consent.KindSuspend:
			if ch.Actor.Kind == consent.ActorSystem {
				own = consent.HeldByCustomer // who resumes
			}
			holds |= own
		case consent.KindResume, consent.KindUnsuspend:
			holds &^= own
		default: // the others leave the holds as they are
		}
		if status, at = ch.Status, ch.At; consent.Ended(status) {
			holds = 0
		}
	}
	if status != c.Status || holds != c.Holds || int64(len(history)) != c.Revision || !at.Equal(c.ChangedAt) {
		t.Fatalf("history ends %v with holds %03b after %d changes at %v; the consent is %+v", status, holds, len(history), at, c)
	}
}

func listed(ch consent.Change, from consent.Status) bool {
	return slices.ContainsFunc(consent.Transitions(), func(l consent.Transition) bool {
		return l.Kind == ch.Kind && l.From == from && slices.Contains(l.By, ch.Actor.Kind) && slices.Contains(l.To, ch.Status)
	})
}

// picture is what both sides can be compared by.
type picture struct {
	Status, Customer     string
	Revision, Born, End  int64
	LookBack             int
	Held, Waiting, Asked []string
	Named                []string
	Hidden               bool
	Wished, Announced    int64
	Decided              int64
	Accounts             map[string][]string
}

func (m *model) picture() picture {
	p := picture{
		Status: m.status(), Customer: m.customer, Revision: m.changes, Born: m.born, End: m.end, LookBack: m.lookBack,
		Held: sorted(m.held), Waiting: sorted(m.waiting), Asked: sorted(m.kinds), Accounts: map[string][]string{},
		Named: sorted(m.named), Hidden: m.hidden, Wished: m.wished, Announced: m.announced, Decided: m.decided,
	}
	for a, kinds := range m.accounts {
		p.Accounts[a] = sorted(kinds)
	}
	return p
}

func sorted(set map[string]bool) []string {
	return append([]string{}, slices.Sorted(maps.Keys(set))...)
}

func pictureOf(c consent.Consent) picture {
	held, waiting, named := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for h, name := range map[consent.Holds]string{
		consent.HeldByCustomer: "customer", consent.HeldByBank: "bank", consent.HeldByOperator: "operator",
	} {
		if c.Holds&h != 0 {
			held[name] = true
		}
	}
	for _, h := range c.Awaiting {
		waiting[string(h)] = true
	}
	for _, h := range c.CoHolders {
		named[string(h)] = true
	}
	p := picture{
		Status: consent.StatusName(c.Status), Customer: string(c.Customer), Revision: c.Revision,
		Born: c.CreatedAt.UnixMilli(), End: c.ValidUntil.UnixMilli(), LookBack: c.LookBackDays,
		Held: sorted(held), Waiting: sorted(waiting), Asked: sorted(closure(c.Asked.Clusters.Names())),
		Named: sorted(named), Hidden: c.Hidden, Wished: milli(c.RenewalAsked), Announced: milli(c.EndAnnounced), Decided: milli(c.DecidedAt),
		Accounts: map[string][]string{},
	}
	for _, s := range c.Shares {
		p.Accounts[string(s.Account)] = sorted(closure(s.Clusters.Names()))
	}
	return p
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
