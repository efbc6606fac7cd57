package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/bank"
	"sluice/consent"
	"sluice/consent/barrier"
	"sluice/disclosure"
	"sluice/gateway/fields"
	"sluice/mutant"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
	"sluice/seal"
)

// Grants finds grants, or consent.ErrNotFound.
type Grants interface {
	// Grant may be behind the truth.
	Grant(ctx context.Context, id consent.ID) (consent.Grant, error)
	// Newest reads the truth.
	Newest(ctx context.Context, id consent.ID) (consent.Grant, error)
}

// Parties knows the standing of partners and banks.
type Parties interface {
	Partner(ctx context.Context, id consent.PartnerID) (registry.Partner, error)
	Bank(ctx context.Context, id consent.BankID) (registry.Bank, error)
}

// Decider answers what may be shared.
type Decider interface {
	Decide(ctx context.Context, q policy.Question) (policy.Verdict, error)
}

// Recorder records a release under the fence; see disclosure.Recorder.
type Recorder interface {
	Record(ctx context.Context, e disclosure.Entry) (disclosure.Receipt, error)
	// Outcome notes that a release was withheld after all, or left late.
	Outcome(of disclosure.Receipt, what disclosure.Outcome)
}

// Usage knows how a consent was used on a day.
type Usage interface {
	Usage(ctx context.Context, id consent.ID, day consent.Day) (disclosure.Usage, error)
}

// Refusals hears what a consent kept back of what its partner asked for. It is
// called by many goroutines at once and must not block.
type Refusals interface {
	Refused(id consent.ID, reason refusal.Reason, at time.Time)
}

// Observer hears what operators watch. It is called by many goroutines at once
// and must not block.
type Observer interface {
	// Dropped: a bank answered beyond what was permitted.
	Dropped(bank consent.BankID, d fields.Dropped)
	// Released: a release was recorded, and this became of it.
	Released(what disclosure.Outcome)
}

// Config is what a Gate is made of; every member is needed.
type Config struct {
	Grants   Grants
	Parties  Parties
	Policy   Decider
	Banks    bank.Directory
	Recorder Recorder
	Usage    Usage
	Refusals Refusals
	HandOffs *barrier.Gates
	Pairwise Pairwise
	Tokens   *seal.Sealer
	Observer Observer
	Now      func() time.Time
}

// Gate releases data. It may be used by many goroutines.
type Gate struct {
	Config
	answers answers
}

// New makes a gate. It fails if the contract's marks can't be compiled.
func New(c Config) (*Gate, error) {
	a, err := compileAnswers()
	if err != nil {
		return nil, fmt.Errorf("make gate: %w", err)
	}
	return &Gate{Config: c, answers: a}, nil
}

// Release answers an ask, or refuses it with a *refusal.Error. Whoever gets a
// Released hands it over and then calls its Sent.
//
// The walk begins with a grant that may be old. When the fence says so, or the
// grant says no, it starts again once from the truth: only the truth refuses.
func (g *Gate) Release(ctx context.Context, ask Ask) (Released, error) {
	return g.release(ctx, ask, g.fetch)
}

// release walks once, and once more from the truth.
func (g *Gate) release(ctx context.Context, ask Ask, from source) (Released, error) {
	released, err := g.walk(ctx, ask, g.Grants.Grant, from)
	var no staleError
	if errors.Is(err, disclosure.ErrGrantChanged) || errors.As(err, &no) && !mutant.Is(mutant.StaleNo) {
		released, err = g.walk(ctx, ask, g.Grants.Newest, from)
	}
	return g.end(released, err)
}

// end is what the caller is told, and the customer, once there is no other walk.
func (g *Gate) end(released Released, err error) (Released, error) {
	if errors.Is(err, disclosure.ErrGrantChanged) {
		return Released{}, refusal.Because(refusal.GrantChanged, "the consent changed during the call; try again", err)
	}
	g.tell(err)
	return released, err
}

