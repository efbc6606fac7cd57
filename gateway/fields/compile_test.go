package fields_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"sluice/gateway/fields"
)

const account = `field: {name: "account_id" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING options: {
	[sluice.data.v1.cluster]: DATA_CLUSTER_BALANCES [sluice.data.v1.pairwise]: true}}`

// answerOf makes a bank's answer whose entries have the given fields.
func answerOf(t *testing.T, entry, envelope string) protoreflect.MessageDescriptor {
	t.Helper()
	if envelope == "" {
		envelope = `field: {name: "accounts" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".x.Entry"}
			field: {name: "failures" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".sluice.bank.v1.AccountFailure"}`
	}
	text := `name: "x.proto" package: "x" syntax: "proto3"
		dependency: ["sluice/bank/v1/bank_service.proto", "sluice/data/v1/cluster.proto", "google/type/date.proto"]
		message_type: {name: "Answer" ` + envelope + `}
		message_type: {name: "Entry" ` + entry + `}`
	var file descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	d, err := protodesc.NewFile(&file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return d.Messages().ByName("Answer")
}

func TestContractThatCannotBeHeldIsNotCompiled(t *testing.T) {
	marked := func(mark string) string {
		return ` options: {[sluice.data.v1.cluster]: DATA_CLUSTER_BALANCES ` + mark + `}`
	}
	items := func(label, inside string) string {
		return `field: {name: "items" number: 2 label: ` + label + ` type: TYPE_MESSAGE type_name: ".x.Entry.Item"` + marked("") + `}
			nested_type: {name: "Item" ` + inside + `}`
	}
	owned := func(name string, n int, kind string) string {
		return fmt.Sprintf(`field: {name: "%s" number: %d label: LABEL_OPTIONAL type: %s%s}`, name, n, kind, marked("[sluice.data.v1.own_consent]: true"))
	}
	if _, err := fields.Compile(answerOf(t, account+items("LABEL_REPEATED", owned("b", 1, "TYPE_STRING")), "")); err != nil {
		t.Fatal(err)
	}
	if _, err := fields.Compile(answerOf(t, account, "")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, entry, envelope, says string }{
		{"no entries", account, `field: {name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING}`, "no list of entries"},
		{"no failures", account, `field: {name: "a" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".x.Entry"}`, "failures"},
		{"failures of another form", account, `field: {name: "a" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".x.Entry"}
			field: {name: "f" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".x.Entry"}`, "account and code"},
		{"a page token that is a number", account, `field: {name: "a" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".x.Entry"}
			field: {name: "failures" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".sluice.bank.v1.AccountFailure"}
			field: {name: "n" number: 3 label: LABEL_OPTIONAL type: TYPE_INT32}`, "page token"},
		{"an entry without an account", `field: {name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING` + marked("") + `}`, "", "no account"},
		{"two accounts", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING` + marked("[sluice.data.v1.pairwise]: true") + `}`, "", "stands once"},
		{"a number to rename", `field: {name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32` + marked("[sluice.data.v1.pairwise]: true") + `}`, "", "single string"},
		{"a number to mask", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_INT64` + marked("[sluice.data.v1.unmasked_by]: DATA_CLUSTER_CARDS") + `}`, "", "single string"},
		{"chat text that is a number", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_INT64` + marked("[sluice.data.v1.chat_text]: true") + `}`, "", "single string"},
		{"chat text that is bytes", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_BYTES` + marked("[sluice.data.v1.chat_text]: true") + `}`, "", "single string"},
		{"a list of chat texts", account + `field: {name: "b" number: 2 label: LABEL_REPEATED type: TYPE_STRING` + marked("[sluice.data.v1.chat_text]: true") + `}`, "", "lists of scalars"},
		{"chat text that is a message", account + `field: {name: "b" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".google.type.Date"` + marked("[sluice.data.v1.chat_text]: true") + `}`, "", "single string"},
		{"chat text that is a number too", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING` +
			marked("[sluice.data.v1.chat_text]: true [sluice.data.v1.unmasked_by]: DATA_CLUSTER_CARDS") + `}`, "", "nothing else"},
		{"a consent in the entry", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING` + marked("[sluice.data.v1.own_consent]: true") + `}`, "", "in the item"},
		{"two consents", account + items("LABEL_REPEATED", owned("b", 1, "TYPE_STRING")+owned("c", 2, "TYPE_STRING")), "", "stands once"},
		{"a consent that is a number", account + items("LABEL_REPEATED", owned("b", 1, "TYPE_INT64")), "", "single string"},
		{"a consent of an item that is no list's", account + items("LABEL_OPTIONAL", owned("b", 1, "TYPE_STRING")), "", "in a list"},
		{"a consent deeper than the items", account + items("LABEL_REPEATED", `field: {name: "in" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE
			type_name: ".x.Entry.Item.In" `+marked("")+`} nested_type: {name: "In" `+owned("b", 1, "TYPE_STRING")+`}`), "", "in the item"},
		{"a date that is text", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING` + marked("[sluice.data.v1.look_back]: true") + `}`, "", "look-back date"},
		{"a list of scalars", account + `field: {name: "b" number: 2 label: LABEL_REPEATED type: TYPE_INT64` + marked("") + `}`, "", "lists of scalars"},
		{"a oneof", account + `field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0` + marked("") + `} oneof_decl: {name: "o"}`, "", "oneofs"},
		{"a large number", account + `field: {name: "b" number: 101 label: LABEL_OPTIONAL type: TYPE_STRING` + marked("") + `}`, "", "numbers end"},
		{"a map", account + `field: {name: "b" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".x.Entry.BEntry"} nested_type: {
			name: "BEntry" options: {map_entry: true}
			field: {name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING}
			field: {name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING}}`, "", "maps"},
		{"an entry inside itself", account + `field: {name: "b" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".x.Entry"` + marked("") + `}`, "", "inside itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := fields.Compile(answerOf(t, tt.entry, tt.envelope))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error = %v, want one that says %q", err, tt.says)
			}
		})
	}
}

// A field that somebody forgot to mark must not leave.
func TestUnmarkedFieldsNeverLeave(t *testing.T) {
	table, err := fields.Compile(answerOf(t, account+`field: {name: "b" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING}`, ""))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := table.Keep(nil, []byte("\x0a\x0c\x0a\x02A1\x12\x06secret"), permit(everyCluster...))
	if err != nil {
		t.Fatal(err)
	}
	if len(shown.Accounts()) != 1 || strings.Contains(string(shown.Bytes()), "secret") || shown.Dropped().Unknown != 1 {
		t.Errorf("kept %q, dropped %+v", shown.Bytes(), shown.Dropped())
	}
}
