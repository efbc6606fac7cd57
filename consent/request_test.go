package consent_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/refusal"
)

func TestRequestMakesAPendingConsentOfWhatWasAsked(t *testing.T) {
	asked := terms()
	asked.OneTime, asked.RetentionDays = true, 7
	local := start.Add(123456789 * time.Nanosecond).In(time.FixedZone("CEST", 7200))
	c, ch, err := consent.Request("con_a", "messenger", "morava", asked, local)
	if err != nil {
		t.Fatal(err)
	}
	at := start.Add(123 * time.Millisecond)
	want := consent.Consent{
		ID: "con_a", Revision: 1, Status: consent.Pending, Partner: "messenger", Bank: "morava", Asked: asked,
		LookBackDays: 90, ValidUntil: asked.ValidUntil, CreatedAt: at, ChangedAt: at, DecidedAt: at, FencedRevision: 1,
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("consent (-want +got):\n%s", d)
	}
	if c.CreatedAt.Location() != time.UTC {
		t.Errorf("created in %v, want UTC", c.CreatedAt.Location())
	}
	wantChange := consent.Change{
		Consent: "con_a", Revision: 1, Kind: consent.KindRequest, Actor: partner, At: at, Status: consent.Pending,
	}
	if d := cmp.Diff(wantChange, ch); d != "" {
		t.Errorf("change (-want +got):\n%s", d)
	}
}

func TestRequestOfDetailedAsksForBasicToo(t *testing.T) {
	c := pending(t, func(a *consent.Terms) {
		a.Clusters = clusters(consent.AccountDetailed, consent.TransactionsDetailed)
	})
	want := clusters(consent.AccountBasic, consent.AccountDetailed, consent.TransactionsBasic, consent.TransactionsDetailed)
	if c.Asked.Clusters != want {
		t.Errorf("asked for %v, want %v", c.Asked.Clusters, want)
	}
}

func TestRequestClampsAnEndBeyondTheLongest(t *testing.T) {
	longest := start.Add(366 * day)
	for _, test := range []struct {
		name    string
		end     time.Time
		want    time.Time
		clamped bool
	}{
		{"one calendar year fits", start.AddDate(1, 0, 0), start.AddDate(1, 0, 0), false},
		{"exactly the longest", longest, longest, false},
		{"less than a millisecond more", longest.Add(999 * time.Microsecond), longest, false},
		{"a millisecond more", longest.Add(time.Millisecond), longest, true},
		{"far more", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), longest, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := pending(t, func(a *consent.Terms) { a.ValidUntil = test.end })
			if !c.ValidUntil.Equal(test.want) || !c.Asked.ValidUntil.Equal(test.want) || c.EndClamped != test.clamped {
				t.Errorf("end %v, asked %v, clamped %v; want %v, %v",
					c.ValidUntil, c.Asked.ValidUntil, c.EndClamped, test.want, test.clamped)
			}
		})
	}
}

func TestRequestRefusesTermsThatMakeNoSense(t *testing.T) {
	for _, test := range []struct {
		name  string
		edit  func(*consent.Terms)
		field string
	}{
		{"no clusters", func(a *consent.Terms) { a.Clusters = 0 }, "terms.clusters"},
		{"unknown cluster", func(a *consent.Terms) { a.Clusters |= 1 << 11 }, "terms.clusters"},
		{"the unspecified cluster", func(a *consent.Terms) { a.Clusters |= 1 }, "terms.clusters"},
		{"no purpose", func(a *consent.Terms) { a.Purpose = 0 }, "terms.purpose"},
		{"unknown purpose", func(a *consent.Terms) { a.Purpose = 99 }, "terms.purpose"},
		{"no sentence", func(a *consent.Terms) { a.PurposeText = " \n" }, "terms.purpose_text"},
		{"long sentence", func(a *consent.Terms) { a.PurposeText = strings.Repeat("é", 401) }, "terms.purpose_text"},
		{"broken sentence", func(a *consent.Terms) { a.PurposeText = "a\xff" }, "terms.purpose_text"},
		{"control characters", func(a *consent.Terms) { a.PurposeText = "a\x00b" }, "terms.purpose_text"},
		{"negative look-back", func(a *consent.Terms) { a.LookBackDays = -1 }, "terms.look_back_days"},
		{"deep look-back", func(a *consent.Terms) { a.LookBackDays = 731 }, "terms.look_back_days"},
		{"transactions without look-back", func(a *consent.Terms) { a.LookBackDays = 0 }, "terms.look_back_days"},
		{"negative limit", func(a *consent.Terms) { a.UnattendedPerDay = -1 }, "terms.unattended_per_day"},
		{"high limit", func(a *consent.Terms) { a.UnattendedPerDay = 1001 }, "terms.unattended_per_day"},
		{"negative retention", func(a *consent.Terms) { a.RetentionDays = -1 }, "terms.retention_days"},
		{"long retention", func(a *consent.Terms) { a.RetentionDays = 731 }, "terms.retention_days"},
		{"no end", func(a *consent.Terms) { a.ValidUntil = time.Time{} }, "terms.valid_until"},
		{"end now", func(a *consent.Terms) { a.ValidUntil = start }, "terms.valid_until"},
		{"end within the millisecond", func(a *consent.Terms) { a.ValidUntil = start.Add(time.Microsecond) }, "terms.valid_until"},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := terms()
			test.edit(&asked)
			_, _, err := consent.Request("con_a", "messenger", "morava", asked, start)
			wantRefusal(t, err, refusal.InvalidRequest, test.field)
		})
	}
}

func TestRequestAcceptsTheLimitsThemselves(t *testing.T) {
	pending(t, func(a *consent.Terms) {
		a.PurposeText, a.LookBackDays, a.UnattendedPerDay, a.RetentionDays = strings.Repeat("é", 400), 730, 1000, 730
	})
	pending(t, func(a *consent.Terms) {
		a.Clusters, a.LookBackDays, a.UnattendedPerDay = clusters(consent.Statements, consent.Conversations), 0, 0
	})
}

func TestRequestNamesEverythingThatIsWrongAtOnce(t *testing.T) {
	_, _, err := consent.Request("", "", "", consent.Terms{}, start)
	wantRefusal(t, err, refusal.InvalidRequest, "terms.clusters", "terms.purpose", "terms.purpose_text",
		"terms.valid_until", "consent_id", "partner_id", "bank_id")
}

func TestAPartnerHasSoManyRequestsWaitingAndNoMore(t *testing.T) {
	s := newShelf()
	for i := range consent.MaxWaiting {
		c, ch, err := consent.Request(consent.ID(fmt.Sprintf("con_%d", i)), "messenger", "morava", terms(), start)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.Create(t.Context(), c, ch); err != nil {
			t.Fatal(err)
		}
	}
	s.at = start.Add(time.Minute)
	if _, err := s.Request(t.Context(), "messenger", "morava", terms()); refusal.ReasonOf(err) != refusal.ChangeNotPossible {
		t.Errorf("one more is %v, want CHANGE_NOT_POSSIBLE", err)
	}
	if _, err := s.Request(t.Context(), "wallet", "morava", terms()); err != nil {
		t.Errorf("another partner's is %v", err)
	}
	if _, err := s.Reject(t.Context(), own, "con_7", 1); err != nil {
		t.Fatal(err)
	}
	s.request(t) // in the place of the one that was answered
	s.at = start.Add(consent.AuthorizationTimeout)
	s.request(t) // those of an hour ago wait no more
}
