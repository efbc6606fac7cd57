package consent

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	consentv1 "sluice/gen/sluice/consent/v1"
)

// Request makes the first revision of a consent: PENDING, until a customer of
// the bank decides. The id must be new.
//
// An end beyond MaxDuration is clamped to it and EndClamped says so; Asked then
// has the clamped end. DETAILED clusters get the BASIC ones they imply.
// Transactions without any look-back are refused: nobody could ever use that.
// The error is a *refusal.Error with every violation, at paths below "terms.".
func Request(id ID, partner PartnerID, bank BankID, terms Terms, at time.Time) (Consent, Change, error) {
	at = moment(at)
	clamped := false
	terms.Clusters = terms.Clusters.Implied()
	terms.ValidUntil = moment(terms.ValidUntil)
	if longest := at.Add(MaxDuration); terms.ValidUntil.After(longest) {
		terms.ValidUntil, clamped = longest, true
	}
	f := terms.faults(at)
	f.named("consent_id", string(id))
	f.named("partner_id", string(partner))
	f.named("bank_id", string(bank))
	if err := f.refuse(); err != nil {
		return Consent{}, Change{}, err
	}
	none := Consent{
		ID: id, Partner: partner, Bank: bank, Asked: terms, LookBackDays: terms.LookBackDays,
		ValidUntil: terms.ValidUntil, EndClamped: clamped, CreatedAt: at,
	}
	s := step{kind: KindRequest, by: Actor{Kind: ActorPartner, ID: string(partner)}, at: at}
	pending := none
	pending.Status = Pending
	return none.finish(s, pending)
}

// faults says what is wrong with terms at an instant.
func (t Terms) faults(at time.Time) faults {
	var f faults
	checkClusters(&f, "terms.clusters", t.Clusters)
	if _, known := consentv1.Purpose_name[int32(t.Purpose)]; !known || t.Purpose == consentv1.Purpose_PURPOSE_UNSPECIFIED {
		f.add("terms.purpose", "is not stated or not one of the closed list")
	}
	switch n := utf8.RuneCountInString(t.PurposeText); {
	case !utf8.ValidString(t.PurposeText):
		f.add("terms.purpose_text", "is not valid UTF-8")
	case strings.ContainsFunc(t.PurposeText, unicode.IsControl):
		f.add("terms.purpose_text", "has a control character")
	case strings.TrimSpace(t.PurposeText) == "" || n > MaxPurposeText:
		f.add("terms.purpose_text", "must be a sentence of at most %d characters", MaxPurposeText)
	}
	f.within("terms.look_back_days", t.LookBackDays, MaxLookBackDays)
	f.within("terms.unattended_per_day", t.UnattendedPerDay, MaxUnattendedPerDay)
	f.within("terms.retention_days", t.RetentionDays, MaxRetentionDays)
	if t.Clusters.needLookBack() && t.LookBackDays == 0 {
		f.add("terms.look_back_days", "must be at least 1 to ask for transactions")
	}
	if !t.ValidUntil.After(at) {
		f.add("terms.valid_until", "is not in the future")
	}
	return f
}

func (f *faults) within(field string, n, most int) {
	if n < 0 || n > most {
		f.add(field, "must be between 0 and %d", most)
	}
}

func (f *faults) named(field, name string) {
	if name == "" {
		f.add(field, "is empty")
	}
}

func checkClusters(f *faults, field string, s Clusters) {
	switch {
	case s == 0:
		f.add(field, "is empty")
	case s != ClustersOf(s.List()...):
		f.add(field, "names a kind of data that does not exist")
	}
}

// needLookBack says whether the set has data that look-back days bound: with
// no day of the past, the day of the call included, none of it could leave.
func (s Clusters) needLookBack() bool { return s&ClustersOf(TransactionsBasic, CardTransactions) != 0 }
