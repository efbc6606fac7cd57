package consent_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/consent"
)

func TestDayOfAnInstantIsItsDayInUTC(t *testing.T) {
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{time.Unix(0, 0), "1970-01-01"},
		{time.Unix(-1, 0), "1969-12-31"},
		{time.Unix(-86400, 0), "1969-12-31"},
		{time.Unix(-86401, 0), "1969-12-30"},
		{time.Unix(86399, 999999999), "1970-01-01"},
		{time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("CET", 3600)), "2026-02-28"},
		{time.Date(2028, 2, 29, 23, 59, 59, 0, time.UTC), "2028-02-29"},
	} {
		if got := consent.DayOf(test.at).String(); got != test.want {
			t.Errorf("DayOf(%v) = %s, want %s", test.at, got, test.want)
		}
	}
}

func TestDayFromRefusesDatesThatDoNotExist(t *testing.T) {
	for _, d := range [][3]int{
		{0, 1, 1}, {10000, 1, 1}, {2026, 0, 1}, {2026, 13, 1}, {2026, 1, 0}, {2026, 1, 32}, {2026, 2, 29}, {2026, 4, 31}, {-1, 1, 1},
	} {
		if got, ok := consent.DayFrom(d[0], d[1], d[2]); ok {
			t.Errorf("%v is %v", d, got)
		}
	}
	if got, ok := consent.DayFrom(2028, 2, 29); !ok || got.String() != "2028-02-29" {
		t.Errorf("2028-02-29 is %v, %v", got, ok)
	}
}

func TestParseDayRefusesOtherForms(t *testing.T) {
	for _, s := range []string{"", "2026-2-3", "2026-02-30", "2026-02-03T00:00:00Z", "03.02.2026"} {
		if d, err := consent.ParseDay(s); err == nil || d != consent.NoDay {
			t.Errorf("%q is %v, %v", s, d, err)
		}
	}
	if s := consent.NoDay.String(); s != "" {
		t.Errorf("NoDay is %q", s)
	}
}

func TestADayComesBackFromEachOfItsForms(t *testing.T) {
	first, _ := consent.DayFrom(1, 1, 1)
	last, _ := consent.DayFrom(9999, 12, 31)
	rapid.Check(t, func(t *rapid.T) {
		d := consent.Day(rapid.Int32Range(int32(first), int32(last)).Draw(t, "day"))
		parsed, err := consent.ParseDay(d.String())
		if err != nil || parsed != d {
			t.Fatalf("%v parsed as %v, %v", d, parsed, err)
		}
		if from, ok := consent.DayFrom(d.Date()); !ok || from != d {
			t.Fatalf("%v from its date is %v, %v", d, from, ok)
		}
		within := time.Duration(rapid.Int64Range(0, int64(24*time.Hour)-1).Draw(t, "time"))
		if of := consent.DayOf(d.Start().Add(within)); of != d {
			t.Fatalf("%v at %v is %v", d, within, of)
		}
	})
}