// walk is the one way from an ask to a release.
func (g *Gate) walk(ctx context.Context, ask Ask, find finder, from source) (Released, error) {
	grant, err := g.grant(ctx, ask, find)
	if err != nil {
		return Released{}, err
	}
	w, err := g.prepare(ask, grant)
	if err != nil {
		return Released{}, staleError{error: err}
	}
	verdict, err := g.decide(ctx, w)
	if err != nil {
		return Released{}, err
	}
	answer, err := from(ctx, w, verdict)
	if err != nil {
		return Released{}, err
	}
	defer answer.Free()
	shown, err := g.filter(w, verdict, answer)
	if err != nil {
		return Released{}, err
	}
	began := g.HandOffs.Now()
	receipt, err := g.record(ctx, w, verdict, shown)
	if err != nil {
		return Released{}, err
	}
	released, err := g.seal(w, verdict, shown, receipt)
	if err != nil {
		return Released{}, err
	}
	return g.handOff(w, released, began)
}

// errNoToken: a partner that calls by token showed none.
var errNoToken = errors.New("no access token was shown")

// finder is one of Grants' methods.
type finder func(ctx context.Context, id consent.ID) (consent.Grant, error)

// source is where the walk's answer comes from: the bank, or an event of its.
type source func(ctx context.Context, w walked, v policy.Verdict) (bank.Answer, error)

// staleError is a refusal that a newer grant might not make. Where the policy
// denied, it says under which consent of the partner's own, when, and what that
// consent itself kept back.
type staleError struct {
	error
	under consent.ID
	at    time.Time
	kept  refusal.Reason
}

// Unwrap is the refusal.
func (e staleError) Unwrap() error { return e.error }

// grant finds the grant. A partner can't tell another's consent from none.
func (g *Gate) grant(ctx context.Context, ask Ask, find finder) (consent.Grant, error) {
	grant, err := find(ctx, ask.Consent)
	switch {
	case errors.Is(err, consent.ErrNotFound):
		return consent.Grant{}, refuse(refusal.ConsentNotFound)
	case err != nil:
		return consent.Grant{}, unavailable(ctx, refusal.RecordUnavailable, fmt.Errorf("find grant: %w", err))
	case grant.Partner() != ask.Partner, ask.pushed && grant.Bank() != ask.bank:
		return consent.Grant{}, refuse(refusal.ConsentNotFound)
	}
	return grant, nil
}

func (g *Gate) decide(ctx context.Context, w walked) (policy.Verdict, error) {
	q, err := g.question(ctx, w)
	if errors.Is(err, errNoToken) {
		return policy.Verdict{}, refusal.Because(refusal.TokenInvalid, explain(refusal.TokenInvalid), err)
	}
	if err != nil {
		return policy.Verdict{}, unavailable(ctx, refusal.RecordUnavailable, err)
	}
	verdict, err := g.Policy.Decide(ctx, q)
	if err != nil {
		return policy.Verdict{}, unavailable(ctx, refusal.PolicyUnavailable, fmt.Errorf("decide: %w", err))
	}
	if !verdict.Allowed() {
		no := denied(w, verdict)
		if w.ask.pushed {
			return policy.Verdict{}, staleError{error: no} // the partner asked for nothing
		}
		return policy.Verdict{}, staleError{no, w.grant.ID(), w.at, g.kept(ctx, w, q, refusal.ReasonOf(no))}
	}
	return verdict, nil
}

func (g *Gate) question(ctx context.Context, w walked) (policy.Question, error) {
	partner, err := g.Parties.Partner(ctx, w.grant.Partner())
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return policy.Question{}, fmt.Errorf("read partner: %w", err)
	}
	if mustShowToken(partner) && w.ask.Ceiling == nil && !w.ask.pushed {
		return policy.Question{}, errNoToken
	}
	holder, err := g.Parties.Bank(ctx, w.grant.Bank())
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return policy.Question{}, fmt.Errorf("read bank: %w", err)
	}
	var usage disclosure.Usage
	if w.ask.Unattended && !w.ask.pushed || w.grant.OneTime() {
		// Who is present has no limit, and an event is no access: there is nothing to count.
		if usage, err = g.Usage.Usage(ctx, w.grant.ID(), consent.DayOf(w.at)); err != nil {
			return policy.Question{}, fmt.Errorf("read usage: %w", err)
		}
	}
	return policy.Question{
		At: w.at, Grant: w.grant, Partner: w.ask.Partner,
		PartnerActive: partner.Standing == registry.Active, BankActive: holder.Standing == registry.Active,
		ChatPass: holder.Chat, Kind: w.ask.Kind, Purpose: w.ask.Purpose, Unattended: w.ask.Unattended, Continues: w.continues != "", Pushed: w.ask.pushed,
		Accounts: w.accounts, Unnamed: len(w.unnamed), Ceiling: w.ceiling(), From: w.ask.From, To: w.ask.To,
		UnattendedToday: usage.Unattended, FirstRelease: usage.First,
	}, nil
}

