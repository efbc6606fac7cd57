package consent_test

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

func TestClustersHaveEveryClusterOfTheContractAndNoOther(t *testing.T) {
	var all consent.Clusters
	for n, name := range datav1.DataCluster_name {
		c := consent.Cluster(n)
		s := consent.ClustersOf(c)
		all |= s
		if s.Has(c) != (n != 0) {
			t.Errorf("%s: set %b", name, s)
		}
		back, ok := consent.ParseCluster(consent.ClusterName(c))
		if ok != (n != 0) || ok && back != c {
			t.Errorf("%s: parsed as %v, %v", name, back, ok)
		}
	}
	if want := len(datav1.DataCluster_name) - 1; len(all.List()) != want {
		t.Errorf("%d clusters, want %d", len(all.List()), want)
	}
	if s := consent.ClustersOf(0, -1, 11, 31, 32, 1000); s != 0 {
		t.Errorf("unknown clusters made %b", s)
	}
	for _, name := range []string{"", "NOPE", "balances", "DATA_CLUSTER_BALANCES"} {
		if c, ok := consent.ParseCluster(name); ok {
			t.Errorf("%q is parsed as %v", name, c)
		}
	}
}

func TestClustersAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SampledFrom(consent.Clusters(1<<11 - 2).List())
		a := rapid.SliceOf(known).Draw(t, "a")
		b := rapid.SliceOf(known).Draw(t, "b")
		sa, sb := consent.ClustersOf(a...), consent.ClustersOf(b...)
		within := true
		for _, c := range sa.List() {
			within = within && sb.Has(c)
		}
		if sa.Within(sb) != within || consent.ClustersOf(sa.List()...) != sa || !sa.Within(sa.Implied()) {
			t.Fatalf("%v within %v is %v", sa, sb, sa.Within(sb))
		}
		if sa.Implied() != sa.Implied().Implied() {
			t.Fatalf("%v implies ever more", sa)
		}
	})
}

func TestNamesAreThoseOfTheContractWithoutTheirPrefix(t *testing.T) {
	for got, want := range map[string]string{
		clusters(consent.Conversations, consent.AccountBasic).String():  "ACCOUNT_BASIC,CONVERSATIONS",
		consent.Clusters(0).String():                                    "",
		consent.PurposeName(consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW): "ACCOUNT_OVERVIEW",
		consent.StatusName(consent.PartiallyAuthorized):                 "PARTIALLY_AUTHORIZED",
		consent.ChangeName(consent.KindWithdrawAccount):                 "WITHDRAW_ACCOUNT",
		consent.ActorName(consent.ActorCoHolder):                        "CO_HOLDER",
		consent.WhyName(consent.WhyOneTimeUsed):                         "ONE_TIME_USED",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
