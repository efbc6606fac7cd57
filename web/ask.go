package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sluice/consent"
	"sluice/refusal"
	"sluice/registry"
)

// asked is a request that is before the customer, by whichever way it came.
type asked struct {
	path     string // of the page
	returnTo string // where it goes on; "" for requests that came by gRPC
	consent  consent.Consent
	replaces *consent.Consent // the customer's own that it is to replace; nil: none
	who      Identity
	partner  registry.Partner
	bank     registry.Bank
}

// showAsk shows an authorization request. A visitor who is not logged in at its
// bank is told who asks, and sent there.
func (v *visit) showAsk() error {
	a, err := v.findAsk()
	if err != nil || a == nil {
		return err
	}
	return v.showAsked(*a)
}

// answerAsk takes the decision.
func (v *visit) answerAsk() error {
	a, err := v.findAsk()
	if err != nil || a == nil {
		return err
	}
	return v.decide(*a)
}

// findAsk finds the request of the address; nil if another page was shown.
func (v *visit) findAsk() (*asked, error) {
	if v.config.Asks == nil {
		return nil, notFound()
	}
	ref := v.r.PathValue("ref")
	found, err := v.config.Asks.Find(v.r, ref)
	if err != nil {
		if errors.Is(err, ErrNoAsk) || errors.Is(err, ErrAskOver) {
			return nil, fmt.Errorf("find request: %w", err)
		}
		return nil, fmt.Errorf("find request: %w", unavailable(err))
	}
	if !strings.HasPrefix(found.ReturnTo, "/") || strings.HasPrefix(found.ReturnTo, "//") || strings.Contains(found.ReturnTo, "\\") {
		return nil, errors.New("the request returns to somewhere else")
	}
	a := asked{path: "/ask/" + ref, returnTo: found.ReturnTo}
	if a.partner, a.bank, err = v.parties(found.Partner, found.Bank); err != nil {
		return nil, err
	}
	who, in := v.identity(found.Bank)
	if !in {
		return nil, v.show("askwho", askWhoView{
			Partner: v.partnerName(a.partner), Bank: v.bankName(a.bank), Login: loginURL(found.Bank, a.path),
		})
	}
	a.who = who
	a.consent, err = v.config.Book.Get(v.ctx(), who.as(), found.Consent)
	if err != nil {
		return nil, fmt.Errorf("read consent: %w", err)
	}
	a.replaces, err = v.replaces(found.Replaces, who)
	return &a, err
}

type askWhoView struct {
	Partner, Bank foreign
	Login         string
}

// showGive shows a request that a partner made over gRPC, to whoever of its
// bank's customers holds the id.
func (v *visit) showGive() error {
	a, err := v.findGive()
	if err != nil || a == nil {
		return err
	}
	return v.showAsked(*a)
}

func (v *visit) answerGive() error {
	a, err := v.findGive()
	if err != nil || a == nil {
		return err
	}
	return v.decide(*a)
}

func (v *visit) findGive() (*asked, error) {
	path := "/give/" + v.r.PathValue("consent")
	c, who, err := v.reach(consent.ID(v.r.PathValue("consent")))
	if refusal.ReasonOf(err) == refusal.ConsentNotFound && err != nil {
		if len(v.session.Identities) == 0 {
			return nil, v.needLogin(path)
		}
		return nil, &page{status: http.StatusNotFound, key: "error.give", cause: err}
	}
	if err != nil {
		return nil, err
	}
	if c.Status != consent.Pending && c.Customer != who.Customer {
		return nil, v.see(theirs{consent: c}.path()) // a co-holder decides there
	}
	a := asked{path: path, consent: c, who: who}
	a.partner, a.bank, err = v.parties(c.Partner, c.Bank)
	return &a, err
}

// reach finds a consent as one of those who the session is.
func (v *visit) reach(id consent.ID) (consent.Consent, Identity, error) {
	for _, who := range v.session.Identities {
		c, err := v.config.Book.Get(v.ctx(), who.as(), id)
		if err == nil {
			return c, who, nil
		}
		if refusal.ReasonOf(err) != refusal.ConsentNotFound {
			return consent.Consent{}, Identity{}, fmt.Errorf("read consent: %w", err)
		}
	}
	return consent.Consent{}, Identity{}, refusal.New(refusal.ConsentNotFound, "there is no such consent")
}

// parties finds who asks whom. Parties are never forgotten by the registry.
func (v *visit) parties(p consent.PartnerID, b consent.BankID) (registry.Partner, registry.Bank, error) {
	partner, err := v.config.Parties.Partner(v.ctx(), p)
	if err != nil {
		return registry.Partner{}, registry.Bank{}, fmt.Errorf("find partner: %w", unavailable(err))
	}
	bank, err := v.config.Parties.Bank(v.ctx(), b)
	if err != nil {
		return registry.Partner{}, registry.Bank{}, fmt.Errorf("find bank: %w", unavailable(err))
	}
	return partner, bank, nil
}

