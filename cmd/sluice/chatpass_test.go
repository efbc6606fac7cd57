package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	operatorv1 "sluice/gen/sluice/operator/v1"
)

// A bank's rules stay as they are unless the operator says something of them.
func TestWhatPassesInConversationsIsWhatTheOperatorSays(t *testing.T) {
	for _, tt := range []struct {
		words []string
		says  bool
		want  string
	}{
		{nil, false, ""},
		{[]string{"nothing"}, true, ""},
		{[]string{"accounts"}, true, "accounts"},
		{[]string{"codes", "accounts", "codes"}, true, "codes accounts"},
		{[]string{"cards", "nothing"}, true, ""},
	} {
		rules := chatRules(tt.words)
		if (rules != nil) != tt.says || passing(rules) != tt.want {
			t.Errorf("%v means %v", tt.words, rules)
		}
	}
}

func TestAllThatMayPassHasAWord(t *testing.T) {
	var missing []string
	for n, name := range operatorv1.ChatPass_name {
		if n != 0 && passWord(operatorv1.ChatPass(n)) == "" {
			missing = append(missing, name)
		}
	}
	if diff := cmp.Diff([]string(nil), missing); diff != "" {
		t.Error(diff)
	}
}
