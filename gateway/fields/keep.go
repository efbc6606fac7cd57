package fields

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"sluice/consent"
	"sluice/gateway/masking"
)

// MaxPageToken is the longest page token a bank may give, in bytes.
const MaxPageToken = 512

// MaxChatText is how many characters of what people wrote are masked: the longest
// that the contract has. Whoever masks more may be kept busy for long.
const MaxChatText = 4000

var (
	errMalformed = errors.New("malformed protobuf")
	errText      = errors.New("text that is not UTF-8")
	errTooLong   = fmt.Errorf("what somebody wrote is longer than %d characters", MaxChatText)
	errToken     = fmt.Errorf("page token longer than %d bytes", MaxPageToken)
)

// Keep appends to dst what the permit allows of a bank's encoded answer. An
// answer that is malformed where it is read is refused as a whole; what is
// dropped is not read. The result refers to dst and not to answer.
func (t *Table) Keep(dst, answer []byte, p Permit) (Shown, error) {
	k := keeper{table: t, permit: p, out: dst}
	if err := k.answer(answer); err != nil {
		return Shown{}, fmt.Errorf("bank's answer: %w", err)
	}
	k.shown.bytes = k.out[len(dst):]
	return k.shown, nil
}

// keeper is one walk over an answer.
type keeper struct {
	table  *Table
	permit Permit
	out    []byte
	shown  Shown
}

// next splits the first field off: its number, wire type, the field as it
// stands, and its value without tag and length where it has a length.
func next(b []byte) (n protowire.Number, wire protowire.Type, whole, value []byte, err error) {
	// Nearly all fields have a tag and a length of one byte each.
	if len(b) >= 2 && b[0] < 0x80 && b[1] < 0x80 && b[0] >= 1<<3 {
		switch n, wire = protowire.Number(b[0]>>3), protowire.Type(b[0]&7); {
		case wire == protowire.VarintType:
			return n, wire, b[:2], b[1:2], nil
		case wire == protowire.BytesType && len(b) >= 2+int(b[1]):
			return n, wire, b[:2+int(b[1])], b[2 : 2+int(b[1])], nil
		}
	}
	n, wire, tag := protowire.ConsumeTag(b)
	if tag < 0 {
		return 0, 0, nil, nil, errMalformed
	}
	if wire == protowire.BytesType {
		v, size := protowire.ConsumeBytes(b[tag:])
		if size < 0 {
			return 0, 0, nil, nil, errMalformed
		}
		return n, wire, b[:tag+size], v, nil
	}
	size := protowire.ConsumeFieldValue(n, wire, b[tag:])
	if size < 0 {
		return 0, 0, nil, nil, errMalformed
	}
	return n, wire, b[:tag+size], b[tag : tag+size], nil
}

