package alert_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sluice/alert"
	"sluice/bank"
	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/refusal"
	"sluice/registry"
	"sluice/sqldb/sqldbtest"
)

func TestAnAnswerReachesTheBankWithTheConfirmation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		status, err := w.desk().Answer(t.Context(), w.says("messenger", notMe))
		if err != nil || status != answered {
			t.Fatalf("Answer = %v, %v", status, err)
		}
		told := w.bank.Told()
		if len(told) != 1 || !strings.HasPrefix(told[0].ID, "ans_") {
			t.Fatalf("the bank was told %v", told)
		}
		told[0].ID = ""
		want := bank.AlertAnswer{Customer: "one", Account: "A1", Alert: "W1", Choice: notMe, Partner: "messenger", Confirmation: "tap"}
		if told[0] != want {
			t.Errorf("the bank was told %+v, want %+v", told[0], want)
		}
		if a, _ := w.kept(); a.State != alert.Taken || a.Sealed != "" {
			t.Errorf("kept as %v, with the confirmation %q", a.State, a.Sealed)
		}
	})
}

func TestAnAnswerIsDurableBeforeTheBankIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var before alert.Answer
		w.bank.Take(func(told bank.AlertAnswer) (datav1.AlertStatus, error) {
			before, _ = w.kept()
			return answered, nil
		})
		if _, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); err != nil {
			t.Fatal(err)
		}
		if told := w.bank.Told()[0]; before.State != alert.Kept || string(before.ID) != told.ID || strings.Contains(before.Sealed, "tap") {
			t.Errorf("when the bank was told %s, there was %+v", told.ID, before)
		}
	})
}

func TestTheSameAnswerAgainAnswersTheSame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return resolved, nil })
		for i := range 3 {
			if status, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); err != nil || status != resolved {
				t.Errorf("time %d: %v, %v", i+1, status, err)
			}
			// The bank lists it no more, and may even be away.
			w.show(&datav1.FraudAlert{AlertId: "W2"})
			w.bank.Fail(bank.ErrUnavailable)
		}
		if len(w.bank.Told()) != 1 {
			t.Errorf("the bank was told %d times", len(w.bank.Told()))
		}
	})
}

func TestAnotherAnswerIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); err != nil {
			t.Fatal(err)
		}
		confirmed := w.says("messenger", wasMe)
		confirmed.Confirmation = "another tap"
		for name, q := range map[string]alert.Question{
			"another choice": w.says("messenger", notMe), "another confirmation": confirmed, "another partner": w.says("wallet", wasMe),
		} {
			if status, err := w.desk().Answer(t.Context(), q); status != 0 || refusal.ReasonOf(err) != refusal.ChangeNotPossible {
				t.Errorf("%s: %v, %v", name, status, err)
			}
		}
		if len(w.bank.Told()) != 1 {
			t.Errorf("the bank was told %v", w.bank.Told())
		}
	})
}

// Whatever is refused leaves nothing behind and is told to nobody.
func TestWhatIsNotPermittedOrNotAskedForIsRefused(t *testing.T) {
	type change func(w *world, q *alert.Question)
	revoke := func(w *world) error {
		_, err := w.book.Revoke(w.t.Context(), w.customer(), w.consents["messenger"])
		return err
	}
	for name, c := range map[string]struct {
		do   change
		want refusal.Reason
	}{
		"unattended":        {func(_ *world, q *alert.Question) { q.Ask.Unattended = true }, refusal.InvalidRequest},
		"another purpose":   {func(_ *world, q *alert.Question) { q.Ask.Purpose++ }, refusal.PurposeNotPermitted},
		"another's consent": {func(w *world, q *alert.Question) { q.Ask.Consent = w.consents["wallet"] }, refusal.ConsentNotFound},
		"no account of the consent": {func(_ *world, q *alert.Question) {
			q.Ask.Accounts = []string{account("messenger", "A2")}
		}, refusal.AccountNotCovered},
		"another partner's name of the account": {func(_ *world, q *alert.Question) {
			q.Ask.Accounts = []string{account("wallet", "A1")}
		}, refusal.AccountNotCovered},
		"alerts not agreed": {func(w *world, q *alert.Question) {
			w.give("messenger", consent.Cards, "A1")
			q.Ask.Consent = w.consents["messenger"]
		}, refusal.ClusterNotCovered},
		"alerts not in the token": {func(_ *world, q *alert.Question) {
			q.Ask.Ceiling = map[string]consent.Clusters{account("messenger", "A1"): consent.ClustersOf(consent.Balances)}
		}, refusal.ClusterNotCovered},
		"no such alert": {func(_ *world, q *alert.Question) { q.Alert = "W9" }, refusal.InvalidRequest},
		"another account's alert": {func(w *world, q *alert.Question) {
			w.give("messenger", consent.FraudAlerts, "A1", "A2")
			q.Ask.Consent, q.Ask.Accounts = w.consents["messenger"], []string{account("messenger", "A2")}
		}, refusal.BankUnavailable}, // the bank answers for A1 alone
		"a choice not offered": {func(_ *world, q *alert.Question) { q.Choice = blockCard }, refusal.InvalidRequest},
		"information only":     {func(w *world, _ *alert.Question) { w.warn(noon.Add(time.Hour)) }, refusal.InvalidRequest},
		"expired":              {func(w *world, _ *alert.Question) { w.pass(time.Hour) }, refusal.ChangeNotPossible},
		"answered elsewhere": {func(w *world, _ *alert.Question) {
			w.show(&datav1.FraudAlert{AlertId: "W1", Status: answered, Choices: []datav1.AlertChoice{notMe}})
		}, refusal.ChangeNotPossible},
		"revoked": {func(w *world, _ *alert.Question) { w.must(revoke(w)) }, refusal.ConsentRevoked},
		"paused": {func(w *world, _ *alert.Question) {
			_, err := w.book.Pause(w.t.Context(), w.customer(), w.consents["messenger"], 0)
			w.must(err)
		}, refusal.ConsentPaused},
		"the partner is suspended": {func(w *world, _ *alert.Question) {
			_, err := w.registry.SetPartnerStanding(w.t.Context(), "messenger", registry.Suspended)
			w.must(err)
		}, refusal.PartnerSuspended},
		"the bank is away": {func(w *world, _ *alert.Question) { w.bank.Fail(bank.ErrUnavailable) }, refusal.BankUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sqldbtest.SQLite)
			q := w.says("messenger", notMe)
			c.do(w, &q)
			if status, err := w.desk().Answer(t.Context(), q); status != 0 || refusal.ReasonOf(err) != c.want {
				t.Errorf("Answer = %v, %v; want %v", status, err, c.want)
			}
			if a, found := w.kept(); found || len(w.bank.Told()) != 0 {
				t.Errorf("kept %+v, told %v", a, w.bank.Told())
			}
		})
	}
}

