package consenttest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
)

// Open makes an empty store for one subtest; it closes it by t.Cleanup.
type Open = func(t *testing.T) consent.Store

// RunStore requires of a store what consent.Store promises.
func RunStore(t *testing.T, open Open) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s consent.Store)
	}{
		{"a created consent is read back", createdIsRead},
		{"every field comes back exactly", fieldsRoundTrip},
		{"a status of any kind comes back", statusesRoundTrip},
		{"what does not exist is not found", absentIsNotFound},
		{"an id is taken forever", idIsTaken},
		{"only the next revision replaces", onlyNextReplaces},
		{"the history is in order and complete", historyInOrder},
		{"stored values are nobody else's", nothingAliases},
		{"a list is the customer's own, newest first", listOrder},
		{"each form of a list has its own consents", listForms},
		{"a co-holder's list has what names them and is not hidden", listCoHolder},
		{"a list goes on where the page before ended", listPages},
		{"a list shows the newest revision", listShowsNewest},
		{"a partner's requests that wait are counted", waitingCounted},
		{"due by the end", dueByEnd},
		{"due by the authorization timeout", dueByTimeout},
		{"one-time consents are due while live", dueOneTime},
		{"due to be announced, and when unused", dueBefore},
		{"what was postponed is due later, at this revision only", duePostponed},
		{"events are each party's own, in order and complete", eventsInOrder},
		{"events go on where the page before ended", eventsPages},
		{"no event is lost while many write", eventsRacing},
		{"due is oldest first and limited", dueOrder},
		{"of many replacing one revision exactly one wins", oneReplaceWins},
		{"of many creating one id exactly one wins", oneCreateWins},
		{"consents do not disturb each other", consentsApart},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open(t))
		})
	}
}

func create(t *testing.T, s consent.Store, c consent.Consent, ch consent.Change) {
	t.Helper()
	if err := s.Create(t.Context(), c, ch); err != nil {
		t.Fatalf("Create(%s): %v", c.ID, err)
	}
}

func replace(t *testing.T, s consent.Store, c consent.Consent, ch consent.Change) consent.Consent {
	t.Helper()
	if err := s.Replace(t.Context(), c, ch); err != nil {
		t.Fatalf("Replace(%s, revision %d): %v", c.ID, c.Revision, err)
	}
	return c
}

// holds requires that the store has exactly this consent and history.
func holds(t *testing.T, s consent.Store, want consent.Consent, history ...consent.Change) {
	t.Helper()
	got, err := s.Get(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("Get(%s): %v", want.ID, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Get(%s) (-want +got):\n%s", want.ID, d)
	}
	for name, at := range map[string]time.Time{
		"Asked.ValidUntil": got.Asked.ValidUntil, "ValidUntil": got.ValidUntil,
		"CreatedAt": got.CreatedAt, "ChangedAt": got.ChangedAt, "DecidedAt": got.DecidedAt,
		"RenewalAsked": got.RenewalAsked, "RenewalAskAt": got.RenewalAskAt, "EndAnnounced": got.EndAnnounced,
	} {
		if at.Location() != time.UTC {
			t.Errorf("%s is in %v, want UTC", name, at.Location())
		}
	}
	if got.Grant().Digest() != want.Grant().Digest() {
		t.Error("the grant read has another digest than the one kept")
	}
	changes, err := s.Changes(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("Changes(%s): %v", want.ID, err)
	}
	if d := cmp.Diff(history, changes); d != "" {
		t.Errorf("Changes(%s) (-want +got):\n%s", want.ID, d)
	}
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}
