package fields_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"sluice/consent"
	"sluice/gateway/fields"
	"sluice/gateway/masking"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

var everyCluster = []consent.Cluster{
	consent.AccountBasic, consent.AccountDetailed, consent.Balances, consent.TransactionsBasic,
	consent.TransactionsDetailed, consent.Cards, consent.CardTransactions, consent.FraudAlerts, consent.Conversations,
}

func drawPermit(t *rapid.T) fields.Permit {
	// Most permits permit much, so that most answers have something to keep.
	clusters := rapid.OneOf(
		rapid.Just(everyCluster),
		rapid.Just([]consent.Cluster{consent.AccountBasic, consent.Balances, consent.TransactionsBasic, consent.Cards, consent.FraudAlerts, consent.Conversations}),
		rapid.SliceOf(rapid.SampledFrom(everyCluster)),
	)
	p := fields.Permit{From: oldest, To: today, Pass: masking.Pass(rapid.Uint8Range(0, 7).Draw(t, "pass"))}
	if rapid.IntRange(0, 9).Draw(t, "of a consent") > 0 {
		p.Consent = "con_1"
	}
	for _, id := range []string{"A1", "A2"} {
		p.Accounts = append(p.Accounts, fields.Account{
			ID: consent.AccountID(id), Public: rapid.SampledFrom([]string{"p" + id, "pairwise-of-" + id}).Draw(t, "public"),
			Clusters: consent.ClustersOf(clusters.Draw(t, "clusters")...),
			Masked:   rapid.Bool().Draw(t, "masked"),
		})
	}
	return p
}

// drawWire writes a message field by field, as no honest encoder would: fields
// in any order, twice, in pieces, of wrong wire types, and unknown ones.
func drawWire(t *rapid.T, m protoreflect.MessageDescriptor) []byte {
	var b []byte
	if f := m.Fields().ByName("account_id"); f != nil && rapid.IntRange(0, 3).Draw(t, "named") > 0 {
		b = protowire.AppendString(protowire.AppendTag(b, f.Number(), protowire.BytesType), drawAccount(t))
	}
	if f := m.Fields().ByName("booking_date"); f != nil && rapid.IntRange(0, 3).Draw(t, "dated") > 0 {
		b = protowire.AppendTag(b, f.Number(), protowire.BytesType)
		b = protowire.AppendBytes(b, drawDate(t))
	}
	if f := m.Fields().ByName("consent_id"); f != nil && rapid.IntRange(0, 3).Draw(t, "of one consent") > 0 {
		b = protowire.AppendString(protowire.AppendTag(b, f.Number(), protowire.BytesType), drawConsent(t))
	}
	for range rapid.IntRange(0, 6).Draw(t, "fields") {
		n := rapid.IntRange(0, m.Fields().Len()).Draw(t, "field")
		if n == m.Fields().Len() || rapid.IntRange(0, 12).Draw(t, "odd") == 0 {
			b = drawOdd(t, b, m)
			continue
		}
		f := m.Fields().Get(n)
		switch {
		case f.Message() != nil:
			b = protowire.AppendTag(b, f.Number(), protowire.BytesType)
			b = protowire.AppendBytes(b, drawWire(t, f.Message()))
		case f.Name() == "consent_id":
			b = protowire.AppendTag(b, f.Number(), protowire.BytesType)
			b = protowire.AppendString(b, drawConsent(t))
		case f.Kind() == protoreflect.StringKind:
			b = protowire.AppendTag(b, f.Number(), protowire.BytesType)
			b = protowire.AppendString(b, drawText(t))
		case f.IsList() && rapid.Bool().Draw(t, "packed"):
			b = protowire.AppendTag(b, f.Number(), protowire.BytesType)
			b = protowire.AppendBytes(b, protowire.AppendVarint(protowire.AppendVarint(nil, drawNumber(t)), drawNumber(t)))
		default:
			b = protowire.AppendTag(b, f.Number(), protowire.VarintType)
			b = protowire.AppendVarint(b, drawNumber(t))
		}
	}
	return b
}

func drawAccount(t *rapid.T) string {
	return rapid.SampledFrom([]string{"A1", "A2", "A3"}).Draw(t, "account")
}

func drawConsent(t *rapid.T) string {
	return rapid.SampledFrom([]string{"con_1", "con_1", "con_1", "con_2", ""}).Draw(t, "consent")
}

func drawDay(t *rapid.T) consent.Day {
	return today - rapid.SampledFrom([]consent.Day{-1, 0, 1, 9, 10, 11}).Draw(t, "age")
}

