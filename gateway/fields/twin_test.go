package fields_test

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"sluice/consent"
	"sluice/gateway/fields"
	"sluice/gateway/masking"
	datav1 "sluice/gen/sluice/data/v1"
)

// twin does by reflection, slowly and plainly, what Keep does on the wire. The
// two share nothing but the contract.
type twin struct {
	permit   fields.Permit
	accounts []consent.AccountID
	failures []fields.Failure
	clusters consent.Clusters
	items    int
	next     string
	hidden   int // numbers and codes masked in what people wrote
}

// keep is what is left of a decoded answer, as an answer with entries only.
func (w *twin) keep(answer protoreflect.Message) protoreflect.Message {
	out := answer.New()
	entries := answer.Descriptor().Fields().ByName("accounts")
	list := answer.Get(entries).List()
	for i := range list.Len() {
		in := list.Get(i).Message()
		account := w.accountOf(in.Get(in.Descriptor().Fields().ByName("account_id")).String())
		if account == nil {
			continue
		}
		kept := out.Mutable(entries).List().AppendMutable().Message()
		if !w.message(in, kept, account, 0) {
			out.Mutable(entries).List().Truncate(out.Get(entries).List().Len() - 1)
			continue
		}
		w.accounts = appendOnce(w.accounts, account.ID)
		w.count(kept)
	}
	failures := answer.Get(answer.Descriptor().Fields().ByName("failures")).List()
	for i := range failures.Len() {
		f := failures.Get(i).Message()
		id := f.Get(f.Descriptor().Fields().ByName("account_id")).String()
		if w.accountOf(id) != nil {
			code := f.Get(f.Descriptor().Fields().ByName("code")).Enum()
			w.failures = append(w.failures, fields.Failure{Account: consent.AccountID(id), Code: int32(code)})
		}
	}
	if f := answer.Descriptor().Fields().ByName("next_page_token"); f != nil {
		w.next = answer.Get(f).String()
	}
	return out
}

func appendOnce(list []consent.AccountID, a consent.AccountID) []consent.AccountID {
	for _, have := range list {
		if have == a {
			return list
		}
	}
	return append(list, a)
}

func (w *twin) accountOf(id string) *fields.Account {
	for i, a := range w.permit.Accounts {
		if id != "" && string(a.ID) == id {
			return &w.permit.Accounts[i]
		}
	}
	return nil
}

func (w *twin) count(entry protoreflect.Message) {
	switch n := entry.Descriptor().Name(); n {
	case "Account":
		w.items++
	default:
		w.items += entry.Get(entry.Descriptor().Fields().ByNumber(2)).List().Len()
	}
}

// message copies what is permitted of in to out. It is false if the message
// may not leave at all.
func (w *twin) message(in, out protoreflect.Message, account *fields.Account, inherited consent.Cluster) bool {
	all := in.Descriptor().Fields()
	for i := range all.Len() {
		f := all.Get(i)
		if look, _ := proto.GetExtension(f.Options(), datav1.E_LookBack).(bool); look && !w.within(in.Get(f).Message()) {
			return false
		}
	}
	for i := range all.Len() {
		f := all.Get(i)
		own, _ := proto.GetExtension(f.Options(), datav1.E_OwnConsent).(bool)
		if id := in.Get(f); own && (id.String() == "" || id.String() != string(w.permit.Consent)) {
			return false
		}
	}
	for i := range all.Len() {
		f := all.Get(i)
		cluster, _ := proto.GetExtension(f.Options(), datav1.E_Cluster).(consent.Cluster)
		if inherited != 0 {
			cluster = inherited
		}
		pairwise, _ := proto.GetExtension(f.Options(), datav1.E_Pairwise).(bool)
		if pairwise {
			if !account.Clusters.Has(cluster) {
				return false
			}
			out.Set(f, protoreflect.ValueOfString(account.Public))
			w.clusters |= consent.ClustersOf(cluster)
			continue
		}
		if in.Has(f) && account.Clusters.Has(cluster) {
			w.field(f, in, out, account, cluster)
		}
	}
	return true
}

func (w *twin) field(f protoreflect.FieldDescriptor, in, out protoreflect.Message, account *fields.Account, cluster consent.Cluster) {
	inherited := consent.Cluster(0)
	if f.Message() != nil && strings.HasPrefix(string(f.Message().FullName()), "google.") {
		inherited = cluster
	}
	switch {
	case f.IsList():
		list := in.Get(f).List()
		for i := range list.Len() {
			to := out.Mutable(f).List()
			if f.Message() == nil {
				to.Append(list.Get(i))
				w.clusters |= consent.ClustersOf(cluster)
				continue
			}
			if !w.message(list.Get(i).Message(), to.AppendMutable().Message(), account, inherited) {
				to.Truncate(to.Len() - 1)
				continue
			}
			w.clusters |= consent.ClustersOf(cluster)
		}
		return
	case f.Message() != nil:
		w.message(in.Get(f).Message(), out.Mutable(f).Message(), account, inherited)
	default:
		out.Set(f, w.masked(f, in.Get(f), account))
	}
	w.clusters |= consent.ClustersOf(cluster)
}

