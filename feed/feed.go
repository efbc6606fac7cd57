package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/consent"
	"sluice/seal"
)

// ErrTooMany means that a batch has more events than are taken at once.
var ErrTooMany = errors.New("too many events at once")

var errPositions = errors.New("read positions: not one for each account") // can't happen

// Feed takes events and gives out deliveries. It may be used by many goroutines.
type Feed struct {
	store  Store
	sealer *seal.Sealer
	waker  Waker
}

// New makes a feed over a store.
func New(store Store, sealer *seal.Sealer, waker Waker) *Feed {
	return &Feed{store: store, sealer: sealer, waker: waker}
}

// Publish takes a bank's events. What it answers is durable: the positions of
// the accounts named, each once and in order, and what is wrong with events
// that were not taken.
func (f *Feed) Publish(ctx context.Context, bank consent.BankID, events []Event) ([]Position, []Rejection, error) {
	if len(events) > MaxBatch {
		return nil, nil, fmt.Errorf("publish: %w", ErrTooMany)
	}
	sealed, rejected := keepable(events)
	for i := range sealed {
		e := &sealed[i]
		e.Bank, e.ID = bank, ""
		if e.Kind.Cluster() == 0 {
			e.Answer = nil
			continue
		}
		e.Answer = []byte(f.sealer.Seal(binding(*e), string(e.Answer)))
	}
	p, err := f.store.Publish(ctx, bank, sealed)
	if err != nil {
		return nil, nil, fmt.Errorf("publish: %w", err)
	}
	f.waker.Wake(p.Partners)
	return p.Positions, append(rejected, p.Rejections...), nil
}

// keepable leaves out events of accounts whose names can't be kept.
func keepable(events []Event) (kept []Event, rejected []Rejection) {
	for _, e := range events {
		if !keepableName(e.Account) {
			rejected = append(rejected, Rejection{
				Account: e.Account, Sequence: e.Sequence, Field: "account_id", Description: "must be text without NUL",
			})
			continue
		}
		kept = append(kept, e)
	}
	return kept, rejected
}

func keepableName(a consent.AccountID) bool { return a != "" && plain(string(a)) }

