package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/consent"
)

const allowed = `{"allow":true,"reasons":[],"refused":{},"window":[20776,20780],"access":{"limit":4,"remaining":3},
	"permissions":{"A1":{"clusters":["TRANSACTIONS_BASIC"],"masked":true}}}`

func read(t *testing.T, text string) (decision, error) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return readDecision(v)
}

func TestDecisionOfAnotherFormIsNone(t *testing.T) {
	if d, err := read(t, allowed); err != nil || !d.allow {
		t.Fatalf("%+v, %v", d, err)
	}
	for name, change := range map[string][2]string{
		"allow is no bool":               {`"allow":true`, `"allow":"true"`},
		"allow is missing":               {`"allow":true,`, ``},
		"a member too many":              {`"allow":true`, `"allow":true,"also":1`},
		"allowed for a reason":           {`"reasons":[]`, `"reasons":["CONSENT_PAUSED"]`},
		"refused without one":            {`"allow":true`, `"allow":false`},
		"a reason that is none":          {`"reasons":[]`, `"reasons":["BECAUSE"]`},
		"a reason that is no string":     {`"reasons":[]`, `"reasons":[7]`},
		"reasons are no list":            {`"reasons":[]`, `"reasons":{}`},
		"no permissions":                 {`{"A1":{"clusters":["TRANSACTIONS_BASIC"],"masked":true}}`, `{}`},
		"permissions are a list":         {`{"A1":{"clusters":["TRANSACTIONS_BASIC"],"masked":true}}`, `[]`},
		"a permission without a mask":    {`,"masked":true`, ``},
		"a mask that is no bool":         {`"masked":true`, `"masked":0`},
		"a cluster that is none":         {`["TRANSACTIONS_BASIC"]`, `["EVERYTHING"]`},
		"a cluster that is no string":    {`["TRANSACTIONS_BASIC"]`, `[4]`},
		"clusters are no list":           {`["TRANSACTIONS_BASIC"]`, `"TRANSACTIONS_BASIC"`},
		"an account refused for nothing": {`"refused":{}`, `"refused":{"A2":""}`},
		"refused is a list":              {`"refused":{}`, `"refused":[]`},
		"one day":                        {`[20776,20780]`, `[20776]`},
		"a day that is none":             {`[20776,20780]`, `[20776,"x"]`},
		"a day out of range":             {`[20776,20780]`, `[20776,20780000000000]`},
		"half a day":                     {`[20776,20780]`, `[20776,20780.5]`},
		"days are an object":             {`[20776,20780]`, `{}`},
		"no limit":                       {`"limit":4,`, ``},
		"a limit that is no number":      {`"limit":4`, `"limit":"4"`},
		"access is a number":             {`{"limit":4,"remaining":3}`, `3`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(allowed, change[0], change[1], 1)
			if text == allowed {
				t.Fatal("nothing was changed")
			}
			if d, err := read(t, text); err == nil {
				t.Errorf("read as %+v", d)
			}
		})
	}
	if _, err := readDecision(nil); err == nil {
		t.Error("no decision was read as one")
	}
}

// Whatever the rules become, they can't release what was not agreed.
func TestDecisionBeyondTheGrantIsNone(t *testing.T) {
	if d, err := read(t, allowed); err != nil || d.withinGrant(whole()) != nil {
		t.Fatalf("%v, %v", err, d.withinGrant(whole()))
	}
	for name, change := range map[string][2]string{
		"an account of nobody":          {`"A1"`, `"A9"`},
		"a cluster not shared":          {`["TRANSACTIONS_BASIC"]`, `["TRANSACTIONS_BASIC","CARDS"]`},
		"not what was asked for":        {`["TRANSACTIONS_BASIC"]`, `[]`},
		"unmasked":                      {`"masked":true`, `"masked":false`},
		"before the look-back":          {`[20776,20780]`, `[20691,20780]`},
		"before the days asked for":     {`[20776,20780]`, `[20775,20780]`},
		"after the days asked for":      {`[20776,20780]`, `[20776,20781]`},
		"after today":                   {`[20776,20780]`, `[20776,20782]`},
		"no days":                       {`[20776,20780]`, `null`},
		"days reversed":                 {`[20776,20780]`, `[20780,20779]`},
		"another account than asked":    {`"A1"`, `"A2"`},
		"refused one that nobody asked": {`"refused":{}`, `"refused":{"A7":"ACCOUNT_NOT_COVERED"}`},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := read(t, strings.Replace(allowed, change[0], change[1], 1))
			if err != nil {
				t.Fatal(err)
			}
			if d.withinGrant(whole()) == nil {
				t.Errorf("%+v is within the grant", d)
			}
		})
	}
	for name, but := range map[string]func(*Question){
		"another partner":           func(q *Question) { q.Partner = "other" },
		"another purpose":           func(q *Question) { q.Purpose++ },
		"after its end":             func(q *Question) { q.At = q.Grant.ValidUntil() },
		"no access left":            func(q *Question) { q.UnattendedToday = 4 },
		"days for cards":            func(q *Question) { q.Kind = Cards },
		"days for alerts":           func(q *Question) { q.Kind = Alerts },
		"an event, for one sitting": func(q *Question) { q.Pushed = true },
		"a token without the account": func(q *Question) {
			q.Ceiling = map[consent.AccountID]consent.Clusters{"A2": consent.ClustersOf(consent.TransactionsBasic)}
		},
		"a token without the kind of data": func(q *Question) {
			q.Ceiling = map[consent.AccountID]consent.Clusters{"A1": consent.ClustersOf(consent.Balances)}
		},
		"a token of nothing": func(q *Question) { q.Ceiling = map[consent.AccountID]consent.Clusters{} },
	} {
		t.Run(name, func(t *testing.T) {
			d, err := read(t, allowed)
			if err != nil {
				t.Fatal(err)
			}
			q := whole()
			but(&q)
			if d.withinGrant(q) == nil {
				t.Error("it is within the grant")
			}
		})
	}
}