func drawDate(t *rapid.T) []byte {
	b, err := proto.Marshal(dateOf(drawDay(t)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func drawText(t *rapid.T) string {
	return rapid.SampledFrom([]string{"A1", "A1", "A2", "A3", "", "4111111111111111", "kód je 482913", "na CZ6508000000192000145399 prosím", "žluťoučký kůň"}).Draw(t, "text")
}

func drawNumber(t *rapid.T) uint64 {
	return rapid.SampledFrom([]uint64{0, 1, 2, 11, 20, 24, 2026, 2026, 1 << 40, 1<<64 - 1}).Draw(t, "number")
}

func drawOdd(t *rapid.T, b []byte, m protoreflect.MessageDescriptor) []byte {
	n := protowire.Number(rapid.IntRange(1, m.Fields().Len()+3).Draw(t, "number of odd field"))
	switch rapid.IntRange(0, 4).Draw(t, "oddity") {
	case 0:
		return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), drawNumber(t))
	case 1:
		return protowire.AppendFixed64(protowire.AppendTag(b, n, protowire.Fixed64Type), drawNumber(t))
	case 2:
		return protowire.AppendFixed32(protowire.AppendTag(b, n, protowire.Fixed32Type), 7)
	case 3:
		return protowire.AppendGroup(protowire.AppendTag(b, n, protowire.StartGroupType), n, []byte{0x08, 0x01})
	default:
		return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), []byte(drawText(t)))
	}
}

func TestKeepAgreesWithItsTwinOnOddMessages(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(string(k.answer.Name()), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) { agree(r, k, drawWire(r, k.answer), drawPermit(r)) })
		})
	}
}

// Whole messages, encoded as a bank's library does.
func TestKeepAgreesWithItsTwinOnWholeMessages(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(string(k.answer.Name()), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				m := dynamicpb.NewMessage(k.answer)
				fill(r, m)
				b, err := proto.Marshal(m)
				if err != nil {
					r.Fatal(err)
				}
				agree(r, k, b, drawPermit(r))
			})
		})
	}
}

func fill(t *rapid.T, m protoreflect.Message) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch {
		case f.IsList() && f.Message() == nil:
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				m.Mutable(f).List().Append(protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.IntRange(0, 400).Draw(t, "enum"))))
			}
		case f.IsList():
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				fill(t, m.Mutable(f).List().AppendMutable().Message())
			}
		case f.Message() != nil:
			if f.Message().FullName() == "google.type.Date" {
				m.Set(f, protoreflect.ValueOfMessage(dateOf(drawDay(t)).ProtoReflect()))
			} else if rapid.Bool().Draw(t, "present") {
				fill(t, m.Mutable(f).Message())
			}
		case f.Name() == "account_id":
			m.Set(f, protoreflect.ValueOfString(drawAccount(t)))
		case f.Name() == "consent_id":
			m.Set(f, protoreflect.ValueOfString(drawConsent(t)))
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(drawText(t)))
		case f.Kind() == protoreflect.EnumKind:
			m.Set(f, protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.IntRange(0, 40).Draw(t, "enum"))))
		case f.Kind() == protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64")))
		default:
			m.Set(f, protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32")))
		}
	}
}

// FuzzKeep: whatever a bank sends, Keep does not panic, leaves nothing that is
// not permitted, and agrees with its twin.
func FuzzKeep(f *testing.F) {
	whole := &bankv1.ListTransactionsResponse{Accounts: []*datav1.AccountTransactions{
		{AccountId: "A1", Transactions: []*datav1.Transaction{transaction("t", today), transaction("u", oldest-1)}},
		{AccountId: "A3", Transactions: []*datav1.Transaction{transaction("v", today)}},
	}, NextPageToken: "next"}
	f.Add(byte(2), uint32(1<<4), false, encode(f, whole))
	f.Add(byte(2), uint32(1<<4|1<<5|1<<2), false, encode(f, whole))
	f.Add(byte(0), uint32(1<<1), true, encode(f, &bankv1.ListAccountsResponse{Accounts: []*datav1.Account{{AccountId: "A1", Number: "12345678"}}}))
	f.Add(byte(1), uint32(1<<3), true, []byte{0x0a, 0x00})
	said := &bankv1.ListMessagesResponse{Accounts: []*datav1.AccountMessages{{AccountId: "A1", Messages: []*datav1.Message{
		message("m1", "con_1", "my card is 4111 1111 1111 1111"), message("m2", "con_2", "not yours"), message("m3", "", "nobody's"),
	}}}}
	f.Add(byte(6), uint32(1<<10), true, encode(f, said))
	f.Add(byte(6), uint32(1<<10|7<<24), true, encode(f, said))
	all := kinds(f)
	f.Fuzz(func(t *testing.T, which byte, clusters uint32, masked bool, answer []byte) {
		agree(t, all[int(which)%len(all)], answer, fields.Permit{From: oldest, To: today, Consent: "con_1", Pass: masking.Pass(clusters >> 24 & 7), Accounts: []fields.Account{
			{ID: "A1", Public: "p1", Clusters: consent.Clusters(clusters), Masked: masked},
		}})
	})
}
