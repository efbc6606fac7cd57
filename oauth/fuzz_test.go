package oauth_test

import (
	"testing"

	"sluice/consent"
	"sluice/oauth"
)

func FuzzAsked(f *testing.F) {
	f.Add(`{"type":"account_data","bank":"morava","data_clusters":["BALANCES"],"purpose":"ACCOUNT_OVERVIEW","expires_at":"2027-01-01T00:00:00Z"}`)
	f.Add(`{"type":"account_data","accounts":[{}],"access":{"one_time":true}}`)
	f.Add(`{"look_back_days":1e99}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, raw string) {
		bank, terms, err := oauth.Asked(raw)
		if err != nil {
			return
		}
		// What was read is asked for again in the same words.
		if bank == "" || terms.ValidUntil.IsZero() {
			t.Errorf("%s asks bank %q until %v", raw, bank, terms.ValidUntil)
		}
		for _, name := range terms.Clusters.Names() {
			if _, ok := consent.ParseCluster(name); !ok {
				t.Errorf("%s asks for %s", raw, name)
			}
		}
	})
}
