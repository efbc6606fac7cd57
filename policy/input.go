package policy

import (
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"sluice/consent"
)

// input is the question as the rules see it. Every member is always present;
// what was not stated is null.
func (q Question) input() ast.Value {
	return object(
		member("now", number(q.At.UnixMilli())),
		member("today", number(int64(consent.DayOf(q.At)))),
		member("latest", number(int64(latestDay(q.At)))),
		member("caller", objectTerm(
			member("partner", ast.StringTerm(string(q.Partner))),
			member("active", ast.InternedTerm(q.PartnerActive)),
		)),
		member("bank", objectTerm(
			member("active", ast.InternedTerm(q.BankActive)),
			member("chat_pass", namesTerm(q.ChatPass.Names())),
		)),
		member("grant", q.grantTerm()),
		member("call", q.callTerm()),
		member("usage", objectTerm(
			member("unattended_today", number(int64(q.UnattendedToday))),
			member("first_release", instantOrNull(q.FirstRelease)),
		)),
	)
}

// farthestAhead is how far clocks anywhere are ahead of UTC.
const farthestAhead = 14 * time.Hour

// latestDay is the latest day that it is anywhere. Booking dates are days where
// the bank is, and nobody's word says where that is.
func latestDay(at time.Time) consent.Day { return consent.DayOf(at.Add(farthestAhead)) }

// grantTerm is the grant within the call's ceiling: the rules see no more of it
// than the token lets out.
func (q Question) grantTerm() *ast.Term {
	g, within := q.Grant, q.shares()
	shares := make([][2]*ast.Term, 0, len(within))
	for _, s := range within {
		shares = append(shares, member(string(s.Account), namesTerm(s.Clusters.Names())))
	}
	return objectTerm(
		member("partner", ast.StringTerm(string(g.Partner()))),
		member("status", ast.StringTerm(consent.StatusName(g.Status()))),
		member("purpose", ast.StringTerm(consent.PurposeName(g.Purpose()))),
		member("valid_until", number(g.ValidUntil().UnixMilli())),
		member("look_back_days", number(int64(g.LookBackDays()))),
		member("unattended_per_day", number(int64(g.UnattendedPerDay()))),
		member("one_time", ast.InternedTerm(g.OneTime())),
		member("shares", objectTerm(shares...)),
	)
}

func (q Question) callTerm() *ast.Term {
	accounts := make([]*ast.Term, len(q.Accounts))
	for i, a := range q.Accounts {
		accounts[i] = ast.StringTerm(string(a))
	}
	return objectTerm(
		member("kind", ast.StringTerm(q.Kind.String())),
		member("purpose", ast.StringTerm(consent.PurposeName(q.Purpose))),
		member("unattended", ast.InternedTerm(q.Unattended)),
		member("continues", ast.InternedTerm(q.Continues)),
		member("pushed", ast.InternedTerm(q.Pushed)),
		member("accounts", ast.ArrayTerm(accounts...)),
		member("unnamed", number(int64(q.Unnamed))),
		member("from", dayOrNull(q.From)),
		member("to", dayOrNull(q.To)),
	)
}

func object(members ...[2]*ast.Term) ast.Value     { return ast.NewObject(members...) }
func objectTerm(members ...[2]*ast.Term) *ast.Term { return ast.NewTerm(object(members...)) }
func member(name string, value *ast.Term) [2]*ast.Term {
	return [2]*ast.Term{ast.InternedTerm(name), value}
}

func namesTerm(names []string) *ast.Term {
	terms := make([]*ast.Term, len(names))
	for i, name := range names {
		terms[i] = ast.InternedTerm(name)
	}
	return ast.ArrayTerm(terms...)
}

func number(n int64) *ast.Term { return ast.IntNumberTerm(int(n)) }

func dayOrNull(d consent.Day) *ast.Term {
	if d == consent.NoDay {
		return ast.InternedNullTerm
	}
	return number(int64(d))
}

func instantOrNull(t time.Time) *ast.Term {
	if t.IsZero() {
		return ast.InternedNullTerm
	}
	return number(t.UnixMilli())
}
