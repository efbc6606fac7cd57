package receipt

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Line is one line of a statement in plain words.
type Line struct{ About, Text string }

// Lines is the statement in plain English, to be read from top to bottom.
func (s Statement) Lines() []Line {
	c := s.Consent
	lines := []Line{
		{"receipt", fmt.Sprintf("%s, made by %s at %s", s.ID, s.Issuer, moment(time.Unix(s.IssuedAt, 0)))},
		{"consent", fmt.Sprintf("%s, revision %d", c.ID, c.Revision)},
		{"status", c.statusText()},
		{"customer", fmt.Sprintf("%s, of %s", c.Customer, c.Bank)},
		{"shared with", c.Partner.String()},
		{"for", fmt.Sprintf("%s: %q", plain(c.Purpose), c.PurposeText)},
	}
	for _, share := range c.Shares {
		lines = append(lines, Line{"account " + share.Account, plain(strings.Join(share.Clusters, ", "))})
	}
	if len(c.Shares) == 0 {
		lines = append(lines, Line{"accounts", "none"})
	}
	if c.sharesTransactions() {
		lines = append(lines, Line{"of the past", counted(c.LookBackDays, "day", "none")})
	}
	lines = append(lines,
		Line{"until", moment(c.ValidUntil)},
		Line{"may be kept", counted(c.RetentionDays, "day", "not stated")},
		Line{"customer away", c.awayText()},
		Line{"asked for", moment(c.RequestedAt)},
	)
	for _, change := range c.Changes {
		lines = append(lines, Line{fmt.Sprintf("change %d", change.Revision), change.String()})
	}
	return lines
}

// sharesTransactions says whether the days of the past mean anything.
func (c Agreement) sharesTransactions() bool {
	return slices.ContainsFunc(c.Shares, func(s Share) bool {
		return slices.Contains(s.Clusters, "TRANSACTIONS_BASIC") || slices.Contains(s.Clusters, "CARD_TRANSACTIONS")
	})
}

func (c Agreement) statusText() string {
	switch {
	case c.Status == "REVOKING":
		return "revoked; when this receipt was made, an answer released before could still have been on its way"
	case c.FinalBy != nil:
		return fmt.Sprintf("%s; final by %s: nothing released before could leave any more", plain(c.Status), moment(*c.FinalBy))
	default:
		return plain(c.Status)
	}
}

func (c Agreement) awayText() string {
	text := counted(c.UnattendedPerDay, "access", "no access")
	if c.UnattendedPerDay > 0 {
		text += " a day"
	}
	if c.OneTime {
		text += "; for one sitting only"
	}
	return text
}

// String is the party's name and id.
func (p Party) String() string { return fmt.Sprintf("%s (%s)", p.Name, p.ID) }

// String is the change in a sentence.
func (c Change) String() string {
	who := plain(c.Who)
	if c.WhoID != "" {
		who += " " + c.WhoID
	}
	if c.Why != "" {
		who += " (" + plain(c.Why) + ")"
	}
	return fmt.Sprintf("%s: %s by %s, then %s", moment(c.At), did(c.Kind), who, plain(c.Status))
}

// did says what was done; a word that is not known stands for itself.
func did(kind string) string {
	if said, ok := map[string]string{
		"REQUEST": "asked for", "AUTHORIZE": "agreed to", "REJECT": "refused", "NARROW": "narrowed",
		"PAUSE": "paused", "RESUME": "resumed", "SUSPEND": "suspended", "UNSUSPEND": "suspension lifted",
		"RENEW": "renewed", "WITHDRAW_ACCOUNT": "account taken out", "REVOKE": "revoked", "EXPIRE": "ended by time",
		"CONSUME": "used up", "SUPERSEDE": "replaced", "ASK_RENEWAL": "renewal asked for", "ANNOUNCE_END": "end announced",
	}[kind]; ok {
		return said
	}
	return plain(kind)
}

func counted(n int, one, none string) string {
	switch {
	case n == 0:
		return none
	case n == 1:
		return "1 " + one
	case strings.HasSuffix(one, "s"):
		return fmt.Sprintf("%d %ses", n, one)
	default:
		return fmt.Sprintf("%d %ss", n, one)
	}
}

// plain is a word of the contract as people write it.
func plain(word string) string { return strings.ToLower(strings.ReplaceAll(word, "_", " ")) }

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
