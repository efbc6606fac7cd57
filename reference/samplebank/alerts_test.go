package samplebank

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

const (
	wasMe     = datav1.AlertChoice_ALERT_CHOICE_WAS_ME
	notMe     = datav1.AlertChoice_ALERT_CHOICE_NOT_ME
	blockCard = datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD
)

// clocked is a bank whose clock a test moves.
func clocked(t *testing.T) (*Bank, *time.Time) {
	t.Helper()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	b, err := New(load(t), "morava", func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	return b, &at
}

func listed(t *testing.T, b *Bank, account string) []*datav1.FraudAlert {
	t.Helper()
	got, err := b.ListAlerts(t.Context(), &bankv1.ListAlertsRequest{Subject: &bankv1.Subject{CustomerId: "9593", AccountIds: []string{account}}})
	if err != nil || len(got.GetAccounts()) != 1 {
		t.Fatalf("ListAlerts = %v, %v", got, err)
	}
	return got.GetAccounts()[0].GetAlerts()
}

func answered(t *testing.T, b *Bank, id, account, alert string, c datav1.AlertChoice) (datav1.AlertStatus, codes.Code) {
	t.Helper()
	got, err := b.AnswerAlert(t.Context(), &bankv1.AnswerAlertRequest{
		AnswerId: id, CustomerId: "9593", AccountId: account, AlertId: alert, Choice: c, PartnerId: "messenger", Confirmation: "tap",
	})
	return got.GetStatus(), status.Code(err)
}

func TestOnlyPaymentsFarAboveWhatCameBeforeRaiseAlerts(t *testing.T) {
	usual := slices.Repeat([]amount{100, 200, 300}, 10)
	for name, c := range map[string]struct {
		before []amount
		paid   amount
		want   bool
	}{
		"as much as usual":      {usual, 300, false},
		"twice the usual most":  {usual, 600, false},
		"above twice of it":     {usual, 601, true},
		"nothing to compare to": {usual[:needed-1], 10_000, false},
		"one was as high":       {append(slices.Clone(usual), 5000), 5000, true},
		"many were as high":     {append(slices.Clone(usual), 5000, 5000, 5000, 5000, 5000), 5000, false},
	} {
		if got := unusual(c.before, c.paid); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestTheDataHaveTheAlertsThatThePageSays(t *testing.T) {
	d := load(t)
	lately := 0
	for _, a := range d.accounts {
		for _, i := range a.unusual {
			if x := a.transactions[i]; x.amount >= 0 || byTheBank(x) {
				t.Errorf("%s: %v raised an alert", a.id, x)
			}
			if a.transactions[i].day > newest-28 {
				lately++
			}
		}
	}
	if b, _ := clocked(t); lately != 17 || len(listed(t, b, "C1005")) != 2 {
		t.Errorf("%d lately, %d of C1005", lately, len(listed(t, b, "C1005")))
	}
}

func TestAnAlertSaysWhatItIsAbout(t *testing.T) {
	b, _ := clocked(t)
	for _, w := range listed(t, b, "C1005") {
		i := slices.IndexFunc(b.data.accounts["C1005"].transactions, func(x transaction) bool { return x.id == w.GetTransactionId() })
		if i < 0 || w.GetStatus() != datav1.AlertStatus_ALERT_STATUS_OPEN || len(w.GetChoices()) != 3 || w.GetMerchant() == "" || w.GetCountry() != "" ||
			w.GetAmount().GetCurrencyCode() != "GBP" || w.GetAmount().GetUnits() <= 0 || w.GetRaisedAt().AsTime().After(b.now()) {
			t.Errorf("%v", w)
		}
	}
}

func TestTheFirstAnswerIsTakenAndNoOther(t *testing.T) {
	b, at := clocked(t)
	var told []Answered
	b.OnAnswer(func(a Answered) { told = append(told, a) })
	alert := listed(t, b, "C1005")[0].GetAlertId()
	for _, step := range []struct {
		name, id, account, alert string
		choice                   datav1.AlertChoice
		want                     codes.Code
	}{
		{"another account's", "a1", "A7753", alert, wasMe, codes.NotFound},
		{"somebody else's account", "a1", "C70", alert, wasMe, codes.NotFound},
		{"no alert", "a1", "C1005", "W0", wasMe, codes.NotFound},
		{"no name", "", "C1005", alert, wasMe, codes.InvalidArgument},
		{"no choice of it", "a1", "C1005", alert, 0, codes.InvalidArgument},
		{"the first", "a1", "C1005", alert, blockCard, codes.OK},
		{"the same again", "a1", "C1005", alert, blockCard, codes.OK},
		{"the same by another name", "a2", "C1005", alert, blockCard, codes.FailedPrecondition},
		{"another by the same name", "a1", "C1005", alert, wasMe, codes.FailedPrecondition},
	} {
		now, code := answered(t, b, step.id, step.account, step.alert, step.choice)
		if code != step.want || code == codes.OK && now != datav1.AlertStatus_ALERT_STATUS_ANSWERED {
			t.Errorf("%s: %v, %v", step.name, now, code)
		}
	}
	if len(told) != 1 || told[0] != (Answered{Account: "C1005", Alert: alert, Choice: "BLOCK_CARD", Partner: "messenger", Confirmation: "tap"}) {
		t.Errorf("told %v", told)
	}
	*at = at.Add(lookedInto)
	if got := listed(t, b, "C1005"); len(got) != 1 {
		t.Errorf("%d alerts are left, want the other one", len(got))
	}
	if now, code := answered(t, b, "a1", "C1005", alert, blockCard); code != codes.OK || now != datav1.AlertStatus_ALERT_STATUS_RESOLVED {
		t.Errorf("the same after the end: %v, %v", now, code)
	}
	cards, err := b.ListCards(t.Context(), &bankv1.ListCardsRequest{Subject: &bankv1.Subject{CustomerId: "9593", AccountIds: []string{"C1005"}}})
	if err != nil || cards.GetAccounts()[0].GetCards()[0].GetStatus() != datav1.CardStatus_CARD_STATUS_BLOCKED {
		t.Errorf("the card is %v, %v", cards, err)
	}
}

func TestTheOutcomeIsWhatTheCustomerSaid(t *testing.T) {
	for choice, want := range map[datav1.AlertChoice]datav1.AlertOutcome{
		wasMe:     datav1.AlertOutcome_ALERT_OUTCOME_GENUINE,
		notMe:     datav1.AlertOutcome_ALERT_OUTCOME_FRAUD,
		blockCard: datav1.AlertOutcome_ALERT_OUTCOME_CARD_BLOCKED,
	} {
		b, at := clocked(t)
		alert := listed(t, b, "C1005")[0].GetAlertId()
		answered(t, b, "a1", "C1005", alert, choice)
		*at = at.Add(lookedInto)
		all := b.alertsOf(b.data.accounts["C1005"])
		i := slices.IndexFunc(all, func(w *datav1.FraudAlert) bool { return w.GetAlertId() == alert })
		if all[i].GetOutcome() != want || all[i].GetStatus() != datav1.AlertStatus_ALERT_STATUS_RESOLVED {
			t.Errorf("%v: %v", choice, all[i])
		}
	}
}

func TestAnExpiredAlertTakesNoAnswer(t *testing.T) {
	b, at := clocked(t)
	alert := listed(t, b, "C1005")[0]
	// Within the same step of the calendar, so that the alert stays on its day.
	for _, w := range b.data.accounts["C1005"].unusual {
		b.data.accounts["C1005"].transactions[w].day -= 60
	}
	*at = at.Add(time.Second)
	if _, code := answered(t, b, "a1", "C1005", alert.GetAlertId(), wasMe); code != codes.FailedPrecondition {
		t.Errorf("an expired alert: %v", code)
	}
	if got := listed(t, b, "C1005"); len(got) != 0 {
		t.Errorf("%d expired alerts are listed", len(got))
	}
}
