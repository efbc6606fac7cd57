package bankapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"

	"sluice/consent"
	"sluice/feed"
	bankv1 "sluice/gen/sluice/bank/v1"
	"sluice/refusal"
	"sluice/registry"
)

// Events is the feed, as banks fill it.
type Events interface {
	Publish(ctx context.Context, bank consent.BankID, events []feed.Event) ([]feed.Position, []feed.Rejection, error)
	Positions(ctx context.Context, bank consent.BankID, accounts []consent.AccountID) ([]feed.Position, error)
}

// Withdrawer takes an account out of all of a customer's consents.
type Withdrawer interface {
	WithdrawEverywhere(ctx context.Context, bank consent.ByBank, customer consent.CustomerID, account consent.AccountID) ([]consent.Consent, error)
}

// Sharers knows whose consents share an account now.
type Sharers interface {
	Sharers(ctx context.Context, bank consent.BankID, account consent.AccountID) ([]consent.CustomerID, error)
}

// Banks knows the standing of banks.
type Banks interface {
	Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
}

// Feeds is bank.v1.FeedService.
type Feeds struct {
	bankv1.UnimplementedFeedServiceServer
	events    Events
	book      Withdrawer
	sharers   Sharers
	banks     Banks
	validator protovalidate.Validator
}

// NewFeeds takes events into a feed.
func NewFeeds(events Events, book Withdrawer, sharers Sharers, banks Banks, validator protovalidate.Validator) *Feeds {
	return &Feeds{events: events, book: book, sharers: sharers, banks: banks, validator: validator}
}

// Register adds FeedService to a server whose interceptors leave SelfChecked to
// it.
func (f *Feeds) Register(s grpc.ServiceRegistrar) { bankv1.RegisterFeedServiceServer(s, f) }

// SelfChecked are the methods that hold each event against the contract by
// itself.
func SelfChecked() []string {
	return []string{bankv1.FeedService_Publish_FullMethodName, bankv1.FeedService_PublishBatch_FullMethodName}
}

// PublishBatch takes one request's events.
func (f *Feeds) PublishBatch(ctx context.Context, r *bankv1.PublishBatchRequest) (*bankv1.PublishBatchResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	b, err := f.read(r.GetEvents())
	if err != nil {
		return nil, err
	}
	t, err := f.take(ctx, bank, b.events)
	if err != nil {
		return nil, err
	}
	a, err := f.answer(ctx, bank, b, t)
	if err != nil {
		return nil, err
	}
	return &bankv1.PublishBatchResponse{Positions: a.Positions, Rejections: a.Rejections}, nil
}

// GetFeedPosition says up to where accounts were published.
func (f *Feeds) GetFeedPosition(ctx context.Context, r *bankv1.GetFeedPositionRequest) (*bankv1.GetFeedPositionResponse, error) {
	bank, err := callingBank(ctx)
	if err != nil {
		return nil, err
	}
	accounts := make([]consent.AccountID, len(r.GetAccountIds()))
	for i, id := range r.GetAccountIds() {
		accounts[i] = consent.AccountID(id)
	}
	positions, err := f.events.Positions(ctx, consent.BankID(bank), accounts)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	out := &bankv1.GetFeedPositionResponse{}
	for _, p := range positions {
		out.Positions = append(out.Positions, position(p))
	}
	return out, nil
}

// taken is what became of events.
type taken struct {
	positions  map[consent.AccountID]feed.Position
	rejections []feed.Rejection
}

// take puts events into the feed. It is durable when it returns.
func (f *Feeds) take(ctx context.Context, bank consent.ByBank, events []event) (taken, error) {
	standing, err := f.banks.Bank(ctx, consent.BankID(bank))
	switch {
	case err != nil:
		return taken{}, unavailable(ctx, err)
	case standing.Standing != registry.Active:
		return taken{}, refusal.New(refusal.BankSuspended, "the bank is suspended; talk to the operator")
	}
	t := taken{positions: map[consent.AccountID]feed.Position{}}
	var err2 error
	if slices.ContainsFunc(events, func(e event) bool { return e.Kind == feed.AccountWithdrawn }) {
		err2 = f.leaving(ctx, bank, events, &t)
	} else {
		err2 = f.publish(ctx, bank, events, &t)
	}
	if err2 != nil {
		return taken{}, unavailable(ctx, err2)
	}
	return t, nil
}

