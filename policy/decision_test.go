package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/registry"
)

const allowed = `{"allow":true,"reasons":[],"refused":{},"window":[20776,20780],"access":{"limit":4,"remaining":3},"chat_pass":[],
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
		"no word of what passes":         {`"chat_pass":[],`, ``},
		"what passes is no list":         {`"chat_pass":[]`, `"chat_pass":{}`},
		"what passes is no string":       {`"chat_pass":[]`, `"chat_pass":[1]`},
		"something made up passes":       {`"chat_pass":[]`, `"chat_pass":["EVERYTHING"]`},
		"what passes is said twice":      {`"chat_pass":[]`, `"chat_pass":["CODES","CODES"]`},
		"what passes is out of order":    {`"chat_pass":[]`, `"chat_pass":["CODES","CARD_NUMBERS"]`},
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
		"after today":                   {`[20776,20780]`, `[20776,20783]`},
		"no days":                       {`[20776,20780]`, `null`},
		"days reversed":                 {`[20776,20780]`, `[20780,20779]`},
		"another account than asked":    {`"A1"`, `"A2"`},
		"codes pass in other data":      {`"chat_pass":[]`, `"chat_pass":["CODES"]`},
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

// conversing is a question about messages, and an answer that allows it.
func conversing(t *testing.T) (Question, decision) {
	t.Helper()
	c := consent.Consent{
		ID: "c1", Revision: 2, Status: consent.Active, Partner: "messenger", Bank: "morava", Customer: "9593",
		Asked: consent.Terms{Purpose: consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE}, ValidUntil: whole().At.AddDate(0, 1, 0),
		Shares: []consent.Share{{Account: "A1", Clusters: consent.ClustersOf(consent.Conversations)}},
	}
	q := whole()
	q.Grant, q.Kind, q.Purpose, q.Unattended = c.Grant(), Messages, c.Asked.Purpose, false
	q.ChatPass = registry.PassAccountNumbers | registry.PassCodes
	d, err := read(t, `{"allow":true,"reasons":[],"refused":{},"window":null,"access":{"limit":0,"remaining":0},"chat_pass":["CODES"],
		"permissions":{"A1":{"clusters":["CONVERSATIONS"],"masked":true}}}`)
	if err != nil {
		t.Fatal(err)
	}
	return q, d
}

// Whatever the rules become, no more passes than the bank lets pass, and only
// for customer service.
func TestConversationBeyondWhatTheBankLetsPassIsNone(t *testing.T) {
	if q, d := conversing(t); d.withinGrant(q) != nil || d.chatPass != registry.PassCodes {
		t.Fatalf("%v, %+v", d.withinGrant(q), d)
	}
	for name, but := range map[string]func(*Question, *decision){
		"the bank lets nothing pass":     func(q *Question, _ *decision) { q.ChatPass = 0 },
		"the bank lets pass others":      func(q *Question, _ *decision) { q.ChatPass = registry.PassCardNumbers },
		"more passes":                    func(_ *Question, d *decision) { d.chatPass |= registry.PassCardNumbers },
		"it is refused, and codes pass":  func(_ *Question, d *decision) { d.allow = false },
		"both sides say another purpose": func(q *Question, _ *decision) { q.Purpose = consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT },
		"days":                           func(_ *Question, d *decision) { d.from, d.to = 1, 2 },
		"another kind of data": func(q *Question, d *decision) {
			d.permissions["A1"] = Permission{Account: "A1", Clusters: consent.ClustersOf(consent.Balances), Masked: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			q, d := conversing(t)
			but(&q, &d)
			if d.withinGrant(q) == nil {
				t.Errorf("%+v is within the grant", d)
			}
		})
	}
	for _, purpose := range []consentv1.Purpose{consentv1.Purpose_PURPOSE_PAYMENT_SUPPORT, consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW} {
		q, d := conversing(t)
		c := consent.Consent{
			ID: "c1", Revision: 2, Status: consent.Active, Partner: "messenger", Bank: "morava", Customer: "9593",
			Asked: consent.Terms{Purpose: purpose}, ValidUntil: q.At.AddDate(0, 1, 0),
			Shares: []consent.Share{{Account: "A1", Clusters: consent.ClustersOf(consent.Conversations)}},
		}
		q.Grant, q.Purpose = c.Grant(), purpose
		if d.withinGrant(q) == nil {
			t.Errorf("conversations for %s", consent.PurposeName(purpose))
		}
	}
}