func TestAnAlertWhoseNameNoDatabaseKeepsIsNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		q := w.says("messenger", notMe)
		q.Alert = "W1\x00"
		if status, err := w.desk().Answer(t.Context(), q); status != 0 || refusal.ReasonOf(err) != refusal.InvalidRequest {
			t.Errorf("Answer = %v, %v; want INVALID_REQUEST", status, err)
		}
	})
}

// shaken is a store before which the world changes at the last moment.
type shaken struct {
	alert.Store
	before func()
}

func (s *shaken) Keep(ctx context.Context, a alert.Answer, g consent.Grant, lease time.Duration) (alert.Answer, bool, error) {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.Keep(ctx, a, g, lease)
}

func TestAChangeBeforeTheAnswerIsKeptWins(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world) error
		want   refusal.Reason
	}{
		"revoked": {func(w *world) error {
			_, err := w.book.Revoke(w.t.Context(), w.customer(), w.consents["messenger"])
			return err
		}, refusal.ConsentRevoked},
		"paused": {func(w *world) error {
			_, err := w.book.Pause(w.t.Context(), w.customer(), w.consents["messenger"], 0)
			return err
		}, refusal.ConsentPaused},
		"narrowed": {func(w *world) error {
			_, err := w.book.Narrow(w.t.Context(), w.customer(), w.consents["messenger"], 0, consent.Narrowing{
				Shares: []consent.Share{{Account: "A1", Clusters: consent.ClustersOf(consent.Balances)}},
			})
			return err
		}, refusal.ClusterNotCovered},
		"bank suspended": {func(w *world) error {
			_, err := w.registry.SetBankStanding(w.t.Context(), "morava", registry.Suspended)
			return err
		}, refusal.BankSuspended},
		"expired": {func(w *world) error { w.pass(time.Hour); return nil }, refusal.ChangeNotPossible},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				s := &shaken{Store: w.store(), before: func() { w.must(c.change(w)) }}
				_, err := w.desk(func(d *alert.Config) { d.Store = s }).Answer(t.Context(), w.says("messenger", notMe))
				if refusal.ReasonOf(err) != c.want {
					t.Errorf("Answer = %v, want %v", err, c.want)
				}
				if _, found := w.kept(); found || len(w.bank.Told()) != 0 {
					t.Errorf("kept: %t, told: %v", found, w.bank.Told())
				}
			})
		})
	}
}

func TestAChangeThatLeavesTheAnswerPermittedDoesNotLoseIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thirty := 30
		s := &shaken{Store: w.store(), before: func() {
			_, err := w.book.Renew(t.Context(), w.customer(), w.consents["messenger"], 0, noon.AddDate(0, 2, thirty))
			w.must(err)
		}}
		status, err := w.desk(func(d *alert.Config) { d.Store = s }).Answer(t.Context(), w.says("messenger", notMe))
		if err != nil || status != answered || w.bank.Taken() != 1 {
			t.Errorf("Answer = %v, %v; taken %d times", status, err, w.bank.Taken())
		}
	})
}

func TestARepeatedAnswerAfterARevokeIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); err != nil {
			t.Fatal(err)
		}
		_, err := w.book.Revoke(t.Context(), w.customer(), w.consents["messenger"])
		w.must(err)
		if _, err := w.desk().Answer(t.Context(), w.says("messenger", wasMe)); refusal.ReasonOf(err) != refusal.ConsentRevoked {
			t.Errorf("Answer = %v", err)
		}
	})
}

// away is a store that can't be reached.
type away struct{ alert.Store }

var errAway = errors.New("the database is away")

func (away) Keep(context.Context, alert.Answer, consent.Grant, time.Duration) (alert.Answer, bool, error) {
	return alert.Answer{}, false, errAway
}

func TestWhatIsNotKeptIsNotTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.desk(func(d *alert.Config) { d.Store = away{w.store()} }).Answer(t.Context(), w.says("messenger", wasMe))
		if refusal.ReasonOf(err) != refusal.RecordUnavailable || len(w.bank.Told()) != 0 {
			t.Errorf("Answer = %v; told %v", err, w.bank.Told())
		}
	})
}