func (f *Feeds) publish(ctx context.Context, bank consent.ByBank, events []event, t *taken) error {
	if len(events) == 0 {
		return nil
	}
	plain := make([]feed.Event, len(events))
	for i, e := range events {
		plain[i] = e.Event
	}
	positions, rejections, err := f.events.Publish(ctx, consent.BankID(bank), plain)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	for _, p := range positions {
		t.positions[p.Account] = p
	}
	t.rejections = append(t.rejections, rejections...)
	return nil
}

// leaving is publish where an account is closed or left by a customer. What
// came before that is published first; then the account leaves the consents;
// and only then is the event itself taken, so that a crash in between loses
// nothing: the bank sends it again. One that comes too early must wait for that,
// even if what was missing comes another way before it is looked at.
func (f *Feeds) leaving(ctx context.Context, bank consent.ByBank, events []event, t *taken) error {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	var waiting []event
	for _, e := range events {
		if e.Kind == feed.AccountWithdrawn {
			if err := f.publish(ctx, bank, waiting, t); err != nil {
				return err
			}
			waiting = nil
			next, err := f.next(ctx, bank, e.Account)
			switch {
			case err != nil:
				return err
			case next < e.Sequence:
				e.Early = true
			case next == e.Sequence:
				if err := f.withdraw(ctx, bank, e); err != nil {
					return err
				}
			}
		}
		waiting = append(waiting, e)
	}
	return f.publish(ctx, bank, waiting, t)
}

// next is the sequence that an account's feed waits for.
func (f *Feeds) next(ctx context.Context, bank consent.ByBank, account consent.AccountID) (int64, error) {
	p, err := f.events.Positions(ctx, consent.BankID(bank), []consent.AccountID{account})
	if err != nil {
		return 0, fmt.Errorf("read position: %w", err)
	}
	if len(p) != 1 {
		return 0, errors.New("read position: there is none")
	}
	return p[0].Sequence + 1, nil
}

// withdraw takes the account out of the consents of who left, or of all.
func (f *Feeds) withdraw(ctx context.Context, bank consent.ByBank, e event) error {
	customers := []consent.CustomerID{e.customer}
	if e.customer == "" {
		var err error
		if customers, err = f.sharers.Sharers(ctx, consent.BankID(bank), e.Account); err != nil {
			return fmt.Errorf("find who shares a closed account: %w", err)
		}
	}
	for _, c := range customers {
		if _, err := f.book.WithdrawEverywhere(ctx, bank, c, e.Account); err != nil {
			return fmt.Errorf("withdraw account: %w", err)
		}
	}
	return nil
}

// answer says what became of one request's events, of which others may have
// been taken with it.
func (f *Feeds) answer(ctx context.Context, bank consent.ByBank, b batch, t taken) (*bankv1.PublishResponse, error) {
	var unknown []consent.AccountID // all of whose events were malformed
	for _, a := range b.accounts {
		if _, ok := t.positions[a]; !ok {
			unknown = append(unknown, a)
		}
	}
	if len(unknown) > 0 {
		positions, err := f.events.Positions(ctx, consent.BankID(bank), unknown)
		if err != nil {
			return nil, unavailable(ctx, err)
		}
		for _, p := range positions {
			t.positions[p.Account] = p
		}
	}
	out := &bankv1.PublishResponse{}
	for _, a := range b.accounts {
		out.Positions = append(out.Positions, position(t.positions[a]))
	}
	for _, r := range append(b.rejections, t.of(b)...) {
		out.Rejections = append(out.Rejections, &bankv1.EventRejection{
			AccountId: string(r.Account), Sequence: r.Sequence, Field: r.Field, Description: r.Description,
		})
	}
	return out, nil
}

// of are the rejections of a request's own events.
func (t taken) of(b batch) []feed.Rejection {
	if len(t.rejections) == 0 {
		return nil
	}
	type place struct {
		account  consent.AccountID
		sequence int64
	}
	own := map[place]bool{}
	for _, e := range b.events {
		own[place{e.Account, e.Sequence}] = true
	}
	var out []feed.Rejection
	for _, r := range t.rejections {
		if own[place{r.Account, r.Sequence}] {
			out = append(out, r)
		}
	}
	return out
}

func position(p feed.Position) *bankv1.FeedPosition {
	return &bankv1.FeedPosition{AccountId: string(p.Account), Sequence: p.Sequence, MissingFrom: p.MissingFrom}
}

// unavailable refuses where the feed or the consents can't be kept; what a bank
// sends again is taken once.
func unavailable(ctx context.Context, err error) error {
	var r *refusal.Error
	if errors.As(err, &r) || ctx.Err() != nil {
		return err
	}
	return refusal.Because(refusal.RecordUnavailable, "the events can't be kept now; send them again", err)
}
