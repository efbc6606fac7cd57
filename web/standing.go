package web

import (
	"fmt"

	"sluice/consent"
	"sluice/registry"
)

// standing is how a consent stands in practice: as its status says, unless a
// party may not take part. The consent goes on then, and nothing is read.
type standing struct {
	key, tone string
	barred    bool
}

// standing looks at who takes part. Only of a consent under which data would
// leave does that change what the customer is told.
func (v *visit) standing(c consent.Consent, p registry.Partner) (standing, error) {
	status := c.Seen()
	as := standing{key: statusKey(status), tone: tone(status)}
	if status != consent.Active {
		return as, nil
	}
	if p.Standing != registry.Active {
		return standing{key: "status.PARTNER_BARRED", tone: tone(consent.Suspended), barred: true}, nil
	}
	b, err := v.bank(c.Bank)
	if err != nil {
		return standing{}, err
	}
	if b.Standing != registry.Active {
		return standing{key: "status.BANK_BARRED", tone: tone(consent.Suspended), barred: true}, nil
	}
	return as, nil
}

// partner asks for each partner once in a visit. It is for one goroutine, as is bank.
func (v *visit) partner(id consent.PartnerID) (registry.Partner, error) {
	if p, asked := v.partners[id]; asked {
		return p, nil
	}
	p, err := v.config.Parties.Partner(v.ctx(), id)
	if err != nil {
		return registry.Partner{}, fmt.Errorf("find partner: %w", unavailable(err))
	}
	if v.partners == nil {
		v.partners = map[consent.PartnerID]registry.Partner{}
	}
	v.partners[id] = p
	return p, nil
}

// bank asks for each bank once in a visit.
func (v *visit) bank(id consent.BankID) (registry.Bank, error) {
	if b, asked := v.banks[id]; asked {
		return b, nil
	}
	b, err := v.config.Parties.Bank(v.ctx(), id)
	if err != nil {
		return registry.Bank{}, fmt.Errorf("find bank: %w", unavailable(err))
	}
	if v.banks == nil {
		v.banks = map[consent.BankID]registry.Bank{}
	}
	v.banks[id] = b
	return b, nil
}
