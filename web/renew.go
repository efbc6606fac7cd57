package web

import (
	"net/http"
	"time"

	"sluice/consent"
	"sluice/refusal"
)

type renewView struct {
	Path     string
	Partner  foreign
	Ends     time.Time
	Wished   time.Time
	Until    string
	Earliest string
	Latest   string
	Revision int64
	Problems []problem
}

// Wrong is what is wrong with a field.
func (n renewView) Wrong(field string) string { return wrongOf(n.Problems, field) }

func (v *visit) showRenew() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	if !t.can(v.at).Renew {
		return &page{status: http.StatusConflict, key: "error.not_possible", cause: errNotNow}
	}
	until := ""
	if wish := t.consent.RenewalAsked; !wish.IsZero() {
		until = v.dayOf(wish)
	}
	return v.renewForm(http.StatusOK, *t, until, nil)
}

func (v *visit) renewForm(status int, t theirs, until string, wrong []problem) error {
	partner, err := v.config.Parties.Partner(v.ctx(), t.consent.Partner)
	if err != nil {
		return unavailable(err)
	}
	return v.render(status, "renew", renewView{
		Path: t.path(), Partner: v.partnerName(partner), Ends: t.consent.ValidUntil, Wished: t.consent.RenewalAsked, Until: until,
		Earliest: v.dayOf(t.consent.ValidUntil), Latest: v.dayOf(v.at.Add(consent.MaxDuration)), Revision: t.consent.Revision, Problems: wrong,
	})
}

// renew gives the consent a later end, and changes nothing else.
func (v *visit) renew() error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	if !t.can(v.at).Renew {
		return &page{status: http.StatusConflict, key: "error.not_possible", cause: errNotNow}
	}
	f := readFilled(v.r.PostForm)
	latest := v.at.Add(consent.MaxDuration)
	end, ok := f.end(v.at, latest, v.config.Zone)
	if wish := t.consent.RenewalAsked; f.Until != "" && !wish.IsZero() && f.Until == v.dayOf(wish) && !wish.After(latest) {
		end, ok = wish, true
	}
	var wrong []problem
	if !ok || !end.After(t.consent.ValidUntil) {
		wrong = append(wrong, problem{"until", v.words.say("wrong.renew",
			"Earliest", v.words.date(t.consent.ValidUntil), "Latest", v.words.date(latest))})
	}
	if f.Revision != t.consent.Revision {
		wrong = append(wrong, problem{"renew", v.words.say("wrong.revision")})
	}
	if len(wrong) > 0 {
		return v.renewForm(http.StatusBadRequest, *t, f.Until, wrong)
	}
	_, err = v.config.Book.Renew(v.ctx(), t.who.as(), t.consent.ID, f.Revision, end)
	if err != nil && refusal.ReasonOf(err) == refusal.InvalidRequest {
		return v.renewForm(http.StatusBadRequest, *t, f.Until, []problem{{"until", v.words.say("wrong.renew",
			"Earliest", v.words.date(t.consent.ValidUntil), "Latest", v.words.date(latest))}})
	}
	return v.changed(*t, err, "renewed")
}
