package consenttest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
)

// given keeps an authorized consent that was asked for at an instant.
func given(t *testing.T, s consent.Store, id consent.ID, at time.Time, customer consent.CustomerID) consent.Consent {
	t.Helper()
	c, ch := first(t, id, at)
	create(t, s, c, ch)
	active, agreed := authorized(t, c, customer)
	return replace(t, s, active, agreed)
}

func idsOf(t *testing.T, s consent.Store, q consent.Query) []consent.ID {
	t.Helper()
	found, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatalf("List(%+v): %v", q, err)
	}
	ids := []consent.ID{}
	for _, c := range found {
		ids = append(ids, c.ID)
	}
	return ids
}

func wantIDs(t *testing.T, what string, got []consent.ID, want ...consent.ID) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s is %q, want %q", what, got, want)
	}
}

func listOrder(t *testing.T, s consent.Store) {
	at := epoch()
	given(t, s, "con_b", at, "9593")
	given(t, s, "con_d", at.Add(time.Millisecond), "9593")
	given(t, s, "con_a", at, "9593")
	given(t, s, "con_c", at.Add(-time.Hour), "9593")
	given(t, s, "con_other", at, "1")
	c, ch := first(t, "con_pending", at)
	create(t, s, c, ch)
	elsewhere, ch := first(t, "con_elsewhere", at)
	elsewhere.Bank, elsewhere.Customer = "slezsko", "9593"
	create(t, s, elsewhere, ch)

	mine := consent.Query{Bank: "morava", Customer: "9593", Limit: 10}
	wantIDs(t, "the list", idsOf(t, s, mine), "con_d", "con_b", "con_a", "con_c")
	mine.Limit = 2
	wantIDs(t, "the list of two", idsOf(t, s, mine), "con_d", "con_b")
	wantIDs(t, "a stranger's list", idsOf(t, s, consent.Query{Bank: "morava", Customer: "2", Limit: 10}))
}

func listPages(t *testing.T, s consent.Store) {
	var want []consent.ID
	for i := range 11 { // some asked for in the same millisecond
		given(t, s, idOf(i), epoch().Add(time.Duration(i/3)*time.Millisecond), "9593")
		want = append(want, idOf(i))
	}
	slices.Reverse(want)
	for _, size := range []int{1, 2, 3, 11, 20} {
		q := consent.Query{Bank: "morava", Customer: "9593", Limit: size}
		var got []consent.ID
		for range len(want) + 1 {
			page := idsOf(t, s, q)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			q.Before = page[len(page)-1]
		}
		wantIDs(t, "all pages together", got, want...)
	}
}

func listShowsNewest(t *testing.T, s consent.Store) {
	c := given(t, s, "con_a", epoch(), "9593")
	given(t, s, "con_b", epoch(), "9593")
	paused, ch := next(c, "x")
	paused.Status = consent.Paused
	replace(t, s, paused, ch)
	got, err := s.List(t.Context(), consent.Query{Bank: "morava", Customer: "9593", Before: "con_b", Limit: 5})
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if d := cmp.Diff([]consent.Consent{paused}, got); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
}

func wantDue(t *testing.T, s consent.Store, at time.Time, want ...consent.ID) {
	t.Helper()
	got, err := s.Due(t.Context(), at, 100)
	if err != nil {
		t.Fatalf("Due: %v", err)
	}
	wantIDs(t, "what is due at "+at.Format(time.RFC3339Nano), got, want...)
}

// soon gives a consent an end that is too near to be announced.
func soon(t *testing.T, s consent.Store, c consent.Consent) consent.Consent {
	t.Helper()
	c, ch := next(c, "x")
	c.ValidUntil = epoch().Add(30 * 24 * time.Hour)
	return replace(t, s, c, ch)
}

func dueByEnd(t *testing.T, s consent.Store) {
	c := soon(t, s, given(t, s, "con_a", epoch(), "9593"))
	wantDue(t, s, c.ValidUntil.Add(-time.Millisecond))
	wantDue(t, s, c.ValidUntil, "con_a")
	for _, held := range []consent.Status{consent.Paused, consent.Suspended} {
		var ch consent.Change
		c, ch = next(c, "x")
		c.Status = held
		replace(t, s, c, ch)
		wantDue(t, s, c.ValidUntil.Add(-time.Millisecond))
		wantDue(t, s, c.ValidUntil, "con_a")
	}
	nearer, ch := next(c, "x")
	nearer.ValidUntil = epoch().Add(2 * time.Hour)
	replace(t, s, nearer, ch)
	wantDue(t, s, nearer.ValidUntil.Add(-time.Millisecond))
	wantDue(t, s, nearer.ValidUntil, "con_a")
	for _, end := range []consent.Status{
		consent.Rejected, consent.Expired, consent.Revoked, consent.Consumed, consent.Superseded,
	} {
		nearer, ch = next(nearer, "x")
		nearer.Status = end
		replace(t, s, nearer, ch)
		wantDue(t, s, nearer.ValidUntil.AddDate(1, 0, 0))
	}
}

