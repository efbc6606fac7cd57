package operatorapi_test

import (
	"context"
	"errors"
	"testing"

	"sluice/consent"
	"sluice/gateway/operatorapi"
	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/refusal"
	"sluice/registry"
)

var errAway = errors.New("database is away")

// store is a registry that a test breaks.
type store struct {
	registry.Store
	err error
}

func (s store) Partners(context.Context) ([]registry.Partner, error) { return nil, s.err }

func (s store) SetPartnerStanding(_ context.Context, id consent.PartnerID, to registry.Standing) (registry.Partner, error) {
	return registry.Partner{ID: id, Standing: to}, s.err
}

// barrier counts how often it was waited for.
type barrier struct {
	waited int
	err    error
}

func (b *barrier) Elapse(context.Context) error { b.waited++; return b.err }

func TestARegistryThatIsAwayIsRefusedAsUnavailable(t *testing.T) {
	s := operatorapi.New(store{err: errAway}, nil, &barrier{})
	_, err := s.ListPartners(t.Context(), nil)
	if refusal.ReasonOf(err) != refusal.RecordUnavailable || !errors.Is(err, errAway) {
		t.Errorf("ListPartners = %v, want RECORD_UNAVAILABLE", err)
	}
	_, err = s.SetPartnerStanding(t.Context(), &operatorv1.SetPartnerStandingRequest{PartnerId: "p", Standing: operatorv1.Standing_STANDING_SUSPENDED})
	if refusal.ReasonOf(err) != refusal.RecordUnavailable {
		t.Errorf("SetPartnerStanding = %v, want RECORD_UNAVAILABLE", err)
	}
}

func TestASuspensionIsToldWhenNothingOlderCanLeave(t *testing.T) {
	b := &barrier{}
	s := operatorapi.New(store{}, nil, b)
	set := func(to operatorv1.Standing) error {
		_, err := s.SetPartnerStanding(t.Context(), &operatorv1.SetPartnerStandingRequest{PartnerId: "p", Standing: to})
		return err
	}
	if err := set(operatorv1.Standing_STANDING_SUSPENDED); err != nil || b.waited != 1 {
		t.Errorf("suspending: %v, waited %d times, want once", err, b.waited)
	}
	if err := set(operatorv1.Standing_STANDING_ACTIVE); err != nil || b.waited != 1 {
		t.Errorf("reinstating: %v, waited %d times, want no more", err, b.waited)
	}
	b.err = context.DeadlineExceeded
	if err := set(operatorv1.Standing_STANDING_SUSPENDED); refusal.ReasonOf(err) != refusal.RecordUnavailable {
		t.Errorf("suspending = %v while nobody knows, want RECORD_UNAVAILABLE", err)
	}
}
