package main

import (
	"fmt"
	"sync"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

// arrivals is what was published, and what came of it.
type arrivals struct {
	history *history

	mu       sync.Mutex
	put      map[string]int64        // by account, the last that was put
	first    map[string]int64        // what was put before
	accounts map[string]string       // by consent, of those that must get everything at first
	whole    map[string]bool         // by consent, of those that must get everything still
	last     map[lane]int64          // the last that came
	came     map[lane]map[int64]bool // by sequence; whether it came without saying that it came again
	count    int                     // of what the follower got
	faults   verdict
	calmed   bool
}

type lane struct{ consent, account string }

func newArrivals(h *history) *arrivals {
	return &arrivals{
		history: h, put: map[string]int64{}, first: map[string]int64{}, accounts: map[string]string{}, whole: map[string]bool{},
		last: map[lane]int64{}, came: map[lane]map[int64]bool{},
	}
}

// expect requires that a consent gets everything of an account from now on.
func (a *arrivals) expect(consent, account string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.first[account]; !known {
		a.first[account] = a.put[account]
	}
	a.accounts[consent], a.whole[consent] = account, true
	a.last[lane{consent, account}] = a.put[account]
}

// excuse requires no more of it than order.
func (a *arrivals) excuse(consent string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.whole, consent)
}

// next numbers an account's next event.
func (a *arrivals) next(account string) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put[account]++
	return a.put[account]
}

// calm ends the cutting of streams.
func (a *arrivals) calm() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calmed = true
}

func (a *arrivals) isCalm() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calmed
}

// published is how many events were put in this cell.
func (a *arrivals) published() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for account, last := range a.put {
		n += int(last - a.first[account])
	}
	return n
}

func (a *arrivals) received() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count
}

func (a *arrivals) consentOf(account string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, of := range a.accounts {
		if of == account {
			return id
		}
	}
	return ""
}

// arrived judges one delivery, which is of one account. Prompt says that it was
// read as soon as it came.
func (a *arrivals) arrived(e *partnerv1.Event, prompt bool) {
	for _, b := range e.GetBalance().GetAccounts() {
		balance := b.GetBalances()[0]
		a.judge(e, b.GetAccountId(), balance.GetAmount().GetUnits())
		a.told(e, e.GetBalance().GetRelease(), balance.GetAsOf().AsTime(), prompt)
	}
	for _, t := range e.GetTransaction().GetAccounts() {
		a.judge(e, t.GetAccountId(), t.GetTransactions()[0].GetAmount().GetUnits())
		a.told(e, e.GetTransaction().GetRelease(), madeAt(t.GetTransactions()[0]), prompt)
	}
}

func (a *arrivals) told(e *partnerv1.Event, r *partnerv1.Release, made time.Time, prompt bool) {
	a.history.answer(operation{e.GetConsentId(), r.GetGrantRevision(), r.GetDisclosureId(), made, time.Now(), prompt})
}

// judge requires order: of each account in order, and twice only if it says so;
// and without a gap for those who must get everything. One that says that it comes
// again may overtake the first, which a stream that was cut still had.
func (a *arrivals) judge(e *partnerv1.Event, account string, sequence int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if own := a.accounts[e.GetConsentId()]; own != "" { // partners do not know the bank's own name
		account = own
	}
	at := lane{e.GetConsentId(), account}
	last, known := a.last[at]
	a.last[at] = max(last, sequence)
	if e.GetBalance() != nil && a.whole[e.GetConsentId()] {
		a.count++
	}
	if a.came[at] == nil {
		a.came[at] = map[int64]bool{}
	}
	plain, before := a.came[at][sequence]
	a.came[at][sequence] = plain || !e.GetRedelivered()
	v := &a.faults
	switch {
	case before && plain && !e.GetRedelivered():
		v.found(&v.unsaid, "%s: %d came again and did not say so", at, sequence)
	case before:
		v.again++
	case known && sequence <= last:
		v.found(&v.outOfOrder, "%s: %d came after %d", at, sequence, last)
	case a.whole[e.GetConsentId()] && sequence > last+1:
		v.found(&v.outOfOrder, "%s: %d came after %d, without what is between", at, sequence, last)
	}
}

func (a *arrivals) found(count func(*verdict) *int, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults.found(count(&a.faults), format, args...)
}

func (a *arrivals) failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.faults.bad()
}

// missing are the consents that must have got everything, and have not.
func (a *arrivals) missing() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for id := range a.whole {
		account := a.accounts[id]
		if got := a.last[lane{id, account}]; got < a.put[account] {
			out = append(out, fmt.Sprintf("%s of %s: %d of %d came", account, id, got, a.put[account]))
		}
	}
	return out
}

// madeAt is when a letter was made; see sleeper.
func madeAt(t *datav1.Transaction) time.Time {
	return time.Unix(0, t.GetBalanceAfter().GetUnits())
}
