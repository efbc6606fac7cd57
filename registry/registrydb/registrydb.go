package registrydb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sluice/consent"
	"sluice/mutant"
	"sluice/registry"
	"sluice/sqldb"
)

const (
	partners = "partner"
	banks    = "bank"
)

// Store is a registry.Store in SQL.
type Store struct{ db *sqldb.DB }

// New keeps the registry in db.
func New(db *sqldb.DB) *Store { return &Store{db: db} }

// party is a row: what partners and banks have in common.
type party struct {
	id, name, address string
	standing          registry.Standing
	access            registry.Access
	client            registry.Client
	login             registry.Login
	chat              registry.ChatPass
}

// Partner looks a partner up.
func (s *Store) Partner(ctx context.Context, id consent.PartnerID) (registry.Partner, error) {
	p, err := s.find(ctx, partners, string(id))
	return p.partner(), err
}

// Bank looks a bank up.
func (s *Store) Bank(ctx context.Context, id consent.BankID) (registry.Bank, error) {
	p, err := s.find(ctx, banks, string(id))
	return p.bank(), err
}

// Partners lists all partners.
func (s *Store) Partners(ctx context.Context) ([]registry.Partner, error) {
	rows, err := s.list(ctx, partners)
	out := make([]registry.Partner, len(rows))
	for i, p := range rows {
		out[i] = p.partner()
	}
	return out, err
}

// Banks lists all banks.
func (s *Store) Banks(ctx context.Context) ([]registry.Bank, error) {
	rows, err := s.list(ctx, banks)
	out := make([]registry.Bank, len(rows))
	for i, p := range rows {
		out[i] = p.bank()
	}
	return out, err
}

// PutPartner registers a partner or renames it.
func (s *Store) PutPartner(ctx context.Context, p registry.Partner) error {
	return s.put(ctx, partners, party{id: string(p.ID), name: p.Name, standing: p.Standing, access: p.Access, client: p.Client})
}

// PutBank registers a bank, or renames and moves it.
func (s *Store) PutBank(ctx context.Context, b registry.Bank) error {
	return s.put(ctx, banks, party{id: string(b.ID), name: b.Name, standing: b.Standing, address: b.Address, login: b.Login, chat: b.Chat})
}

// SetPartnerStanding suspends or reinstates a partner.
func (s *Store) SetPartnerStanding(ctx context.Context, id consent.PartnerID, to registry.Standing) (registry.Partner, error) {
	if err := s.setStanding(ctx, partners, string(id), to); err != nil {
		return registry.Partner{}, err
	}
	return s.Partner(ctx, id)
}

// SetBankStanding suspends or reinstates a bank.
func (s *Store) SetBankStanding(ctx context.Context, id consent.BankID, to registry.Standing) (registry.Bank, error) {
	if err := s.setStanding(ctx, banks, string(id), to); err != nil {
		return registry.Bank{}, err
	}
	return s.Bank(ctx, id)
}

func (s *Store) find(ctx context.Context, kind, id string) (party, error) {
	row := s.db.Reader().QueryRowContext(ctx,
		`SELECT id, name, standing, address, access, client, login, chat_pass FROM parties WHERE kind = $1 AND id = $2`, kind, id)
	p, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return party{}, fmt.Errorf("find %s: %w", kind, registry.ErrNotFound)
	}
	if err != nil {
		return party{}, fmt.Errorf("find %s: %w", kind, err)
	}
	return p, nil
}

func (s *Store) list(ctx context.Context, kind string) ([]party, error) {
	rows, err := s.db.Reader().QueryContext(ctx,
		`SELECT id, name, standing, address, access, client, login, chat_pass FROM parties WHERE kind = $1 ORDER BY id`, kind)
	if err != nil {
		return nil, fmt.Errorf("list %ss: %w", kind, err)
	}
	defer rows.Close()
	var out []party
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list %ss: %w", kind, err)
		}
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %ss: %w", kind, err)
	}
	return out, nil
}

const upsert = `
INSERT INTO parties (kind, id, name, standing, address, access, client, login, chat_pass) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, address = excluded.address,
    access = excluded.access, client = excluded.client, login = excluded.login,
    chat_pass = excluded.chat_pass`

func (s *Store) put(ctx context.Context, kind string, p party) error {
	if !p.chat.Known() {
		return fmt.Errorf("register %s: there is no such thing to let pass: %d", kind, p.chat)
	}
	client, err := json.Marshal(p.client)
	if err != nil {
		return fmt.Errorf("encode client: %w", err)
	}
	login, err := json.Marshal(p.login)
	if err != nil {
		return fmt.Errorf("encode login: %w", err)
	}
	err = s.change(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, upsert, kind, p.id, p.name, p.standing.String(), p.address, p.access.String(),
			string(client), string(login), strings.Join(p.chat.Names(), " "))
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("register %s: %w", kind, err)
	}
	return nil
}

func (s *Store) setStanding(ctx context.Context, kind, id string, to registry.Standing) error {
	err := s.change(ctx, func(tx sqldb.Tx) error {
		changed, err := tx.ExecContext(ctx, `UPDATE parties SET standing = $1 WHERE kind = $2 AND id = $3`, to.String(), kind, id)
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		n, err := changed.RowsAffected()
		if err == nil && n == 0 {
			return registry.ErrNotFound
		}
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("set standing of %s: %w", kind, err)
	}
	return nil
}

// change keeps releases out while a standing changes: each holds the table
// shared from before it reads standings until its commit.
func (s *Store) change(ctx context.Context, f func(sqldb.Tx) error) error {
	return s.db.Transact(ctx, func(tx sqldb.Tx) error { //nolint:wrapcheck // the caller says what it was doing
		if s.db.Engine() == sqldb.Postgres && !mutant.Is(mutant.UnfencedStanding) {
			if _, err := tx.ExecContext(ctx, `LOCK TABLE parties IN EXCLUSIVE MODE`); err != nil {
				return fmt.Errorf("lock standings: %w", err)
			}
		}
		return f(tx)
	})
}

func scan(row interface{ Scan(...any) error }) (party, error) {
	var (
		p                                     party
		standing, access, client, login, chat string
	)
	if err := row.Scan(&p.id, &p.name, &standing, &p.address, &access, &client, &login, &chat); err != nil {
		return party{}, err //nolint:wrapcheck // the caller tells absence apart and wraps
	}
	if err := json.Unmarshal([]byte(client), &p.client); err != nil {
		return party{}, fmt.Errorf("decode client: %w", err)
	}
	if err := json.Unmarshal([]byte(login), &p.login); err != nil {
		return party{}, fmt.Errorf("decode login: %w", err)
	}
	for _, name := range strings.Fields(chat) {
		pass, ok := registry.ParseChatPass(name)
		if !ok {
			return party{}, fmt.Errorf("there is no such thing to let pass: %q", name)
		}
		p.chat |= pass
	}
	if access == registry.ByCertificate.String() {
		p.access = registry.ByCertificate
	}
	switch standing {
	case registry.Active.String():
		p.standing = registry.Active
	case registry.Suspended.String():
		p.standing = registry.Suspended
	}
	return p, nil
}

func (p party) partner() registry.Partner {
	return registry.Partner{ID: consent.PartnerID(p.id), Name: p.name, Standing: p.standing, Access: p.access, Client: p.client}
}

func (p party) bank() registry.Bank {
	return registry.Bank{ID: consent.BankID(p.id), Name: p.name, Standing: p.standing, Address: p.address, Login: p.login, Chat: p.chat}
}
