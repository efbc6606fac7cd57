package partnerapi_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	partnerv1 "sluice/gen/sluice/partner/v1"
)

// What is written without decoding stands where the contract says.
func TestEventsAreWrittenIntoTheContractsFields(t *testing.T) {
	for _, f := range []struct {
		in     proto.Message
		number protoreflect.FieldNumber
		holds  proto.Message
	}{
		{&partnerv1.SubscribeResponse{}, 1, &partnerv1.Event{}},
		{&partnerv1.PullEventsResponse{}, 1, &partnerv1.Event{}},
		{&partnerv1.Event{}, 10, &partnerv1.TransactionEvent{}},
		{&partnerv1.Event{}, 11, &partnerv1.BalanceEvent{}},
		{&partnerv1.Event{}, 12, &partnerv1.AlertEvent{}},
		{&partnerv1.Event{}, 15, &partnerv1.MessageEvent{}},
		{&partnerv1.Event{}, 16, &partnerv1.ConversationEvent{}},
	} {
		in, want := f.in.ProtoReflect().Descriptor(), f.holds.ProtoReflect().Descriptor().FullName()
		field := in.Fields().ByNumber(f.number)
		if field == nil || field.Message() == nil || field.Message().FullName() != want {
			t.Errorf("%s has %v as field %d, want %s", in.FullName(), field, f.number, want)
		}
	}
}
