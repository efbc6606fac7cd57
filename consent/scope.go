package consent

import "slices"

// Scope says on whose behalf a Book is asked: which consents can be reached,
// and in what role they are changed. A consent out of reach is refused exactly
// like one that does not exist. The zero value of each scope reaches nothing.
type Scope interface {
	reaches(c Consent) bool
	actor(c Consent) Actor
}

// ByCustomer is one customer of one bank, as that bank authenticated them. It
// reaches the customer's own consents, those that name them as a co-holder and
// are not hidden, and any PENDING one of the bank whose id they know.
type ByCustomer struct {
	Bank     BankID
	Customer CustomerID
}

func (s ByCustomer) reaches(c Consent) bool {
	if s.Customer == "" || s.Bank == "" || s.Bank != c.Bank {
		return false
	}
	return s.decides(c) || !c.Hidden && slices.Contains(c.CoHolders, s.Customer)
}

// decides says whether it is the customer's consent, or may become it.
func (s ByCustomer) decides(c Consent) bool { return c.Customer == s.Customer || c.Status == Pending }

func (s ByCustomer) actor(c Consent) Actor {
	if s.decides(c) {
		return Actor{Kind: ActorCustomer, ID: string(s.Customer)}
	}
	return Actor{Kind: ActorCoHolder, ID: string(s.Customer)}
}

// ByPartner is a partner. It reaches the consents that partner asked for.
type ByPartner PartnerID

func (s ByPartner) reaches(c Consent) bool { return s != "" && PartnerID(s) == c.Partner }
func (s ByPartner) actor(Consent) Actor    { return Actor{Kind: ActorPartner, ID: string(s)} }

// ByBank is a bank. It reaches all consents about its data.
type ByBank BankID

func (s ByBank) reaches(c Consent) bool { return s != "" && BankID(s) == c.Bank }
func (s ByBank) actor(Consent) Actor    { return Actor{Kind: ActorBank, ID: string(s)} }

// ByOperator is an operator of the gateway, by name. It reaches every consent.
type ByOperator string

func (s ByOperator) reaches(Consent) bool { return s != "" }
func (s ByOperator) actor(Consent) Actor  { return Actor{Kind: ActorOperator, ID: string(s)} }

// bySystem is the gateway itself, by a rule.
type bySystem struct{}

func (bySystem) reaches(Consent) bool { return true }
func (bySystem) actor(Consent) Actor  { return Actor{Kind: ActorSystem} }
