package grantdb

import (
	"encoding/json"
	"fmt"
	"time"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
)

// content is a revision as it stands in SQL: JSON with names, so that a person
// can read it. What the columns of the same row say is not repeated.
type content struct {
	Partner      string    `json:"partner"`
	Bank         string    `json:"bank"`
	Customer     string    `json:"customer,omitempty"`
	Asked        asked     `json:"asked"`
	Shares       []share   `json:"shares,omitempty"`
	LookBackDays int       `json:"look_back_days"`
	ValidUntil   time.Time `json:"valid_until"`
	EndClamped   bool      `json:"end_clamped,omitempty"`
	HeldBy       []string  `json:"held_by,omitempty"`
	Awaiting     []string  `json:"awaiting,omitempty"`
	CoHolders    []string  `json:"co_holders,omitempty"`
	Hidden       bool      `json:"hidden_from_co_holders,omitempty"`
	RenewalAsked time.Time `json:"renewal_asked,omitzero"`
	RenewalAskAt time.Time `json:"renewal_asked_at,omitzero"`
	EndAnnounced time.Time `json:"end_announced,omitzero"`
	CreatedAt    time.Time `json:"created_at"`
	ChangedAt    time.Time `json:"changed_at"`
	DecidedAt    time.Time `json:"decided_at,omitzero"`
}

type asked struct {
	Clusters         []string  `json:"clusters"`
	Purpose          string    `json:"purpose"`
	PurposeText      string    `json:"purpose_text"`
	LookBackDays     int       `json:"look_back_days"`
	ValidUntil       time.Time `json:"valid_until"`
	UnattendedPerDay int       `json:"unattended_per_day"`
	OneTime          bool      `json:"one_time,omitempty"`
	RetentionDays    int       `json:"retention_days"`
}

type share struct {
	Account  string   `json:"account"`
	Clusters []string `json:"clusters"`
}

type namedHold struct {
	hold consent.Holds
	name string
}

func holders() []namedHold {
	return []namedHold{
		{consent.HeldByCustomer, "CUSTOMER"}, {consent.HeldByBank, "BANK"}, {consent.HeldByOperator, "OPERATOR"},
	}
}

func encode(c consent.Consent) (string, error) {
	out := content{
		Partner: string(c.Partner), Bank: string(c.Bank), Customer: string(c.Customer),
		Asked: asked{
			Clusters: c.Asked.Clusters.Names(), Purpose: consent.PurposeName(c.Asked.Purpose), PurposeText: c.Asked.PurposeText,
			LookBackDays: c.Asked.LookBackDays, ValidUntil: c.Asked.ValidUntil, UnattendedPerDay: c.Asked.UnattendedPerDay,
			OneTime: c.Asked.OneTime, RetentionDays: c.Asked.RetentionDays,
		},
		LookBackDays: c.LookBackDays, ValidUntil: c.ValidUntil, EndClamped: c.EndClamped,
		Awaiting: texts(c.Awaiting), CoHolders: texts(c.CoHolders), Hidden: c.Hidden,
		RenewalAsked: c.RenewalAsked, RenewalAskAt: c.RenewalAskAt, EndAnnounced: c.EndAnnounced,
		CreatedAt: c.CreatedAt, ChangedAt: c.ChangedAt, DecidedAt: c.DecidedAt,
	}
	for _, s := range c.Shares {
		out.Shares = append(out.Shares, share{Account: string(s.Account), Clusters: s.Clusters.Names()})
	}
	for _, h := range holders() {
		if c.Holds&h.hold != 0 {
			out.HeldBy = append(out.HeldBy, h.name)
		}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return "", fmt.Errorf("encode consent: %w", err)
	}
	return string(raw), nil
}

