package web

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"sluice/consent"
	"sluice/disclosure"
)

// card is a consent at a glance.
type card struct {
	ID         consent.ID
	Revision   int64
	Partner    foreign
	PurposeKey string
	Status     consent.Status
	StatusKey  string
	Tone       string
	Barred     bool   // it stands, and yet nothing is read: a party may not take part
	Mine       bool   // given by this customer, not by another holder
	Giver      string // who gave it, if it is not mine
	AwaitsMe   bool
	Out        bool     // none of this co-holder's accounts is part of it any more
	WaitsFor   []string // names of co-holders who must still agree
	Hidden     bool
	Lines      []shareLine
	Unnamed    bool      // which accounts can't be said: the bank does not answer
	Since      time.Time // when it was asked for
	EndsAt     time.Time
	EndedAt    time.Time
	EndingSoon bool
	Wished     time.Time // the end the partner asks for
	Answer     bool      // and it can be given
	Unused     bool      // paused by itself
	Clamped    bool
	LastRead   time.Time
	Chart      chart
	Refused    []refusedLine
	Blind      bool // what was read can't be said
	OneTime    bool
	LookBack   int
	Unattended int
	Retention  int
}

// shareLine is what one account shares.
type shareLine struct {
	Account consent.AccountID
	Label   string
	Kinds   consent.Clusters
}

// refusedLine is what was refused, of one reason.
type refusedLine struct {
	Key   string
	Count int
	Last  time.Time
}

// card shows a consent to one who reaches it. A co-holder sees of its accounts
// only their own, and no counts: those are the giver's.
func (v *visit) card(c consent.Consent, who Identity, k known, last time.Time) (card, error) {
	partner, err := v.partner(c.Partner)
	if err != nil {
		return card{}, err
	}
	standing, err := v.standing(c, partner)
	if err != nil {
		return card{}, err
	}
	status := c.Seen()
	out := card{
		ID: c.ID, Revision: c.Revision, Partner: v.partnerName(partner), PurposeKey: purposeKey(c.Asked.Purpose),
		Status: status, StatusKey: standing.key, Tone: standing.tone, Barred: standing.barred, Mine: c.Customer == who.Customer,
		Since: c.CreatedAt, EndsAt: c.ValidUntil, OneTime: c.Asked.OneTime, Unattended: c.Asked.UnattendedPerDay, Retention: c.Asked.RetentionDays,
		Clamped: c.EndClamped,
	}
	if consent.Ended(c.Status) {
		out.EndedAt = c.ChangedAt
	}
	out.Lines, out.Unnamed = v.lines(c, out.Mine, k)
	for _, l := range out.Lines {
		out.LookBack = max(out.LookBack, lookBack(c, l.Kinds))
	}
	if !out.Mine {
		out.AwaitsMe = c.Status == consent.PartiallyAuthorized && slices.Contains(c.Awaiting, who.Customer)
		out.Out = k.answered && len(out.Lines) == 0 && !consent.Ended(c.Status)
		out.Giver = k.holderName(c.Customer, v.words.say("name.holder"))
		return out, nil
	}
	out.Hidden, out.LastRead = c.Hidden, last
	for _, h := range c.Awaiting {
		out.WaitsFor = append(out.WaitsFor, k.holderName(h, v.words.say("name.holder")))
	}
	if consent.Live(c.Status) {
		out.Wished, out.Answer = c.RenewalAsked, c.Status != consent.Suspended
		out.EndingSoon = !c.ValidUntil.After(v.at.Add(consent.EndAnnouncedBefore)) && c.ValidUntil.Sub(c.CreatedAt) > consent.EndAnnouncedBefore
	}
	return out, v.whyPaused(&out, who)
}

// lines are the shares a viewer may see.
func (v *visit) lines(c consent.Consent, mine bool, k known) ([]shareLine, bool) {
	var out []shareLine
	for _, s := range c.Shares {
		if _, held := k.find(s.Account); mine || held {
			out = append(out, shareLine{Account: s.Account, Label: k.label(s.Account, v.words), Kinds: s.Clusters})
		}
	}
	return out, !mine && !k.answered
}

// usage fills in what was read and what was refused lately. Attempts after the
// end count too.
func (v *visit) usage(out *card) {
	if !out.Mine {
		return
	}
	today := consent.DayOf(v.at)
	days, err := v.config.Disclosures.Days(v.ctx(), out.ID, today-chartDays+1, today)
	if err != nil {
		out.Blind = true
		return
	}
	out.Chart = chartOf(string(out.ID), today, days)
	counts, err := v.config.Disclosures.Refusals(v.ctx(), out.ID, today-chartDays+1, today)
	if err != nil {
		out.Blind = true
		return
	}
	out.Refused = refusedLines(counts)
}

// refusedLines adds the days up, most recent reason first.
func refusedLines(counts []disclosure.RefusalCount) []refusedLine {
	byKey := map[string]*refusedLine{}
	var out []*refusedLine
	for _, n := range counts {
		key := refusedKey(n.Reason)
		line := byKey[key]
		if line == nil {
			line = &refusedLine{Key: key}
			byKey[key] = line
			out = append(out, line)
		}
		line.Count += n.Count
		if n.Last.After(line.Last) {
			line.Last = n.Last
		}
	}
	slices.SortFunc(out, func(a, b *refusedLine) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Key, b.Key)) })
	lines := make([]refusedLine, len(out))
	for i, l := range out {
		lines[i] = *l
	}
	return lines
}

// whyPaused tells a pause by the customer from one because nobody used it.
func (v *visit) whyPaused(out *card, who Identity) error {
	if out.Status != consent.Paused {
		return nil
	}
	history, err := v.config.Book.History(v.ctx(), who.as(), out.ID)
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	for _, ch := range slices.Backward(history) {
		if ch.Kind == consent.KindPause {
			out.Unused = ch.Why == consent.WhyUnused
			break
		}
	}
	return nil
}
