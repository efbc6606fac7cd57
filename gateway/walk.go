package gateway

import (
	"time"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/policy"
	"sluice/refusal"
	"sluice/seal"
)

// walked is an ask on its way: with its grant, its one reading of the clock, and
// its accounts under the bank's names.
type walked struct {
	ask       Ask
	grant     consent.Grant
	at        time.Time
	names     named
	accounts  []consent.AccountID
	unnamed   []string // ids asked for that name no account of the grant
	bankPage  string
	continues disclosure.ID // the first page of this access, if counted today already
}

func (g *Gate) prepare(ask Ask, grant consent.Grant) (walked, error) {
	if ask.Kind != policy.Transactions {
		ask.From, ask.To = consent.NoDay, consent.NoDay
	}
	w := walked{ask: ask, grant: grant, at: g.Now()}
	if ask.pushed {
		return g.preparePush(w), nil
	}
	w.names = g.Pairwise.names(grant).within(ask.Ceiling)
	w.accounts, w.unnamed = w.names.resolve(ask.Accounts)
	if ask.PageToken == "" {
		return w, nil
	}
	content, err := g.Tokens.Open(w.binding(), ask.PageToken)
	if err != nil || len(content) != 3 {
		return walked{}, refusal.Because(refusal.PageTokenInvalid, explain(refusal.PageTokenInvalid), err)
	}
	w.bankPage = content[0]
	if content[2] == consent.DayOf(w.at).String() {
		w.continues = disclosure.ID(content[1])
	}
	return w, nil
}

// binding ties a page token to the partner, the consent and everything that was asked.
func (w walked) binding() seal.Binding {
	b := seal.Binding{
		"transactions", string(w.ask.Partner), string(w.ask.Consent), w.ask.Kind.String(),
		consent.PurposeName(w.ask.Purpose), w.ask.From.String(), w.ask.To.String(),
	}
	if w.ask.Unattended {
		b = append(b, "unattended")
	}
	return append(b, w.ask.Accounts...)
}

// nextPage seals where the bank's next page is, and which access it belongs to.
func (g *Gate) nextPage(w walked, bankPage string, r disclosure.Receipt) string {
	if bankPage == "" || w.ask.Kind != policy.Transactions {
		return ""
	}
	first := w.continues
	if first == "" {
		first = r.ID()
	}
	return g.Tokens.Seal(w.binding(), bankPage, string(first), consent.DayOf(r.At()).String())
}

// ceiling is what the call's token lets out, by the bank's ids; nil without one.
func (w walked) ceiling() map[consent.AccountID]consent.Clusters {
	if w.ask.Ceiling == nil {
		return nil
	}
	out := make(map[consent.AccountID]consent.Clusters, len(w.names))
	for _, n := range w.names {
		out[n.account] = w.ask.Ceiling[n.public]
	}
	return out
}

// narrowed says whether the call's token lets out less than the consent covers.
func (w walked) narrowed() bool {
	if w.ask.Ceiling == nil {
		return false
	}
	most := w.ceiling()
	for _, s := range w.grant.Shares() {
		if s.Clusters.Implied()&^most[s.Account].Implied() != 0 {
			return true
		}
	}
	return false
}

func (w walked) pageSize() int {
	if w.ask.PageSize == 0 {
		return DefaultPageSize
	}
	return w.ask.PageSize
}
