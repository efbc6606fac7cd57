package samplebank

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAmountsAreReadExactly(t *testing.T) {
	for in, want := range map[string]amount{
		"0": 0, "7": 700, ".97": 97, "13.5": 1350, "-0.01": -1, "2,292.00": 229200, "1,000,000.99": 100000099, "51696": 5169600, "-12.30": -1230,
	} {
		if got, err := parseAmount(in); err != nil || got != want {
			t.Errorf("%q = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-", ".", "1.", "1.234", "1,00", ",100", "1,,000", "1e3", "+1", "--1", " 1", "1 ", "1234,567", "9999999999999999", "٣"} {
		if got, err := parseAmount(in); err == nil {
			t.Errorf("%q was read as %d", in, got)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"1,234.50", "-3", "0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAmount(s)
		if m := a.money("CZK"); err == nil && (m.GetUnits() > 0 && m.GetNanos() < 0 || m.GetUnits() < 0 && m.GetNanos() > 0) {
			t.Errorf("%q is %v", s, m)
		}
	})
}

func TestMoneyHasOneSign(t *testing.T) {
	if m := amount(-150).money("GBP"); m.GetUnits() != -1 || m.GetNanos() != -500_000_000 {
		t.Errorf("-1.50 is %v", m)
	}
	if m := amount(-50).money("GBP"); m.GetUnits() != 0 || m.GetNanos() != -500_000_000 {
		t.Errorf("-0.50 is %v", m)
	}
}

func TestDerivedNumbersHaveRightCheckDigits(t *testing.T) {
	if mod97("3214282912345698765432161182") != 1 { // GB82 WEST 1234 5698 7654 32
		t.Fatal("mod97 is wrong of a known number")
	}
	if luhn("4111111111111111") != 0 || luhn("4111111111111112") == 0 {
		t.Fatal("luhn is wrong of a known number")
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 999_999_999).Draw(t, "id")
		number := iban(9902, n)
		if len(number) != 24 || mod97(number[4:]+"1235"+number[2:4]) != 1 {
			t.Fatalf("%s is no IBAN", number)
		}
		if c := cardNumber(n); len(c) != 16 || luhn(c) != 0 {
			t.Fatalf("%s is no card number", c)
		}
	})
}

func TestDatesRollOnInWholeWeeksAndAreNeverOld(t *testing.T) {
	if newest.date().String() != dayOf(time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC)).date().String() {
		t.Fatalf("the newest day is %s", newest.date())
	}
	if berkaShift%7 != 0 || oxfordShift%7 != 0 || step%7 != 0 {
		t.Error("weekdays move")
	}
	for _, read := range []func() (day, error){
		func() (day, error) { return parseBerkaDay("940331") }, func() (day, error) { return parseOxfordDay("28/02/2018") },
	} {
		if d, err := read(); err != nil || d > newest || d < newest-1 {
			t.Errorf("a newest row is of %s: %v", d.date(), err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		today := newest + day(rapid.IntRange(-400, 4000).Draw(t, "today"))
		moved := newest + rolled(today)
		if today < newest && moved != newest {
			t.Fatalf("before its newest day the data moved to %s", moved.date())
		}
		if today >= newest && (moved > today || today-moved > 27) {
			t.Fatalf("on %s the newest day is %s", today.date(), moved.date())
		}
	})
}

func TestDaysThatAreNoneAreRefused(t *testing.T) {
	for _, s := range []string{"", "9", "940231", "abcdef", "94033"} {
		if d, err := parseBerkaDay(s); err == nil {
			t.Errorf("%q was read as %s", s, d.date())
		}
	}
}
