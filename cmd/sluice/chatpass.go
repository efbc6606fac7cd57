package main

import (
	"slices"
	"strings"

	operatorv1 "sluice/gen/sluice/operator/v1"
)

// passNothing takes back all that a bank let pass.
const passNothing = "nothing"

// chatRules are the rules that a command's words mean; nil where there are none,
// so that a bank's rules stay as they are.
func chatRules(words []string) *operatorv1.ChatRules {
	if len(words) == 0 {
		return nil
	}
	rules := &operatorv1.ChatRules{}
	if slices.Contains(words, passNothing) {
		return rules // whatever else was said
	}
	for _, word := range words {
		for n := range operatorv1.ChatPass_name {
			if p := operatorv1.ChatPass(n); n != 0 && passWord(p) == word && !slices.Contains(rules.GetPass(), p) {
				rules.Pass = append(rules.Pass, p)
			}
		}
	}
	return rules
}

// passWord is what may pass in a command's words, e.g. "accounts".
func passWord(p operatorv1.ChatPass) string {
	switch p {
	case operatorv1.ChatPass_CHAT_PASS_ACCOUNT_NUMBERS:
		return "accounts"
	case operatorv1.ChatPass_CHAT_PASS_CARD_NUMBERS:
		return "cards"
	case operatorv1.ChatPass_CHAT_PASS_CODES:
		return "codes"
	default:
		return ""
	}
}

// passing says what a bank lets pass in conversations.
func passing(r *operatorv1.ChatRules) string {
	words := make([]string, len(r.GetPass()))
	for i, p := range r.GetPass() {
		words[i] = passWord(p)
	}
	return strings.Join(words, " ")
}