func dueBefore(t *testing.T, s consent.Store) {
	c := given(t, s, "con_a", epoch(), "9593")
	near := c.ValidUntil.Add(-consent.EndAnnouncedBefore)
	wantDue(t, s, near.Add(-time.Millisecond))
	wantDue(t, s, near, "con_a")
	c, ch := next(c, "x")
	c.EndAnnounced, c.ValidUntil = c.ValidUntil.AddDate(1, 0, 0), c.ValidUntil.AddDate(1, 0, 0)
	replace(t, s, c, ch)
	idle := c.DecidedAt.Add(consent.UnusedFor)
	wantDue(t, s, idle.Add(-time.Millisecond))
	wantDue(t, s, idle, "con_a")
	c, ch = next(c, "x")
	c.Status = consent.Paused
	replace(t, s, c, ch)
	wantDue(t, s, c.ValidUntil.Add(-time.Millisecond))
	wantDue(t, s, c.ValidUntil, "con_a")
}

func duePostponed(t *testing.T, s consent.Store) {
	c := soon(t, s, given(t, s, "con_a", epoch(), "9593"))
	later := c.ValidUntil.Add(time.Hour)
	for _, revision := range []int64{c.Revision - 1, c.Revision + 1} {
		wantErr(t, "Postpone", s.Postpone(t.Context(), c.ID, revision, later), nil)
		wantDue(t, s, c.ValidUntil, "con_a")
	}
	wantErr(t, "Postpone", s.Postpone(t.Context(), c.ID, c.Revision, later), nil)
	wantDue(t, s, later.Add(-time.Millisecond))
	wantDue(t, s, later, "con_a")
	c, ch := next(c, "x")
	replace(t, s, c, ch)
	wantDue(t, s, c.ValidUntil, "con_a")
	wantErr(t, "Postpone of what is not there", s.Postpone(t.Context(), "con_absent", 1, later), nil)
}

func dueByTimeout(t *testing.T, s consent.Store) {
	pending, ch := first(t, "con_a", epoch())
	create(t, s, pending, ch)
	c, ch := first(t, "con_b", epoch())
	create(t, s, c, ch)
	partial, agreed := authorized(t, c, "9593", "h1")
	replace(t, s, partial, agreed)
	given(t, s, "con_c", epoch(), "9593")
	short, ch := first(t, "con_d", epoch())
	short.ValidUntil = epoch().Add(time.Minute)
	create(t, s, short, ch)

	timeout := epoch().Add(consent.AuthorizationTimeout)
	wantDue(t, s, epoch().Add(time.Minute-time.Millisecond))
	wantDue(t, s, timeout.Add(-time.Millisecond), "con_d")
	wantDue(t, s, timeout, "con_a", "con_b", "con_d")
}

func dueOneTime(t *testing.T, s consent.Store) {
	pending, ch := requested(t, "con_a", epoch(), true)
	create(t, s, pending, ch)
	wantDue(t, s, epoch())
	c, ch := authorized(t, pending, "9593")
	replace(t, s, c, ch)
	wantDue(t, s, epoch(), "con_a")
	for _, held := range []consent.Status{consent.Paused, consent.Suspended} {
		c, ch = next(c, "x")
		c.Status = held
		replace(t, s, c, ch)
		wantDue(t, s, epoch(), "con_a")
	}
	c, ch = next(c, "x")
	c.Status = consent.Consumed
	replace(t, s, c, ch)
	wantDue(t, s, epoch())
}

func dueOrder(t *testing.T, s consent.Store) {
	given(t, s, "con_b", epoch(), "9593")
	given(t, s, "con_c", epoch().Add(-time.Second), "1")
	given(t, s, "con_a", epoch(), "2")
	given(t, s, "con_0", epoch().Add(time.Second), "2")
	late := epoch().AddDate(1, 0, 0)
	wantDue(t, s, late, "con_c", "con_a", "con_b", "con_0")
	got, err := s.Due(t.Context(), late, 2)
	wantErr(t, "Due", err, nil)
	wantIDs(t, "the first two due", got, "con_c", "con_a")
}

func waitingCounted(t *testing.T, s consent.Store) {
	at := epoch()
	for i, id := range []consent.ID{"con_a", "con_b", "con_c", "con_d"} {
		c, ch := first(t, id, at.Add(time.Duration(i)*time.Minute))
		create(t, s, c, ch)
	}
	given(t, s, "con_given", at.Add(time.Hour), "9593")
	other, ch := first(t, "con_other", at.Add(time.Hour))
	other.Partner = "wallet"
	create(t, s, other, ch)
	for _, tt := range []struct {
		partner    consent.PartnerID
		since      time.Time
		most, want int
	}{
		{"messenger", at.Add(-time.Millisecond), 10, 4},
		{"messenger", at, 10, 3},
		{"messenger", at.Add(-time.Hour), 2, 2},
		{"messenger", at.Add(time.Hour), 10, 0},
		{"wallet", at, 10, 1},
		{"nobody", at, 10, 0},
	} {
		if n, err := s.Waiting(t.Context(), tt.partner, tt.since, tt.most); err != nil || n != tt.want {
			t.Errorf("Waiting(%s, %v, %d) = %d, %v; want %d", tt.partner, tt.since, tt.most, n, err, tt.want)
		}
	}
}
