package main

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/testing/protocmp"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
)

func TestMoneyIsWrittenExactly(t *testing.T) {
	for want, m := range map[string]*money.Money{
		"0.00 CZK":                    {CurrencyCode: "CZK"},
		"36215.50 CZK":                {CurrencyCode: "CZK", Units: 36215, Nanos: 500_000_000},
		"-1.05 GBP":                   {CurrencyCode: "GBP", Units: -1, Nanos: -50_000_000},
		"-0.97 GBP":                   {CurrencyCode: "GBP", Nanos: -970_000_000},
		"1.234567891 EUR":             {CurrencyCode: "EUR", Units: 1, Nanos: 234_567_891},
		"9223372036854775807.00 EUR":  {CurrencyCode: "EUR", Units: math.MaxInt64},
		"-9223372036854775808.00 EUR": {CurrencyCode: "EUR", Units: math.MinInt64},
		"":                            nil,
	} {
		if got := formatMoney(m); got != want {
			t.Errorf("%v is %q, want %q", m, got, want)
		}
	}
}

func TestDaysAreRead(t *testing.T) {
	var d calendarDay
	if err := d.UnmarshalText([]byte("2024-02-29")); err != nil || formatDate(d.Date) != "2024-02-29" {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"", "2023-02-29", "1.2.2024", "2024-2-9"} {
		if err := new(calendarDay).UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "2026-01-31") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if formatDate(nil) != "" || formatDate(&date.Date{Year: 7, Month: 1, Day: 2}) != "0007-01-02" {
		t.Error("dates are written wrongly")
	}
}

func TestSharesAreRead(t *testing.T) {
	var p program
	_, err := newParser(&p).Parse([]string{
		"consent", "authorize", "con_1", "--bank", "morava", "--customer", "9593",
		"--share", "A1=BALANCES,transactions_basic", "--share", "A2=CARDS",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := shareList{
		{AccountId: "A1", Clusters: []consent.Cluster{consent.Balances, consent.TransactionsBasic}},
		{AccountId: "A2", Clusters: []consent.Cluster{consent.Cards}},
	}
	if d := cmp.Diff(want, p.Consent.Authorize.Share, protocmp.Transform()); d != "" {
		t.Errorf("shares (-want +got):\n%s", d)
	}
}

func TestWrongNamesAreRefusedWithTheRightOnes(t *testing.T) {
	for text, into := range map[string]interface{ UnmarshalText([]byte) error }{
		"SALARY":      new(clusterList),
		"ADVERTISING": new(purpose),
		"A1":          new(shareList),
		"=BALANCES":   new(shareList),
		"A1=":         new(shareList),
	} {
		if err := into.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, into)
		}
	}
	var twice shareList
	if err := twice.UnmarshalText([]byte("A1=CARDS")); err != nil {
		t.Fatal(err)
	}
	if err := twice.UnmarshalText([]byte("A1=BALANCES")); err == nil {
		t.Error("an account was shared twice")
	}
	err := new(purpose).UnmarshalText([]byte("SALE"))
	if err == nil || !strings.Contains(err.Error(), "FRAUD_PROTECTION") {
		t.Errorf("the error does not say which there are: %v", err)
	}
}

func TestEnumsAreShownWithoutTheirPrefix(t *testing.T) {
	if got := shortName(consentv1.ConsentStatus_CONSENT_STATUS_PARTIALLY_AUTHORIZED); got != "PARTIALLY_AUTHORIZED" {
		t.Error(got)
	}
	if got := shortName(consentv1.Purpose(99)); got != "99" {
		t.Error(got)
	}
}

func TestTablesDoNotLetOthersSteerTheTerminal(t *testing.T) {
	var b strings.Builder
	if err := table(&b, "A|B", [][]string{{"x\x1b[31m", "a\u202eb\nc\u009b"}, {"longer", "y"}}); err != nil {
		t.Fatal(err)
	}
	want := "A       B\nx�[31m  a�b�c�\nlonger  y\n"
	if b.String() != want {
		t.Errorf("table = %q, want %q", b.String(), want)
	}
}

func TestRefusalsSayWhyAndWhatToDo(t *testing.T) {
	told := func(s *status.Status, details ...protoadapt.MessageV1) string {
		s, err := s.WithDetails(details...)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		printError(&b, s.Err())
		return b.String()
	}
	got := told(status.New(codes.ResourceExhausted, "no access is left"),
		&errdetails.ErrorInfo{Reason: "ACCESS_LIMIT_REACHED", Domain: "sluice", Metadata: map[string]string{"reset": "midnight", "remaining": "0"}})
	if want := "refused: ACCESS_LIMIT_REACHED no access is left\n  remaining: 0\n  reset: midnight\n"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	got = told(status.New(codes.InvalidArgument, "malformed"), &errdetails.ErrorInfo{Reason: "INVALID_REQUEST", Domain: "sluice"},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "page_size", Description: "too large"}}})
	if want := "refused: INVALID_REQUEST malformed\n  page_size: too large\n"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if got = told(status.New(codes.Unavailable, "connection refused")); !strings.Contains(got, "registered party") {
		t.Errorf("told %q", got)
	}
}
