package partnerapi_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway"
	"sluice/gateway/partnerapi"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
	"sluice/registry"
)

// conversing is a gate that keeps what it was asked and told.
type conversing struct {
	asking
	told []bank.Method
}

func (c *conversing) Converse(ctx context.Context, ask gateway.Ask, m bank.Method) (gateway.Released, error) {
	c.told = append(c.told, m)
	return c.Release(ctx, ask)
}

// site is where one partner's customers come back to.
type site struct {
	uris []string
	err  error
}

func (s site) Partner(_ context.Context, id consent.PartnerID) (registry.Partner, error) {
	return registry.Partner{ID: id, Client: registry.Client{RedirectURIs: s.uris}}, s.err
}

func converse(ctx context.Context, t *testing.T, gate *conversing, s site, name string, request proto.Message) error {
	t.Helper()
	var r registrar
	partnerapi.NewConversations(gate, s).Register(&r)
	for _, m := range r.desc.Methods {
		if m.MethodName == name {
			_, err := m.Handler(nil, ctx, func(in any) error { proto.Merge(in.(proto.Message), request); return nil }, nil)
			return err
		}
	}
	t.Fatalf("%s is not served", name)
	return nil
}

func file(url string) *datav1.Attachment { return &datav1.Attachment{Name: "a", Url: url} }

var told = []struct {
	method  bank.Method
	name    string
	request func(*partnerv1.Access) proto.Message
	words   bank.Words
}{
	{bank.StartConversation, "StartConversation", func(a *partnerv1.Access) proto.Message {
		return &partnerv1.StartConversationRequest{Access: a, AccountId: "acc_1", ClientId: "n", Topic: "t", Text: "x", Attachments: []*datav1.Attachment{file("https://m.example/1")}}
	}, bank.Words{ClientID: "n", Topic: "t", Text: "x", Attachments: []*datav1.Attachment{file("https://m.example/1")}}},
	{bank.SendMessage, "SendMessage", func(a *partnerv1.Access) proto.Message {
		return &partnerv1.SendMessageRequest{Access: a, AccountId: "acc_1", ConversationId: "c", ClientId: "n", Text: "x", Attachments: []*datav1.Attachment{file("https://m.example/2")}}
	}, bank.Words{Conversation: "c", ClientID: "n", Text: "x", Attachments: []*datav1.Attachment{file("https://m.example/2")}}},
	{bank.MarkConversation, "MarkConversation", func(a *partnerv1.Access) proto.Message {
		return &partnerv1.MarkConversationRequest{Access: a, AccountId: "acc_1", ConversationId: "c", ReadUpTo: "m", Typing: true}
	}, bank.Words{Conversation: "c", ReadUpTo: "m", Typing: true}},
	{bank.CloseConversation, "CloseConversation", func(a *partnerv1.Access) proto.Message {
		return &partnerv1.CloseConversationRequest{Access: a, AccountId: "acc_1", ConversationId: "c"}
	}, bank.Words{Conversation: "c"}},
}

func TestWhatACustomerSaysIsHandedOnAsItIs(t *testing.T) {
	own := site{uris: []string{"https://m.example/back"}}
	for _, tt := range told {
		gate := &conversing{}
		err := converse(with(t, of("con_1")), t, gate, own, tt.name, tt.request(present("con_1")))
		if refusal.ReasonOf(err) != refusal.ConsentPaused || len(gate.told) != 1 || gate.told[0] != tt.method {
			t.Fatalf("%s = %v; told %v", tt.name, err, gate.told)
		}
		a := gate.asks[0]
		if diff := cmp.Diff(tt.words, a.Words, protocmp.Transform()); diff != "" {
			t.Errorf("%s told (-want +got):\n%s", tt.name, diff)
		}
		if a.Partner != "messenger" || a.Consent != "con_1" || len(a.Accounts) != 1 || a.Accounts[0] != "acc_1" || a.Ceiling == nil ||
			a.Unattended || a.Method != "sluice.partner.v1.ConversationService/"+tt.name {
			t.Errorf("%s asked %+v", tt.name, a)
		}
	}
}

// The gate refuses whoever is not there; it must be told.
func TestTheGateIsToldWhoIsNotThere(t *testing.T) {
	own := site{uris: []string{"https://m.example/back"}}
	for _, tt := range told {
		for _, attendance := range []partnerv1.Attendance{partnerv1.Attendance_ATTENDANCE_UNATTENDED, partnerv1.Attendance_ATTENDANCE_UNSPECIFIED, 7} {
			gate, a := &conversing{}, present("con_1")
			a.Attendance = attendance
			_ = converse(with(t, of("con_1")), t, gate, own, tt.name, tt.request(a)) // this gate refuses all
			if len(gate.asks) != 1 || !gate.asks[0].Unattended {
				t.Errorf("%s, %s: the gate was asked %+v", tt.name, attendance, gate.asks)
			}
		}
	}
}

