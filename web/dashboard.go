package web

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/consent"
)

const (
	// listed bounds the consents of one customer at one bank on the first page.
	listed = 200
	// maxListed bounds them at all.
	maxListed = 2000
	// charted bounds those whose reads are counted on the dashboard; the others'
	// are on their own pages.
	charted = 50
)

type dashboardView struct {
	Banks   []bankSection
	Waiting []card // for this customer's agreement, as a co-holder
	Blind   bool   // what was read can't be said now
	Ending  int
	Any     bool
	Stop    bool // there is something to stop
}

type bankSection struct {
	ID    consent.BankID
	Name  foreign
	Me    string
	Down  bool // the bank does not say accounts now
	Live  []card
	Joint []card // given by others about accounts held together
	Ended []card
}

// dashboard shows every consent of everybody the session is.
func (v *visit) dashboard() error {
	if len(v.session.Identities) == 0 {
		return v.show("welcome", nil)
	}
	view := dashboardView{}
	all := v.allAccounts()
	for i, who := range v.session.Identities {
		section, waiting, err := v.section(who, all[i], &view)
		if err != nil {
			return err
		}
		view.Banks = append(view.Banks, section)
		view.Waiting = append(view.Waiting, waiting...)
		view.Any = view.Any || len(section.Live)+len(section.Joint)+len(section.Ended) > 0
		for _, c := range section.Live {
			if c.EndingSoon {
				view.Ending++
			}
		}
	}
	return v.show("dashboard", view)
}

// allAccounts asks all banks at once: the slowest one is waited for, not the sum.
func (v *visit) allAccounts() []known {
	all := make([]known, len(v.session.Identities))
	var wg sync.WaitGroup
	for i, who := range v.session.Identities {
		wg.Go(func() { all[i] = v.accounts(who) })
	}
	wg.Wait()
	return all
}

// section is one bank's part, and those of it that wait for the customer.
func (v *visit) section(who Identity, k known, view *dashboardView) (bankSection, []card, error) {
	name, err := v.nameOfBank(who.Bank)
	if err != nil {
		return bankSection{}, nil, err
	}
	s := bankSection{ID: who.Bank, Name: name, Me: nameOf(who.Name, v.words.say("name.none")).Text, Down: !k.answered}
	own, err := v.every(consent.Query{Bank: who.Bank, Customer: who.Customer})
	if err != nil {
		return bankSection{}, nil, err
	}
	last, err := v.lastReleases(own)
	view.Blind = view.Blind || err != nil
	for _, c := range own {
		card, err := v.card(c, who, k, last[c.ID])
		if err != nil {
			return bankSection{}, nil, err
		}
		if !consent.Ended(c.Status) && len(s.Live) < charted {
			v.usage(&card)
		}
		view.Blind = view.Blind || card.Blind
		view.Stop = view.Stop || canStop(c)
		s.add(card, c.Status)
	}
	// By partner; of one partner's, the newest stay first.
	slices.SortStableFunc(s.Live, func(a, b card) int { return strings.Compare(a.Partner.Text, b.Partner.Text) })
	waiting, err := v.heldTogether(who, k, &s)
	return s, waiting, err
}

func (s *bankSection) add(c card, status consent.Status) {
	switch {
	case consent.Ended(status):
		s.Ended = append(s.Ended, c)
	case c.Mine:
		s.Live = append(s.Live, c)
	default:
		s.Joint = append(s.Joint, c)
	}
}

// heldTogether adds what others gave about accounts held together, and answers
// what waits for the customer. Nothing in it depends on what is hidden.
func (v *visit) heldTogether(who Identity, k known, s *bankSection) ([]card, error) {
	held, err := v.every(consent.Query{Bank: who.Bank, CoHolder: who.Customer})
	if err != nil {
		return nil, err
	}
	var waiting []card
	for _, c := range held {
		if c.Hidden {
			continue
		}
		card, err := v.card(c, who, k, time.Time{})
		if err != nil {
			return nil, err
		}
		if card.AwaitsMe {
			waiting = append(waiting, card)
			continue
		}
		s.add(card, c.Status)
	}
	return waiting, nil
}

// every reads all that a query selects, up to maxListed.
func (v *visit) every(q consent.Query) ([]consent.Consent, error) {
	var all []consent.Consent
	for q.Limit = listed; len(all) < maxListed; q.Before = all[len(all)-1].ID {
		found, err := v.config.Book.List(v.ctx(), q)
		if err != nil {
			return nil, fmt.Errorf("list consents: %w", err)
		}
		all = append(all, found...)
		if len(found) < q.Limit {
			break
		}
	}
	return all, nil
}

// lastReleases says when each was read last; pages do without if the record does
// not say.
func (v *visit) lastReleases(all []consent.Consent) (map[consent.ID]time.Time, error) {
	ids := make([]consent.ID, 0, len(all))
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	if len(ids) == 0 {
		return map[consent.ID]time.Time{}, nil
	}
	last, err := v.config.Disclosures.LastRelease(v.ctx(), ids...)
	if err != nil {
		v.config.Log.WarnContext(v.ctx(), "last releases could not be read", "cause", err.Error())
		return nil, fmt.Errorf("read last releases: %w", err)
	}
	return last, nil
}

func (v *visit) nameOfBank(id consent.BankID) (foreign, error) {
	b, err := v.config.Parties.Bank(v.ctx(), id)
	if err != nil {
		return foreign{}, fmt.Errorf("find bank: %w", unavailable(err))
	}
	return v.bankName(b), nil
}
