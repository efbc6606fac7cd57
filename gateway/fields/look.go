package fields

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"sluice/consent"
)

// account finds what may leave of the account with this id.
func (p Permit) account(id []byte) *Account {
	for i := range p.Accounts {
		if len(id) > 0 && string(p.Accounts[i].ID) == string(id) {
			return &p.Accounts[i]
		}
	}
	return nil
}

// accountID is the id that an entry's last account id has, as protobuf reads it.
func (m *message) accountID(b []byte) ([]byte, error) {
	return m.last(m.account, b)
}

// last is the last text of a field.
func (m *message) last(field protowire.Number, b []byte) ([]byte, error) {
	var id []byte
	for len(b) > 0 {
		n, wire, whole, value, err := next(b)
		if err != nil {
			return nil, err
		}
		b = b[len(whole):]
		if n == field && wire == protowire.BytesType {
			id = value
		}
	}
	if !utf8.Valid(id) {
		return nil, errText
	}
	return id, nil
}

// consentID is the consent that a message belongs to, as protobuf reads it.
func (m *message) consentID(b []byte) ([]byte, error) {
	return m.last(m.ownConsent, b)
}

// varints says whether b is nothing but numbers, as a packed list of enums is.
func varints(b []byte) bool {
	for len(b) > 0 {
		_, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// The fields of google.type.Date.
const (
	yearField  protowire.Number = 1
	monthField protowire.Number = 2
	dayField   protowire.Number = 3
)

// day is the look-back date of a message; NoDay where there is none that exists.
// A date that stands in several pieces is put together, as protobuf does.
func (m *message) day(b []byte) (consent.Day, error) {
	var date [dayField + 1]int32
	for len(b) > 0 {
		n, wire, whole, value, err := next(b)
		if err != nil {
			return consent.NoDay, err
		}
		b = b[len(whole):]
		if n != m.lookBack || wire != protowire.BytesType {
			continue
		}
		for len(value) > 0 {
			n, wire, whole, part, err := next(value)
			if err != nil {
				return consent.NoDay, err
			}
			value = value[len(whole):]
			if n >= yearField && n <= dayField && wire == protowire.VarintType {
				v, _ := protowire.ConsumeVarint(part)
				date[n] = int32(v)
			}
		}
	}
	day, ok := consent.DayFrom(int(date[yearField]), int(date[monthField]), int(date[dayField]))
	if !ok {
		return consent.NoDay, nil
	}
	return day, nil
}

// maskFrom is the length, in characters, from which a number's last four show.
const maskFrom = 8

// appendMasked writes a number with its length: only its last four characters,
// and none of a short one.
func appendMasked(dst, number []byte) []byte {
	tail := number[len(number):]
	if utf8.RuneCount(number) >= maskFrom {
		at := len(number)
		for range 4 {
			_, size := utf8.DecodeLastRune(number[:at])
			at -= size
		}
		tail = number[at:]
	}
	if len(number) == 0 {
		return protowire.AppendVarint(dst, 0)
	}
	dst = protowire.AppendVarint(dst, uint64(len("****")+len(tail)))
	dst = append(dst, "****"...)
	return append(dst, tail...)
}
