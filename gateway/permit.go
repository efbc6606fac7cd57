package gateway

import (
	"context"

	"sluice/consent"
	"sluice/refusal"
)

// Permitted is leave for one act under a consent that takes no data out: the
// gate decided as it would for a pull. It is good for as long as the grant is
// as it says, which whoever acts has to hold it to. Only the gate makes one.
type Permitted struct {
	grant   consent.Grant
	account consent.AccountID
}

// Grant is the grant, as it stood when the gate decided.
func (p Permitted) Grant() consent.Grant { return p.grant }

// Account is the account of the act, by the bank's id.
func (p Permitted) Account() consent.AccountID { return p.account }

// Permit decides about an act on the ask's one account by the rules for data of
// the ask's kind, from the truth. Nobody is asked, nothing is recorded, and
// nothing may leave for it.
func (g *Gate) Permit(ctx context.Context, ask Ask) (Permitted, error) {
	p, err := g.permit(ctx, ask)
	g.tell(err)
	return p, err
}

func (g *Gate) permit(ctx context.Context, ask Ask) (Permitted, error) {
	grant, err := g.grant(ctx, ask, g.Grants.Newest)
	if err != nil {
		return Permitted{}, err
	}
	w, err := g.prepare(ask, grant)
	if err != nil {
		return Permitted{}, staleError{error: err}
	}
	verdict, err := g.decide(ctx, w)
	if err != nil {
		return Permitted{}, err
	}
	permissions := verdict.Permissions()
	if len(ask.Accounts) != 1 || len(w.accounts) != 1 || len(permissions) != 1 || permissions[0].Account != w.accounts[0] {
		return Permitted{}, refuse(refusal.AccountNotCovered)
	}
	return Permitted{grant: grant, account: w.accounts[0]}, nil
}