// fetch asks the bank only for what the verdict permits.
func (g *Gate) fetch(ctx context.Context, w walked, v policy.Verdict) (bank.Answer, error) {
	source, err := g.Banks.Source(ctx, w.grant.Bank())
	if err != nil {
		return bank.Answer{}, unavailable(ctx, refusal.BankUnavailable, fmt.Errorf("find bank: %w", err))
	}
	method := g.answers.method(w.ask.Kind)
	if w.ask.tells != "" {
		method = w.ask.tells
	}
	answer, err := source.Fetch(ctx, method, w.request(v))
	if err != nil {
		return bank.Answer{}, notTaken(ctx, method, fmt.Errorf("ask bank %s: %w", w.grant.Bank(), err))
	}
	return answer, nil
}

// request asks the bank for what the verdict permits, and tells it no more than
// that lets pass.
func (w walked) request(v policy.Verdict) bank.Request {
	r := bank.Request{Customer: w.grant.Customer()}
	for _, p := range v.Permissions() {
		r.Accounts = append(r.Accounts, p.Account)
		r.Clusters |= p.Clusters
	}
	switch {
	case w.ask.Kind == policy.Transactions:
		r.From, r.To, r.PageSize, r.PageToken = v.From(), v.To(), w.pageSize(), w.bankPage
	case w.ask.Kind.Conversational():
		r.Partner, r.Consent, r.Words, r.PageSize = w.grant.Partner(), w.grant.ID(), masked(w.ask.Words, v), w.ask.PageSize
	}
	return r
}

// filter keeps what the verdict permits, whatever the bank answered.
func (g *Gate) filter(w walked, v policy.Verdict, a bank.Answer) (fields.Shown, error) {
	permit := fields.Permit{From: v.From(), To: v.To(), Consent: w.grant.ID(), Pass: passing(v)}
	for _, p := range v.Permissions() {
		permit.Accounts = append(permit.Accounts, fields.Account{
			ID: p.Account, Public: w.names.public(p.Account), Clusters: p.Clusters, Masked: p.Masked,
		})
	}
	shown, err := g.answers.table(w.ask.Kind).Keep(make([]byte, 0, len(a.Bytes)+64*len(permit.Accounts)), a.Bytes, permit)
	if err != nil {
		return fields.Shown{}, refusal.Because(refusal.BankAnswerInvalid, explain(refusal.BankAnswerInvalid), err)
	}
	if shown.Dropped() != (fields.Dropped{}) {
		g.Observer.Dropped(w.grant.Bank(), shown.Dropped())
	}
	if w.ask.pushed && shown.Items() == 0 {
		return fields.Shown{}, nothingPushed(shown)
	}
	if len(shown.Accounts()) == 0 {
		return fields.Shown{}, nothingAnswered(shown)
	}
	if w.ask.tells != "" && shown.Items() == 0 {
		return fields.Shown{}, refuse(refusal.BankAnswerInvalid)
	}
	return shown, nil
}

// record is the release point: it succeeds only under a grant that is still so.
func (g *Gate) record(ctx context.Context, w walked, v policy.Verdict, s fields.Shown) (disclosure.Receipt, error) {
	receipt, err := g.Recorder.Record(ctx, disclosure.Entry{
		Grant: w.grant, Method: w.ask.Method, Accounts: s.Accounts(), Clusters: s.Clusters(),
		Purpose: w.ask.Purpose, Unattended: w.ask.Unattended, Continues: w.continues, Pushed: w.ask.pushed, Items: s.Items(),
		PolicyRevision: v.Revision(), RequestID: w.ask.RequestID,
	})
	if errors.Is(err, disclosure.ErrGrantChanged) {
		return disclosure.Receipt{}, err
	}
	if err != nil {
		return disclosure.Receipt{}, unavailable(ctx, refusal.RecordUnavailable, err)
	}
	return receipt, nil
}
