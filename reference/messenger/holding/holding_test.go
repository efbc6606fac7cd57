package holding_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/reference/messenger/holding"
)

const dayLong = 24 * time.Hour

var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func cover(account, kind string) holding.Cover { return holding.Cover{Account: account, Kind: kind} }

func terms(days int, covers ...holding.Cover) holding.Terms {
	return holding.Terms{Covers: covers, RetentionDays: days, Until: start.AddDate(1, 0, 0)}
}

func opened(t *testing.T, days int, covers ...holding.Cover) (*holding.Holding, holding.Ticket, *time.Time) {
	t.Helper()
	now := start
	h := holding.New(func() time.Time { return now })
	h.Open("con", terms(days, covers...))
	ticket, ok := h.Ticket("con")
	if !ok {
		t.Fatal("there is no ticket for a consent that holds")
	}
	return h, ticket, &now
}

func ids(items []holding.Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.ID)
	}
	return out
}

func TestWhatIsOverItsTimeIsNotShownEvenBeforeItIsSwept(t *testing.T) {
	h, ticket, now := opened(t, 7, cover("a", "x"))
	h.Keep(ticket, holding.Item{ID: "1", Needs: []holding.Cover{cover("a", "x")}})
	*now = start.Add(7*dayLong - 1)
	if len(h.List("con")) != 1 {
		t.Error("it is gone too early")
	}
	*now = start.Add(7 * dayLong)
	if _, there := h.Get("con", "1"); there || len(h.List("con")) != 0 {
		t.Error("it is shown after its time")
	}
	if swept := h.Sweep(); !slices.Equal(swept, []string{"con"}) || h.Size() != 0 {
		t.Errorf("swept %v, and %d are left", swept, h.Size())
	}
}

func TestWhatWasOnItsWayWhenTheConsentChangedIsNotKept(t *testing.T) {
	for name, change := range map[string]func(*holding.Holding){
		"narrowed":           func(h *holding.Holding) { h.Open("con", terms(7, cover("a", "x"))) },
		"ended":              func(h *holding.Holding) { h.Close("con") },
		"paused and resumed": func(h *holding.Holding) { h.Close("con"); h.Open("con", terms(7, cover("a", "x"))) },
		"an account left":    func(h *holding.Holding) { h.Drop("con", "b") },
	} {
		t.Run(name, func(t *testing.T) {
			h, ticket, _ := opened(t, 7, cover("a", "x"), cover("b", "x"))
			change(h)
			if h.Keep(ticket, holding.Item{ID: "1", Needs: []holding.Cover{cover("a", "x")}}) || h.Size() != 0 {
				t.Error("it was kept")
			}
		})
	}
}

func TestANarrowedConsentKeepsOnlyWhatItCovers(t *testing.T) {
	h, ticket, _ := opened(t, 7, cover("a", "x"), cover("a", "y"), cover("b", "x"))
	for id, needs := range map[string][]holding.Cover{
		"ax": {cover("a", "x")}, "ay": {cover("a", "y")}, "both": {cover("a", "x"), cover("b", "x")},
	} {
		if !h.Keep(ticket, holding.Item{ID: id, Needs: needs}) {
			t.Fatalf("%s was not kept", id)
		}
	}
	h.Open("con", terms(7, cover("a", "x")))
	if got := ids(h.List("con")); !slices.Equal(got, []string{"ax"}) {
		t.Errorf("what is left is %v", got)
	}
}

func TestNothingIsKeptThatMayOnlyBeShown(t *testing.T) {
	h, ticket, _ := opened(t, 0, cover("a", "x"))
	if h.Keep(ticket, holding.Item{ID: "1", Needs: []holding.Cover{cover("a", "x")}}) || h.Size() != 0 {
		t.Error("it was kept without leave to")
	}
}

func TestWhatIsGotAgainIsNotKeptLongerForIt(t *testing.T) {
	h, ticket, now := opened(t, 7, cover("a", "x"))
	item := holding.Item{ID: "1", Needs: []holding.Cover{cover("a", "x")}}
	h.Keep(ticket, item)
	*now = start.Add(5 * dayLong)
	h.Keep(ticket, item)
	if got, _ := h.Get("con", "1"); !got.Until.Equal(start.Add(7 * dayLong)) {
		t.Errorf("it stays until %v", got.Until)
	}
}