// decode reads a revision. A name that is not known fails: half a consent must
// not pass for a whole one.
func decode(id consent.ID, revision int64, status, raw string) (consent.Consent, error) {
	var in content
	if err := json.Unmarshal([]byte(raw), &in); err != nil {
		return consent.Consent{}, fmt.Errorf("decode consent %s: %w", id, err)
	}
	var names namer
	c := consent.Consent{
		ID: id, Revision: revision, Status: names.status(status),
		Partner: consent.PartnerID(in.Partner), Bank: consent.BankID(in.Bank), Customer: consent.CustomerID(in.Customer),
		Asked: consent.Terms{
			Clusters: names.clusters(in.Asked.Clusters), Purpose: names.purpose(in.Asked.Purpose), PurposeText: in.Asked.PurposeText,
			LookBackDays: in.Asked.LookBackDays, ValidUntil: in.Asked.ValidUntil, UnattendedPerDay: in.Asked.UnattendedPerDay,
			OneTime: in.Asked.OneTime, RetentionDays: in.Asked.RetentionDays,
		},
		LookBackDays: in.LookBackDays, ValidUntil: in.ValidUntil, EndClamped: in.EndClamped,
		Holds: names.holds(in.HeldBy), Awaiting: customers(in.Awaiting), CoHolders: customers(in.CoHolders), Hidden: in.Hidden,
		RenewalAsked: in.RenewalAsked, RenewalAskAt: in.RenewalAskAt, EndAnnounced: in.EndAnnounced,
		CreatedAt: in.CreatedAt, ChangedAt: in.ChangedAt, DecidedAt: in.DecidedAt,
	}
	// Revisions that were kept before these two were: all who are awaited were
	// named, and the last change was a decision.
	if in.CoHolders == nil {
		c.CoHolders = customers(in.Awaiting)
	}
	if in.DecidedAt.IsZero() {
		c.DecidedAt = in.ChangedAt
	}
	for _, s := range in.Shares {
		c.Shares = append(c.Shares, consent.Share{Account: consent.AccountID(s.Account), Clusters: names.clusters(s.Clusters)})
	}
	if names.unknown != "" {
		return consent.Consent{}, fmt.Errorf("decode consent %s: unknown name %q", id, names.unknown)
	}
	return c, nil
}

// texts and customers are nil for none.
func texts(ids []consent.CustomerID) []string {
	var out []string
	for _, id := range ids {
		out = append(out, string(id))
	}
	return out
}

func customers(names []string) []consent.CustomerID {
	var out []consent.CustomerID
	for _, name := range names {
		out = append(out, consent.CustomerID(name))
	}
	return out
}

// namer reads names of the closed lists and remembers one that is in none.
type namer struct{ unknown string }

func (n *namer) clusters(names []string) consent.Clusters {
	var list []consent.Cluster
	for _, name := range names {
		c, ok := consent.ParseCluster(name)
		if !ok {
			n.unknown = name
		}
		list = append(list, c)
	}
	return consent.ClustersOf(list...)
}

func (n *namer) number(names map[string]int32, prefix, name string) int32 {
	v, ok := names[prefix+name]
	if !ok || v == 0 {
		n.unknown = name
	}
	return v
}

func (n *namer) purpose(name string) consent.Purpose {
	return consent.Purpose(n.number(consentv1.Purpose_value, "PURPOSE_", name))
}

func (n *namer) status(name string) consent.Status {
	return consent.Status(n.number(consentv1.ConsentStatus_value, "CONSENT_STATUS_", name))
}

func (n *namer) holds(names []string) consent.Holds {
	var out consent.Holds
	for _, name := range names {
		known := false
		for _, h := range holders() {
			if h.name == name {
				out, known = out|h.hold, true
			}
		}
		if !known {
			n.unknown = name
		}
	}
	return out
}

// change reads a change's names.
func (n *namer) change(ch *consent.Change, kind, actor, why, status string) {
	ch.Kind = consent.ChangeKind(n.number(consentv1.ChangeKind_value, "CHANGE_KIND_", kind))
	ch.Actor.Kind = consent.ActorKind(n.number(consentv1.ActorKind_value, "ACTOR_KIND_", actor))
	ch.Status = n.status(status)
	if why != consent.WhyName(consent.WhyUnstated) {
		ch.Why = consent.Why(n.number(consentv1.ChangeReason_value, "CHANGE_REASON_", why))
	}
}
