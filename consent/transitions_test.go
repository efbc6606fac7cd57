package consent_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
)

var update = flag.Bool("update", false, "write the state table into docs/consent-states.md")

func TestStateTableIsDocumented(t *testing.T) {
	const path, begin, end = "../docs/consent-states.md", "<!-- state table: begin -->\n", "<!-- state table: end -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks its markers", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+consent.Table()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := gocmp.Diff(consent.Table(), table); d != "" {
		t.Errorf("the page is out of date; see its foot (-code +page):\n%s", d)
	}
}

// edge is one way through the table, in words so that a difference reads well.
func edge(kind consent.ChangeKind, by consent.ActorKind, from, to consent.Status) string {
	return fmt.Sprint(consent.ChangeName(kind), " by ", consent.ActorName(by), ": ",
		consent.StatusName(from), " -> ", consent.StatusName(to))
}

func TestStateTableIsTrueOfTheFunctions(t *testing.T) {
	var want []string
	for _, line := range consent.Transitions() {
		for _, by := range line.By {
			for _, to := range line.To {
				want = append(want, edge(line.Kind, by, line.From, to))
			}
		}
	}
	if d := gocmp.Diff(tidy(want), tidy(everyEdge(t))); d != "" {
		t.Errorf("the table is not what the functions do (-table +functions):\n%s", d)
	}
}

// everyEdge tries every change by everybody from everywhere, and tells which
// were made.
func everyEdge(t *testing.T) []string {
	t.Helper()
	var edges []string
	for _, c := range everyConsent(t) {
		for _, by := range []consent.Actor{customer, coHolder, bank, partner, operator, system} {
			for _, a := range everyChange(c, by) {
				next, ch, err := a.make()
				if err != nil {
					continue
				}
				if ch.Kind != a.kind || ch.Status != next.Status || next.Revision != c.Revision+1 {
					t.Errorf("%s made %v of revision %d", consent.ChangeName(a.kind), ch, next.Revision)
				}
				edges = append(edges, edge(ch.Kind, ch.Actor.Kind, c.Status, next.Status))
			}
		}
	}
	return edges
}

func TestNothingLeadsOutOfAnEnd(t *testing.T) {
	for _, line := range consent.Transitions() {
		if consent.Ended(line.From) {
			t.Errorf("%s leads out of %s", consent.ChangeName(line.Kind), consent.StatusName(line.From))
		}
	}
}

func TestEveryStatusAndKindOfTheContractIsInTheTable(t *testing.T) {
	table := consent.Table()
	for n, name := range consentv1.ChangeKind_name {
		if n != 0 && !strings.Contains(table, "| "+consent.ChangeName(consent.ChangeKind(n))+" |") {
			t.Errorf("%s is not in the table", name)
		}
	}
	for n, name := range consentv1.ConsentStatus_name {
		// REVOKING is how REVOKED is shown for a moment; no consent stands there.
		shown := consentv1.ConsentStatus(n) == consentv1.ConsentStatus_CONSENT_STATUS_REVOKING
		if n != 0 && !shown && !strings.Contains(table, consent.StatusName(consent.Status(n))) {
			t.Errorf("%s is not in the table", name)
		}
	}
}

func tidy(s []string) []string {
	slices.SortFunc(s, cmp.Compare[string])
	return slices.Compact(s)
}

// everyConsent has each status, with every combination of holds, one and two
// accounts, and one and two awaited co-holders where those can be.
func everyConsent(t *testing.T) []consent.Consent {
	t.Helper()
	one := pending(t, func(terms *consent.Terms) { terms.OneTime = true })
	all := []consent.Consent{{}, one}
	for _, holders := range [][]consent.CustomerID{nil, {"7001"}, {"7001", "7002"}} {
		for accounts := 1; accounts <= 2; accounts++ {
			chosen := choice(holders...)
			chosen.Shares = chosen.Shares[:accounts]
			c, ch, err := one.Authorize(chosen, customer, start)
			all = append(all, made(t, one, c, ch, err))
		}
	}
	for _, c := range slices.Clone(all) {
		if c.Status != consent.Active {
			continue
		}
		for holds := consent.HeldByCustomer; holds < 8; holds++ {
			all = append(all, held(t, c, holds))
		}
	}
	for n := range consentv1.ConsentStatus_name {
		if consent.Ended(consent.Status(n)) {
			ended := all[2].Clone()
			ended.Status = consent.Status(n)
			all = append(all, ended)
		}
	}
	return all
}

