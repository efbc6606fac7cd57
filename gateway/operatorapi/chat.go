package operatorapi

import (
	operatorv1 "sluice/gen/sluice/operator/v1"
	"sluice/registry"
)

// chatPasses ties the contract's list to the registry's. Whatever is not here
// passes nowhere.
var chatPasses = [...]struct {
	contract operatorv1.ChatPass
	registry registry.ChatPass
}{
	{operatorv1.ChatPass_CHAT_PASS_ACCOUNT_NUMBERS, registry.PassAccountNumbers},
	{operatorv1.ChatPass_CHAT_PASS_CARD_NUMBERS, registry.PassCardNumbers},
	{operatorv1.ChatPass_CHAT_PASS_CODES, registry.PassCodes},
}

// chatPass is what the rules of a bank let pass.
func chatPass(r *operatorv1.ChatRules) registry.ChatPass {
	var out registry.ChatPass
	for _, p := range r.GetPass() {
		for _, c := range chatPasses {
			if c.contract == p {
				out |= c.registry
			}
		}
	}
	return out
}

// chatRules is what a bank lets pass, as the contract says it.
func chatRules(p registry.ChatPass) *operatorv1.ChatRules {
	out := &operatorv1.ChatRules{}
	for _, c := range chatPasses {
		if p.Has(c.registry) {
			out.Pass = append(out.Pass, c.contract)
		}
	}
	return out
}
