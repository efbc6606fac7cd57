package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"sluice/consent"
)

// Whatever is sent, the answer is a page, and what is agreed is within what was
// asked, of this customer's accounts.
func FuzzConsentForm(f *testing.F) {
	f.Add("give", "BALANCES:acc-current-4821", "TRANSACTIONS_DETAILED:acc-joint-7733", "30", "2026-06-30", "1", "yes")
	f.Add("give", "BALANCES:acc-current-4821", "", "", "", "1", "")
	f.Add("all", ":", "::", "-1", "0000-00-00", "0", "no")
	f.Add("refuse", "CARDS:acc-current-4821", "BALANCES", "99999999999999999999", "2026-10-30", "-1", "")
	s := newStand(f)
	s.bank.joint = true
	b := s.ona()
	f.Fuzz(func(t *testing.T, do, share, other, days, until, revision, hidden string) {
		s.t = t
		before := s.request()
		path := s.ask(before)
		got := b.do(http.MethodPost, path, url.Values{
			"csrf": {field(b.get(path), "csrf")}, "do": {do}, "share": {share, other}, "look_back": {days}, "until": {until},
			"revision": {revision}, "hidden": {hidden},
		})
		after := s.read(before.ID)
		switch {
		case got.status == http.StatusSeeOther && do == "refuse":
			if after.Status != consent.Rejected {
				t.Errorf("refused, and it is %v", after.Status)
			}
			return
		case got.status == http.StatusSeeOther && do == "give":
		case got.status == http.StatusOK, got.status == http.StatusBadRequest:
			if after.Revision != before.Revision {
				t.Errorf("status %d, and something changed", got.status)
			}
			return
		default:
			t.Fatalf("%q answers %d", do, got.status)
		}
		if after.ValidUntil.After(before.ValidUntil) || !after.ValidUntil.After(s.at) || after.LookBackDays > 90 || len(after.Shares) == 0 {
			t.Errorf("beyond what was asked: %+v", after)
		}
		for _, share := range after.Shares {
			if share.Account != "acc-current-4821" && share.Account != "acc-joint-7733" || !share.Clusters.Within(before.Asked.Clusters) {
				t.Errorf("beyond what was asked: %+v", share)
			}
			if share.Account == "acc-joint-7733" && !after.Hidden && after.Status != consent.PartiallyAuthorized {
				t.Error("a joint account is shared without its other holder")
			}
		}
	})
}
