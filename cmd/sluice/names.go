package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

// shortName is an enum's name without the prefix that all its values share.
func shortName(e interface {
	protoreflect.Enum
	String() string
},
) string {
	prefix := string(e.Descriptor().Values().ByNumber(0).Name())
	return strings.TrimPrefix(e.String(), strings.TrimSuffix(prefix, "UNSPECIFIED"))
}

// clusterList reads data clusters by their short names.
type clusterList []datav1.DataCluster

func (l *clusterList) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		c, ok := consent.ParseCluster(strings.ToUpper(strings.TrimSpace(name)))
		if !ok {
			return fmt.Errorf("there is no data cluster %q; there are %s", name, strings.Join(allClusters(), ", "))
		}
		*l = append(*l, c)
	}
	return nil
}

func allClusters() []string {
	var out []string
	for n := range len(datav1.DataCluster_name) {
		if n > 0 {
			out = append(out, consent.ClusterName(datav1.DataCluster(n)))
		}
	}
	return out
}

func clusterNames(list []datav1.DataCluster) string {
	return strings.ReplaceAll(consent.ClustersOf(list...).String(), ",", " ")
}

// purpose reads a purpose by its short name.
type purpose consentv1.Purpose

func (p *purpose) UnmarshalText(text []byte) error {
	n, ok := consentv1.Purpose_value["PURPOSE_"+strings.ToUpper(string(text))]
	if !ok || n == 0 {
		var all []string
		for i := range len(consentv1.Purpose_name) - 1 {
			all = append(all, consent.PurposeName(consentv1.Purpose(i+1)))
		}
		return fmt.Errorf("there is no purpose %q; there are %s", text, strings.Join(all, ", "))
	}
	*p = purpose(n)
	return nil
}

// shareList reads "A7753=BALANCES,TRANSACTIONS_BASIC".
type shareList []*consentv1.Share

func (l *shareList) UnmarshalText(text []byte) error {
	account, kinds, ok := strings.Cut(string(text), "=")
	if !ok || account == "" {
		return fmt.Errorf("%q is no share; write ACCOUNT=CLUSTER,CLUSTER", text)
	}
	if slices.ContainsFunc(*l, func(s *consentv1.Share) bool { return s.GetAccountId() == account }) {
		return fmt.Errorf("%s is shared twice", account)
	}
	var clusters clusterList
	if err := clusters.UnmarshalText([]byte(kinds)); err != nil {
		return err
	}
	*l = append(*l, &consentv1.Share{AccountId: account, Clusters: clusters})
	return nil
}

// calendarDay reads "2026-01-31".
type calendarDay struct{ *date.Date }

func (d *calendarDay) UnmarshalText(text []byte) error {
	day, err := consent.ParseDay(string(text))
	if err != nil {
		return fmt.Errorf("%q is no day; write it like 2026-01-31", text)
	}
	y, m, dd := day.Date()
	d.Date = &date.Date{Year: int32(y), Month: int32(m), Day: int32(dd)}
	return nil
}

func formatDate(d *date.Date) string {
	if d == nil {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.GetYear(), d.GetMonth(), d.GetDay())
}

// formatMoney writes an amount exactly: at least two decimals, and more only
// where they are not zero.
func formatMoney(m *money.Money) string {
	if m == nil {
		return ""
	}
	sign, units, nanos := "", m.GetUnits(), m.GetNanos()
	if units < 0 || nanos < 0 { // both, or the other is zero
		sign, units, nanos = "-", -units, -nanos
	}
	decimals := strings.TrimRight(fmt.Sprintf("%09d", nanos), "0")
	for len(decimals) < 2 {
		decimals += "0"
	}
	return fmt.Sprintf("%s%d.%s %s", sign, uint64(units), decimals, m.GetCurrencyCode())
}

func formatTime(t interface{ AsTime() time.Time }) string {
	return t.AsTime().Local().Format("2006-01-02 15:04:05")
}
