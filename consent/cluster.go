package consent

import (
	"math/bits"
	"strings"

	datav1 "sluice/gen/sluice/data/v1"
)

// Cluster is a kind of data that one can permit alone.
type Cluster = datav1.DataCluster

// The data clusters, by their short names.
const (
	AccountBasic         = datav1.DataCluster_DATA_CLUSTER_ACCOUNT_BASIC
	AccountDetailed      = datav1.DataCluster_DATA_CLUSTER_ACCOUNT_DETAILED
	Balances             = datav1.DataCluster_DATA_CLUSTER_BALANCES
	TransactionsBasic    = datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_BASIC
	TransactionsDetailed = datav1.DataCluster_DATA_CLUSTER_TRANSACTIONS_DETAILED
	Cards                = datav1.DataCluster_DATA_CLUSTER_CARDS
	CardTransactions     = datav1.DataCluster_DATA_CLUSTER_CARD_TRANSACTIONS
	Statements           = datav1.DataCluster_DATA_CLUSTER_STATEMENTS
	FraudAlerts          = datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS
	Conversations        = datav1.DataCluster_DATA_CLUSTER_CONVERSATIONS
)

// ClusterName is the cluster as it stands in Rego, SQL and docs, e.g. "BALANCES".
func ClusterName(c Cluster) string { return strings.TrimPrefix(c.String(), "DATA_CLUSTER_") }

// ParseCluster finds a cluster by its ClusterName.
func ParseCluster(name string) (Cluster, bool) {
	n, ok := datav1.DataCluster_value["DATA_CLUSTER_"+name]
	return Cluster(n), ok && n != 0
}

// Clusters is a set of data clusters: bit n stands for the cluster numbered n.
// The zero value is empty.
type Clusters uint32

// ClustersOf makes a set. Unknown and unspecified clusters are left out.
func ClustersOf(cs ...Cluster) Clusters {
	var s Clusters
	for _, c := range cs {
		if _, known := datav1.DataCluster_name[int32(c)]; known && c > 0 && c < 32 {
			s |= 1 << c
		}
	}
	return s
}

// Has says whether the cluster is in the set. It is never for the unspecified cluster.
func (s Clusters) Has(c Cluster) bool { return c > 0 && c < 32 && s&(1<<c) != 0 }

// Within says whether every cluster of the set is in the other too.
func (s Clusters) Within(other Clusters) bool { return s&^other == 0 }

// Implied is the set with the BASIC cluster of every DETAILED one.
func (s Clusters) Implied() Clusters {
	if s.Has(AccountDetailed) {
		s |= ClustersOf(AccountBasic)
	}
	if s.Has(TransactionsDetailed) {
		s |= ClustersOf(TransactionsBasic)
	}
	return s
}

// List is the set in ascending order.
func (s Clusters) List() []Cluster {
	out := make([]Cluster, 0, bits.OnesCount32(uint32(s)))
	for c := Cluster(1); c < 32; c++ {
		if s.Has(c) {
			out = append(out, c)
		}
	}
	return out
}

// Names is the set's ClusterNames in ascending order.
func (s Clusters) Names() []string {
	list := s.List()
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = ClusterName(c)
	}
	return out
}

// String joins the names by commas.
func (s Clusters) String() string { return strings.Join(s.Names(), ",") }
