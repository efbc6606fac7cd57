package web

import (
	"context"
	"net/http"
	"time"

	"sluice/consent"
	"sluice/registry"
)

// patience is how long a page may wait for others: the record, banks, barriers.
const patience = 20 * time.Second

// barrierPatience is how long it waits for a revoke to be in force everywhere:
// short enough to say then how it stands.
const barrierPatience = 12 * time.Second

// visit is one request, with what is known about the browser. The time is read
// once.
type visit struct {
	*Site
	w       http.ResponseWriter
	r       *http.Request
	at      time.Time
	words   *speech
	browser string // the cookie's value; set even when nobody is logged in
	session Session
	// partners and banks are those that cards have asked for; a long list has few.
	partners map[consent.PartnerID]registry.Partner
	banks    map[consent.BankID]registry.Bank
}

func (s *Site) visit(w http.ResponseWriter, r *http.Request, do action) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	s.attend(w, r.WithContext(ctx), do) //nolint:contextcheck // the request carries it
}

func (s *Site) attend(w http.ResponseWriter, r *http.Request, do action) {
	v := &visit{Site: s, w: w, r: r, at: s.config.Now()}
	v.words = s.speech[v.language()]
	if v.switched() {
		return
	}
	err := v.recognise()
	if err == nil {
		err = do(v)
	}
	if err != nil {
		v.fail(err)
	}
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// see sends the browser to another page here, by GET.
func (v *visit) see(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// as is the scope of a logged-in customer.
func (i Identity) as() consent.ByCustomer {
	return consent.ByCustomer{Bank: i.Bank, Customer: i.Customer}
}

// identity is who the session is at a bank.
func (v *visit) identity(b consent.BankID) (Identity, bool) {
	for _, i := range v.session.Identities {
		if i.Bank == b {
			return i, true
		}
	}
	return Identity{}, false
}
