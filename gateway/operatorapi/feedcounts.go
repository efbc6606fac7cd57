package operatorapi

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/types/known/durationpb"

	"sluice/consent"
	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/refusal"
)

// What feeds count stands in words: "dropped KIND WHY" or "rejected FIELD".
const (
	droppedWord  = "dropped"
	rejectedWord = "rejected"
)

func (f *Feeds) ofPartner(ctx context.Context, id string, day consent.Day) (*operatorv1.PartnerFeed, error) {
	b, err := f.feed.Backlog(ctx, consent.PartnerID(id))
	if err != nil {
		return nil, feedUnavailable(ctx, err)
	}
	counts, err := f.feed.Counts(ctx, id, day)
	if err != nil {
		return nil, feedUnavailable(ctx, err)
	}
	out := &operatorv1.PartnerFeed{PartnerId: id, Waiting: int32(b.Waiting), PutAside: int32(b.PutAside)}
	if b.Waiting > 0 {
		out.OldestAge = durationpb.New(b.Age)
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		rest, dropped := strings.CutPrefix(what, droppedWord+" ")
		if !dropped { // a bank may have the same id
			continue
		}
		kind, why, _ := strings.Cut(rest, " ")
		out.Dropped = append(out.Dropped, &operatorv1.DroppedEvents{Kind: kindNamed(kind), Reason: why, Count: int64(counts[what])})
	}
	return out, nil
}

func (f *Feeds) ofBank(ctx context.Context, id string, day consent.Day) (*operatorv1.BankFeed, error) {
	counts, err := f.feed.Counts(ctx, id, day)
	if err != nil {
		return nil, feedUnavailable(ctx, err)
	}
	out := &operatorv1.BankFeed{BankId: id}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		if field, rejected := strings.CutPrefix(what, rejectedWord+" "); rejected {
			out.Rejected = append(out.Rejected, &operatorv1.RejectedEvents{Field: field, Count: int64(counts[what])})
		}
	}
	return out, nil
}

// dayOf is the day asked for, or today.
func dayOf(d *date.Date, now time.Time) (consent.Day, error) {
	if d == nil {
		return consent.DayOf(now), nil
	}
	day, ok := consent.DayFrom(int(d.GetYear()), int(d.GetMonth()), int(d.GetDay()))
	if !ok {
		return consent.NoDay, refusal.Invalid("day", "is no day of the calendar")
	}
	return day, nil
}

func dateOf(d consent.Day) *date.Date {
	y, m, day := d.Date()
	return &date.Date{Year: int32(y), Month: int32(m), Day: int32(day)}
}