func (w *twin) masked(f protoreflect.FieldDescriptor, v protoreflect.Value, account *fields.Account) protoreflect.Value {
	if chat, _ := proto.GetExtension(f.Options(), datav1.E_ChatText).(bool); chat {
		text, found := masking.Text(v.String(), w.permit.Pass)
		w.hidden += found
		return protoreflect.ValueOfString(text)
	}
	by, _ := proto.GetExtension(f.Options(), datav1.E_UnmaskedBy).(consent.Cluster)
	switch {
	case by == 0:
		return v
	case !account.Masked && account.Clusters.Has(by):
		w.clusters |= consent.ClustersOf(by)
		return v
	case utf8.RuneCountInString(v.String()) < 8:
		return protoreflect.ValueOfString("****")
	}
	number := []rune(v.String())
	return protoreflect.ValueOfString("****" + string(number[len(number)-4:]))
}

func (w *twin) within(date protoreflect.Message) bool {
	get := func(name protoreflect.Name) int {
		return int(date.Get(date.Descriptor().Fields().ByName(name)).Int())
	}
	day, ok := consent.DayFrom(get("year"), get("month"), get("day"))
	return ok && day >= w.permit.From && day <= w.permit.To
}

// tester is a test, or one draw of a property test.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// agree fails unless Keep and its twin leave the same of an encoded answer.
func agree(t tester, k kind, answer []byte, permit fields.Permit) {
	t.Helper()
	prefix := []byte("head")
	shown, err := k.table.Keep(append([]byte(nil), prefix...), answer, permit)
	decoded := dynamicpb.NewMessage(k.answer)
	wrong := proto.Unmarshal(answer, decoded)
	if wrong != nil {
		if err == nil {
			nothingElse(t, k, shown, permit)
		}
		return
	}
	w := &twin{permit: permit}
	want := w.keep(decoded)
	if err != nil {
		if len(w.next) > fields.MaxPageToken || longToken(answer) {
			return
		}
		t.Fatalf("Keep refused what the twin read: %v", err)
	}
	got := dynamicpb.NewMessage(k.answer)
	if err := proto.Unmarshal(shown.Bytes(), got); err != nil {
		t.Fatalf("what was kept is malformed: %v", err)
	}
	if !proto.Equal(want.Interface(), got) {
		t.Fatalf("twin: %v\nkeep: %v", want, got)
	}
	same(t, "accounts", w.accounts, shown.Accounts())
	same(t, "failures", w.failures, shown.Failures())
	if w.items != shown.Items() || w.next != shown.NextPage() {
		t.Fatalf("items = %d, next = %q; the twin says %d and %q", shown.Items(), shown.NextPage(), w.items, w.next)
	}
	if w.hidden > shown.Masked() {
		t.Fatalf("%d were masked; the twin says %d", shown.Masked(), w.hidden)
	}
	// A field that stands several times, or stands empty, is one to the twin.
	if !w.clusters.Within(shown.Clusters()) {
		t.Fatalf("clusters = %s; the twin says %s", shown.Clusters(), w.clusters)
	}
}

func same[T comparable](t tester, what string, want, got []T) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s = %v; the twin says %v", what, got, want)
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("%s = %v; the twin says %v", what, got, want)
		}
	}
}

// longToken says that some page token of the answer, if not the last, is too long.
func longToken(answer []byte) bool { return len(answer) > fields.MaxPageToken }

// nothingElse fails if what was kept of an answer that is malformed somewhere
// has more in it than the twin would keep of it once more.
func nothingElse(t tester, k kind, shown fields.Shown, permit fields.Permit) {
	t.Helper()
	got := dynamicpb.NewMessage(k.answer)
	if err := proto.Unmarshal(shown.Bytes(), got); err != nil {
		t.Fatalf("what was kept is malformed: %v", err)
	}
	// The output names accounts as the partner does, and is masked already.
	outward := fields.Permit{From: permit.From, To: permit.To, Consent: permit.Consent, Pass: permit.Pass}
	for _, a := range permit.Accounts {
		a.ID = consent.AccountID(a.Public)
		outward.Accounts = append(outward.Accounts, a)
	}
	again := (&twin{permit: outward}).keep(got)
	if !proto.Equal(again.Interface(), got) {
		t.Fatalf("more was kept than is permitted:\nkept:      %v\npermitted: %v", got, again)
	}
}
