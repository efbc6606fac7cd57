package consentview

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/refusal"
)

// ForBank shows a consent as its bank, its customer and the operator see it.
func ForBank(c consent.Consent) *consentv1.Consent {
	v := view(c, func(a consent.AccountID) string { return string(a) })
	v.CustomerId = string(c.Customer)
	v.AwaitingCustomerIds, v.CoHolderCustomerIds = customers(c.Awaiting), customers(c.CoHolders)
	v.HiddenFromCoHolders = c.Hidden
	return v
}

func customers(ids []consent.CustomerID) []string {
	var out []string
	for _, id := range ids {
		out = append(out, string(id))
	}
	return out
}

// ForPartner shows a consent as its partner sees it; name gives an account's
// pairwise id.
func ForPartner(c consent.Consent, name func(consent.AccountID) string) *consentv1.Consent {
	return view(c, name)
}

func view(c consent.Consent, name func(consent.AccountID) string) *consentv1.Consent {
	v := &consentv1.Consent{
		ConsentId: string(c.ID), Revision: c.Revision, Status: c.Seen(),
		PartnerId: string(c.Partner), BankId: string(c.Bank),
		Asked:        terms(c.Asked),
		LookBackDays: int32(c.LookBackDays),
		ValidUntil:   timestamppb.New(c.ValidUntil),
		CreatedAt:    timestamppb.New(c.CreatedAt), ChangedAt: timestamppb.New(c.ChangedAt),
		EndClamped: c.EndClamped,
	}
	if !c.RenewalAsked.IsZero() {
		v.RenewalAskedUntil = timestamppb.New(c.RenewalAsked)
	}
	for _, s := range c.Shares {
		v.Shares = append(v.Shares, &consentv1.Share{AccountId: name(s.Account), Clusters: s.Clusters.List()})
	}
	return v
}

func terms(t consent.Terms) *consentv1.Terms {
	return &consentv1.Terms{
		Clusters: t.Clusters.List(), Purpose: t.Purpose, PurposeText: t.PurposeText,
		LookBackDays:     int32(t.LookBackDays),
		ValidUntil:       timestamppb.New(t.ValidUntil),
		UnattendedPerDay: int32(t.UnattendedPerDay),
		OneTime:          t.OneTime,
		RetentionDays:    int32(t.RetentionDays),
	}
}

// Changes shows a history to bank and customer.
func Changes(history []consent.Change) []*consentv1.Change {
	out := make([]*consentv1.Change, len(history))
	for i, ch := range history {
		out[i] = change(ch)
	}
	return out
}

func change(ch consent.Change) *consentv1.Change {
	return &consentv1.Change{
		Revision: ch.Revision, Kind: ch.Kind, Actor: ch.Actor.Kind, ActorId: ch.Actor.ID,
		Reason: ch.Why, At: timestamppb.New(ch.At), Status: ch.Status,
	}
}

// EventForBank shows a change to its bank.
func EventForBank(ch consent.Change) *consentv1.ConsentEvent {
	return &consentv1.ConsentEvent{ConsentId: string(ch.Consent), Change: change(ch)}
}

// EventForPartner shows a change to its partner: by id, it learns of itself and
// of the bank only.
func EventForPartner(ch consent.Change) *consentv1.ConsentEvent {
	v := EventForBank(ch)
	if k := ch.Actor.Kind; k != consent.ActorPartner && k != consent.ActorBank {
		v.Change.ActorId = ""
	}
	return v
}

// Terms reads what a partner asks for; the contract's rules have been checked.
func Terms(t *consentv1.Terms) (consent.Terms, error) {
	end, err := Instant("terms.valid_until", t.GetValidUntil())
	if err != nil {
		return consent.Terms{}, err
	}
	return consent.Terms{
		Clusters: consent.ClustersOf(t.GetClusters()...), Purpose: t.GetPurpose(), PurposeText: t.GetPurposeText(),
		LookBackDays: int(t.GetLookBackDays()), ValidUntil: end,
		UnattendedPerDay: int(t.GetUnattendedPerDay()), OneTime: t.GetOneTime(), RetentionDays: int(t.GetRetentionDays()),
	}, nil
}

// Shares reads what each account shares.
func Shares(shares []*consentv1.Share) []consent.Share {
	out := make([]consent.Share, len(shares))
	for i, s := range shares {
		out[i] = consent.Share{Account: consent.AccountID(s.GetAccountId()), Clusters: consent.ClustersOf(s.GetClusters()...)}
	}
	return out
}

// Instant reads a moment; the zero time where there is none.
func Instant(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, refusal.Invalid(field, "is not a moment between the years 1 and 9999")
	}
	return t.AsTime().Truncate(time.Millisecond), nil
}