// plain says whether every database can keep the text.
func plain(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// Positions says up to where accounts were published, in the order asked for.
func (f *Feed) Positions(ctx context.Context, bank consent.BankID, accounts []consent.AccountID) ([]Position, error) {
	var kept []consent.AccountID
	for _, a := range accounts {
		if keepableName(a) {
			kept = append(kept, a)
		}
	}
	found, err := f.store.Positions(ctx, bank, kept)
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	if len(found) != len(kept) {
		return nil, errPositions
	}
	out := make([]Position, len(accounts))
	for i, a := range accounts {
		out[i].Account = a // nothing was ever published under a name that can't be kept
		if keepableName(a) {
			out[i], found = found[0], found[1:]
		}
	}
	return out, nil
}

// Due gives out as many deliveries of the partner as one of its consumers has
// room for, in the order of each shard. Shards are leased to the consumer, a
// fair part of them if there are others, and a consumer that is silent for
// Lease loses its own, with what it has out. Of one consent and account only
// the earliest delivery is ever out. What is not acknowledged within AckWait is
// due again.
func (f *Feed) Due(ctx context.Context, partner consent.PartnerID, consumer string, room Room) ([]Delivery, error) {
	if partner == "" || consumer == "" || room.Events < 1 {
		return nil, nil
	}
	due, err := f.store.Due(ctx, partner, consumer, room)
	if err != nil {
		return nil, fmt.Errorf("read what is due: %w", err)
	}
	return f.open(ctx, due)
}

// Unreadable is why a delivery is dropped whose content can't be opened, e.g.
// because the key is another now. It must not stop those behind it.
const Unreadable = "UNREADABLE"

func (f *Feed) open(ctx context.Context, due []Delivery) ([]Delivery, error) {
	var whole, broken []Delivery
	for _, d := range due {
		if d.Event.Kind.Cluster() != 0 {
			content, err := f.sealer.Open(binding(d.Event), string(d.Event.Answer))
			if err != nil || len(content) != 1 {
				broken = append(broken, d)
				continue
			}
			d.Event.Answer = []byte(content[0])
		}
		whole = append(whole, d)
	}
	return whole, f.Drop(ctx, broken, Unreadable)
}

// Acknowledge ends deliveries that the partner is done with; one with an Error
// is due again later, and is put aside after MaxErrors. Acknowledging again, or
// from another consumer of the partner, is fine.
func (f *Feed) Acknowledge(ctx context.Context, partner consent.PartnerID, consumer string, acks []Ack) error {
	if len(acks) == 0 {
		return nil
	}
	acks = slices.Clone(acks)
	for i, a := range acks {
		if a.Error != "" {
			acks[i].Error = f.sealer.Seal(lastWords(partner, a.Shard, a.Pos), brief(a.Error))
		}
	}
	if err := f.store.Acknowledge(ctx, partner, consumer, acks); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// mostWords is how much of a partner's words is kept. They may be of data that it
// could not take.
const mostWords = 200

// brief is the beginning of what a partner says, as far as it can be shown.
func brief(words string) string {
	if !plain(words) {
		return "(not text)"
	}
	kept := []rune(words)
	kept = kept[:min(len(kept), mostWords)]
	for i, r := range kept {
		if !unicode.IsPrint(r) {
			kept[i] = ' '
		}
	}
	return string(kept)
}

func lastWords(p consent.PartnerID, shard int, pos int64) seal.Binding {
	return seal.Binding{"feed error", string(p), strconv.Itoa(shard), strconv.FormatInt(pos, 10)}
}

// Drop ends deliveries that may not be released any more. Why is one of a few
// words, e.g. the gate's reason; it is counted, with the kind.
func (f *Feed) Drop(ctx context.Context, dropped []Delivery, why string) error {
	if len(dropped) == 0 {
		return nil
	}
	if err := f.store.Drop(ctx, dropped, why); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	return nil
}

// Dead lists deliveries that were put aside, newest first; of all partners if
// none is named.
func (f *Feed) Dead(ctx context.Context, partner consent.PartnerID, limit int) ([]Dead, error) {
	dead, err := f.store.Dead(ctx, partner, limit)
	if err != nil {
		return nil, fmt.Errorf("read what was put aside: %w", err)
	}
	for i, d := range dead {
		words, err := f.sealer.Open(lastWords(d.Partner, d.Shard, d.Pos), d.Error)
		if err != nil || len(words) != 1 { // e.g. the key is another now
			words = []string{Unreadable}
		}
		dead[i].Error = words[0]
	}
	return dead, nil
}

// Counts says how many events of a bank were rejected, or dropped for a
// partner, on a day, by what and why.
func (f *Feed) Counts(ctx context.Context, party string, day consent.Day) (map[string]int, error) {
	counts, err := f.store.Counts(ctx, party, day)
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	return counts, nil
}

// Sweep forgets what was kept long enough: events that no partner
// took within Retention or that are shared no more, and ids of transactions.
func (f *Feed) Sweep(ctx context.Context) error {
	for {
		more, err := f.store.Sweep(ctx)
		if err != nil {
			return fmt.Errorf("sweep feeds: %w", err)
		}
		if !more {
			return nil
		}
	}
}

// Next is closed when something new was published for the partner. Take it
// before asking Due, and then Wait for it if nothing is due.
func (f *Feed) Next(partner consent.PartnerID) <-chan struct{} { return f.waker.Next(partner) }

// binding ties a sealed answer to its place, so that a row can't be passed off
// for another.
func binding(e Event) seal.Binding {
	return seal.Binding{"feed", string(e.Bank), string(e.Account), strconv.FormatInt(e.Sequence, 10), e.Kind.String()}
}
