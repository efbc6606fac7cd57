package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/refusal"
)

// perPage is how many disclosures a page shows.
const perPage = 50

// theirs is a consent before one who reaches it.
type theirs struct {
	consent consent.Consent
	who     Identity
	mine    bool
}

func (t theirs) path() string { return "/consents/" + url.PathEscape(string(t.consent.ID)) }

// find finds the consent of the address; nil if the visitor was sent elsewhere.
// What is hidden from the visitor, somebody else's and what does not exist are
// the same.
func (v *visit) find() (*theirs, error) {
	id := v.r.PathValue("id")
	if len(v.session.Identities) == 0 {
		return nil, v.needLogin("/consents/" + url.PathEscape(id))
	}
	c, who, err := v.reach(consent.ID(id))
	if err != nil {
		return nil, err
	}
	if c.Status == consent.Pending {
		return nil, v.see("/give/" + url.PathEscape(id))
	}
	t := &theirs{consent: c, who: who, mine: c.Customer == who.Customer}
	if !t.mine && c.Hidden {
		return nil, notFound()
	}
	return t, nil
}

// findMine is find for what only the customer who gave it may do.
func (v *visit) findMine() (*theirs, error) {
	t, err := v.find()
	if err == nil && t != nil && !t.mine {
		return nil, notFound()
	}
	return t, err
}

type consentView struct {
	Path     string
	Bank     foreign
	Card     card
	Sentence string
	Asked    consent.Terms
	Down     bool
	Held     bool // the viewer holds some of the accounts
	Can      can
	History  []historyLine
	Days     []disclosedDay
	Older    string // link to older disclosures
	Blind    bool
	Mine     []consent.AccountID
	Said     string // what just happened: a key
}

// holds says whether any account of the consent is the viewer's.
func (t theirs) holds(k known) bool { return len(k.chosen(t.consent.Shares)) > 0 }

// can is what may be done from where the consent stands.
type can struct{ Narrow, Pause, Resume, Renew, Revoke, Withdraw, Agree bool }

func (t theirs) can(at time.Time) can {
	s, over := t.consent.Status, !t.consent.ValidUntil.After(at)
	live := consent.Live(s) && !over
	open := live || s == consent.PartiallyAuthorized && !over
	held := t.consent.Holds&consent.HeldByCustomer != 0
	if !t.mine {
		awaited := slices.Contains(t.consent.Awaiting, t.who.Customer)
		return can{Withdraw: open, Agree: awaited && open}
	}
	return can{
		Narrow: open, Withdraw: open,
		Pause: live && !held, Resume: live && held,
		Renew:  live && s != consent.Suspended,
		Revoke: !consent.Ended(s) || t.consent.Seen() != s,
	}
}

type historyLine struct {
	At                      time.Time
	WhoKey, WhatKey, WhyKey string
}

type disclosedDay struct {
	Day   time.Time
	Items []disclosedItem
}

type disclosedItem struct {
	ID         disclosure.ID
	At         time.Time
	MethodKey  string
	Kinds      consent.Clusters
	Accounts   []string
	Unattended bool
	Items      int
	OutcomeKey string
}

// showConsent shows everything about one consent.
func (v *visit) showConsent() error {
	t, err := v.find()
	if err != nil || t == nil {
		return err
	}
	return v.consentPage(*t, v.r.URL.Query().Get("done"))
}

// said is the key of what the address says was just done. It must be what the
// viewer did last: a link that somebody made up says nothing.
func said(done string, history []historyLine) string {
	kind, known := map[string]consent.ChangeKind{
		"narrowed": consent.KindNarrow, "paused": consent.KindPause, "resumed": consent.KindResume, "renewed": consent.KindRenew,
		"withdrawn": consent.KindWithdrawAccount, "agreed": consent.KindAuthorize, "refused": consent.KindReject,
	}[done]
	if !known || len(history) == 0 || history[0].WhoKey != "actor.you" || history[0].WhatKey != changeKey(kind) {
		return ""
	}
	return "done." + done
}