func (k *keeper) answer(b []byte) error {
	for len(b) > 0 {
		n, wire, whole, value, err := next(b)
		if err != nil {
			return err
		}
		b = b[len(whole):]
		switch {
		case wire != protowire.BytesType:
			k.shown.dropped.Unknown++
		case n == entriesField:
			err = k.entry(value)
		case n == failuresField:
			err = k.failure(value)
		case n == nextPageField && k.table.paged:
			err = k.nextPage(value)
		default:
			k.shown.dropped.Unknown++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) nextPage(value []byte) error {
	if len(value) > MaxPageToken {
		return errToken
	}
	if !utf8.Valid(value) {
		return errText
	}
	k.shown.next = string(value)
	return nil
}

func (k *keeper) failure(value []byte) error {
	var f Failure
	for len(value) > 0 {
		n, wire, whole, v, err := next(value)
		if err != nil {
			return err
		}
		value = value[len(whole):]
		switch {
		case n == failureAccountField && wire == protowire.BytesType:
			if !utf8.Valid(v) {
				return errText
			}
			f.Account = consent.AccountID(v)
		case n == failureCodeField && wire == protowire.VarintType:
			code, _ := protowire.ConsumeVarint(v)
			f.Code = int32(code)
		default:
			k.shown.dropped.Unknown++
		}
	}
	if k.permit.account([]byte(f.Account)) == nil {
		k.shown.dropped.Accounts++
		return nil
	}
	k.shown.failures = append(k.shown.failures, f)
	return nil
}

// entry copies what one account's entry may show.
func (k *keeper) entry(value []byte) error {
	m := k.table.entry
	id, err := m.accountID(value)
	if err != nil {
		return err
	}
	account, cluster := k.permit.account(id), m.fields[m.account].cluster
	if account == nil || !account.Clusters.Has(cluster) {
		k.shown.dropped.Accounts++
		return nil
	}
	start := k.begin(entriesField, value)
	k.out = protowire.AppendTag(k.out, m.account, protowire.BytesType)
	k.out = protowire.AppendString(k.out, account.Public)
	k.shown.clusters |= 1 << cluster
	if err := k.message(m, value, account, k.table.items); err != nil {
		return err
	}
	k.end(start)
	if k.table.items == 0 {
		k.shown.items++
	}
	if !slices.Contains(k.shown.accounts, account.ID) {
		k.shown.accounts = append(k.shown.accounts, account.ID)
	}
	return nil
}

// message copies the permitted fields of one message; items is the number of
// those that are counted. A field of a wrong wire type is an unknown one, as
// protobuf sees it.
func (k *keeper) message(m *message, b []byte, account *Account, items protowire.Number) error {
	for len(b) > 0 {
		n, wire, whole, value, err := next(b)
		if err != nil {
			return err
		}
		b = b[len(whole):]
		f := m.field(n)
		switch {
		case f.cluster == 0 || f.wire != wire && (!f.packed || wire != protowire.BytesType):
			k.shown.dropped.Unknown++
		case f.pairwise: // stands at the entry's head already
		case !account.Clusters.Has(f.cluster):
			k.shown.dropped.Fields++
		case f.inner != nil:
			err = k.inner(n, f, value, account, items)
		default:
			err = k.scalar(n, f, whole, value, account)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) inner(n protowire.Number, f field, value []byte, account *Account, items protowire.Number) error {
	if f.inner.lookBack != 0 {
		day, err := f.inner.day(value)
		if err != nil {
			return err
		}
		if day == consent.NoDay || day < k.permit.From || day > k.permit.To {
			k.shown.dropped.Items++
			return nil
		}
	}
	if f.inner.ownConsent != 0 {
		id, err := f.inner.consentID(value)
		if err != nil {
			return err
		}
		if len(id) == 0 || string(id) != string(k.permit.Consent) {
			k.shown.dropped.Foreign++
			return nil
		}
	}
	start := k.begin(n, value)
	if err := k.message(f.inner, value, account, 0); err != nil {
		return err
	}
	k.end(start)
	k.shown.clusters |= 1 << f.cluster
	if n == items {
		k.shown.items++
	}
	return nil
}

func (k *keeper) scalar(n protowire.Number, f field, whole, value []byte, account *Account) error {
	if f.text && !utf8.Valid(value) {
		return errText
	}
	if f.chatText && utf8.RuneCount(value) > MaxChatText {
		return errTooLong
	}
	if f.packed && protowire.Type(whole[0]&7) == protowire.BytesType && !varints(value) {
		return errMalformed
	}
	if f.ownConsent && string(value) != string(k.permit.Consent) {
		k.shown.dropped.Fields++ // one before the last: only the last counts
		return nil
	}
	k.shown.clusters |= 1 << f.cluster
	switch {
	case f.chatText:
		text, found := masking.Text(string(value), k.permit.Pass)
		k.shown.masked += found
		k.out = protowire.AppendTag(k.out, n, protowire.BytesType)
		k.out = protowire.AppendString(k.out, text)
	case f.unmaskedBy == 0:
		k.out = append(k.out, whole...)
	case !account.Masked && account.Clusters.Has(f.unmaskedBy):
		k.shown.clusters |= 1 << f.unmaskedBy
		k.out = append(k.out, whole...)
	default:
		k.out = protowire.AppendTag(k.out, n, protowire.BytesType)
		k.out = appendMasked(k.out, value)
	}
	return nil
}

// mark is where a message began in the output, and how many bytes its length
// was given.
type mark struct{ at, room int }

// begin writes a message's tag and leaves room for its length, which is about
// that of what it is made from.
func (k *keeper) begin(n protowire.Number, from []byte) mark {
	k.out = protowire.AppendTag(k.out, n, protowire.BytesType)
	m := mark{at: len(k.out), room: protowire.SizeVarint(uint64(len(from)))}
	k.out = append(k.out, "0123456789"[:m.room]...)
	return m
}

// end writes the length, moving the message where its length needs another room.
func (k *keeper) end(m mark) {
	body := m.at + m.room
	size := len(k.out) - body
	need := protowire.SizeVarint(uint64(size))
	if need > m.room {
		k.out = append(k.out, "0123456789"[:need-m.room]...)
	}
	if need != m.room {
		copy(k.out[m.at+need:], k.out[body:body+size])
		k.out = k.out[:m.at+need+size]
	}
	protowire.AppendVarint(k.out[:m.at], uint64(size))
}
