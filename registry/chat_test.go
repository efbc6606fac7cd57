package registry_test

import (
	"slices"
	"strings"
	"testing"

	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/registry"
)

// The contract's list is the registry's, name for name.
func TestWhatMayPassInConversationsIsTheContractsList(t *testing.T) {
	var want []string
	for n, name := range operatorv1.ChatPass_name {
		if n != 0 {
			want = append(want, strings.TrimPrefix(name, "CHAT_PASS_"))
		}
	}
	slices.Sort(want)
	all := registry.PassAccountNumbers | registry.PassCardNumbers | registry.PassCodes
	if got := all.Names(); !slices.Equal(got, want) {
		t.Errorf("names = %v, want %v", got, want)
	}
	var back registry.ChatPass
	for _, name := range want {
		p, ok := registry.ParseChatPass(name)
		if !ok || back.Has(p) {
			t.Errorf("%s is %d, %t", name, p, ok)
		}
		back |= p
	}
	if back != all || !back.Known() || (back + 1).Known() {
		t.Errorf("read back as %d", back)
	}
}

func TestNothingPassesThatHasNoName(t *testing.T) {
	for _, name := range []string{"", "EVERYTHING", "codes", "CHAT_PASS_CODES"} {
		if p, ok := registry.ParseChatPass(name); ok || p != 0 {
			t.Errorf("%q lets pass %d", name, p)
		}
	}
	if registry.ChatPass(0).Has(registry.PassCodes) || len(registry.ChatPass(0).Names()) != 0 {
		t.Error("the zero value lets something pass")
	}
}
