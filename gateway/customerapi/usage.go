package customerapi

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	customerv1 "sluice/gen/sluice/customer/v1"
	"sluice/refusal"
)

const defaultUsageDays = 30

// GetUsage counts what was released and refused under a consent.
func (s *Service) GetUsage(ctx context.Context, r *customerv1.GetUsageRequest) (*customerv1.GetUsageResponse, error) {
	who, err := customer(ctx, r)
	if err != nil {
		return nil, err
	}
	c, err := s.given(ctx, who, consent.ID(r.GetConsentId()))
	if err != nil {
		return nil, err
	}
	days := int(r.GetDays())
	if days <= 0 {
		days = defaultUsageDays
	}
	to := consent.DayOf(s.now())
	from := to - consent.Day(days-1)
	out, err := s.count(ctx, c.ID, from, to)
	if err != nil {
		return nil, refusal.Because(refusal.RecordUnavailable, "what was released and refused can't be read now; try again", err)
	}
	return out, nil
}

// given finds a consent whose record this customer may see: their own. Of
// others' that they see as co-holders, the record is not theirs.
func (s *Service) given(ctx context.Context, who consent.ByCustomer, id consent.ID) (consent.Consent, error) {
	c, err := s.book.Get(ctx, who, id)
	if err != nil {
		return consent.Consent{}, fmt.Errorf("get consent: %w", err)
	}
	if c.Status != consent.Pending && c.Customer != who.Customer {
		return consent.Consent{}, refusal.New(refusal.CallerNotPermitted, "what was released and refused is for the customer who gave the consent")
	}
	return c, nil
}

func (s *Service) count(ctx context.Context, id consent.ID, from, to consent.Day) (*customerv1.GetUsageResponse, error) {
	released, err := s.usage.Days(ctx, id, from, to)
	if err != nil {
		return nil, fmt.Errorf("count releases: %w", err)
	}
	refused, err := s.usage.Refusals(ctx, id, from, to)
	if err != nil {
		return nil, fmt.Errorf("count refusals: %w", err)
	}
	last, err := s.usage.LastRelease(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read last release: %w", err)
	}
	byDay := map[consent.Day]*customerv1.UsageDay{}
	at := func(d consent.Day) *customerv1.UsageDay {
		if byDay[d] == nil {
			byDay[d] = &customerv1.UsageDay{Day: dateOf(d)}
		}
		return byDay[d]
	}
	for _, d := range released {
		day := at(d.Day)
		day.Releases, day.Unattended, day.Events = int32(d.Releases), int32(d.Unattended), int32(d.Events)
	}
	for _, d := range refused {
		day := at(d.Day)
		day.Refusals = append(day.Refusals, &customerv1.RefusalCount{Reason: d.Reason, Count: int32(d.Count)})
	}
	out := &customerv1.GetUsageResponse{}
	for _, d := range slices.Sorted(maps.Keys(byDay)) {
		out.Days = append(out.Days, byDay[d])
	}
	if t := last[id]; !t.IsZero() {
		out.LastReleasedAt = timestamppb.New(t)
	}
	return out, nil
}

func dateOf(d consent.Day) *date.Date {
	y, m, day := d.Date()
	return &date.Date{Year: int32(y), Month: int32(m), Day: int32(day)}
}