func held(t *testing.T, c consent.Consent, holds consent.Holds) consent.Consent {
	t.Helper()
	for _, h := range []struct {
		hold consent.Holds
		do   func(consent.Consent) (consent.Consent, consent.Change, error)
	}{
		{consent.HeldByCustomer, func(c consent.Consent) (consent.Consent, consent.Change, error) { return c.Pause(customer, start) }},
		{consent.HeldByBank, func(c consent.Consent) (consent.Consent, consent.Change, error) { return c.Suspend(bank, start) }},
		{consent.HeldByOperator, func(c consent.Consent) (consent.Consent, consent.Change, error) { return c.Suspend(operator, start) }},
	} {
		if holds&h.hold != 0 {
			next, ch, err := h.do(c)
			c = made(t, c, next, ch, err)
		}
	}
	return c
}

type attempt struct {
	kind consent.ChangeKind
	make func() (consent.Consent, consent.Change, error)
}

// everyChange tries each kind with arguments that suit the consent, so that
// only its status and the actor's role decide.
func everyChange(c consent.Consent, by consent.Actor) []attempt {
	type result = func() (consent.Consent, consent.Change, error)
	fewer := 30
	agreed := choice()
	if by.Kind == consent.ActorCoHolder {
		agreed.Shares = c.Shares
	}
	all := []attempt{
		{consent.KindAuthorize, func() (consent.Consent, consent.Change, error) { return c.Authorize(agreed, by, start) }},
		{consent.KindAuthorize, func() (consent.Consent, consent.Change, error) { return c.Authorize(choice("7001"), by, start) }},
		{consent.KindReject, func() (consent.Consent, consent.Change, error) { return c.Reject(by, start) }},
		{consent.KindNarrow, func() (consent.Consent, consent.Change, error) {
			return c.Narrow(consent.Narrowing{LookBackDays: &fewer}, by, start)
		}},
		{consent.KindPause, func() (consent.Consent, consent.Change, error) { return c.Pause(by, start) }},
		{consent.KindResume, func() (consent.Consent, consent.Change, error) { return c.Resume(by, start) }},
		{consent.KindSuspend, func() (consent.Consent, consent.Change, error) { return c.Suspend(by, start) }},
		{consent.KindUnsuspend, func() (consent.Consent, consent.Change, error) { return c.Unsuspend(by, start) }},
		{consent.KindRenew, func() (consent.Consent, consent.Change, error) { return c.Renew(start.Add(300*day), by, start) }},
		{consent.KindAskRenewal, func() (consent.Consent, consent.Change, error) { return c.AskRenewal(start.Add(300*day), by, start) }},
		{consent.KindWithdrawAccount, func() (consent.Consent, consent.Change, error) { return c.WithdrawAccount("A1", by, start) }},
		{consent.KindRevoke, func() (consent.Consent, consent.Change, error) { return c.Revoke(by, start) }},
		{consent.KindSupersede, func() (consent.Consent, consent.Change, error) { return c.Supersede(by, start) }},
	}
	var once result
	switch {
	case by.Kind == consent.ActorPartner && c.ID == "":
		once = func() (consent.Consent, consent.Change, error) {
			return consent.Request("con_a", "messenger", "morava", terms(), start)
		}
		all = append(all, attempt{consent.KindRequest, once})
	case by.Kind == consent.ActorSystem:
		late := start.Add(time.Hour)
		if consent.Live(c.Status) {
			late = c.ValidUntil
		}
		all = append(all,
			attempt{consent.KindExpire, func() (consent.Consent, consent.Change, error) { return c.Expire(late) }},
			attempt{consent.KindAnnounceEnd, func() (consent.Consent, consent.Change, error) { return c.AnnounceEnd(c.ValidUntil.Add(-day)) }},
			attempt{consent.KindPause, func() (consent.Consent, consent.Change, error) {
				return c.PauseUnused(start, start.Add(consent.UnusedFor))
			}},
			attempt{consent.KindConsume, func() (consent.Consent, consent.Change, error) { return c.Consume(start) }})
	}
	return all
}
