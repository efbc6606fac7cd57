package gateway

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/consent"
	"sluice/disclosure"
	"sluice/gateway/fields"
	bankv1 "sluice/gen/sluice/bank/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/mutant"
	"sluice/policy"
	"sluice/refusal"
)

// The one shape of a partner's answers; a test holds the contract to it.
const (
	dataField     protowire.Number = 1
	failuresField protowire.Number = 2
	nextPageField protowire.Number = 3
	releaseField  protowire.Number = 15
)

// Released is an answer whose release is on record: the only thing a door can
// send. The zero value is empty and was never released.
type Released struct {
	encoded []byte
	receipt disclosure.Receipt
	sent    func()
}

// Encoded is the partner's answer, ready for the wire.
func (r Released) Encoded() []byte { return r.encoded }

// Receipt names the record of the release.
func (r Released) Receipt() disclosure.Receipt { return r.receipt }

// Sent ends the hand-off. It must be called once, when the bytes were handed to
// the transport or will not be: until then a change of the consent waits.
func (r Released) Sent() {
	if r.sent != nil {
		r.sent()
	}
}

// handOff begins it, unless the grant may have changed since the release was
// recorded; then the record stays, and says that nothing left.
func (g *Gate) handOff(w walked, r Released, began time.Duration) (Released, error) {
	section, err := g.HandOffs.Enter(w.grant.ID(), w.grant.Revision(), began)
	if err != nil && (!w.ask.pushed || !mutant.Is(mutant.PushedLate)) {
		g.outcome(r.receipt, disclosure.Withheld)
		return Released{}, fmt.Errorf("%w: %w", disclosure.ErrGrantChanged, err)
	}
	r.sent = func() {
		if section.Leave() {
			g.outcome(r.receipt, disclosure.Late)
			return
		}
		g.Observer.Released(disclosure.Sent)
	}
	return r, nil
}

func (g *Gate) outcome(of disclosure.Receipt, what disclosure.Outcome) {
	g.Recorder.Outcome(of, what)
	g.Observer.Released(what)
}

// seal writes the answer out, with what it was released by.
func (g *Gate) seal(w walked, v policy.Verdict, s fields.Shown, r disclosure.Receipt) (Released, error) {
	if !r.Valid() {
		return Released{}, refusal.New(refusal.RecordUnavailable, explain(refusal.RecordUnavailable))
	}
	out := s.Bytes()
	var err error
	for _, f := range w.failures(v, s) {
		if out, err = appendMessage(out, failuresField, f); err != nil {
			return Released{}, err
		}
	}
	if next := g.nextPage(w, s.NextPage(), r); next != "" {
		out = protowire.AppendTag(out, nextPageField, protowire.BytesType)
		out = protowire.AppendString(out, next)
	}
	if out, err = appendMessage(out, releaseField, w.about(v, r)); err != nil {
		return Released{}, err
	}
	return Released{encoded: out, receipt: r}, nil
}

func appendMessage(b []byte, field protowire.Number, m proto.Message) ([]byte, error) {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(proto.Size(m)))
	b, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, m)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return b, nil
}

func (w walked) about(v policy.Verdict, r disclosure.Receipt) *partnerv1.Release {
	about := &partnerv1.Release{
		DisclosureId:   string(r.ID()),
		ConsentId:      string(w.grant.ID()),
		GrantRevision:  w.grant.Revision(),
		ReleasedAt:     timestamppb.New(r.At()),
		PolicyRevision: v.Revision(),
	}
	if w.ask.Unattended && !w.ask.pushed {
		about.AccessBudget = &partnerv1.AccessBudget{
			Remaining: int32(v.Remaining()),
			ResetAt:   timestamppb.New(v.ResetAt()),
		}
	}
	return about
}

// failures are the accounts that were asked for, or permitted, and have no entry.
func (w walked) failures(v policy.Verdict, s fields.Shown) []*partnerv1.AccountFailure {
	if w.ask.One {
		return nil
	}
	var out []*partnerv1.AccountFailure
	add := func(public string, reason refusal.Reason) {
		out = append(out, &partnerv1.AccountFailure{AccountId: public, Reason: reason})
	}
	for _, id := range w.unnamed {
		add(id, refusal.AccountNotCovered)
	}
	for _, a := range w.accounts {
		if reason, ok := v.Refused()[a]; ok {
			add(w.names.public(a), reason)
		}
	}
	for _, p := range v.Permissions() {
		if !answered(s, p.Account) {
			add(w.names.public(p.Account), failureOf(s, p.Account))
		}
	}
	return out
}

func answered(s fields.Shown, a consent.AccountID) bool {
	for _, have := range s.Accounts() {
		if have == a {
			return true
		}
	}
	return false
}

func failureOf(s fields.Shown, a consent.AccountID) refusal.Reason {
	for _, f := range s.Failures() {
		if f.Account == a && bankv1.AccountFailureCode(f.Code) == bankv1.AccountFailureCode_ACCOUNT_FAILURE_CODE_NOT_FOUND {
			return refusal.AccountNotCovered
		}
	}
	return refusal.BankUnavailable
}
