package web

import (
	"net/http"
	"strconv"
	"time"

	"sluice/consent"
	"sluice/refusal"
)

type narrowView struct {
	Path     string
	Partner  foreign
	Bank     foreign
	Accounts []accountRow
	Form     filled
	Revision int64
	LookBack int
	Earliest string
	Latest   string
	Problems []problem
}

// Wrong is what is wrong with a field.
func (n narrowView) Wrong(field string) string { return wrongOf(n.Problems, field) }

// showNarrow shows what is shared, everything ticked: taking ticks away narrows.
func (v *visit) showNarrow() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	if !t.can(v.at).Narrow {
		return &page{status: http.StatusConflict, key: "error.not_possible", cause: errNotNow}
	}
	f := filled{Ticked: map[string]bool{}, LookBack: strconv.Itoa(t.consent.LookBackDays), Until: v.dayOf(t.consent.ValidUntil)}
	for _, s := range t.consent.Shares {
		for _, c := range s.Clusters.List() {
			f.Ticked[tick(c, s.Account)] = true
		}
	}
	return v.narrowForm(http.StatusOK, *t, f, nil)
}

func (v *visit) dayOf(t time.Time) string { return t.In(v.config.Zone).Format(time.DateOnly) }

// narrowForm needs no bank: without its names the accounts have their ids.
func (v *visit) narrowForm(status int, t theirs, f filled, wrong []problem) error {
	c := t.consent
	partner, bank, err := v.parties(c.Partner, c.Bank)
	if err != nil {
		return err
	}
	k := v.accounts(t.who)
	view := narrowView{
		Path: t.path(), Partner: v.partnerName(partner), Bank: v.bankName(bank), Form: f, Revision: c.Revision,
		Earliest: v.dayOf(v.at), Latest: v.dayOf(c.ValidUntil), Problems: wrong,
	}
	if anyPast(c.Shares) {
		view.LookBack = c.LookBackDays
	}
	for i, s := range c.Shares {
		a, _ := k.find(s.Account)
		a.ID = s.Account
		view.Accounts = append(view.Accounts, v.accountRow(i, a, k, s.Clusters, f))
	}
	return v.render(status, "narrow", view)
}

// narrow makes the consent smaller.
func (v *visit) narrow() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	if !t.can(v.at).Narrow {
		return &page{status: http.StatusConflict, key: "error.not_possible", cause: errNotNow}
	}
	f := readFilled(v.r.PostForm)
	to, wrong := f.narrowing(t.consent, v.at, v.words)
	if f.Revision != t.consent.Revision {
		wrong = append(wrong, problem{Field: "narrow", Text: v.words.say("wrong.revision")})
	}
	if len(wrong) > 0 {
		return v.narrowForm(http.StatusBadRequest, *t, f, wrong)
	}
	_, err = v.config.Book.Narrow(v.ctx(), t.who.as(), t.consent.ID, f.Revision, to)
	if err != nil && refusal.ReasonOf(err) == refusal.InvalidRequest {
		return v.narrowForm(http.StatusBadRequest, *t, f, []problem{{Field: "shares", Text: v.words.say("wrong.narrower")}})
	}
	return v.changed(*t, err, "narrowed")
}

// narrowing is what a customer left of a consent, or what is wrong with the form.
func (f filled) narrowing(c consent.Consent, at time.Time, s *speech) (consent.Narrowing, []problem) {
	var wrong []problem
	shares, clean := f.shares(c.Shares)
	switch {
	case !clean:
		wrong = append(wrong, problem{"shares", s.say("wrong.shares_unknown")})
	case len(shares) == 0:
		wrong = append(wrong, problem{"shares", s.say("wrong.nothing_left")})
	}
	days, ok := f.days(c.LookBackDays)
	if !ok {
		wrong = append(wrong, problem{"look_back", s.say("wrong.look_back", "Most", c.LookBackDays)})
	}
	end, ok := f.end(at, c.ValidUntil, s.zone)
	if !ok {
		wrong = append(wrong, problem{"until", s.say("wrong.until", "Latest", s.date(c.ValidUntil))})
	}
	return consent.Narrowing{Shares: shares, LookBackDays: days, ValidUntil: end}, wrong
}
