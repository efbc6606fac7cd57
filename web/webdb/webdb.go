package webdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sluice/seal"
	"sluice/sqldb"
	"sluice/web"
)

// Store is a web.Sessions in SQL. What a row says is sealed: it names customers.
type Store struct {
	db   *sqldb.DB
	seal *seal.Sealer
}

// New keeps sessions in db, sealed.
func New(db *sqldb.DB, sealer *seal.Sealer) *Store { return &Store{db: db, seal: sealer} }

// sealed is what a row under a key says.
func (s *Store) sealed(kind string, key web.Key, what any) (string, error) {
	raw, err := json.Marshal(what)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", kind, err)
	}
	return s.seal.Seal(seal.Binding{kind, string(key)}, string(raw)), nil
}

func (s *Store) open(kind string, key web.Key, content string, into any) error {
	raw, err := s.seal.Open(seal.Binding{kind, string(key)}, content)
	if err != nil || len(raw) != 1 {
		return fmt.Errorf("open %s: %w", kind, errors.Join(err, seal.ErrInvalid))
	}
	if err := json.Unmarshal([]byte(raw[0]), into); err != nil {
		return fmt.Errorf("decode %s: %w", kind, err)
	}
	return nil
}

const (
	ofSession = "web session"
	ofLogin   = "web login"
)

// Session reads a session.
func (s *Store) Session(ctx context.Context, k web.Key) (web.Session, error) {
	var content string
	err := s.db.Reader().QueryRowContext(ctx, `SELECT content FROM web_sessions WHERE key = $1`, string(k)).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return web.Session{}, web.ErrNoSession
	}
	if err != nil {
		return web.Session{}, fmt.Errorf("read session: %w", err)
	}
	var out web.Session
	if err := s.open(ofSession, k, content, &out); err != nil {
		return web.Session{}, err
	}
	return out, nil
}

// Move keeps a session under a new key in place of an old one.
func (s *Store) Move(ctx context.Context, from, to web.Key, session web.Session) error {
	content, err := s.sealed(ofSession, to, session)
	if err != nil {
		return err
	}
	err = s.db.Transact(ctx, func(tx sqldb.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM web_sessions WHERE key = $1`, string(from)); err != nil {
			return fmt.Errorf("forget: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO web_sessions (key, content, ends_at) VALUES ($1, $2, $3)`,
			string(to), content, session.Ends().UnixMilli())
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("move session: %w", err)
	}
	return nil
}

// Seen notes a visit.
func (s *Store) Seen(ctx context.Context, k web.Key, session web.Session) error {
	content, err := s.sealed(ofSession, k, session)
	if err != nil {
		return err
	}
	return s.exec(ctx, "note visit", `UPDATE web_sessions SET content = $1, ends_at = $2 WHERE key = $3`,
		content, session.Ends().UnixMilli(), string(k))
}

// End forgets a session.
func (s *Store) End(ctx context.Context, k web.Key) error {
	return s.exec(ctx, "end session", `DELETE FROM web_sessions WHERE key = $1`, string(k))
}

// Begin keeps a login under way. One with the same state is an error: states
// are never used again.
func (s *Store) Begin(ctx context.Context, browser, state web.Key, p web.Pending, until time.Time) error {
	content, err := s.sealed(ofLogin, state, p)
	if err != nil {
		return err
	}
	return s.exec(ctx, "keep login", `INSERT INTO web_logins (state, browser, content, ends_at) VALUES ($1, $2, $3, $4)`,
		string(state), string(browser), content, until.UnixMilli())
}

// Take gives a login to its browser, once.
func (s *Store) Take(ctx context.Context, browser, state web.Key) (web.Pending, error) {
	var content string
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		row := tx.QueryRowContext(ctx, `DELETE FROM web_logins WHERE state = $1 AND browser = $2 RETURNING content`,
			string(state), string(browser))
		return row.Scan(&content) //nolint:wrapcheck // wrapped below
	})
	if errors.Is(err, sql.ErrNoRows) {
		return web.Pending{}, web.ErrNoSession
	}
	if err != nil {
		return web.Pending{}, fmt.Errorf("take login: %w", err)
	}
	var out web.Pending
	if err := s.open(ofLogin, state, content, &out); err != nil {
		return web.Pending{}, err
	}
	return out, nil
}

// Sweep forgets what had ended by an instant, and says how much that was.
func (s *Store) Sweep(ctx context.Context, at time.Time) (int, error) {
	total := 0
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		total = 0
		for _, text := range []string{`DELETE FROM web_sessions WHERE ends_at <= $1`, `DELETE FROM web_logins WHERE ends_at <= $1`} {
			gone, err := tx.ExecContext(ctx, text, at.UnixMilli())
			if err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
			n, err := gone.RowsAffected()
			if err != nil {
				return err //nolint:wrapcheck // wrapped below
			}
			total += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	return total, nil
}

func (s *Store) exec(ctx context.Context, what, text string, args ...any) error {
	err := s.db.Transact(ctx, func(tx sqldb.Tx) error {
		_, err := tx.ExecContext(ctx, text, args...)
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