func TestNothingIsSaidWithoutTheRight(t *testing.T) {
	own := site{uris: []string{"https://m.example/back"}}
	for _, tt := range told {
		for name, c := range map[string]struct {
			ctx  context.Context
			want refusal.Reason
		}{
			"no caller":               {t.Context(), refusal.CallerUnknown},
			"another consent's token": {with(t, of("con_2")), refusal.TokenInvalid},
		} {
			gate := &conversing{}
			err := converse(c.ctx, t, gate, own, tt.name, tt.request(present("con_1")))
			if refusal.ReasonOf(err) != c.want || len(gate.told) != 0 {
				t.Errorf("%s, %s: %v, want %s; told %v", tt.name, name, err, refusal.Name(c.want), gate.told)
			}
		}
	}
}

func TestABankIsSentToNoHostButThePartners(t *testing.T) {
	own := site{uris: []string{"https://m.example/back", "https://app.m.example:8443/x", "http://plain.example/x", "m.app:/x"}}
	for url, good := range map[string]bool{
		"https://m.example/files/1?k=2":      true,
		"https://M.Example/1":                true,
		"https://m.example:443/1":            true,
		"https://app.m.example:8443/1":       true,
		"https://app.m.example/1":            false,
		"https://m.example:8080/1":           false,
		"https://other.example/1":            false,
		"https://m.example.other.example/1":  false,
		"https://other.example/m.example":    false,
		"https://m.example@other.example/1":  false,
		"https://u:p@m.example/1":            false,
		"https://other.example\\@m.example/": false,
		"https://plain.example/1":            false,
		"http://m.example/1":                 false,
		"https://127.0.0.1/1":                false,
		"https://m.app/1":                    false,
		"https:///1":                         false,
		"//m.example/1":                      false,
		"":                                   false,
	} {
		gate := &conversing{}
		err := converse(with(t, of("con_1")), t, gate, own, "SendMessage", &partnerv1.SendMessageRequest{
			Access: present("con_1"), AccountId: "acc_1", Attachments: []*datav1.Attachment{file("https://m.example/first"), file(url)},
		})
		if (len(gate.told) == 1) != good {
			t.Errorf("%q was handed on: %t", url, !good)
		}
		var r *refusal.Error
		if !good && (!errors.As(err, &r) || r.Reason != refusal.InvalidRequest || len(r.Violations) != 1 || r.Violations[0].Field != "attachments[1].url") {
			t.Errorf("%q: %v", url, err)
		}
	}
	for name, s := range map[string]site{"without a site": {}, "while the registry is away": {uris: own.uris, err: errors.New("away")}} {
		gate := &conversing{}
		if err := converse(with(t, of("con_1")), t, gate, s, "SendMessage", told[1].request(present("con_1"))); err == nil || len(gate.told) != 0 {
			t.Errorf("%s: %v; told %v", name, err, gate.told)
		}
	}
}

func TestConversationsAreListedThroughTheGateWithOrWithoutTheCustomer(t *testing.T) {
	for _, attendance := range []partnerv1.Attendance{partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT, partnerv1.Attendance_ATTENDANCE_UNATTENDED} {
		a := present("con_1")
		a.Attendance = attendance
		gate := &conversing{}
		for _, tt := range []struct {
			name    string
			request proto.Message
			want    gateway.Ask
		}{
			{
				"ListConversations", &partnerv1.ListConversationsRequest{Access: a, AccountIds: []string{"acc_1", "acc_2"}, OpenOnly: true},
				gateway.Ask{Kind: policy.Conversations, Accounts: []string{"acc_1", "acc_2"}, Words: bank.Words{OpenOnly: true}},
			},
			{
				"ListMessages", &partnerv1.ListMessagesRequest{Access: a, AccountId: "acc_1", ConversationId: "c", Before: "m"},
				gateway.Ask{Kind: policy.Messages, One: true, Accounts: []string{"acc_1"}, PageSize: 50, Words: bank.Words{Conversation: "c", Before: "m"}},
			},
			{
				"ListMessages", &partnerv1.ListMessagesRequest{Access: a, AccountId: "acc_1", ConversationId: "c", PageSize: 7},
				gateway.Ask{Kind: policy.Messages, One: true, Accounts: []string{"acc_1"}, PageSize: 7, Words: bank.Words{Conversation: "c"}},
			},
		} {
			gate.asks = nil
			err := converse(with(t, of("con_1")), t, gate, site{}, tt.name, tt.request)
			if refusal.ReasonOf(err) != refusal.ConsentPaused || len(gate.asks) != 1 || len(gate.told) != 0 {
				t.Fatalf("%s = %v; asked %v, told %v", tt.name, err, gate.asks, gate.told)
			}
			got := gate.asks[0]
			if got.Kind != tt.want.Kind || got.One != tt.want.One || !cmp.Equal(got.Accounts, tt.want.Accounts) || got.PageSize != tt.want.PageSize ||
				!cmp.Equal(got.Words, tt.want.Words, protocmp.Transform()) || got.Unattended != (attendance != partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT) {
				t.Errorf("%s asked %+v, want %+v", tt.name, got, tt.want)
			}
		}
	}
}

func TestEveryMethodOfConversationsIsServed(t *testing.T) {
	var r registrar
	partnerapi.NewConversations(&conversing{}, site{}).Register(&r)
	served := map[string]bool{}
	for _, m := range r.desc.Methods {
		served[m.MethodName] = true
	}
	for _, m := range partnerv1.ConversationService_ServiceDesc.Methods {
		if !served[m.MethodName] {
			t.Errorf("%s is not served", m.MethodName)
		}
	}
}
