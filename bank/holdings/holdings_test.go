package holdings_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/bank/banktest"
	"sluice/bank/holdings"
	"sluice/consent"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

func account(id string) *datav1.Account {
	return &datav1.Account{
		AccountId: id, Kind: datav1.AccountKind_ACCOUNT_KIND_CURRENT, Currency: "CZK", DisplayName: "Current account",
		Number: "CZ68 9902 0000 0000 0000 7753",
	}
}

func held(id string, by ...string) *bankv1.AccountHolders {
	out := &bankv1.AccountHolders{AccountId: id}
	for _, c := range by {
		out.Holders = append(out.Holders, &bankv1.Holder{CustomerId: c, DisplayName: "Client " + c, MustAgree: true})
	}
	return out
}

func answering(accounts []*datav1.Account, holders []*bankv1.AccountHolders) *banktest.Bank {
	b := banktest.New()
	b.Answer(bank.ListAccounts, &bankv1.ListAccountsResponse{Accounts: accounts})
	b.Answer(bank.ListHolders, &bankv1.ListHoldersResponse{Accounts: holders})
	return b
}

func TestAccountsComeWithEverybodyWhoHoldsThem(t *testing.T) {
	b := answering(
		[]*datav1.Account{account("joint"), account("own")},
		[]*bankv1.AccountHolders{held("own", "me"), held("joint", "you", "me")})
	got, err := holdings.Of(t.Context(), b, "morava", "me")
	if err != nil {
		t.Fatal(err)
	}
	me, you := holdings.Holder{Customer: "me", Name: "Client me", MustAgree: true}, holdings.Holder{Customer: "you", Name: "Client you", MustAgree: true}
	shown := holdings.Account{Name: "Current account", Number: "•••• 7753", Currency: "CZK", Kind: datav1.AccountKind_ACCOUNT_KIND_CURRENT}
	joint, own := shown, shown
	joint.ID, joint.Holders = "joint", []holdings.Holder{me, you}
	own.ID, own.Holders = "own", []holdings.Holder{me}
	if d := cmp.Diff([]holdings.Account{joint, own}, got); d != "" {
		t.Errorf("holdings (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]holdings.Holder{you}, got[0].CoHolders("me")); d != "" {
		t.Errorf("co-holders (-want +got):\n%s", d)
	}
	if others := got[1].CoHolders("me"); others != nil {
		t.Errorf("an account of one has co-holders %v", others)
	}
	asked := b.Requests()
	if len(asked) != 2 || asked[0].Accounts != nil || !cmp.Equal(asked[1].Accounts, []consent.AccountID{"joint", "own"}) || asked[1].Customer != "me" {
		t.Errorf("the bank was asked %+v", asked)
	}
}

func TestOnlyThoseWhoMustAgreeAreCoHolders(t *testing.T) {
	a := holdings.Account{Holders: []holdings.Holder{{Customer: "me", MustAgree: true}, {Customer: "child"}, {Customer: "you", MustAgree: true}}}
	if got := a.CoHolders("me"); len(got) != 1 || got[0].Customer != "you" {
		t.Errorf("co-holders = %v", got)
	}
}

func TestEachOtherHolderIsAskedOrInformedOnce(t *testing.T) {
	own := holdings.Account{Holders: []holdings.Holder{{Customer: "me", MustAgree: true}}}
	loose := holdings.Account{Holders: []holdings.Holder{{Customer: "child"}, {Customer: "me"}, {Customer: "you"}}}
	strict := holdings.Account{Holders: []holdings.Holder{{Customer: "child"}, {Customer: "me", MustAgree: true}, {Customer: "you", MustAgree: true}}}
	agree, informed := holdings.Others([]holdings.Account{own, loose, strict, strict}, "me")
	if d := cmp.Diff([]consent.CustomerID{"you"}, agree); d != "" {
		t.Errorf("to agree (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]consent.CustomerID{"child"}, informed); d != "" {
		t.Errorf("informed (-want +got):\n%s", d)
	}
}

func TestAnAccountWhoseHoldersAreNotKnownIsLeftOut(t *testing.T) {
	many := make([]string, consent.MaxCoHolders+2)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	many[0] = "me"
	for name, holders := range map[string]*bankv1.AccountHolders{
		"not answered":            nil,
		"nobody":                  held("a"),
		"somebody else only":      held("a", "you"),
		"one twice":               held("a", "me", "me"),
		"one without an id":       held("a", "me", ""),
		"one with a long id":      held("a", "me", strings.Repeat("x", 129)),
		"more than can be asked":  held("a", many...),
		"of an account not asked": held("b", "me"),
	} {
		t.Run(name, func(t *testing.T) {
			all := []*bankv1.AccountHolders{held("good", "me")}
			if holders != nil {
				all = append(all, holders)
			}
			got, err := holdings.Of(t.Context(), answering([]*datav1.Account{account("a"), account("good")}, all), "morava", "me")
			if err != nil || len(got) != 1 || got[0].ID != "good" {
				t.Errorf("holdings = %v, %v", got, err)
			}
		})
	}
}

func TestAnAnswerThatContradictsItselfIsRefused(t *testing.T) {
	many := make([]*datav1.Account, holdings.MaxAccounts+1)
	manyHeld := make([]*bankv1.AccountHolders, holdings.MaxAccounts+1)
	for i := range many {
		many[i], manyHeld[i] = account(fmt.Sprint(i)), held(fmt.Sprint(i), "me")
	}
	one := []*datav1.Account{account("a")}
	garbage := answering(one, nil)
	garbage.AnswerBytes(bank.ListHolders, []byte("\xff\xff"))
	for name, b := range map[string]*banktest.Bank{
		"an account twice":         answering([]*datav1.Account{account("a"), account("a")}, []*bankv1.AccountHolders{held("a", "me")}),
		"holders twice":            answering(one, []*bankv1.AccountHolders{held("a", "me"), held("a", "me", "you")}),
		"too many accounts":        answering(many, nil),
		"too many holders' answer": answering(one, manyHeld),
		"garbage":                  garbage,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := holdings.Of(t.Context(), b, "morava", "me"); !errors.Is(err, holdings.ErrInvalid) || got != nil {
				t.Errorf("holdings = %v, %v", got, err)
			}
		})
	}
}

