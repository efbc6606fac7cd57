package operatorapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	"sluice/feed"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/refusal"
	"sluice/registry"
)

// Deliveries is what is known of feeds.
type Deliveries interface {
	Dead(ctx context.Context, partner consent.PartnerID, limit int) ([]feed.Dead, error)
	Counts(ctx context.Context, party string, day consent.Day) (map[string]int, error)
	Backlog(ctx context.Context, partner consent.PartnerID) (feed.Backlog, error)
}

// Feeds is operator.v1.FeedService.
type Feeds struct {
	operatorv1.UnimplementedFeedServiceServer
	feed     Deliveries
	registry registry.Store
	book     *consent.Book
	now      func() time.Time
}

// NewFeeds shows how the feeds of a registry's parties stand.
func NewFeeds(f Deliveries, r registry.Store, book *consent.Book, now func() time.Time) *Feeds {
	return &Feeds{feed: f, registry: r, book: book, now: now}
}

// Register adds FeedService to a server.
func (f *Feeds) Register(r grpc.ServiceRegistrar) { operatorv1.RegisterFeedServiceServer(r, f) }

const (
	defaultDead    = 100
	defaultParties = 50
)

// ListDeadLetters lists what was put aside, without what it said: that is gone.
func (f *Feeds) ListDeadLetters(ctx context.Context, r *operatorv1.ListDeadLettersRequest) (*operatorv1.ListDeadLettersResponse, error) {
	who, err := operator(ctx)
	if err != nil {
		return nil, err
	}
	size := int(cmp.Or(r.GetPageSize(), defaultDead))
	dead, err := f.feed.Dead(ctx, consent.PartnerID(r.GetPartnerId()), size+1)
	if err != nil {
		return nil, feedUnavailable(ctx, err)
	}
	out := &operatorv1.ListDeadLettersResponse{More: len(dead) > size}
	banks := map[consent.ID]consent.BankID{}
	for _, d := range dead[:min(len(dead), size)] {
		bank, err := f.bankOf(ctx, who, d.Consent, banks)
		if err != nil {
			return nil, err
		}
		out.DeadLetters = append(out.DeadLetters, &operatorv1.DeadLetter{
			PartnerId: string(d.Partner), EventId: d.ID, Kind: kindNamed(d.Kind.String()), BankId: string(bank),
			ConsentId: string(d.Consent), PutAsideAt: timestamppb.New(d.At), Errors: int32(d.Errors), Error: d.Error,
		})
	}
	return out, nil
}

// bankOf is the bank of a consent, which is read once; "" if it is not there.
func (f *Feeds) bankOf(ctx context.Context, who consent.ByOperator, id consent.ID, known map[consent.ID]consent.BankID) (consent.BankID, error) {
	if bank, ok := known[id]; ok {
		return bank, nil
	}
	c, err := f.book.Get(ctx, who, id)
	if err != nil && refusal.ReasonOf(err) != refusal.ConsentNotFound {
		return "", fmt.Errorf("find the bank of a consent: %w", err)
	}
	known[id] = c.Bank
	return c.Bank, nil
}

// GetFeedStatus says how the feeds of one party, or of a page of all, stand.
func (f *Feeds) GetFeedStatus(ctx context.Context, r *operatorv1.GetFeedStatusRequest) (*operatorv1.GetFeedStatusResponse, error) {
	if _, err := operator(ctx); err != nil {
		return nil, err
	}
	day, err := dayOf(r.GetDay(), f.now())
	if err != nil {
		return nil, err
	}
	parties, next, err := f.parties(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &operatorv1.GetFeedStatusResponse{Day: dateOf(day), NextPageToken: next}
	for _, p := range parties {
		if p.bank {
			b, err := f.ofBank(ctx, p.id, day)
			if err != nil {
				return nil, err
			}
			out.Banks = append(out.Banks, b)
			continue
		}
		of, err := f.ofPartner(ctx, p.id, day)
		if err != nil {
			return nil, err
		}
		out.Partners = append(out.Partners, of)
	}
	return out, nil
}

// party is one whose feed is asked about.
type party struct {
	bank bool
	id   string
}

// place is the party's in the order of pages: partners come first.
func (p party) place() string {
	if p.bank {
		return "b:" + p.id
	}
	return "a:" + p.id
}

// parties are those of the page asked for, and the token of the next.
func (f *Feeds) parties(ctx context.Context, r *operatorv1.GetFeedStatusRequest) ([]party, string, error) {
	one, err := f.named(ctx, r)
	if err != nil || one != nil {
		return one, "", err
	}
	all, err := f.all(ctx)
	if err != nil {
		return nil, "", err
	}
	if token := r.GetPageToken(); token != "" {
		after, of, _ := strings.Cut(token, ":")
		if of == "" || after != "a" && after != "b" {
			return nil, "", refusal.New(refusal.PageTokenInvalid, "the page token is not valid for this call; start from the first page")
		}
		all = slices.DeleteFunc(all, func(p party) bool { return p.place() <= token })
	}
	size := int(cmp.Or(r.GetPageSize(), defaultParties))
	if len(all) <= size {
		return all, "", nil
	}
	return all[:size], all[size-1].place(), nil
}

// named is the party that the request names; none if it names none.
func (f *Feeds) named(ctx context.Context, r *operatorv1.GetFeedStatusRequest) ([]party, error) {
	switch {
	case r.GetPartnerId() != "":
		_, err := f.registry.Partner(ctx, consent.PartnerID(r.GetPartnerId()))
		return []party{{id: r.GetPartnerId()}}, unlisted("partner", err)
	case r.GetBankId() != "":
		_, err := f.registry.Bank(ctx, consent.BankID(r.GetBankId()))
		return []party{{bank: true, id: r.GetBankId()}}, unlisted("bank", err)
	default:
		return nil, nil
	}
}

func (f *Feeds) all(ctx context.Context) ([]party, error) {
	partners, err := f.registry.Partners(ctx)
	if err != nil {
		return nil, unlisted("partner", err)
	}
	banks, err := f.registry.Banks(ctx)
	if err != nil {
		return nil, unlisted("bank", err)
	}
	var all []party
	for _, p := range partners {
		all = append(all, party{id: string(p.ID)})
	}
	for _, b := range banks {
		all = append(all, party{bank: true, id: string(b.ID)})
	}
	slices.SortFunc(all, func(a, b party) int { return cmp.Compare(a.place(), b.place()) })
	return all, nil
}

func unlisted(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, registry.ErrNotFound):
		return refusal.Because(refusal.PartyNotFound, "no such "+what+" is registered", err)
	default:
		return refusal.Because(refusal.RecordUnavailable, "the registry can't be reached now; try again later", err)
	}
}

// feedUnavailable refuses where feeds can't be read.
func feedUnavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return refusal.Because(refusal.RecordUnavailable, "the feed can't be reached; try again later", err)
}

func kindNamed(name string) partnerv1.EventKind {
	return partnerv1.EventKind(partnerv1.EventKind_value["EVENT_KIND_"+name])
}
