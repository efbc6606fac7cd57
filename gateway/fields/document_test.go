package fields_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
)

var update = flag.Bool("update", false, "write the table of fields into its page")

// messages are those of the data contract, in order.
func messages() []protoreflect.MessageDescriptor {
	var out []protoreflect.MessageDescriptor
	for _, file := range []protoreflect.FileDescriptor{
		datav1.File_sluice_data_v1_account_proto, datav1.File_sluice_data_v1_balance_proto,
		datav1.File_sluice_data_v1_transaction_proto, datav1.File_sluice_data_v1_card_proto,
		datav1.File_sluice_data_v1_alert_proto, datav1.File_sluice_data_v1_conversation_proto,
	} {
		for i := range file.Messages().Len() {
			out = append(out, file.Messages().Get(i))
		}
	}
	return out
}

func clusterOf(f protoreflect.FieldDescriptor) consent.Cluster {
	c, _ := proto.GetExtension(f.Options(), datav1.E_Cluster).(consent.Cluster)
	return c
}

func TestEveryDataFieldIsMarked(t *testing.T) {
	for _, m := range messages() {
		for i := range m.Fields().Len() {
			if f := m.Fields().Get(i); clusterOf(f) == 0 {
				t.Errorf("%s needs no cluster, so it can never leave", f.FullName())
			}
		}
	}
}

func TestDataFieldsAreDocumented(t *testing.T) {
	const path, begin, end = "../../docs/data-fields.md", "<!-- data fields: begin -->\n", "<!-- data fields: end -->\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks its markers", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+document()+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(document(), table); d != "" {
		t.Errorf("the page is out of date; see its foot (-contract +page):\n%s", d)
	}
}

func document() string {
	var b strings.Builder
	b.WriteString("| message | field | type | data cluster | leaves as |\n|---|---|---|---|---|\n")
	for _, m := range messages() {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | `%s` | %s |\n",
				m.Name(), f.Name(), typeOf(f), consent.ClusterName(clusterOf(f)), leavesAs(f))
		}
	}
	return b.String()
}

func typeOf(f protoreflect.FieldDescriptor) string {
	name := f.Kind().String()
	switch {
	case f.Message() != nil:
		name = string(f.Message().Name())
	case f.Enum() != nil:
		name = string(f.Enum().Name())
	}
	if f.IsList() {
		return "list of " + name
	}
	return name
}

func leavesAs(f protoreflect.FieldDescriptor) string {
	if v, _ := proto.GetExtension(f.Options(), datav1.E_Pairwise).(bool); v {
		return "pairwise id"
	}
	if v, _ := proto.GetExtension(f.Options(), datav1.E_LookBack).(bool); v {
		return "held against the look-back"
	}
	if v, _ := proto.GetExtension(f.Options(), datav1.E_ChatText).(bool); v {
		return "written with numbers and codes masked"
	}
	if v, _ := proto.GetExtension(f.Options(), datav1.E_OwnConsent).(bool); v {
		return "held against the consent"
	}
	if c, _ := proto.GetExtension(f.Options(), datav1.E_UnmaskedBy).(consent.Cluster); c != 0 {
		return "masked without `" + consent.ClusterName(c) + "`"
	}
	return ""
}
