package bankgrpc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"sluice/bank"
	"sluice/bank/banktest"
	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
)

func TestWhatIsSaidReachesTheBankWhole(t *testing.T) {
	b, source := reach(t, "morava", 5*time.Second)
	files := []*datav1.Attachment{{Name: "bill.pdf", MediaType: "application/pdf", SizeBytes: 7, Sha256: strings.Repeat("0", 64), Url: "https://partner.example/f/1"}}
	var want []banktest.Call
	for m, words := range map[bank.Method]bank.Words{
		bank.StartConversation: {ClientID: "c1", Topic: "card", Text: "hello", Attachments: files},
		bank.SendMessage:       {Conversation: "t1", ClientID: "c2", Text: "again", Attachments: files},
		bank.MarkConversation:  {Conversation: "t1", ReadUpTo: "m1", Typing: true},
		bank.CloseConversation: {Conversation: "t1"},
		bank.ListConversations: {OpenOnly: true},
		bank.ListMessages:      {Conversation: "t1", Before: "m9"},
	} {
		r := bank.Request{
			Customer: "9593", Accounts: []consent.AccountID{"A1"}, Clusters: consent.ClustersOf(consent.Conversations),
			Partner: "messenger", Consent: "con_1", Words: words,
		}
		if m == bank.ListMessages {
			r.PageSize = 20
		}
		b.AnswerBytes(m, []byte(m))
		got, err := source.Fetch(t.Context(), m, r)
		if err != nil || string(got.Bytes) != string(m) {
			t.Errorf("%s = %q, %v", m, got.Bytes, err)
		}
		got.Free()
		want = append(want, banktest.Call{Method: m, Request: r})
	}
	if diff := cmp.Diff(want, b.Calls(), protocmp.Transform()); diff != "" {
		t.Errorf("the bank heard (-want +got):\n%s", diff)
	}
}

// What a bank says of a conversation is told apart, but none of its words go further.
func TestABanksRefusalOfWhatWasSaidIsItsCodeAlone(t *testing.T) {
	b, source := reach(t, "morava", 5*time.Second)
	known := []error{bank.ErrNotServed, bank.ErrNoConversation, bank.ErrNotTaken, bank.ErrNotUnderstood, bank.ErrNoCustomer, bank.ErrUnavailable}
	for _, tt := range []struct {
		code   codes.Code
		method bank.Method
		want   error
	}{
		{codes.Unimplemented, bank.StartConversation, bank.ErrNotServed},
		{codes.Unimplemented, bank.ListMessages, bank.ErrNotServed},
		{codes.NotFound, bank.SendMessage, bank.ErrNoConversation},
		{codes.NotFound, bank.MarkConversation, bank.ErrNoConversation},
		{codes.NotFound, bank.CloseConversation, bank.ErrNoConversation},
		{codes.NotFound, bank.ListMessages, bank.ErrNoConversation},
		{codes.NotFound, bank.StartConversation, bank.ErrNoCustomer},
		{codes.NotFound, bank.ListConversations, bank.ErrNoCustomer},
		{codes.FailedPrecondition, bank.SendMessage, bank.ErrNotTaken},
		{codes.InvalidArgument, bank.StartConversation, bank.ErrNotUnderstood},
		{codes.OutOfRange, bank.ListMessages, bank.ErrNotUnderstood},
		{codes.AlreadyExists, bank.SendMessage, bank.ErrNotTaken},
		{codes.Unavailable, bank.SendMessage, bank.ErrUnavailable},
		{codes.DeadlineExceeded, bank.SendMessage, bank.ErrUnavailable},
		{codes.Internal, bank.SendMessage, nil},
		{codes.PermissionDenied, bank.ListMessages, nil},
		{codes.Unimplemented, bank.ListBalances, nil},
		{codes.FailedPrecondition, bank.ListBalances, nil},
	} {
		b.Fail(status.Error(tt.code, "customer 9593 owes"))
		_, err := source.Fetch(t.Context(), tt.method, bank.Request{})
		if err == nil || strings.Contains(err.Error(), "9593") {
			t.Errorf("%s of %s = %v; a bank's words went further", tt.code, tt.method, err)
		}
		for _, is := range known {
			if errors.Is(err, is) != errors.Is(tt.want, is) {
				t.Errorf("%s of %s = %v, want %v", tt.code, tt.method, err, tt.want)
			}
		}
	}
}
