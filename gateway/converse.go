package gateway

import (
	"context"
	"errors"
	"fmt"

	"sluice/bank"
	"sluice/disclosure"
	"sluice/gateway/masking"
	datav1 "sluice/gen/sluice/data/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
)

// Converse is Release for what tells the bank something: it starts a
// conversation, sends a message, marks or closes a conversation, about the ask's
// one account, for a customer who is there. It sets the ask's Kind and One. The walk begins with the truth:
// under no grant that is not the newest is the bank told anything, and what it
// is told is masked as its own rules say. It takes the same words once, so a
// consent that changed meanwhile has them told again if it still permits that.
func (g *Gate) Converse(ctx context.Context, ask Ask, method bank.Method) (Released, error) {
	kind, ok := answersWith(method)
	if !ok {
		return Released{}, refusal.Because(refusal.Internal, explain(refusal.Internal), fmt.Errorf("%q tells a bank nothing", method))
	}
	if ask.Unattended {
		return Released{}, refusal.Invalid("access.attendance", "what is said and done in a conversation is the customer's own: the customer must be present")
	}
	if len(ask.Accounts) != 1 {
		return Released{}, refuse(refusal.AccountNotCovered)
	}
	ask.Kind, ask.One, ask.tells = kind, true, method
	released, err := g.converse(ctx, ask)
	if errors.Is(err, disclosure.ErrGrantChanged) {
		released, err = g.converse(ctx, ask)
	}
	return g.end(released, err)
}

// converse walks once. Telling the bank is a hand-off like that of an answer: a
// change of the consent that is final is followed by no words. So the bank is
// reached before, or words could wait for that.
func (g *Gate) converse(ctx context.Context, ask Ask) (Released, error) {
	began := g.HandOffs.Now()
	return g.walk(ctx, ask, g.Grants.Newest, func(ctx context.Context, w walked, v policy.Verdict) (bank.Answer, error) {
		if err := g.reach(ctx, w); err != nil {
			return bank.Answer{}, err
		}
		section, err := g.HandOffs.Enter(w.grant.ID(), w.grant.Revision(), began)
		if err != nil {
			return bank.Answer{}, fmt.Errorf("%w: %w", disclosure.ErrGrantChanged, err)
		}
		defer section.Leave()
		return g.fetch(ctx, w, v)
	})
}

func (g *Gate) reach(ctx context.Context, w walked) error {
	source, err := g.Banks.Source(ctx, w.grant.Bank())
	if err != nil {
		return unavailable(ctx, refusal.BankUnavailable, fmt.Errorf("find bank: %w", err))
	}
	if err := source.Reach(ctx); err != nil {
		return unavailable(ctx, refusal.BankUnavailable, fmt.Errorf("reach bank %s: %w", w.grant.Bank(), err))
	}
	return nil
}

// answersWith is the kind of answer of a method that tells the bank something.
func answersWith(m bank.Method) (policy.Kind, bool) {
	switch m {
	case bank.StartConversation, bank.MarkConversation, bank.CloseConversation:
		return policy.Conversations, true
	case bank.SendMessage:
		return policy.Messages, true
	default:
		return 0, false
	}
}

// masked is what was written as the bank may have it. Attachments are made anew,
// so that nothing goes with them that the contract does not know.
func masked(w bank.Words, v policy.Verdict) bank.Words {
	pass := passing(v)
	w.Topic, _ = masking.Text(w.Topic, pass)
	w.Text, _ = masking.Text(w.Text, pass)
	files := w.Attachments
	w.Attachments = nil
	for _, f := range files {
		name, _ := masking.Text(f.GetName(), pass)
		w.Attachments = append(w.Attachments, &datav1.Attachment{
			Name: name, MediaType: f.GetMediaType(), SizeBytes: f.GetSizeBytes(), Sha256: f.GetSha256(), Url: f.GetUrl(),
		})
	}
	return w
}

// passing is what the verdict lets pass, as masking knows it.
func passing(v policy.Verdict) masking.Pass {
	var out masking.Pass
	for _, p := range []struct {
		bank   registry.ChatPass
		passes masking.Pass
	}{
		{registry.PassAccountNumbers, masking.AccountNumbers},
		{registry.PassCardNumbers, masking.CardNumbers},
		{registry.PassCodes, masking.Codes},
	} {
		if v.ChatPass().Has(p.bank) {
			out |= p.passes
		}
	}
	return out
}

// notTaken refuses for what a bank did not answer, or did not take. Nothing of a
// bank's own words is in it.
func notTaken(ctx context.Context, m bank.Method, err error) error {
	switch {
	case errors.Is(err, bank.ErrNotServed):
		return refusal.Because(refusal.ChangeNotPossible, "this bank does not talk with customers here", err)
	case errors.Is(err, bank.ErrNoConversation):
		return refusal.Invalid("conversation_id", "names no conversation of this account and consent")
	case errors.Is(err, bank.ErrNotUnderstood) && m == bank.ListMessages:
		return refusal.Invalid("before", "names no message of the conversation")
	case errors.Is(err, bank.ErrNotUnderstood) && m == bank.MarkConversation:
		return refusal.Invalid("read_up_to", "names no message of the conversation")
	case errors.Is(err, bank.ErrNotTaken), errors.Is(err, bank.ErrNotUnderstood):
		return refusal.Because(refusal.ChangeNotPossible,
			"the bank does not take this; the conversation may have ended, or the client_id been used for other words", err)
	default:
		return unavailable(ctx, refusal.BankUnavailable, err)
	}
}
