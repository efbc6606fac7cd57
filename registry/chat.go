package registry

// ChatPass is what a bank lets pass unmasked when its customers and it write to
// each other: a set. The zero value lets nothing pass.
type ChatPass uint8

// What there is to let pass.
const (
	PassAccountNumbers ChatPass = 1 << iota // IBANs among them
	PassCardNumbers
	PassCodes // one-time codes, passwords and PINs

	passAll = PassAccountNumbers | PassCardNumbers | PassCodes
)

// passNames are in ascending order of both names and values.
var passNames = [...]struct {
	pass ChatPass
	name string
}{
	{PassAccountNumbers, "ACCOUNT_NUMBERS"},
	{PassCardNumbers, "CARD_NUMBERS"},
	{PassCodes, "CODES"},
}

// Has says whether all of other passes.
func (p ChatPass) Has(other ChatPass) bool { return other&^p == 0 }

// Known says whether there is nothing in the set but what there is to let pass.
func (p ChatPass) Known() bool { return passAll.Has(p) }

// Names is the set as it stands in SQL and Rego, in ascending order.
func (p ChatPass) Names() []string {
	out := []string{}
	for _, n := range passNames {
		if p.Has(n.pass) {
			out = append(out, n.name)
		}
	}
	return out
}

// ParseChatPass finds one by its name. It is false for a name that is not in
// the list.
func ParseChatPass(name string) (ChatPass, bool) {
	for _, n := range passNames {
		if n.name == name {
			return n.pass, true
		}
	}
	return 0, false
}
