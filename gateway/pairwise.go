package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"slices"

	"sluice/consent"
)

// PairwiseKeySize is the least length of the key in bytes.
const PairwiseKeySize = 32

var pairwiseEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Pairwise names accounts and customers for partners: HMAC-SHA-256, cut to 128 bits, over
// partner, bank and the bank's name. A partner sees one account under one id for ever;
// two partners see ids that have nothing in common. Who has the key can link
// them, so it is kept like a private key, and changing it changes every id.
type Pairwise struct{ key []byte }

// NewPairwise names accounts with this key.
func NewPairwise(key []byte) Pairwise { return Pairwise{key: key} }

// Account is the partner's name of a bank's account.
func (p Pairwise) Account(partner consent.PartnerID, bank consent.BankID, account consent.AccountID) string {
	return "acc_" + p.name("account", string(partner), string(bank), string(account))
}

// Customer is the partner's name of a bank's customer.
func (p Pairwise) Customer(partner consent.PartnerID, bank consent.BankID, customer consent.CustomerID) string {
	return "cus_" + p.name("customer", string(partner), string(bank), string(customer))
}

func (p Pairwise) name(parts ...string) string {
	mac := hmac.New(sha256.New, p.key)
	var msg []byte
	for _, part := range parts {
		msg = binary.AppendUvarint(msg, uint64(len(part)))
		msg = append(msg, part...)
	}
	mac.Write(msg)
	return pairwiseEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// named is the accounts of a grant under the partner's names.
type named []name

type name struct {
	public  string
	account consent.AccountID
}

func (p Pairwise) names(g consent.Grant) named {
	out := make(named, len(g.Shares()))
	for i, s := range g.Shares() {
		out[i].public, out[i].account = p.Account(g.Partner(), g.Bank(), s.Account), s.Account
	}
	return out
}

// within leaves out accounts that a token does not have, so that their ids name
// nothing: they answer as any id does that is made up.
func (n named) within(ceiling map[string]consent.Clusters) named {
	if ceiling == nil {
		return n
	}
	return slices.DeleteFunc(n, func(e name) bool { _, in := ceiling[e.public]; return !in })
}

// resolve splits ids into the accounts they name and those that name none.
func (n named) resolve(ids []string) (accounts []consent.AccountID, unnamed []string) {
	for _, id := range ids {
		if a, ok := n.account(id); ok {
			accounts = append(accounts, a)
		} else {
			unnamed = append(unnamed, id)
		}
	}
	return accounts, unnamed
}

func (n named) account(public string) (consent.AccountID, bool) {
	for _, e := range n {
		if e.public == public {
			return e.account, true
		}
	}
	return "", false
}

func (n named) public(a consent.AccountID) string {
	for _, e := range n {
		if e.account == a {
			return e.public
		}
	}
	return ""
}
