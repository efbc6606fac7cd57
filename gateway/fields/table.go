package fields

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice/consent"
	datav1 "sluice/gen/sluice/data/v1"
)

// The one shape of a bank's answers: entries of accounts, accounts it could not
// answer, and where the next page is.
const (
	entriesField  protowire.Number = 1
	failuresField protowire.Number = 2
	nextPageField protowire.Number = 3

	failureAccountField protowire.Number = 1
	failureCodeField    protowire.Number = 2
)

// maxNumber bounds field numbers, so that a message's fields can be looked up
// in a slice.
const maxNumber = 100

// Table knows the marks of one kind of bank answer. It is only read after
// Compile and may be used by many goroutines.
type Table struct {
	entry *message
	// items is the entry's only repeated message beside its account id, or 0
	// where the entry itself is the item.
	items protowire.Number
	paged bool
}

// How many messages deep an account's entry and its items are.
const (
	entryDepth = 1
	itemDepth  = 2
)

// message is what is known of one message: its fields by number.
type message struct {
	fields     []field
	account    protowire.Number // the account's id; 0 for all but entries
	lookBack   protowire.Number // 0: the message has no date to hold
	ownConsent protowire.Number // 0: the message belongs to no consent
}

// field is one marked field. Its zero value is unknown and never leaves.
type field struct {
	cluster    consent.Cluster
	unmaskedBy consent.Cluster
	wire       protowire.Type
	packed     bool // a list of enums: it may stand in one piece as well
	text       bool
	pairwise   bool
	chatText   bool     // what people wrote
	ownConsent bool     // the consent that the message belongs to
	inner      *message // nil: not a message
}

func (m *message) field(n protowire.Number) field {
	if int(n) >= len(m.fields) {
		return field{}
	}
	return m.fields[n]
}

// Compile reads the marks of a bank's answer. It fails for a contract that Keep
// could not hold: shapes that need more than one look at the bytes, like oneofs
// and maps, and answers whose entries name no account.
func Compile(answer protoreflect.MessageDescriptor) (*Table, error) {
	entries := answer.Fields().ByNumber(entriesField)
	if entries == nil || !entries.IsList() || entries.Message() == nil {
		return nil, fmt.Errorf("%s: field %d is no list of entries", answer.FullName(), entriesField)
	}
	if err := compileFailures(answer.Fields().ByNumber(failuresField)); err != nil {
		return nil, fmt.Errorf("%s: %w", answer.FullName(), err)
	}
	t := &Table{}
	if next := answer.Fields().ByNumber(nextPageField); next != nil {
		if next.Kind() != protoreflect.StringKind || next.IsList() {
			return nil, fmt.Errorf("%s is no page token", next.FullName())
		}
		t.paged = true
	}
	var err error
	if t.entry, err = compile(entries.Message(), 0, nil); err != nil {
		return nil, err
	}
	if t.entry.account == 0 {
		return nil, fmt.Errorf("%s names no account", entries.Message().FullName())
	}
	t.items = itemsOf(entries.Message())
	return t, nil
}

func compileFailures(f protoreflect.FieldDescriptor) error {
	if f == nil || !f.IsList() || f.Message() == nil {
		return errors.New("there is no list of failures")
	}
	account := f.Message().Fields().ByNumber(failureAccountField)
	code := f.Message().Fields().ByNumber(failureCodeField)
	if account == nil || account.Kind() != protoreflect.StringKind || code == nil || code.Kind() != protoreflect.EnumKind {
		return errors.New("a failure is no account and code")
	}
	return nil
}

// compile reads one message's marks. Where inherited is set, the message is a
// value and its fields have the mark of the field that holds it.
func compile(m protoreflect.MessageDescriptor, inherited consent.Cluster, outer []protoreflect.FullName) (*message, error) {
	for _, name := range outer {
		if name == m.FullName() {
			return nil, fmt.Errorf("%s is inside itself", name)
		}
	}
	outer = append(outer, m.FullName())
	out := &message{}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if err := shapely(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f.FullName(), err)
		}
		compiled, err := compileField(f, inherited, outer)
		if err != nil {
			return nil, err
		}
		if err := out.special(f, len(outer)); err != nil {
			return nil, err
		}
		for len(out.fields) <= int(f.Number()) {
			out.fields = append(out.fields, field{})
		}
		out.fields[f.Number()] = compiled
	}
	return out, nil
}

