package banktest

import bankv1 "sluice/gen/sluice/bank/v1"

// HeldBy answers bank.ListHolders: one customer holds these accounts alone.
func HeldBy(customer string, accounts ...string) *bankv1.ListHoldersResponse {
	out := &bankv1.ListHoldersResponse{}
	for _, a := range accounts {
		out.Accounts = append(out.Accounts, &bankv1.AccountHolders{
			AccountId: a, Holders: []*bankv1.Holder{{CustomerId: customer, DisplayName: "Client " + customer, MustAgree: true}},
		})
	}
	return out
}