func (v *visit) partnerName(p registry.Partner) foreign { return nameOf(p.Name, string(p.ID)) }
func (v *visit) bankName(b registry.Bank) foreign       { return nameOf(b.Name, string(b.ID)) }

// showAsked shows the form, with nothing ticked, or what was decided.
func (v *visit) showAsked(a asked) error {
	if a.consent.Status != consent.Pending || a.over(v) {
		return v.showDecided(http.StatusOK, a, false)
	}
	return v.showForm(http.StatusOK, a, v.accounts(a.who), filled{}, nil)
}

// over says whether it is too late to decide, also if nobody has noted it yet.
func (a asked) over(v *visit) bool {
	c := a.consent
	return !c.CreatedAt.Add(consent.AuthorizationTimeout).After(v.at) || !c.ValidUntil.After(v.at)
}

// decide makes the decision that a form has.
func (v *visit) decide(a asked) error {
	if a.consent.Status != consent.Pending || a.over(v) {
		return v.showDecided(http.StatusConflict, a, true)
	}
	f := readFilled(v.r.PostForm)
	switch f.Do {
	case "give":
		return v.give(a, f)
	case "refuse":
		_, err := v.config.Book.Reject(v.ctx(), a.who.as(), a.consent.ID, a.consent.Revision)
		return v.decided(a, err)
	case "all", "none":
		k := v.accounts(a.who)
		f.tickAll(f.Do == "all", a.consent, k)
		return v.showForm(http.StatusOK, a, k, f, nil)
	default:
		return &page{status: http.StatusBadRequest, cause: errors.New("the form says neither yes nor no")}
	}
}

// tickAll is for those whose browser does it without a script.
func (f *filled) tickAll(all bool, c consent.Consent, k known) {
	f.Ticked = map[string]bool{}
	for _, a := range k.all {
		for _, kind := range c.Asked.Clusters.List() {
			if all {
				f.Ticked[tick(kind, a.ID)] = true
			}
		}
	}
}

func (v *visit) give(a asked, f filled) error {
	k := v.accounts(a.who)
	if !k.answered || a.stopped() {
		return v.showForm(http.StatusServiceUnavailable, a, k, f, nil)
	}
	choice, wrong := f.agreement(a.consent, k, a.who.Customer, v.at, v.words)
	if f.Revision != a.consent.Revision {
		wrong = append(wrong, problem{Field: "give", Text: v.words.say("wrong.revision")})
	}
	if len(wrong) > 0 {
		return v.showForm(http.StatusBadRequest, a, k, f, wrong)
	}
	_, err := v.config.Book.Authorize(v.ctx(), a.who.as(), a.consent.ID, f.Revision, choice)
	if err != nil && refusal.ReasonOf(err) == refusal.InvalidRequest {
		return v.showForm(http.StatusBadRequest, a, k, f, []problem{{Field: "shares", Text: v.words.say("wrong.choice")}})
	}
	return v.decided(a, err)
}

// decided shows what came of a decision, on the same address, so that reloading
// it decides nothing.
func (v *visit) decided(a asked, err error) error {
	if err == nil {
		return v.see(a.path)
	}
	if r := refusal.ReasonOf(err); r != refusal.ConsentConflict && r != refusal.ChangeNotPossible {
		return fmt.Errorf("decide: %w", err)
	}
	// Somebody was faster, or the time is over.
	c, err := v.config.Book.Get(v.ctx(), a.who.as(), a.consent.ID)
	if err != nil {
		return fmt.Errorf("read consent: %w", err)
	}
	a.consent = c
	return v.showDecided(http.StatusConflict, a, true)
}

// stopped says that nothing can be given, because a party may not take part.
func (a asked) stopped() bool {
	return a.partner.Standing != registry.Active || a.bank.Standing != registry.Active
}

type decidedView struct {
	Key      string
	Again    bool // it was decided before
	Partner  foreign
	Bank     foreign
	Continue string // where it goes on
	Consent  consent.ID
	Seen     bool // there is something of it to look at
}

// showDecided says what was decided, and sends the browser on. A refresh is a
// navigation of its own, so form-action need not name the app the browser ends
// up at.
func (v *visit) showDecided(status int, a asked, again bool) error {
	c := a.consent
	view := decidedView{
		Partner: v.partnerName(a.partner), Bank: v.bankName(a.bank), Continue: a.returnTo,
		Consent: c.ID, Again: again, Seen: c.Customer == a.who.Customer,
	}
	switch {
	case c.Status == consent.Pending, c.Status == consent.Expired:
		view.Key = "decided.late"
	case c.Status == consent.PartiallyAuthorized:
		view.Key = "decided.waiting"
	case c.Status == consent.Rejected:
		view.Key = "decided.refused"
	case consent.Live(c.Status):
		view.Key = "decided.given"
	default:
		view.Key = "decided.over"
	}
	if a.returnTo != "" && !again {
		v.w.Header().Set("Refresh", "0; url="+a.returnTo)
	}
	return v.render(status, "decided", view)
}
