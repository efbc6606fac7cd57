package consenttest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
)

// read reads all events there are behind a cursor, a page at a time.
func read(ctx context.Context, s consent.Store, q consent.EventQuery) ([]consent.Change, consent.Cursor, error) {
	var all []consent.Change
	for {
		found, after, err := s.Events(ctx, q)
		if err != nil || len(found) == 0 {
			return all, after, err
		}
		if len(found) > q.Limit {
			return all, after, fmt.Errorf("%d events, more than %d", len(found), q.Limit)
		}
		all, q.After = append(all, found...), after
	}
}

func wantEvents(t *testing.T, s consent.Store, q consent.EventQuery, want map[consent.ID][]consent.Change) {
	t.Helper()
	all, _, err := read(t.Context(), s, q)
	if err != nil {
		t.Fatalf("Events(%+v): %v", q, err)
	}
	got := map[consent.ID][]consent.Change{}
	for _, ch := range all {
		got[ch.Consent] = append(got[ch.Consent], ch)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Events(%+v), by consent (-want +got):\n%s", q, d)
	}
}

func eventsInOrder(t *testing.T, s consent.Store) {
	of(t, s, "con_1", "messenger", "morava", "9593", "7001")
	of(t, s, "con_2", "messenger", "slezsko", "1")
	end(t, s, of(t, s, "con_3", "wallet", "morava", ""))
	end(t, s, of(t, s, "con_4", "wallet", "morava", "2"))
	histories := func(ids ...consent.ID) map[consent.ID][]consent.Change {
		out := map[consent.ID][]consent.Change{}
		for _, id := range ids {
			changes, err := s.Changes(t.Context(), id)
			wantErr(t, "Changes", err, nil)
			out[id] = changes
		}
		return out
	}
	for _, limit := range []int{1, 2, 3, 100} {
		wantEvents(t, s, consent.EventQuery{Partner: "messenger", Limit: limit}, histories("con_1", "con_2"))
		wantEvents(t, s, consent.EventQuery{Partner: "wallet", Limit: limit}, histories("con_3", "con_4"))
		wantEvents(t, s, consent.EventQuery{Bank: "morava", Limit: limit}, histories("con_1", "con_3", "con_4"))
		wantEvents(t, s, consent.EventQuery{Bank: "slezsko", Limit: limit}, histories("con_2"))
		wantEvents(t, s, consent.EventQuery{Bank: "messenger", Limit: limit}, histories())
	}
}

func eventsPages(t *testing.T, s consent.Store) {
	q := consent.EventQuery{Partner: "messenger", Limit: 100}
	c := of(t, s, "con_1", "messenger", "morava", "9593")
	_, at, err := read(t.Context(), s, q)
	wantErr(t, "Events", err, nil)
	kept, err := consent.ParseCursor(at.String())
	wantErr(t, "ParseCursor", err, nil)
	q.After = kept
	found, same, err := s.Events(t.Context(), q)
	if err != nil || len(found) > 0 || same.String() != at.String() {
		t.Errorf("nothing new: %v, at %s, %v; want none at %s", found, same, err, at)
	}
	later, ch := next(c, "x")
	replace(t, s, later, ch)
	other, asked := first(t, "con_2", epoch())
	create(t, s, other, asked)
	wantEvents(t, s, q, map[consent.ID][]consent.Change{"con_1": {ch}, "con_2": {asked}})
}

// eventsRacing reads while many write: each consent's changes must come once
// and in order, whatever is committed in which order.
func eventsRacing(t *testing.T, s consent.Store) {
	const revisions = 4
	done, seen := make(chan struct{}), map[consent.ID]int64{}
	q := consent.EventQuery{Bank: "morava", Limit: 3}
	follow := func() {
		all, after, err := read(t.Context(), s, q)
		if err != nil {
			t.Errorf("Events: %v", err)
			return
		}
		for _, ch := range all {
			if ch.Revision != seen[ch.Consent]+1 {
				t.Errorf("revision %d of %s comes after %d", ch.Revision, ch.Consent, seen[ch.Consent])
			}
			seen[ch.Consent] = ch.Revision
		}
		q.After = after
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			follow()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	errs := race(func(i int) error {
		c, ch := first(t, idOf(i), epoch())
		if err := s.Create(t.Context(), c, ch); err != nil {
			return fmt.Errorf("create: %w", err)
		}
		c, ch = authorized(t, c, consent.CustomerID(fmt.Sprint("c", i%3)))
		for range revisions {
			if err := s.Replace(t.Context(), c, ch); err != nil {
				return fmt.Errorf("replace: %w", err)
			}
			c, ch = next(c, strconv.Itoa(i))
		}
		return nil
	})
	close(done)
	reader.Wait()
	follow()
	for i, err := range errs {
		if err != nil || seen[idOf(i)] != revisions+1 {
			t.Errorf("%s: seen up to %d, %v; want %d", idOf(i), seen[idOf(i)], err, revisions+1)
		}
	}
}