// special notes the fields that the whole message hangs on.
func (m *message) special(f protoreflect.FieldDescriptor, depth int) error {
	if marked[bool](f, datav1.E_Pairwise) {
		if depth != entryDepth || m.account != 0 {
			return fmt.Errorf("%s: an account's id stands once, in its entry", f.FullName())
		}
		m.account = f.Number()
	}
	if marked[bool](f, datav1.E_LookBack) {
		if f.Message() == nil || f.IsList() || f.Message().FullName() != "google.type.Date" || m.lookBack != 0 {
			return fmt.Errorf("%s: a look-back date is one google.type.Date", f.FullName())
		}
		m.lookBack = f.Number()
	}
	if marked[bool](f, datav1.E_OwnConsent) {
		if depth != itemDepth || m.ownConsent != 0 {
			return fmt.Errorf("%s: an item's consent stands once, in the item", f.FullName())
		}
		m.ownConsent = f.Number()
	}
	return nil
}

func compileField(f protoreflect.FieldDescriptor, inherited consent.Cluster, outer []protoreflect.FullName) (field, error) {
	out := field{
		cluster:    marked[consent.Cluster](f, datav1.E_Cluster),
		unmaskedBy: marked[consent.Cluster](f, datav1.E_UnmaskedBy),
		wire:       wireOf(f.Kind()),
		packed:     f.IsList() && f.Kind() == protoreflect.EnumKind,
		text:       f.Kind() == protoreflect.StringKind,
		pairwise:   marked[bool](f, datav1.E_Pairwise),
		chatText:   marked[bool](f, datav1.E_ChatText),
		ownConsent: marked[bool](f, datav1.E_OwnConsent),
	}
	if inherited != 0 {
		out.cluster = inherited
	}
	if (out.unmaskedBy != 0 || out.pairwise || out.chatText || out.ownConsent) && (!out.text || f.IsList()) {
		return field{}, fmt.Errorf("%s: only a single string can be masked, renamed or a consent", f.FullName())
	}
	if out.chatText && (out.unmaskedBy != 0 || out.pairwise || out.ownConsent) {
		return field{}, fmt.Errorf("%s: what people wrote is nothing else", f.FullName())
	}
	if f.Message() == nil || out.cluster == 0 {
		return out, nil
	}
	var err error
	if isValue(f.Message()) {
		out.inner, err = compile(f.Message(), out.cluster, outer)
	} else {
		out.inner, err = compile(f.Message(), 0, outer)
	}
	if err == nil && out.inner.ownConsent != 0 && !f.IsList() {
		return field{}, fmt.Errorf("%s: an item that belongs to a consent stands in a list", f.FullName())
	}
	return out, err
}

// shapely refuses what can't be filtered field by field on the wire.
func shapely(f protoreflect.FieldDescriptor) error {
	switch {
	case f.Number() > maxNumber:
		return fmt.Errorf("field numbers end at %d", maxNumber)
	case f.IsMap():
		return errors.New("maps can't be filtered")
	case f.Kind() == protoreflect.GroupKind:
		return errors.New("groups can't be filtered")
	case f.ContainingOneof() != nil && !f.ContainingOneof().IsSynthetic():
		return errors.New("oneofs can't be filtered")
	case f.IsList() && f.Message() == nil && f.Kind() != protoreflect.EnumKind:
		return errors.New("lists of scalars other than enums can't be filtered")
	}
	return nil
}

// isValue says that a message is a value of its field, like a date: its own
// fields are not ours to mark.
func isValue(m protoreflect.MessageDescriptor) bool {
	switch m.FullName() {
	case "google.type.Money", "google.type.Date", "google.protobuf.Timestamp":
		return true
	}
	return false
}

// itemsOf is the field of an entry that is nothing but an account's list.
func itemsOf(m protoreflect.MessageDescriptor) protowire.Number {
	if m.Fields().Len() != 2 {
		return 0
	}
	for i := range m.Fields().Len() {
		if f := m.Fields().Get(i); f.IsList() {
			return f.Number()
		}
	}
	return 0
}

// marked reads one of our options; the zero value where there is none.
func marked[T any](f protoreflect.FieldDescriptor, mark protoreflect.ExtensionType) T {
	v, _ := proto.GetExtension(f.Options(), mark).(T)
	return v
}

func wireOf(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	default:
		return protowire.VarintType
	}
}
