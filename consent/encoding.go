package consent

import (
	"encoding/binary"
	"errors"
	"time"
)

// errEncoding means that the bytes are not an encoded grant.
var errEncoding = errors.New("not an encoded grant")

// encodingV1 begins every encoded grant; another layout gets another number.
const encodingV1 = 1

// AppendBinary appends what the gate relies on, shortly: strings with their
// lengths, numbers as varints. Left out are the id, which whoever looks the grant
// up knows, what is not part of the digest, and the digest, which is computed again.
func (g Grant) AppendBinary(b []byte) ([]byte, error) {
	num := func(n int64) { b = binary.AppendUvarint(b, uint64(n)) }
	str := func(s string) { num(int64(len(s))); b = append(b, s...) }
	b = append(b, encodingV1)
	num(g.c.Revision)
	num(int64(g.c.Status))
	str(string(g.c.Partner))
	str(string(g.c.Bank))
	str(string(g.c.Customer))
	num(int64(g.c.Asked.Purpose))
	num(int64(g.c.Asked.UnattendedPerDay))
	if g.c.Asked.OneTime {
		num(1)
	} else {
		num(0)
	}
	num(int64(g.c.LookBackDays))
	num(g.c.ValidUntil.UnixMilli())
	num(int64(len(g.c.Shares)))
	for _, s := range g.c.Shares {
		str(string(s.Account))
		num(int64(s.Clusters))
	}
	return b, nil
}

// ParseGrant reads what AppendBinary wrote of the grant with this id. The caller vouches for where the
// bytes come from: a grant made of made-up bytes permits made-up things.
func ParseGrant(id ID, b []byte) (Grant, error) {
	if len(b) == 0 || b[0] != encodingV1 {
		return Grant{}, errEncoding
	}
	r := reader{b: b[1:]}
	c := Consent{ID: id}
	c.Revision = r.num()
	c.Status = Status(r.num())
	c.Partner, c.Bank, c.Customer = PartnerID(r.str()), BankID(r.str()), CustomerID(r.str())
	c.Asked.Purpose = Purpose(r.num())
	c.Asked.UnattendedPerDay = int(r.num())
	c.Asked.OneTime = r.num() == 1
	c.LookBackDays = int(r.num())
	c.ValidUntil = time.UnixMilli(r.num()).UTC()
	for n := r.num(); n > 0 && !r.bad; n-- {
		c.Shares = append(c.Shares, Share{Account: AccountID(r.str()), Clusters: Clusters(r.num())})
	}
	if r.bad || len(r.b) != 0 {
		return Grant{}, errEncoding
	}
	return Grant{c: c, digest: c.digest()}, nil
}

// reader reads on as if nothing was wrong, and remembers if something was.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) num() int64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int64(n)
}

func (r *reader) str() string {
	n := r.num()
	if n < 0 || n > int64(len(r.b)) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