func (v *visit) consentPage(t theirs, done string) error {
	k := v.accounts(t.who)
	view := consentView{
		Path: t.path(), Sentence: sentenceOf(t.consent.Asked.PurposeText), Asked: t.consent.Asked,
		Down: !k.answered, Held: t.holds(k), Can: t.can(v.at),
	}
	var last time.Time
	if t.mine {
		found, err := v.lastReleases([]consent.Consent{t.consent})
		view.Blind = err != nil
		last = found[t.consent.ID]
		view.Days, view.Older, err = v.disclosed(t, k)
		view.Blind = view.Blind || err != nil
	}
	var err error
	if view.Card, err = v.card(t.consent, t.who, k, last); err != nil {
		return err
	}
	v.usage(&view.Card)
	view.Blind = view.Blind || view.Card.Blind
	if view.Bank, err = v.nameOfBank(t.consent.Bank); err != nil {
		return err
	}
	if view.History, err = v.history(t); err != nil {
		return err
	}
	view.Said = said(done, view.History)
	return v.show("consent", view)
}

// history is every change, newest first, as the viewer may know who made it.
func (v *visit) history(t theirs) ([]historyLine, error) {
	changes, err := v.config.Book.History(v.ctx(), t.who.as(), t.consent.ID)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	var out []historyLine
	for _, ch := range slices.Backward(changes) {
		line := historyLine{At: ch.At, WhoKey: actorKey(ch.Actor.Kind), WhatKey: changeKey(ch.Kind)}
		if ch.Actor.Kind == consent.ActorCustomer || ch.Actor.Kind == consent.ActorCoHolder {
			if ch.Actor.ID == string(t.who.Customer) {
				line.WhoKey = "actor.you"
			}
		}
		if ch.Why != consent.WhyUnstated {
			line.WhyKey = whyKey(ch.Why)
		}
		out = append(out, line)
	}
	return out, nil
}

// disclosed is one page of what left, by day, newest first.
func (v *visit) disclosed(t theirs, k known) ([]disclosedDay, string, error) {
	before, _ := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64)
	found, err := v.config.Disclosures.List(v.ctx(), disclosure.Query{
		Consent: t.consent.ID, BeforeSeq: max(0, before), Limit: perPage + 1,
	})
	if err != nil {
		v.config.Log.WarnContext(v.ctx(), "disclosures could not be read", "cause", err.Error())
		return nil, "", fmt.Errorf("read disclosures: %w", err)
	}
	older := ""
	if len(found) > perPage {
		found = found[:perPage]
		older = fmt.Sprintf("%s?before=%d#disclosures", t.path(), found[perPage-1].Seq)
	}
	var days []disclosedDay
	for _, r := range found {
		day := r.At.In(v.config.Zone).Truncate(0)
		if n := len(days); n == 0 || v.words.date(days[n-1].Day) != v.words.date(day) {
			days = append(days, disclosedDay{Day: day})
		}
		d := &days[len(days)-1]
		d.Items = append(d.Items, v.disclosedItem(r, k))
	}
	return days, older, nil
}

func (v *visit) disclosedItem(r disclosure.Record, k known) disclosedItem {
	out := disclosedItem{
		ID: r.ID, At: r.At, MethodKey: methodKey(r.Method), Kinds: r.Clusters, Unattended: r.Unattended, Items: r.Items,
	}
	for _, a := range r.Accounts {
		out.Accounts = append(out.Accounts, k.label(a, v.words))
	}
	switch r.Outcome {
	case disclosure.Withheld:
		out.OutcomeKey = "outcome.WITHHELD"
	case disclosure.Late:
		out.OutcomeKey = "outcome.LATE"
	case disclosure.Sent:
	}
	return out
}

// changed sends the browser to the consent after a change, or says what kept it
// from being made.
func (v *visit) changed(t theirs, err error, done string) error {
	if err == nil {
		return v.see(t.path() + "?done=" + done)
	}
	if refusal.ReasonOf(err) == refusal.Internal {
		return fmt.Errorf("change consent: %w", err)
	}
	return fmt.Errorf("%s: %w", done, err)
}
