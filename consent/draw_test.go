package consent_test

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// rarely is true about once in n. (rapid favours small numbers.)
func rarely(t *rapid.T, n int, what string) bool {
	return rapid.IntRange(1, n).Draw(t, what) == n
}

// draw makes a call that may well succeed: who may make it mostly does, and
// what it asks for is mostly within bounds.
func (w *walk) draw(t *rapid.T, kind string) call {
	c := call{kind: kind, by: w.drawCaller(t, kind), lookBack: -1}
	c.seen = rapid.SampledFrom([]int64{0, w.model.changes}).Draw(t, "seen")
	if rarely(t, 8, "other revision") {
		c.seen = rapid.SampledFrom([]int64{w.model.changes - 1, w.model.changes + 1}).Draw(t, "seen")
	}
	if slices.Contains([]string{"suspend", "unsuspend", "revoke", "supersede", "ask"}, kind) {
		c.seen = 0 // those calls take no revision
	}
	switch kind {
	case "authorize":
		c.shares = w.drawShares(t)
		w.drawLess(t, &c)
		c.coHolders = rapid.SampledFrom([][]string{nil, nil, nil, {"7001"}, {"7002", "7001"}, {"7001", "7001"}, {"9593"}}).Draw(t, "co-holders")
		c.hidden = rarely(t, 3, "hidden")
		if c.hidden && !rarely(t, 4, "named all the same") {
			c.coHolders = nil
		}
		if !c.hidden || rarely(t, 8, "informed all the same") {
			c.informed = rapid.SampledFrom([][]string{nil, nil, nil, {"1"}, {"7002", "1"}, {"1", "1"}, {"9593"}}).Draw(t, "informed")
		}
		if w.model.agreed && !rarely(t, 4, "not repeated") {
			c.shares, c.lookBack, c.end, c.coHolders, c.informed, c.hidden = w.model.present(), -1, 0, nil, nil, false
		}
	case "narrow":
		if rapid.Bool().Draw(t, "with shares") {
			c.shares = w.drawShares(t)
		}
		w.drawLess(t, &c)
	case "renew", "ask":
		c.end = rapid.SampledFrom([]int64{
			w.model.wished,
			w.model.end + 1, w.model.end + oneDay, w.now + 366*oneDay, w.now + 366*oneDay + 1, w.model.end, w.model.end - 1,
		}).Draw(t, "end")
	case "withdraw":
		c.account = rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(t, "account")
	}
	return c
}

func (w *walk) drawCaller(t *rapid.T, kind string) caller {
	own := caller{"customer", "morava", w.model.customer}
	if own.id == "" {
		own.id = "9593"
	}
	usual := own
	switch {
	case kind == "ask":
		usual = caller{"partner", "", "messenger"}
	case kind == "suspend" || kind == "unsuspend":
		usual = rapid.SampledFrom([]caller{{"bank", "", "morava"}, {"operator", "", "ops"}}).Draw(t, "holder")
	case len(w.model.waiting) > 0 && (kind == "authorize" || kind == "reject"):
		usual.id = rapid.SampledFrom(sorted(w.model.waiting)).Draw(t, "awaited")
	}
	if !rarely(t, 5, "unusual") {
		return usual
	}
	return rapid.SampledFrom([]caller{
		own,
		{"customer", "morava", "9593"},
		{"customer", "morava", "7001"},
		{"customer", "morava", "7002"},
		{"customer", "morava", "1"},
		{"customer", "slezsko", "9593"},
		{"bank", "", "morava"},
		{"bank", "", "slezsko"},
		{"partner", "", "messenger"},
		{"partner", "", "wallet"},
		{"operator", "", "ops"},
	}).Draw(t, "caller")
}

// drawShares chooses some accounts, mostly within what they may share.
func (w *walk) drawShares(t *rapid.T) []want {
	var shares []want
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"C", "A", "B", "D"}), 1, 3).Draw(t, "accounts")
	if !rarely(t, 10, "twice") {
		slices.Sort(names)
		names = slices.Compact(names)
		slices.Reverse(names)
	}
	for _, name := range names {
		if w.model.agreed && w.model.accounts[name] == nil && !rarely(t, 8, "another account") {
			continue
		}
		most := sorted(w.model.kinds)
		if w.model.agreed && w.model.accounts[name] != nil {
			most = sorted(w.model.accounts[name])
		}
		if rarely(t, 15, "wide") {
			most = allKinds()
		}
		least := 1
		if rarely(t, 20, "none") {
			least = 0
		}
		shares = append(shares, want{name, rapid.SliceOfNDistinct(rapid.SampledFrom(most), least, -1, rapid.ID[string]).Draw(t, "kinds")})
	}
	return shares
}

func (w *walk) drawLess(t *rapid.T, c *call) {
	if !rarely(t, 2, "look-back chosen") {
		c.lookBack = rapid.SampledFrom([]int{w.model.lookBack, max(w.model.lookBack-1, 0), 1}).Draw(t, "look-back")
	}
	if rarely(t, 2, "end chosen") {
		c.end = rapid.SampledFrom([]int64{w.model.end - 1, w.model.end, w.now + hour}).Draw(t, "end")
	}
	if rarely(t, 8, "out of bounds") {
		c.lookBack = rapid.SampledFrom([]int{0, w.model.lookBack + 1, -2}).Draw(t, "look-back")
		c.end = rapid.SampledFrom([]int64{0, w.now + 1, w.now, w.model.end + 1}).Draw(t, "end")
	}
}

func (m *model) present() []want {
	var shares []want
	for _, a := range slices.Sorted(maps.Keys(m.accounts)) {
		shares = append(shares, want{a, sorted(m.accounts[a])})
	}
	return shares
}
