package web

import (
	"fmt"
	"strconv"
	"time"

	"sluice/bank/holdings"
	"sluice/consent"
)

// askView is the consent page.
type askView struct {
	Path       string
	Partner    foreign
	Bank       foreign
	Me         string // the customer's name, as the bank says it
	PurposeKey string
	Sentence   string
	Kinds      []consent.Cluster
	Accounts   []accountRow
	Joint      bool
	Form       filled
	Revision   int64
	LookBack   int // most days; 0: none asked
	Earliest   string
	Latest     string
	End        time.Time
	Clamped    bool
	OneTime    bool
	Unattended int
	Retention  int
	Down       bool
	Stopped    bool
	Problems   []problem
	Replaces   *replaced // nil: nothing
}

// Wrong is what is wrong with a field.
func (a askView) Wrong(field string) string { return wrongOf(a.Problems, field) }

func wrongOf(problems []problem, field string) string {
	for _, p := range problems {
		if p.Field == field {
			return p.Text
		}
	}
	return ""
}

// accountRow is one account with a box for each kind of data.
type accountRow struct {
	N       int
	Label   string
	KindKey string
	Money   string
	Others  []string // names of all others who hold it
	Must    []string // names of those who must agree
	Boxes   []box
}

type box struct {
	ID, Value string
	Kind      consent.Cluster
	Ticked    bool
	Includes  bool // ticking it includes the plain kind
	On        bool // the account may share it: for narrowing
}

func (v *visit) showForm(status int, a asked, k known, f filled, wrong []problem) error {
	c := a.consent
	view := askView{
		Path: a.path, Partner: v.partnerName(a.partner), Bank: v.bankName(a.bank),
		Me: nameOf(a.who.Name, v.words.say("name.none")).Text, PurposeKey: purposeKey(c.Asked.Purpose),
		Sentence: sentenceOf(c.Asked.PurposeText), Kinds: c.Asked.Clusters.List(), Form: f, Revision: c.Revision,
		End: c.ValidUntil, Clamped: c.EndClamped, OneTime: c.Asked.OneTime, Unattended: c.Asked.UnattendedPerDay,
		Retention: c.Asked.RetentionDays, Down: !k.answered, Stopped: a.stopped(), Problems: wrong,
		Earliest: v.at.In(v.config.Zone).Format(time.DateOnly), Latest: c.ValidUntil.In(v.config.Zone).Format(time.DateOnly),
	}
	var err error
	if view.Replaces, err = v.difference(a, k); err != nil {
		return err
	}
	view.LookBack = lookBack(c, c.Asked.Clusters)
	if f.Do == "" {
		view.Form.LookBack, view.Form.Until = strconv.Itoa(c.LookBackDays), view.Latest
		// What was kept from others stays so unless the customer says otherwise.
		view.Form.Hidden = a.replaces != nil && a.replaces.Hidden
	}
	for i, account := range k.all {
		row := v.accountRow(i, account, k, c.Asked.Clusters, f)
		for _, h := range account.Holders {
			if h.Customer != a.who.Customer {
				row.Others = append(row.Others, nameOf(h.Name, v.words.say("name.holder")).Text)
			}
		}
		for _, h := range account.CoHolders(a.who.Customer) {
			row.Must = append(row.Must, nameOf(h.Name, v.words.say("name.holder")).Text)
		}
		view.Joint = view.Joint || len(row.Others) > 0
		view.Accounts = append(view.Accounts, row)
	}
	return v.render(status, "ask", view)
}

func (v *visit) accountRow(n int, a holdings.Account, k known, kinds consent.Clusters, f filled) accountRow {
	row := accountRow{N: n, Label: k.label(a.ID, v.words), KindKey: accountKindKey(a.Kind), Money: a.Currency}
	for _, c := range kinds.List() {
		value := tick(c, a.ID)
		row.Boxes = append(row.Boxes, box{
			ID: fmt.Sprintf("share-%d-%d", n, c), Value: value, Kind: c, Ticked: f.Ticked[value], On: true,
			Includes: c == consent.AccountDetailed || c == consent.TransactionsDetailed,
		})
	}
	return row
}
