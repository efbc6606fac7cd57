package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice/bank/holdings"
	"sluice/consent"
)

// maxTicks bounds how many boxes of a form are looked at: every kind of every
// account that a bank may name.
const maxTicks = 5000

// filled is a form of accounts × kinds as it was sent, right or wrong.
type filled struct {
	Ticked   map[string]bool
	LookBack string
	Until    string
	Hidden   bool
	Revision int64 // that the page showed; below 0 if it was not sent rightly
	Do       string
}

// problem says what is wrong with one field.
type problem struct {
	Field string // id of the element
	Text  string
}

// readFilled takes a form as it is; nothing is judged yet.
func readFilled(form url.Values) filled {
	f := filled{
		Ticked: map[string]bool{}, LookBack: strings.TrimSpace(form.Get("look_back")), Until: strings.TrimSpace(form.Get("until")),
		Hidden: form.Get("hidden") == "yes", Do: form.Get("do"), Revision: -1,
	}
	if n, err := strconv.ParseInt(form.Get("revision"), 10, 64); err == nil && n > 0 {
		f.Revision = n
	}
	for i, value := range form["share"] {
		if i == maxTicks {
			break
		}
		f.Ticked[value] = true
	}
	return f
}

// tick is the value of the box for one kind of data of one account.
func tick(c consent.Cluster, a consent.AccountID) string {
	return consent.ClusterName(c) + ":" + string(a)
}

// shares are the ticked boxes that stand on the page: within most, in its order.
// It is false if others were sent.
func (f filled) shares(most []consent.Share) ([]consent.Share, bool) {
	var out []consent.Share
	used := 0
	for _, m := range most {
		var some []consent.Cluster
		for _, c := range m.Clusters.List() {
			if f.Ticked[tick(c, m.Account)] {
				some = append(some, c)
			}
		}
		used += len(some)
		if len(some) > 0 {
			out = append(out, consent.Share{Account: m.Account, Clusters: consent.ClustersOf(some...).Implied()})
		}
	}
	return out, used == len(f.Ticked)
}

// past says whether days of the past bound any of the kinds.
func past(c consent.Clusters) bool {
	return c.Has(consent.TransactionsBasic) || c.Has(consent.CardTransactions)
}

func anyPast(shares []consent.Share) bool {
	for _, s := range shares {
		if past(s.Clusters) {
			return true
		}
	}
	return false
}

// days reads the days of the past chosen; nil for none chosen. It is false
// unless they are between 1 and most.
func (f filled) days(most int) (*int, bool) {
	if f.LookBack == "" {
		return nil, true
	}
	n, err := strconv.Atoi(f.LookBack)
	if err != nil || n < 1 || n > most {
		return nil, false
	}
	return &n, true
}

// end reads a day as the last moment of it, at most latest. The day of latest
// itself means latest. It is false if the day is none, is over, or is later;
// zero for no day.
func (f filled) end(at, latest time.Time, zone *time.Location) (time.Time, bool) {
	if f.Until == "" {
		return time.Time{}, true
	}
	day, err := time.ParseInLocation(time.DateOnly, f.Until, zone)
	if err != nil {
		return time.Time{}, false
	}
	if f.Until == latest.In(zone).Format(time.DateOnly) {
		return latest, true
	}
	end := time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 59, 0, zone)
	return end, end.After(at) && !end.After(latest)
}

// agreement is what a customer chose from what was asked, or what is wrong with
// the form.
func (f filled) agreement(c consent.Consent, k known, me consent.CustomerID, at time.Time, s *speech) (consent.Choice, []problem) {
	var wrong []problem
	add := func(field, key string, pairs ...any) {
		wrong = append(wrong, problem{Field: field, Text: s.say(key, pairs...)})
	}
	var most []consent.Share
	for _, a := range k.all {
		most = append(most, consent.Share{Account: a.ID, Clusters: c.Asked.Clusters})
	}
	shares, clean := f.shares(most)
	switch {
	case !clean:
		add("shares", "wrong.shares_unknown")
	case len(shares) == 0:
		add("shares", "wrong.shares_none")
	case len(shares) > consent.MaxShares:
		add("shares", "wrong.shares_many", "Most", consent.MaxShares)
	}
	days, ok := f.days(c.LookBackDays)
	if !ok {
		add("look_back", "wrong.look_back", "Most", c.LookBackDays)
	}
	end, ok := f.end(at, c.ValidUntil, s.zone)
	if !ok {
		add("until", "wrong.until", "Latest", s.date(c.ValidUntil))
	}
	choice := consent.Choice{Shares: shares, LookBackDays: days, ValidUntil: end, Hidden: f.Hidden}
	if !f.Hidden {
		choice.CoHolders, choice.Informed = holdings.Others(k.chosen(shares), me)
	}
	if len(choice.CoHolders)+len(choice.Informed) > consent.MaxCoHolders {
		add("shares", "wrong.holders_many", "Most", consent.MaxCoHolders)
	}
	return choice, wrong
}

// chosen are the accounts that are shared.
func (k known) chosen(shares []consent.Share) []holdings.Account {
	var out []holdings.Account
	for _, s := range shares {
		if a, ok := k.find(s.Account); ok {
			out = append(out, a)
		}
	}
	return out
}
