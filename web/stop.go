package web

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sluice/consent"
)

type stopView struct {
	Done  bool
	Whole bool // everything is stopped and in force everywhere
	Any   bool // there is something to stop
	At    time.Time
	Banks []stopped
}

// stopped is what stopping does, or did, at one bank.
type stopped struct {
	Name   foreign
	Open   []stoppedOne // what can be stopped
	Failed bool         // not all could be
}

type stoppedOne struct {
	ID        consent.ID
	Partner   foreign
	StatusKey string
	Tone      string
	At        time.Time
}

// showStop says what would be taken back.
func (v *visit) showStop() error {
	if len(v.session.Identities) == 0 {
		return v.needLogin("/stop")
	}
	view := stopView{}
	for _, who := range v.session.Identities {
		one, err := v.stoppable(who)
		if err != nil {
			return err
		}
		view.Banks = append(view.Banks, one)
		view.Any = view.Any || len(one.Open) > 0
	}
	return v.show("stop", view)
}

func (v *visit) stoppable(who Identity) (stopped, error) {
	name, err := v.nameOfBank(who.Bank)
	if err != nil {
		return stopped{}, err
	}
	all, err := v.every(consent.Query{Bank: who.Bank, Customer: who.Customer})
	if err != nil {
		return stopped{}, err
	}
	one := stopped{Name: name}
	for _, c := range all {
		if canStop(c) {
			one.Open = append(one.Open, v.inPractice(v.stoppedOne(c), c))
		}
	}
	return one, nil
}

// canStop says whether stopping does anything to a consent: it has not ended, or
// not everywhere yet.
func canStop(c consent.Consent) bool { return !consent.Ended(c.Status) || c.Seen() != c.Status }

// stoppedOne names the partner by its id where the registry does not answer:
// stopping needs no registry.
func (v *visit) stoppedOne(c consent.Consent) stoppedOne {
	name := foreign{Text: string(c.Partner)}
	if p, err := v.config.Parties.Partner(v.ctx(), c.Partner); err == nil {
		name = v.partnerName(p)
	}
	return stoppedOne{ID: c.ID, Partner: name, StatusKey: statusKey(c.Seen()), Tone: tone(c.Seen()), At: c.ChangedAt}
}

// inPractice says too whether a party may not take part, where the registry
// answers.
func (v *visit) inPractice(one stoppedOne, c consent.Consent) stoppedOne {
	p, err := v.partner(c.Partner)
	if err != nil {
		return one
	}
	if as, err := v.standing(c, p); err == nil {
		one.StatusKey, one.Tone = as.key, as.tone
	}
	return one
}

// stop takes back everything at every bank the session is logged in at. A bank
// where it fails does not keep the others.
func (v *visit) stop() error {
	if len(v.session.Identities) == 0 {
		return v.needLogin("/stop")
	}
	view := stopView{Done: true, Whole: true, At: v.at, Banks: make([]stopped, len(v.session.Identities))}
	var wg sync.WaitGroup
	for i, who := range v.session.Identities {
		wg.Go(func() { view.Banks[i] = v.stopAt(who) })
	}
	wg.Wait()
	for _, one := range view.Banks {
		view.Whole = view.Whole && !one.Failed
	}
	return v.show("stop", view)
}

func (v *visit) stopAt(who Identity) stopped {
	one := stopped{Name: foreign{Text: string(who.Bank)}}
	if name, err := v.nameOfBank(who.Bank); err == nil {
		one.Name = name
	}
	changed, err := v.revokeAll(who)
	if err != nil {
		v.config.Log.ErrorContext(v.ctx(), "not everything could be stopped", "bank", string(who.Bank), "cause", err.Error())
		one.Failed = true
	}
	for _, c := range changed {
		one.Open = append(one.Open, v.stoppedOne(c))
	}
	return one
}

func (v *visit) revokeAll(who Identity) ([]consent.Consent, error) {
	ctx, cancel := context.WithTimeout(v.ctx(), barrierPatience)
	defer cancel()
	changed, err := v.config.Book.RevokeAll(ctx, who.as())
	if err != nil {
		return changed, fmt.Errorf("revoke all: %w", err)
	}
	return changed, nil
}
