package samplebank

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"

	bankv1 "sluice/gen/sluice/bank/v1"
)

// banks are the four sample banks: bank n has the accounts whose number modulo
// four is n. The codes are of no bank there is.
var banks = [4]struct {
	id, name string
	code     int
}{
	{"labe", "Banka Labe", 9901},
	{"morava", "Banka Morava", 9902},
	{"odra", "Banka Odra", 9903},
	{"vltava", "Banka Vltava", 9904},
}

// Banks are the ids of the sample banks.
func Banks() []string {
	out := make([]string, len(banks))
	for i, b := range banks {
		out[i] = b.id
	}
	return out
}

// Bank serves one bank's customers. It may be used by many goroutines.
type Bank struct {
	bankv1.UnimplementedBankServiceServer
	bankv1.UnimplementedConversationServiceServer
	data *Data
	bank int
	now  func() time.Time

	alerts alertBook
	talks  *conversations
}

// New opens one of the Banks. The clock moves the data on; see README.md.
func New(data *Data, id string, now func() time.Time) (*Bank, error) {
	n := slices.Index(Banks(), id)
	if n < 0 {
		return nil, fmt.Errorf("there is no sample bank %q; there are %v", id, Banks())
	}
	return &Bank{data: data, bank: n, now: now, talks: newConversations()}, nil
}

// Name is the bank's name for people.
func (b *Bank) Name() string { return banks[b.bank].name }

// Register puts BankService and ConversationService on a server.
func (b *Bank) Register(s grpc.ServiceRegistrar) {
	bankv1.RegisterBankServiceServer(s, b)
	bankv1.RegisterConversationServiceServer(s, b)
}
