package samplebank

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bankv1 "sluice/gen/sluice/bank/v1"
)

// holdersInSource reads the source's own table: by account, its clients in order.
func holdersInSource(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	if err := rows("berka-disp", ';', func(r []string) error {
		id := "A" + r[2]
		out[id] = append(out[id], strings.Clone(r[1]))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestHoldersAreThoseOfTheSource(t *testing.T) {
	d := load(t)
	want := holdersInSource(t)
	accounts, shared := 0, 0
	for _, id := range Banks() {
		b := open(t, d, id)
		for customer, held := range d.customers {
			if held[0].bank != b.bank {
				continue
			}
			got, err := b.ListHolders(t.Context(), &bankv1.ListHoldersRequest{Subject: &bankv1.Subject{CustomerId: customer}})
			if err != nil || len(got.GetAccounts()) != len(held) {
				t.Fatalf("%s: %v, %v", customer, got, err)
			}
			for _, a := range got.GetAccounts() {
				var ids []string
				for _, h := range a.GetHolders() {
					ids = append(ids, h.GetCustomerId())
					if !h.GetMustAgree() || h.GetDisplayName() == "" {
						t.Errorf("%s: %v", a.GetAccountId(), h)
					}
				}
				if !slices.Contains(ids, customer) {
					t.Errorf("%s is not among those who hold %s", customer, a.GetAccountId())
				}
				if !strings.HasPrefix(a.GetAccountId(), "A") {
					continue
				}
				accounts++
				if len(ids) > 1 {
					shared++
				}
				if diff := cmp.Diff(want[a.GetAccountId()], ids); diff != "" {
					t.Errorf("%s (-want +got):\n%s", a.GetAccountId(), diff)
				}
			}
		}
	}
	if accounts < 1229 || shared < 200 {
		t.Errorf("looked at %d accounts, %d of them shared", accounts, shared)
	}
}

func TestHoldersOfOthersAccountsAreNotTold(t *testing.T) {
	b := open(t, load(t), "morava")
	got, err := b.ListHolders(t.Context(), &bankv1.ListHoldersRequest{Subject: &bankv1.Subject{CustomerId: "9593", AccountIds: []string{"A489", "A7753", "A0"}}})
	if err != nil || len(got.GetAccounts()) != 1 || got.GetAccounts()[0].GetAccountId() != "A7753" {
		t.Errorf("answered %v, %v", got, err)
	}
	if _, err := b.ListHolders(t.Context(), &bankv1.ListHoldersRequest{Subject: &bankv1.Subject{CustomerId: "nobody"}}); status.Code(err) != codes.NotFound {
		t.Errorf("no customer = %v", err)
	}
}
