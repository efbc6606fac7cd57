package consent

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// checkShares puts shares in order, with the BASIC clusters their DETAILED ones
// imply. most says what an account may share at most, and whether it may at all.
func checkShares(f *faults, shares []Share, bound string, most func(AccountID) (Clusters, bool)) []Share {
	if len(shares) > MaxShares {
		f.add("shares", "has more than %d accounts", MaxShares)
		return nil
	}
	seen := make(map[AccountID]bool, len(shares))
	for i, s := range shares {
		field := fmt.Sprintf("shares[%d].", i)
		allowed, ok := most(s.Account)
		switch {
		case !nameable(string(s.Account)):
			f.add(field+"account_id", "must have 1 to %d characters", MaxNameLength)
		case seen[s.Account]:
			f.add(field+"account_id", "is named twice")
		case !ok:
			f.add(field+"account_id", "is not part of %s", bound)
		default:
			checkClusters(f, field+"clusters", s.Clusters)
			if !s.Clusters.Implied().Within(allowed) {
				f.add(field+"clusters", "goes beyond %s", bound)
			}
		}
		seen[s.Account] = true
	}
	return ordered(shares)
}

// ordered copies shares as consents keep them: by account, with what is implied.
func ordered(shares []Share) []Share {
	out := make([]Share, len(shares))
	for i, s := range shares {
		out[i] = Share{Account: s.Account, Clusters: s.Clusters.Implied()}
	}
	slices.SortFunc(out, func(a, b Share) int { return compareAccounts(a.Account, b.Account) })
	return out
}

// checkLookBack is the days chosen, or most where none are. Transactions can't
// be shared with no day at all: then those kinds of data are to be left out.
func checkLookBack(f *faults, chosen *int, most int, shares []Share) int {
	days := most
	if chosen != nil {
		days = *chosen
	}
	if days < 0 || days > most {
		f.add("look_back_days", "must be between 0 and %d", most)
		return most
	}
	if days == 0 && slices.ContainsFunc(shares, func(s Share) bool { return s.Clusters.needLookBack() }) {
		f.add("look_back_days", "is 0 while transactions are shared: leave those out, or permit at least the day itself")
	}
	return days
}

// checkEnd is the end chosen, or latest where none is.
func checkEnd(f *faults, chosen, latest, at time.Time) time.Time {
	if chosen.IsZero() {
		return latest
	}
	end := moment(chosen)
	switch {
	case !end.After(at):
		f.add("valid_until", "is not in the future")
	case end.After(latest):
		f.add("valid_until", "is later than %s", latest.Format(time.RFC3339Nano))
	}
	return end
}

// checkCoHolders puts co-holders in order; nil if there are none.
func checkCoHolders(f *faults, holders []CustomerID, customer CustomerID) []CustomerID {
	if len(holders) == 0 {
		return nil
	}
	if len(holders) > MaxCoHolders {
		f.add("co_holder_customer_ids", "has more than %d", MaxCoHolders)
		return nil
	}
	for i, h := range holders {
		field := fmt.Sprintf("co_holder_customer_ids[%d]", i)
		switch {
		case !nameable(string(h)):
			f.add(field, "must have 1 to %d characters", MaxNameLength)
		case h == customer:
			f.add(field, "is the customer")
		case slices.Contains(holders[:i], h):
			f.add(field, "is named twice")
		}
	}
	return inOrder(holders)
}

// inOrder is nil for none.
func inOrder(holders []CustomerID) []CustomerID {
	sorted := slices.Clone(holders)
	slices.Sort(sorted)
	if len(sorted) == 0 {
		return nil
	}
	return sorted
}

func nameable(name string) bool {
	return name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= MaxNameLength
}
