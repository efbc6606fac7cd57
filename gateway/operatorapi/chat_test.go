package operatorapi_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/consent"
	"sluice/gateway/operatorapi"
	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/registry"
)

// oneBank keeps one bank.
type oneBank struct {
	registry.Store
	bank registry.Bank
}

func (o *oneBank) Bank(_ context.Context, id consent.BankID) (registry.Bank, error) {
	if o.bank.ID != id {
		return registry.Bank{}, registry.ErrNotFound
	}
	return o.bank, nil
}

func (o *oneBank) Banks(context.Context) ([]registry.Bank, error) {
	return []registry.Bank{o.bank}, nil
}

func (o *oneBank) PutBank(_ context.Context, b registry.Bank) error { o.bank = b; return nil }

// Whoever moves a bank and says nothing of its conversations changes nothing of them.
func TestWhatABankLetsPassStaysUntilSomethingIsSaidOfIt(t *testing.T) {
	const accounts, codes = operatorv1.ChatPass_CHAT_PASS_ACCOUNT_NUMBERS, operatorv1.ChatPass_CHAT_PASS_CODES
	store := &oneBank{}
	s := operatorapi.New(store, nil, &barrier{})
	for _, step := range []struct {
		says *operatorv1.ChatRules
		want []operatorv1.ChatPass
	}{
		{nil, nil},
		{&operatorv1.ChatRules{Pass: []operatorv1.ChatPass{codes, accounts}}, []operatorv1.ChatPass{accounts, codes}},
		{nil, []operatorv1.ChatPass{accounts, codes}},
		{&operatorv1.ChatRules{Pass: []operatorv1.ChatPass{99}}, nil},
		{&operatorv1.ChatRules{Pass: []operatorv1.ChatPass{codes}}, []operatorv1.ChatPass{codes}},
		{&operatorv1.ChatRules{}, nil},
	} {
		got, err := s.RegisterBank(t.Context(), &operatorv1.RegisterBankRequest{
			BankId: "morava", DisplayName: "Morava", Address: "127.0.0.1:1", Chat: step.says,
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, got.GetBank().GetChat().GetPass()); diff != "" || got.GetBank().GetChat() == nil {
			t.Errorf("after %v (-want +got):\n%s", step.says, diff)
		}
		all, err := s.ListBanks(t.Context(), &operatorv1.ListBanksRequest{})
		if err != nil || len(all.GetBanks()) != 1 || !cmp.Equal(step.want, all.GetBanks()[0].GetChat().GetPass()) {
			t.Errorf("listed %v, %v", all, err)
		}
	}
}
