package consenttest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"sluice/consent"
)

const racers = 16

// race runs do at once in many goroutines and gathers what each answered.
func race(do func(i int) error) []error {
	var (
		start = make(chan struct{})
		errs  = make([]error, racers)
		wg    sync.WaitGroup
	)
	for i := range racers {
		wg.Go(func() {
			<-start
			errs[i] = do(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// winner requires that one won and all others got the error; it is -1 if not.
func winner(t *testing.T, errs []error, lost error) int {
	t.Helper()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Errorf("%d and %d both won", won, i)
		case err == nil:
			won = i
		case !errors.Is(err, lost):
			t.Errorf("%d: error %v, want %v", i, err, lost)
		}
	}
	if won < 0 {
		t.Error("nobody won")
	}
	return won
}

func oneReplaceWins(t *testing.T, s consent.Store) {
	c, ch := first(t, "con_a", epoch())
	create(t, s, c, ch)
	history := []consent.Change{ch}
	for range 5 {
		errs := race(func(i int) error {
			mine, made := next(c, strconv.Itoa(i))
			return s.Replace(t.Context(), mine, made)
		})
		won := winner(t, errs, consent.ErrConflict)
		if won < 0 {
			return
		}
		c, ch = next(c, strconv.Itoa(won))
		history = append(history, ch)
		holds(t, s, c, history...)
	}
}

func oneCreateWins(t *testing.T, s consent.Store) {
	c, ch := first(t, "con_a", epoch())
	errs := race(func(i int) error {
		mine, asked := c, ch
		mine.Partner = consent.PartnerID(fmt.Sprint("p", i))
		asked.Actor.ID = string(mine.Partner)
		return s.Create(t.Context(), mine, asked)
	})
	won := winner(t, errs, consent.ErrExists)
	c.Partner = consent.PartnerID(fmt.Sprint("p", won))
	ch.Actor.ID = string(c.Partner)
	holds(t, s, c, ch)
}

func consentsApart(t *testing.T, s consent.Store) {
	const revisions = 5
	type kept struct {
		c       consent.Consent
		history []consent.Change
	}
	var all [racers]kept
	for i := range all {
		c, ch := first(t, idOf(i), epoch())
		all[i] = kept{c, []consent.Change{ch}}
	}
	errs := race(func(i int) error {
		k := &all[i]
		if err := s.Create(t.Context(), k.c, k.history[0]); err != nil {
			return fmt.Errorf("create: %w", err)
		}
		for range revisions {
			c, ch := next(k.c, strconv.Itoa(i))
			if err := s.Replace(t.Context(), c, ch); err != nil {
				return fmt.Errorf("replace: %w", err)
			}
			k.c, k.history = c, append(k.history, ch)
		}
		return nil
	})
	for i, err := range errs {
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		holds(t, s, all[i].c, all[i].history...)
	}
}
