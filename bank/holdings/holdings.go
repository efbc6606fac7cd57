package holdings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/consent"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

const (
	// MaxAccounts bounds how many accounts of one customer a bank may name.
	MaxAccounts = 500
	// asked is how many accounts one ListHolders asks for: the contract's bound.
	asked = 100
)

// ErrInvalid means that the bank's answer contradicts itself or the contract.
// Its text holds nothing of the answer.
var ErrInvalid = errors.New("the bank's answer can't be used")

// Account is one account of a customer.
type Account struct {
	ID       consent.AccountID
	Name     string // the bank's product name, or the customer's own name for it
	Number   string // masked for showing: the last four
	Currency string // ISO 4217, or empty
	Kind     datav1.AccountKind
	Holders  []Holder // everybody who holds it, the customer among them, by id
}

// Holder is one holder of an account.
type Holder struct {
	Customer consent.CustomerID
	Name     string // for the other holders
	// MustAgree says that the account may be shared by somebody else only if
	// this holder agrees.
	MustAgree bool
}

// CoHolders are the others who must agree when this customer shares the account.
func (a Account) CoHolders(of consent.CustomerID) []Holder {
	var out []Holder
	for _, h := range a.Holders {
		if h.Customer != of && h.MustAgree {
			out = append(out, h)
		}
	}
	return out
}

// Others are, of all others who hold any of the accounts, those who must agree
// when this customer shares them, and those who need not; each once and in one
// of the two.
func Others(accounts []Account, of consent.CustomerID) (agree, informed []consent.CustomerID) {
	for _, a := range accounts {
		for _, h := range a.CoHolders(of) {
			if !slices.Contains(agree, h.Customer) {
				agree = append(agree, h.Customer)
			}
		}
	}
	for _, a := range accounts {
		for _, h := range a.Holders {
			if h.Customer != of && !slices.Contains(agree, h.Customer) && !slices.Contains(informed, h.Customer) {
				informed = append(informed, h.Customer)
			}
		}
	}
	return agree, informed
}

// Of are the customer's accounts at a bank, in the bank's order, each with
// everybody who holds it. Accounts whose holders the bank does not say are left
// out. Its errors wrap bank.ErrNoCustomer, bank.ErrUnavailable or ErrInvalid, or
// are the directory's.
func Of(ctx context.Context, banks bank.Directory, b consent.BankID, c consent.CustomerID) ([]Account, error) {
	source, err := banks.Source(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("find bank: %w", err)
	}
	accounts, err := list(ctx, source, c)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	for part := range slices.Chunk(accounts, asked) {
		if err := join(ctx, source, c, part); err != nil {
			return nil, fmt.Errorf("list holders: %w", err)
		}
	}
	return slices.DeleteFunc(accounts, func(a Account) bool { return a.Holders == nil }), nil
}

// list asks for all accounts; those it can't tell apart make the answer void.
func list(ctx context.Context, source bank.Source, c consent.CustomerID) ([]Account, error) {
	var got bankv1.ListAccountsResponse
	if err := fetch(ctx, source, bank.ListAccounts, bank.Request{Customer: c}, &got); err != nil {
		return nil, err
	}
	if len(got.GetAccounts()) > MaxAccounts {
		return nil, fmt.Errorf("%w: too many accounts", ErrInvalid)
	}
	seen := map[string]bool{}
	out := make([]Account, 0, len(got.GetAccounts()))
	for _, a := range got.GetAccounts() {
		id := a.GetAccountId()
		switch {
		case seen[id]:
			return nil, fmt.Errorf("%w: an account stands twice", ErrInvalid)
		case !wellFormed(id):
			continue
		}
		seen[id] = true
		out = append(out, Account{
			ID: consent.AccountID(id), Name: line(a.GetDisplayName()), Number: masked(a.GetNumber()),
			Currency: currency(a.GetCurrency()), Kind: kind(a.GetKind()),
		})
	}
	return out, nil
}

// join gives accounts their holders; those it can't be sure of get none.
func join(ctx context.Context, source bank.Source, c consent.CustomerID, accounts []Account) error {
	ask := bank.Request{Customer: c}
	for _, a := range accounts {
		ask.Accounts = append(ask.Accounts, a.ID)
	}
	var got bankv1.ListHoldersResponse
	if err := fetch(ctx, source, bank.ListHolders, ask, &got); err != nil {
		return err
	}
	if len(got.GetAccounts()) > MaxAccounts {
		return fmt.Errorf("%w: too many accounts", ErrInvalid)
	}
	said := map[string]*bankv1.AccountHolders{}
	for _, h := range got.GetAccounts() {
		if said[h.GetAccountId()] != nil {
			return fmt.Errorf("%w: an account stands twice", ErrInvalid)
		}
		said[h.GetAccountId()] = h
	}
	for i := range accounts {
		accounts[i].Holders = holders(said[string(accounts[i].ID)], c)
	}
	return nil
}

// holders reads the holders of one account; nil if they are not known for
// certain: no answer, nobody, one twice or without an id, more than a consent
// can name, or the customer not among them.
func holders(said *bankv1.AccountHolders, c consent.CustomerID) []Holder {
	if n := len(said.GetHolders()); n == 0 || n > consent.MaxCoHolders+1 {
		return nil
	}
	among := false
	seen := map[string]bool{}
	var out []Holder
	for _, h := range said.GetHolders() {
		id := h.GetCustomerId()
		if !wellFormed(id) || seen[id] {
			return nil
		}
		seen[id] = true
		among = among || id == string(c)
		out = append(out, Holder{Customer: consent.CustomerID(id), Name: line(h.GetDisplayName()), MustAgree: h.GetMustAgree()})
	}
	if !among {
		return nil
	}
	slices.SortFunc(out, func(x, y Holder) int { return cmp.Compare(x.Customer, y.Customer) })
	return out
}

func fetch(ctx context.Context, source bank.Source, m bank.Method, r bank.Request, into proto.Message) error {
	answer, err := source.Fetch(ctx, m, r)
	if err != nil {
		return err
	}
	defer answer.Free()
	if err := proto.Unmarshal(answer.Bytes, into); err != nil {
		return fmt.Errorf("%w: it is not encoded rightly", ErrInvalid)
	}
	return nil
}
