package consenttest

import (
	"fmt"
	"testing"

	"sluice/consent"
)

func createdIsRead(t *testing.T, s consent.Store) {
	c, ch := first(t, "con_a", epoch())
	create(t, s, c, ch)
	holds(t, s, c, ch)
	active, agreed := authorized(t, c, "9593")
	replace(t, s, active, agreed)
	holds(t, s, active, ch, agreed)
}

func fieldsRoundTrip(t *testing.T, s consent.Store) {
	c, ch := strange()
	create(t, s, c, ch)
	holds(t, s, c, ch)
}

func statusesRoundTrip(t *testing.T, s consent.Store) {
	statuses := []consent.Status{
		consent.Pending, consent.PartiallyAuthorized, consent.Active, consent.Paused, consent.Suspended,
		consent.Rejected, consent.Expired, consent.Revoked, consent.Consumed, consent.Superseded,
	}
	for i, status := range statuses {
		c, ch := first(t, idOf(i), epoch())
		create(t, s, c, ch)
		after, made := authorized(t, c, "9593")
		after.Status, made.Status = status, status
		replace(t, s, after, made)
		holds(t, s, after, ch, made)
	}
}

func absentIsNotFound(t *testing.T, s consent.Store) {
	c, ch := first(t, "con_absent", epoch())
	_, err := s.Get(t.Context(), c.ID)
	wantErr(t, "Get", err, consent.ErrNotFound)
	_, err = s.Changes(t.Context(), c.ID)
	wantErr(t, "Changes", err, consent.ErrNotFound)
	active, agreed := authorized(t, c, "9593")
	wantErr(t, "Replace", s.Replace(t.Context(), active, agreed), consent.ErrNotFound)
	_, err = s.Get(t.Context(), c.ID)
	wantErr(t, "Get after a failed Replace", err, consent.ErrNotFound)
	create(t, s, c, ch)
	holds(t, s, c, ch)
}

func idIsTaken(t *testing.T, s consent.Store) {
	c, ch := first(t, "con_a", epoch())
	create(t, s, c, ch)
	other, asked := first(t, "con_a", epoch().AddDate(0, 0, 1))
	wantErr(t, "Create again", s.Create(t.Context(), other, asked), consent.ErrExists)
	holds(t, s, c, ch)

	ended, rejected := next(c, "x")
	ended.Status, rejected.Status = consent.Rejected, consent.Rejected
	replace(t, s, ended, rejected)
	wantErr(t, "Create after the end", s.Create(t.Context(), other, asked), consent.ErrExists)
	holds(t, s, ended, ch, rejected)
}

func onlyNextReplaces(t *testing.T, s consent.Store) {
	c, ch := first(t, "con_a", epoch())
	create(t, s, c, ch)
	second, agreed := authorized(t, c, "9593")
	replace(t, s, second, agreed)

	for _, revision := range []int64{0, 1, 2, 4, 5} {
		wrong, made := next(second, "wrong")
		wrong.Revision, made.Revision = revision, revision
		wantErr(t, fmt.Sprintf("Replace with revision %d after 2", revision),
			s.Replace(t.Context(), wrong, made), consent.ErrConflict)
		holds(t, s, second, ch, agreed)
	}
	third, made := next(second, "right")
	replace(t, s, third, made)
	holds(t, s, third, ch, agreed, made)
}

func historyInOrder(t *testing.T, s consent.Store) {
	c, ch := first(t, "con_a", epoch())
	create(t, s, c, ch)
	history := []consent.Change{ch}
	for i := range 12 { // past 9, so that an order by text would show
		c, ch = next(c, fmt.Sprintf("op%d", i))
		if i == 7 { // clocks of replicas differ; the order is the revisions'
			c.ChangedAt = epoch()
			ch.At = c.ChangedAt
		}
		replace(t, s, c, ch)
		history = append(history, ch)
	}
	holds(t, s, c, history...)
}

func nothingAliases(t *testing.T, s consent.Store) {
	pending, ch := first(t, "con_a", epoch())
	create(t, s, pending, ch)
	c, agreed := authorized(t, pending, "9593", "h1")
	want := c.Clone()
	replace(t, s, c, agreed)

	c.Shares[0].Account, c.Awaiting[0], c.CoHolders[0] = "changed", "changed", "changed"
	holds(t, s, want, ch, agreed)

	got, err := s.Get(t.Context(), want.ID)
	wantErr(t, "Get", err, nil)
	got.Shares[0].Account, got.Awaiting[0], got.CoHolders[0] = "changed", "changed", "changed"
	changes, err := s.Changes(t.Context(), want.ID)
	wantErr(t, "Changes", err, nil)
	changes[0].Actor.ID = "changed"
	listed, err := s.List(t.Context(), consent.Query{Bank: want.Bank, Customer: want.Customer, Limit: 1})
	wantErr(t, "List", err, nil)
	if len(listed) != 1 {
		t.Fatalf("List has %d consents, want 1", len(listed))
	}
	listed[0].Shares[0].Account, listed[0].Awaiting[0], listed[0].CoHolders[0] = "changed", "changed", "changed"
	holds(t, s, want, ch, agreed)
}
