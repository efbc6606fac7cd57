package registrydb_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/registry"
	"sluice/registry/registrydb"
	"sluice/sqldb/sqldbtest"
)

func TestRegisteringAgainRenamesAndKeepsTheStanding(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s, ctx := registrydb.New(open(t)), t.Context()
		for _, b := range []registry.Bank{
			{ID: "vltava", Name: "Vltava", Standing: registry.Active, Address: "127.0.0.1:1"},
			{ID: "morava", Name: "Morava", Standing: registry.Active, Address: "127.0.0.1:2"},
		} {
			if err := s.PutBank(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.SetBankStanding(ctx, "morava", registry.Suspended); err != nil {
			t.Fatal(err)
		}
		moved := registry.Bank{
			ID: "morava", Name: "Banka Morava", Standing: registry.Active, Address: "127.0.0.1:3",
			Chat: registry.PassAccountNumbers | registry.PassCodes,
		}
		if err := s.PutBank(ctx, moved); err != nil {
			t.Fatal(err)
		}
		moved.Standing = registry.Suspended
		got, err := s.Banks(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := []registry.Bank{moved, {ID: "vltava", Name: "Vltava", Standing: registry.Active, Address: "127.0.0.1:1"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("banks differ (-want +got):\n%s", diff)
		}
	})
}

func TestPartnersAndBanksOfOneIDAreApart(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s, ctx := registrydb.New(open(t)), t.Context()
		if err := s.PutPartner(ctx, registry.Partner{ID: "same", Name: "Partner", Standing: registry.Active}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Bank(ctx, "same"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("a partner is found as a bank: %v", err)
		}
		p, err := s.SetPartnerStanding(ctx, "same", registry.Suspended)
		if err != nil || p.Standing != registry.Suspended {
			t.Errorf("suspended partner = %+v, %v", p, err)
		}
		all, err := s.Partners(ctx)
		if err != nil || len(all) != 1 || !cmp.Equal(all[0], p) {
			t.Errorf("partners = %+v, %v", all, err)
		}
	})
}

func TestAbsentPartiesAreNotFound(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s, ctx := registrydb.New(open(t)), t.Context()
		if _, err := s.Partner(ctx, "none"); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Partner = %v", err)
		}
		if _, err := s.SetPartnerStanding(ctx, "none", registry.Active); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("SetPartnerStanding = %v", err)
		}
		if _, err := s.SetBankStanding(ctx, "none", registry.Active); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("SetBankStanding = %v", err)
		}
	})
}

func TestWhatABankLetsPassIsReplacedAndNothingIsMadeUp(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		s, ctx := registrydb.New(open(t)), t.Context()
		b := registry.Bank{ID: "morava", Name: "Morava", Standing: registry.Active, Address: "127.0.0.1:1"}
		for _, b.Chat = range []registry.ChatPass{0, registry.PassCardNumbers | registry.PassCodes, registry.PassAccountNumbers, 0} {
			if err := s.PutBank(ctx, b); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Bank(ctx, b.ID); err != nil || got.Chat != b.Chat {
				t.Errorf("lets pass %v, %v; want %v", got.Chat.Names(), err, b.Chat.Names())
			}
		}
		b.Chat = 1 << 7
		if err := s.PutBank(ctx, b); err == nil {
			t.Error("a bank lets pass what there is not")
		}
	})
}

func TestUnknownStandingIsNotKept(t *testing.T) {
	sqldbtest.Engines(t, func(t *testing.T, open sqldbtest.Open) {
		if err := registrydb.New(open(t)).PutPartner(t.Context(), registry.Partner{ID: "p", Name: "P"}); err == nil {
			t.Error("a partner of unknown standing was registered")
		}
	})
}