// Whatever is done: what can be seen is covered by its consent as it is now, which
// holds, and was received no longer ago than was agreed.
func TestNothingOutlivesItsConsentOrItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := start
		h := holding.New(func() time.Time { return now })
		consents := []string{"con_1", "con_2"}
		model := map[string]holding.Terms{}
		received := map[string]time.Time{}
		tickets := map[string][]holding.Ticket{}
		anyTerms := rapid.Custom(func(t *rapid.T) holding.Terms {
			return holding.Terms{
				Covers: rapid.SliceOfNDistinct(anyCover(), 0, 4, rapid.ID[holding.Cover]).Draw(t, "covers"), RetentionDays: rapid.IntRange(0, 3).Draw(t, "days"),
				Until: now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "hours")) * time.Hour),
			}
		})
		consent := func() string { return rapid.SampledFrom(consents).Draw(t, "consent") }
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				c := consent()
				model[c] = anyTerms.Draw(t, "terms")
				h.Open(c, model[c])
			},
			"close": func(*rapid.T) {
				c := consent()
				h.Close(c)
				delete(model, c)
			},
			"ticket": func(*rapid.T) {
				c := consent()
				if ticket, ok := h.Ticket(c); ok {
					tickets[c] = append(tickets[c], ticket)
				}
			},
			"keep": func(t *rapid.T) {
				c := consent()
				if len(tickets[c]) == 0 {
					t.Skip("nothing was asked for")
				}
				id := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id"))
				if h.Keep(rapid.SampledFrom(tickets[c]).Draw(t, "ticket"), holding.Item{ID: id, Needs: rapid.SliceOfN(anyCover(), 1, 2).Draw(t, "needs")}) {
					received[c+id] = now
				}
			},
			"drop": func(t *rapid.T) {
				c, account := consent(), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account")
				h.Drop(c, account)
				if m, open := model[c]; open {
					m.Covers = slices.DeleteFunc(slices.Clone(m.Covers), func(c holding.Cover) bool { return c.Account == account })
					model[c] = m
				}
			},
			"wait":  func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour) },
			"sweep": func(*rapid.T) { h.Sweep() },
			"": func(t *rapid.T) {
				for _, c := range consents {
					m, open := model[c]
					for _, i := range h.List(c) {
						switch {
						case !open:
							t.Fatalf("%s is held under %s, which does not hold", i.ID, c)
						case slices.ContainsFunc(i.Needs, func(n holding.Cover) bool { return !slices.Contains(m.Covers, n) }):
							t.Fatalf("%s needs %v, and %s covers %v", i.ID, i.Needs, c, m.Covers)
						case !now.Before(m.Until), !now.Before(received[c+i.ID].Add(time.Duration(m.RetentionDays) * dayLong)):
							t.Fatalf("%s is held under %s after its time", i.ID, c)
						}
					}
				}
			},
		})
	})
}

func anyCover() *rapid.Generator[holding.Cover] {
	return rapid.Custom(func(t *rapid.T) holding.Cover {
		return cover(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "kind"))
	})
}

func TestTheOldestMakesRoom(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	h := holding.New(func() time.Time { now = now.Add(time.Second); return now })
	h.Open("con_1", holding.Terms{RetentionDays: 1, Until: now.Add(dayLong)})
	ticket, _ := h.Ticket("con_1")
	for i := range holding.Most {
		h.Keep(ticket, holding.Item{ID: fmt.Sprint(i)})
	}
	h.Keep(ticket, holding.Item{ID: "1"}) // again: there is room
	if _, held := h.Get("con_1", "0"); !held {
		t.Fatal("the first had to go too early")
	}
	if !h.Keep(ticket, holding.Item{ID: "one more"}) || h.Size() != holding.Most {
		t.Errorf("%d are held", h.Size())
	}
	if _, held := h.Get("con_1", "0"); held {
		t.Error("the first is still there")
	}
	if _, held := h.Get("con_1", "1"); !held {
		t.Error("the second is not there")
	}
}