func TestManyAccountsAreAskedAboutInParts(t *testing.T) {
	var accounts []*datav1.Account
	var all []*bankv1.AccountHolders
	for i := range 250 {
		accounts, all = append(accounts, account(fmt.Sprint(i))), append(all, held(fmt.Sprint(i), "me"))
	}
	b := answering(accounts, all)
	got, err := holdings.Of(t.Context(), b, "morava", "me")
	if err != nil || len(got) != 250 {
		t.Fatalf("%d accounts, %v", len(got), err)
	}
	for _, r := range b.Requests() {
		if len(r.Accounts) > 100 {
			t.Errorf("asked about %d accounts at once", len(r.Accounts))
		}
	}
}

func TestABankThatFailsIsToldApart(t *testing.T) {
	for _, want := range []error{bank.ErrNoCustomer, bank.ErrUnavailable} {
		b := answering([]*datav1.Account{account("a")}, []*bankv1.AccountHolders{held("a", "me")})
		b.Fail(fmt.Errorf("asked: %w", want))
		if got, err := holdings.Of(t.Context(), b, "morava", "me"); !errors.Is(err, want) || got != nil {
			t.Errorf("holdings = %v, %v, want %v", got, err, want)
		}
	}
}

// What a bank sends is shown on pages: numbers hidden, names harmless.
func TestWhatIsShownIsMaskedAndPlain(t *testing.T) {
	for name, tc := range map[string]struct {
		sent, want holdings.Account
	}{
		"a card":             {holdings.Account{Number: "4000000000010050"}, holdings.Account{Number: "•••• 0050"}},
		"a short number":     {holdings.Account{Number: "1234567"}, holdings.Account{Number: "••••"}},
		"no number":          {holdings.Account{Number: " "}, holdings.Account{}},
		"signs of no number": {holdings.Account{Number: "LOAN-00006577\u202e\x00"}, holdings.Account{Number: "•••• 6577"}},
		"a name that turns":  {holdings.Account{Name: "Sav\u202eings\n<b>\x00\u200b"}, holdings.Account{Name: "Savings <b>"}},
		"a long name":        {holdings.Account{Name: strings.Repeat("é", 200)}, holdings.Account{Name: strings.Repeat("é", 80) + "…"}},
		"no currency":        {holdings.Account{Currency: "<b>"}, holdings.Account{}},
		"an unknown kind":    {holdings.Account{Kind: 99}, holdings.Account{}},
	} {
		t.Run(name, func(t *testing.T) {
			b := answering([]*datav1.Account{{
				AccountId: "a", Number: tc.sent.Number, DisplayName: tc.sent.Name, Currency: tc.sent.Currency, Kind: tc.sent.Kind,
			}}, []*bankv1.AccountHolders{held("a", "me")})
			got, err := holdings.Of(t.Context(), b, "morava", "me")
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			got[0].ID, got[0].Holders = "", nil
			if d := cmp.Diff(tc.want, got[0]); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func FuzzWhateverABankAnswersNobodyIsPassedOver(f *testing.F) {
	add := func(accounts *bankv1.ListAccountsResponse, holders *bankv1.ListHoldersResponse) {
		a, errA := proto.Marshal(accounts)
		h, errH := proto.Marshal(holders)
		if errA == nil && errH == nil {
			f.Add(a, h)
		}
	}
	add(&bankv1.ListAccountsResponse{Accounts: []*datav1.Account{account("a")}}, &bankv1.ListHoldersResponse{Accounts: []*bankv1.AccountHolders{held("a", "me", "you")}})
	add(&bankv1.ListAccountsResponse{Accounts: []*datav1.Account{account("a"), account("b")}}, &bankv1.ListHoldersResponse{Accounts: []*bankv1.AccountHolders{held("b", "you")}})
	f.Fuzz(func(t *testing.T, accounts, holders []byte) {
		b := banktest.New()
		b.AnswerBytes(bank.ListAccounts, accounts)
		b.AnswerBytes(bank.ListHolders, holders)
		got, err := holdings.Of(t.Context(), b, "morava", "me")
		if err != nil {
			return
		}
		for _, a := range got {
			among := false
			for _, h := range a.Holders {
				among = among || h.Customer == "me"
			}
			if !among || a.ID == "" || len([]rune(a.Number)) > 9 || strings.ContainsAny(a.Name, "\n\u202e") {
				t.Fatalf("showed %+v", a)
			}
		}
	})
}
