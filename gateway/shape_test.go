package gateway

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice/bank"
	bankv1 "sluice/gen/sluice/bank/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
)

// The gate writes answers without decoding them, so the contract must give
// what it writes the same place in every answer.
func TestContractHasTheOneShapeThatTheGateWrites(t *testing.T) {
	partner := partnerv1.File_sluice_partner_v1_account_service_proto.Services().ByName("AccountService").Methods()
	holder := bankv1.File_sluice_bank_v1_bank_service_proto.Services().ByName("BankService").Methods()
	for i := range partner.Len() {
		m := partner.Get(i)
		t.Run(string(m.Name()), func(t *testing.T) {
			asked := m.Name()
			if asked == "GetAccount" {
				asked = "ListAccounts"
			}
			answer, source := m.Output().Fields(), holder.ByName(asked).Output().Fields()
			if got, want := answer.ByNumber(dataField).Message().FullName(), source.ByNumber(dataField).Message().FullName(); got != want {
				t.Errorf("data is %s, the bank answers with %s", got, want)
			}
			want(t, answer, failuresField, "failures", (&partnerv1.AccountFailure{}).ProtoReflect().Descriptor().FullName())
			want(t, answer, releaseField, "release", (&partnerv1.Release{}).ProtoReflect().Descriptor().FullName())
			if f := answer.ByNumber(nextPageField); f != nil && (f.Kind() != protoreflect.StringKind || f.Name() != "next_page_token") {
				t.Errorf("field %d is %s", nextPageField, f.FullName())
			}
			for j := range answer.Len() {
				switch answer.Get(j).Number() {
				case dataField, failuresField, nextPageField, releaseField:
				default:
					t.Errorf("%s has a place that the gate never writes", answer.Get(j).FullName())
				}
			}
		})
	}
}

// Conversations have it too, and what tells the bank something answers like the
// listing by which the gate filters it.
func TestConversationsHaveTheOneShapeThatTheGateWrites(t *testing.T) {
	partner := partnerv1.File_sluice_partner_v1_conversation_service_proto.Services().ByName("ConversationService").Methods()
	holder := bankv1.File_sluice_bank_v1_conversation_service_proto.Services().ByName("ConversationService")
	for i := range partner.Len() {
		m := partner.Get(i)
		listing := holder.Methods().ByName("ListConversations")
		method := bank.Method("/" + string(holder.FullName()) + "/" + string(m.Name()))
		if kind, _ := answersWith(method); kind == policy.Messages || method == bank.ListMessages {
			listing = holder.Methods().ByName("ListMessages")
		}
		answer, source, filtered := m.Output().Fields(), holder.Methods().ByName(m.Name()).Output().Fields(), listing.Output().Fields()
		if source.Len() != 2 || filtered.Len() != 2 || answer.Len() != 3 {
			t.Errorf("%s has a place that the gate never reads or writes", m.Name())
		}
		for _, n := range []protoreflect.FieldNumber{dataField, failuresField} {
			if source.ByNumber(n).Message().FullName() != filtered.ByNumber(n).Message().FullName() {
				t.Errorf("%s: field %d is filtered as %s", m.Name(), n, filtered.ByNumber(n).Message().FullName())
			}
		}
		want(t, answer, dataField, "accounts", source.ByNumber(dataField).Message().FullName())
		want(t, answer, failuresField, "failures", (&partnerv1.AccountFailure{}).ProtoReflect().Descriptor().FullName())
		want(t, answer, releaseField, "release", (&partnerv1.Release{}).ProtoReflect().Descriptor().FullName())
	}
}

// An event's data has the same shape, with neither failures nor pages.
func TestEventsHaveTheOneShapeThatTheGateWrites(t *testing.T) {
	for name, source := range map[protoreflect.Name]protoreflect.MessageDescriptor{
		"TransactionEvent": (&bankv1.ListTransactionsResponse{}).ProtoReflect().Descriptor(),
		"BalanceEvent":     (&bankv1.ListBalancesResponse{}).ProtoReflect().Descriptor(),
		"AlertEvent":       (&bankv1.ListAlertsResponse{}).ProtoReflect().Descriptor(),
		"MessageEvent":     (&bankv1.ListMessagesResponse{}).ProtoReflect().Descriptor(),

		"ConversationEvent": (&bankv1.ListConversationsResponse{}).ProtoReflect().Descriptor(),
	} {
		event := partnerv1.File_sluice_partner_v1_event_service_proto.Messages().ByName(name).Fields()
		if got, want := event.ByNumber(dataField).Message().FullName(), source.Fields().ByNumber(dataField).Message().FullName(); got != want {
			t.Errorf("%s: data is %s, the bank publishes %s", name, got, want)
		}
		want(t, event, releaseField, "release", (&partnerv1.Release{}).ProtoReflect().Descriptor().FullName())
		if event.Len() != 2 {
			t.Errorf("%s has a place that the gate never writes", name)
		}
	}
}

func want(t *testing.T, fields protoreflect.FieldDescriptors, n protoreflect.FieldNumber, name protoreflect.Name, message protoreflect.FullName) {
	t.Helper()
	f := fields.ByNumber(n)
	if f == nil || f.Name() != name || f.Message() == nil || f.Message().FullName() != message {
		t.Errorf("field %d is %v, want %s of type %s", n, f, name, message)
	}
}
